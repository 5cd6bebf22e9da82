//! Compresses large responses, each as a whole before any of it is sent.
//!
//! `Accept-Encoding` is reduced to the one coding that is used, or removed, before a handler sees the request. So it can
//! never be the reason for another status.
//!
//! A compressor takes about a megabyte. If it worked while the response is sent, a client that reads slowly would hold one
//! for each response. So only one runs per core at a time, and none lives longer than it takes to render the response.

mod encoding;

pub(in crate::http) use self::encoding::Encoding;

use std::num::NonZero;
use std::sync::Arc;
use std::thread::available_parallelism;

use axum::Router;
use axum::body::{Body, BodyDataStream};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::Response;
use bytes::{Bytes, BytesMut};
use futures_util::TryStreamExt;
use hyper::body::Body as _;
use tokio::sync::Semaphore;
use tokio::task::yield_now;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{NotForContentType, Predicate, SizeAbove};

use crate::graph::error::Error;
use crate::http::response::error_response;

/// The smallest response that is compressed, in bytes.
pub(in crate::http) const MIN_BYTES: u64 = 1_024;

/// Compresses the large responses of these routes, except images, which are compressed already.
pub(in crate::http) fn layer(routes: Router) -> Router {
    let layer = CompressionLayer::new().compress_when(SizeAbove::new(MIN_BYTES).and(NotForContentType::IMAGES));
    let permits = Semaphore::new(available_parallelism().map_or(1, NonZero::get));
    routes.layer(layer).layer(middleware::from_fn_with_state(Arc::new(permits), compress_whole))
}

async fn compress_whole(State(permits): State<Arc<Semaphore>>, mut request: Request, next: Next) -> Response {
    let preferred = Encoding::preferred(request.headers());
    request.headers_mut().remove(header::ACCEPT_ENCODING);
    if let Some(encoding) = preferred {
        request.headers_mut().insert(header::ACCEPT_ENCODING, HeaderValue::from_static(encoding.name()));
    }
    let response = next.run(request).await;
    // A static file is compressed already and has a known length.
    let is_compressed_now = response.headers().contains_key(header::CONTENT_ENCODING);
    if !is_compressed_now || response.body().size_hint().exact().is_some() {
        return response;
    }
    let (head, body) = response.into_parts();
    let _permit = permits.acquire().await;
    match read(body.into_data_stream()).await {
        Ok(bytes) => Response::from_parts(head, Body::from(bytes)),
        Err(error) => {
            tracing::error!(%error, "compressing a response failed");
            error_response(StatusCode::INTERNAL_SERVER_ERROR, &Error::internal().at(None))
        }
    }
}

/// Reads a body piece by piece, and yields to other tasks between two pieces.
async fn read(mut body: BodyDataStream) -> Result<Bytes, axum::Error> {
    let mut whole = BytesMut::new();
    while let Some(piece) = body.try_next().await? {
        whole.extend_from_slice(&piece);
        yield_now().await;
    }
    Ok(whole.freeze())
}

//! The border: every route, and the layers in the order in which a request meets them.
//!
//! The listener is on loopback and takes a request for what it says only if no page in a browser could have sent it:
//! the `Host` must be this machine (a rebound name is not), and the body must be JSON (so a foreign page needs a
//! preflight, which is never granted).

mod auth;
pub mod explorer;
mod graphql;
mod origin;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use axum::{Extension, Router};
use serde::Deserialize;
use tower_http::catch_panic::CatchPanicLayer;

use crate::graph::Graph;
use crate::graph::error::{Code, Error};

/// How the gateway is reached.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Where it listens.
    pub listen: SocketAddr,
    /// The largest request body taken, in bytes.
    pub body_max_bytes: usize,
    /// Whether `/` shows the explorer.
    pub explorer: bool,
}

impl Default for Settings {
    fn default() -> Self {
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 8080));
        Self { listen, body_max_bytes: 256 << 10, explorer: true }
    }
}

/// What every request needs.
#[derive(Clone)]
struct Shared {
    graph: Arc<Graph>,
    body_max_bytes: usize,
}

/// Every route of the gateway.
pub fn routes(graph: Arc<Graph>, settings: &Settings, tabs: Vec<explorer::Tab>) -> Router {
    let shared = Shared { graph, body_max_bytes: settings.body_max_bytes };
    let mut routes = Router::new()
        .route("/graphql", any(answer))
        .route("/schema.graphql", get(schema))
        .route("/health/live", get(|| async { "live\n" }));
    if settings.explorer {
        routes = routes.merge(explorer::routes(tabs));
    }
    routes
        .fallback(|| async {
            refuse(StatusCode::NOT_FOUND, Error::bad_input("There is nothing here; the graph is at /graphql."))
        })
        .method_not_allowed_fallback(|| async {
            refuse(StatusCode::METHOD_NOT_ALLOWED, Error::bad_input("This can only be read: use GET."))
        })
        .layer(middleware::from_fn(origin::check))
        .layer(CatchPanicLayer::custom(|_| {
            refuse(StatusCode::INTERNAL_SERVER_ERROR, Error::own(Code::Internal, "The gateway failed."))
        }))
        .layer(middleware::from_fn(protect))
        .layer(Extension(shared))
}

async fn answer(Extension(shared): Extension<Shared>, request: Request) -> Response {
    graphql::answer(&shared.graph, shared.body_max_bytes, request).await
}

async fn schema() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/graphql; charset=utf-8")], crate::graph::sdl())
}

/// What every answer carries: it is the caller's alone, and nothing may guess at its type.
async fn protect(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("private, no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.append(header::VARY, HeaderValue::from_static(auth::VARY));
    response
}

/// An answer of errors alone, as JSON.
fn refuse(status: StatusCode, error: Error) -> Response {
    graphql::refuse(status, graphql::Media::Json, vec![error])
}

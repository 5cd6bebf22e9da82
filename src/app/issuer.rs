//! Fetches the issuer's key set, politely and within bounds: one host, no redirect, no proxy, bounded time and size.
//!
//! Where it asks is settled at start. Its errors name no URL, since one may hold a secret in its query, and no content.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::future::BoxFuture;
use reqwest::header::ACCEPT;
use reqwest::{Client, StatusCode, redirect};
use url::Url;

use crate::auth::jwks::{BODY_MAX_BYTES, Source};

/// Time to connect.
const CONNECT_MAX: Duration = Duration::from_secs(2);

/// Time for one whole fetch.
const FETCH_MAX: Duration = Duration::from_secs(5);

/// A key set at a URL.
struct Remote {
    client: Client,
    url: Url,
}

/// Makes the source of the key set at this URL, which must have been checked: https, or plain http on loopback.
///
/// # Errors
/// When the system's TLS roots cannot be used.
pub fn source(url: Url) -> Result<Box<dyn Source>, String> {
    let client = Client::builder()
        .user_agent(concat!("commongraph/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::none())
        .no_proxy()
        .referer(false)
        .https_only(url.scheme() == "https")
        .connect_timeout(CONNECT_MAX)
        .timeout(FETCH_MAX)
        .pool_max_idle_per_host(0)
        .build()
        .map_err(|error| format!("the HTTP client cannot be made: {}", error.without_url()))?;
    Ok(Box::new(Remote { client, url }))
}

impl Source for Remote {
    fn fetch(&self) -> BoxFuture<'_, Result<Bytes, String>> {
        Box::pin(self.get())
    }
}

impl Remote {
    async fn get(&self) -> Result<Bytes, String> {
        let request = self.client.get(self.url.clone()).header(ACCEPT, "application/jwk-set+json, application/json");
        let mut response = request.send().await.map_err(|error| tell(&error))?;
        if response.status() != StatusCode::OK {
            return Err(format!("status {}", response.status().as_u16()));
        }
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| tell(&error))? {
            if body.len() + chunk.len() > BODY_MAX_BYTES {
                return Err("the answer is too large".to_owned());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    }
}

fn tell(error: &reqwest::Error) -> String {
    let what = if error.is_timeout() {
        "no answer in time"
    } else if error.is_connect() || error.is_builder() {
        "no connection"
    } else {
        "the answer broke off"
    };
    what.to_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use axum::Router;
    use axum::body::Body;
    use axum::response::Redirect;
    use axum::routing::get;
    use tokio::net::TcpListener;
    use tower_http::compression::CompressionLayer;

    use super::*;

    async fn issuer() -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let bomb = get(|| async { "0".repeat(64 << 20) }).layer(CompressionLayer::new());
        let endless = get(|| async {
            let piece = Bytes::from_static(&[b' '; 4_096]);
            Body::from_stream(futures_util::stream::repeat_with(move || Ok::<_, std::io::Error>(piece.clone())))
        });
        let routes = Router::new()
            .route("/keys", get(|| async { "{\"keys\":[]}" }))
            .route("/most", get(|| async { "0".repeat(BODY_MAX_BYTES) }))
            .route("/more", get(|| async { "0".repeat(BODY_MAX_BYTES + 1) }))
            .route("/bomb", bomb)
            .route("/endless", endless)
            .route("/elsewhere", get(|| async { Redirect::temporary("/keys") }))
            .route("/out", get(|| async { StatusCode::SERVICE_UNAVAILABLE }))
            .route("/silent", get(|| async { std::future::pending::<()>().await }));
        tokio::spawn(async { axum::serve(listener, routes).await });
        base
    }

    async fn fetch(url: &str) -> Result<usize, String> {
        source(Url::parse(url).unwrap()).unwrap().fetch().await.map(|body| body.len())
    }

    #[tokio::test]
    async fn a_key_set_is_fetched_within_bounds_and_from_nowhere_else() {
        let issuer = issuer().await;
        for (path, found) in [
            ("/keys", Ok(11)),
            ("/most", Ok(BODY_MAX_BYTES)),
            ("/more", Err("the answer is too large")),
            ("/bomb", Err("the answer is too large")),
            ("/endless", Err("the answer is too large")),
            ("/elsewhere", Err("status 307")),
            ("/out", Err("status 503")),
            ("/none", Err("status 404")),
        ] {
            assert_eq!(fetch(&format!("{issuer}{path}")).await, found.map_err(str::to_owned), "{path}");
        }
        let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        assert_eq!(fetch(&format!("http://{closed}/?key=SECRET")).await, Err("no connection".to_owned()));
    }

    #[tokio::test(start_paused = true)]
    async fn an_issuer_that_says_nothing_is_waited_for_in_vain_and_not_long() {
        let issuer = issuer().await;
        assert_eq!(fetch(&format!("{issuer}/silent")).await, Err("no answer in time".to_owned()));
    }
}

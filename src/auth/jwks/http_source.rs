//! Fetches a key set from a URL: one host, no redirects, no proxy, with limits for time and size.
//!
//! The URL comes from the settings. Errors contain neither the URL, whose query may hold a secret, nor content.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::future::BoxFuture;
use reqwest::header::ACCEPT;
use reqwest::{Client, StatusCode, redirect};
use url::Url;

use super::{BODY_MAX_BYTES, JwksSource};

/// The maximum time to connect.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// The maximum time of a whole fetch.
const FETCH_TIMEOUT: Duration = Duration::from_secs(5);

/// A key set at a URL.
pub struct HttpSource {
    client: Client,
    url: Url,
}

impl HttpSource {
    /// Makes the source for a URL, which must have been validated: https, or http on loopback.
    ///
    /// # Errors
    /// If the TLS roots of the system cannot be used.
    pub fn new(url: Url) -> Result<Self, String> {
        let client = Client::builder()
            .user_agent(concat!("commongraph/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .no_proxy()
            .referer(false)
            .https_only(url.scheme() == "https")
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(FETCH_TIMEOUT)
            .pool_max_idle_per_host(0)
            .build()
            .map_err(|error| format!("the HTTP client cannot be built: {}", error.without_url()))?;
        Ok(Self { client, url })
    }

    async fn get(&self) -> Result<Bytes, String> {
        let request = self.client.get(self.url.clone()).header(ACCEPT, "application/jwk-set+json, application/json");
        let mut response = request.send().await.map_err(|error| describe(&error))?;
        if response.status() != StatusCode::OK {
            return Err(format!("status {}", response.status().as_u16()));
        }
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| describe(&error))? {
            if body.len() + chunk.len() > BODY_MAX_BYTES {
                return Err("the response exceeds the limit of 256 KiB".to_owned());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    }
}

impl JwksSource for HttpSource {
    fn fetch(&self) -> BoxFuture<'_, Result<Bytes, String>> {
        Box::pin(self.get())
    }
}

/// Describes an error without the URL, which reqwest's own text contains.
fn describe(error: &reqwest::Error) -> String {
    let what = if error.is_timeout() {
        "timed out"
    } else if error.is_connect() || error.is_builder() {
        "connection failed"
    } else {
        "connection lost"
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

    /// Starts an issuer and returns its base URL.
    async fn issuer() -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let bomb = get(|| async { "0".repeat(4 << 20) }).layer(CompressionLayer::new());
        let endless = get(|| async {
            let piece = Bytes::from_static(&[b' '; 4_096]);
            Body::from_stream(futures_util::stream::repeat_with(move || Ok::<_, std::io::Error>(piece.clone())))
        });
        let routes = Router::new()
            .route("/keys", get(|| async { "{\"keys\":[]}" }))
            .route("/largest", get(|| async { "0".repeat(BODY_MAX_BYTES) }))
            .route("/too-large", get(|| async { "0".repeat(BODY_MAX_BYTES + 1) }))
            .route("/bomb", bomb)
            .route("/endless", endless)
            .route("/redirect", get(|| async { Redirect::temporary("/keys") }))
            .route("/unavailable", get(|| async { StatusCode::SERVICE_UNAVAILABLE }))
            .route("/silent", get(|| async { std::future::pending::<()>().await }));
        tokio::spawn(async { axum::serve(listener, routes).await });
        base
    }

    /// Fetches a URL and returns the length of the body.
    async fn fetch(url: &str) -> Result<usize, String> {
        HttpSource::new(Url::parse(url).unwrap()).unwrap().fetch().await.map(|body| body.len())
    }

    #[tokio::test]
    async fn a_key_set_is_fetched_within_limits_and_without_redirects() {
        let issuer = issuer().await;
        for (path, found) in [
            ("/keys", Ok(11)),
            ("/largest", Ok(BODY_MAX_BYTES)),
            ("/too-large", Err("the response exceeds the limit of 256 KiB")),
            ("/bomb", Err("the response exceeds the limit of 256 KiB")),
            ("/endless", Err("the response exceeds the limit of 256 KiB")),
            ("/redirect", Err("status 307")),
            ("/unavailable", Err("status 503")),
            ("/none", Err("status 404")),
        ] {
            assert_eq!(fetch(&format!("{issuer}{path}")).await, found.map_err(str::to_owned), "{path}");
        }
        let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        assert_eq!(fetch(&format!("http://{closed}/?key=SECRET")).await, Err("connection failed".to_owned()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_issuer_times_out() {
        let issuer = issuer().await;
        assert_eq!(fetch(&format!("{issuer}/silent")).await, Err("timed out".to_owned()));
    }
}

//! The outermost middleware: gives a request an ID and a trace, counts it, and turns a panic into a 500.
//!
//! A client's `X-Request-Id` is used if it is one plain word; otherwise the gateway makes an ID. A client's `traceparent` is
//! used if it is well-formed and the only one. Every log line of the request has both, from its span.
//!
//! The panic hook logs the cause of a panic where it happens, inside the span. The response never has the cause.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use futures_util::FutureExt;
use tokio::time::Instant;
use tracing::Instrument;

use crate::graph::error::Error;
use crate::http::response::error_response;
use crate::metrics::Metrics;
use crate::upstream::Trace;

/// The header with the ID of a request, in the request and in the response.
pub(in crate::http) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The request header with the trace that a request belongs to (W3C Trace Context).
pub(in crate::http) const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// The longest ID that is used, in bytes.
const ID_LENGTH_MAX: usize = 128;

/// The ID of a request: 1 to 128 letters, digits, dots, hyphens and underscores.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::http) struct RequestId(pub(in crate::http) Arc<str>);

impl RequestId {
    fn from_headers(headers: &HeaderMap) -> Self {
        let given = headers.get(REQUEST_ID).and_then(|value| value.to_str().ok()).filter(|text| is_plain(text));
        Self(given.map_or_else(|| uuid::Uuid::new_v4().to_string().into(), Into::into))
    }
}

fn is_plain(text: &str) -> bool {
    (1..=ID_LENGTH_MAX).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}

/// Assigns an ID and a trace to a request, and counts it and its response.
pub(in crate::http) async fn assign(State(metrics): State<Metrics>, mut request: Request, next: Next) -> Response {
    let _in_flight = metrics.request();
    let started = Instant::now();
    let id = RequestId::from_headers(request.headers());
    let trace = trace(request.headers());
    request.extensions_mut().insert(id.clone());
    request.extensions_mut().insert(trace);
    // At the error level, so that no log filter removes the span, and with it the ID, from a line that is logged.
    let span = tracing::error_span!("request", id = &*id.0, trace = %trace);
    let mut response = respond(request, next, &id, started).instrument(span).await;
    metrics.answered(response.status().as_u16(), started.elapsed());
    if let Ok(value) = HeaderValue::from_str(&id.0) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

/// Returns the client's trace, or a new one.
fn trace(headers: &HeaderMap) -> Trace {
    let mut values = headers.get_all(TRACEPARENT).iter();
    let only = values.next().filter(|_| values.next().is_none()).and_then(|value| value.to_str().ok());
    only.and_then(Trace::parse).unwrap_or_else(|| {
        let id = uuid::Uuid::new_v4().as_u128();
        let span = uuid::Uuid::new_v4().as_u64_pair().1;
        Trace::new(id, span)
    })
}

async fn respond(request: Request, next: Next, id: &RequestId, started: Instant) -> Response {
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let result = AssertUnwindSafe(next.run(request)).catch_unwind().await;
    let response = result.unwrap_or_else(|_| internal_error(id));
    tracing::debug!(%method, path, status = response.status().as_u16(), ms = started.elapsed().as_millis(), "answered");
    response
}

fn internal_error(id: &RequestId) -> Response {
    let mut error = Error::internal().at(None);
    error.extensions.get_or_insert_default().set("requestId", &*id.0);
    error_response(StatusCode::INTERNAL_SERVER_ERROR, &error)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use axum::Router;
    use axum::routing::get;
    use tokio::net::TcpListener;

    use super::*;

    /// Collects the log.
    #[derive(Clone, Default)]
    struct Lines(Arc<std::sync::Mutex<Vec<u8>>>);

    impl std::io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    async fn ask(id: Option<&str>, path: &str) -> (StatusCode, String, String) {
        async fn broken() {
            panic!("canary: the secret cause");
        }
        async fn warning() {
            tracing::warn!("something to see");
        }
        let routes =
            Router::new().route("/", get(|| async {})).route("/warning", get(warning)).route("/broken", get(broken));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = tokio::spawn(async move {
            axum::serve(listener, routes.layer(axum::middleware::from_fn_with_state(Metrics::default(), assign)))
                .await
                .unwrap();
        });
        let mut request = reqwest::Client::builder().no_proxy().build().unwrap().get(format!("http://{address}{path}"));
        if let Some(id) = id {
            request = request.header("x-request-id", id);
        }
        let response = request.send().await.unwrap();
        let id = response.headers()["x-request-id"].to_str().unwrap().to_owned();
        let (status, body) = (response.status(), response.text().await.unwrap());
        serving.abort();
        (status, id, body)
    }

    #[tokio::test]
    async fn a_plain_id_is_used_and_any_other_is_replaced() {
        let longest = "x".repeat(ID_LENGTH_MAX);
        for good in ["a", "A.b_c-9", &longest] {
            assert_eq!(ask(Some(good), "/").await.1, good);
        }
        let too_long = "x".repeat(ID_LENGTH_MAX + 1);
        for bad in [None, Some(""), Some("a b"), Some("a;b"), Some(&*too_long)] {
            let made = ask(bad, "/").await.1;
            assert_eq!(made.len(), 36, "{bad:?} {made}");
        }
    }

    #[tokio::test]
    async fn every_line_of_a_request_has_its_id_whatever_the_filter() {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_env_filter("warn")
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .finish();
        // For all threads: a span that a thread without a subscriber meets first would stay disabled.
        tracing::subscriber::set_global_default(subscriber).unwrap();
        ask(Some("the-id"), "/warning").await;
        let log = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        let line = log.lines().find(|line| line.contains("something to see"));
        assert!(line.is_some_and(|line| line.contains("the-id")), "{log}");
    }

    #[tokio::test]
    async fn a_panic_becomes_a_500_that_has_only_the_id() {
        let (status, id, body) = ask(Some("the-id"), "/broken").await;
        assert_eq!((status, &*id), (StatusCode::INTERNAL_SERVER_ERROR, "the-id"));
        assert!(body.contains("\"INTERNAL\"") && body.contains("\"the-id\"") && !body.contains("canary"), "{body}");
        assert!(!body.contains("\"data\""), "{body}");
    }
}

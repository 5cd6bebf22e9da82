//! The outermost layer: a request gets an ID and a trace, all that is logged of it carries both, it is counted, and a
//! panic ends it alone.
//!
//! The ID that a client or proxy sends is taken if it is one plain word; else the request gets one of ours; a
//! trace is taken from `traceparent` if that is well-formed and there once. The cause of a
//! panic is logged where it happens, by the hook that the command sets, inside the request's span.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use futures_util::FutureExt;
use tokio::time::Instant;
use tracing::Instrument;

use super::refuse;
use crate::graph::error::Error;
use crate::metrics::Metrics;
use crate::upstream::Trace;

/// Carries the request's ID in both directions.
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Carries the trace that a request belongs to.
pub(super) const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// The longest ID taken.
const ID_LENGTH_MAX: usize = 128;

/// The ID of a request: 1 to 128 letters, digits, dots, hyphens and underscores.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RequestId(pub(super) Arc<str>);

impl RequestId {
    fn of(headers: &HeaderMap) -> Self {
        let given = headers.get(REQUEST_ID).and_then(|value| value.to_str().ok()).filter(|text| is_plain(text));
        Self(given.map_or_else(|| uuid::Uuid::new_v4().to_string().into(), Into::into))
    }
}

fn is_plain(text: &str) -> bool {
    (1..=ID_LENGTH_MAX).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}

/// Answers a request under its ID, whatever happens.
pub(super) async fn watch(State(metrics): State<Metrics>, mut request: Request, next: Next) -> Response {
    let _under_way = metrics.request();
    let began = Instant::now();
    let (id, trace) = (RequestId::of(request.headers()), trace(request.headers()));
    request.extensions_mut().insert(id.clone());
    request.extensions_mut().insert(trace);
    // At the level of errors, so that no filter takes the ID off a line that is logged.
    let span = tracing::error_span!("request", id = &*id.0, trace = %trace);
    let mut response = answer(request, next, &id, began).instrument(span).await;
    metrics.answered(response.status().as_u16(), began.elapsed());
    if let Ok(value) = HeaderValue::from_str(&id.0) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

/// The trace that a request belongs to: the client's, or one of its own.
fn trace(headers: &HeaderMap) -> Trace {
    let mut given = headers.get_all(TRACEPARENT).iter();
    let alone = given.next().filter(|_| given.next().is_none()).and_then(|value| value.to_str().ok());
    alone.and_then(Trace::parse).unwrap_or_else(|| {
        let (id, span) = (uuid::Uuid::new_v4().as_u128(), uuid::Uuid::new_v4().as_u64_pair().1);
        Trace::new(id, span)
    })
}

async fn answer(request: Request, next: Next, id: &RequestId, began: Instant) -> Response {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let answered = AssertUnwindSafe(next.run(request)).catch_unwind().await;
    let response = answered.unwrap_or_else(|_| failed(id));
    tracing::debug!(%method, path, status = response.status().as_u16(), ms = began.elapsed().as_millis(), "answered");
    response
}

fn failed(id: &RequestId) -> Response {
    let mut error = Error::internal().at(None);
    error.extensions.get_or_insert_default().set("requestId", &*id.0);
    refuse(StatusCode::INTERNAL_SERVER_ERROR, vec![error])
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use axum::Router;
    use axum::routing::get;
    use tokio::net::TcpListener;

    use super::*;

    /// Keeps what is logged.
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
            axum::serve(listener, routes.layer(axum::middleware::from_fn_with_state(Metrics::default(), watch)))
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
    async fn a_plain_id_is_kept_and_any_other_replaced() {
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
        let kept = Lines::default();
        let writer = kept.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_env_filter("warn")
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .finish();
        // For all threads: a span that a thread without a subscriber meets first would stay off.
        tracing::subscriber::set_global_default(subscriber).unwrap();
        ask(Some("the-id"), "/warning").await;
        let told = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
        let line = told.lines().find(|line| line.contains("something to see"));
        assert!(line.is_some_and(|line| line.contains("the-id")), "{told}");
    }

    #[tokio::test]
    async fn a_panic_is_the_gateways_failure_and_says_nothing_but_the_id() {
        let (status, id, body) = ask(Some("the-id"), "/broken").await;
        assert_eq!((status, &*id), (StatusCode::INTERNAL_SERVER_ERROR, "the-id"));
        assert!(body.contains("\"INTERNAL\"") && body.contains("\"the-id\"") && !body.contains("canary"), "{body}");
        assert!(!body.contains("\"data\""), "{body}");
    }
}

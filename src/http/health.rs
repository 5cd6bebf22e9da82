//! Whether this process lives, and whether it wants requests. Neither asks a provider: one that is down is no reason to
//! take the gateway out of service, since it answers from the other.
//!
//! `/health/live` is 200 as long as the process can answer at all. `/health/ready` is 200 while it serves and 503 from
//! the moment it was asked to stop. Both are answered under any load, whatever `Host` the prober sends; the second so often
//! from one address as that may ask the graph.

use std::sync::Arc;

use axum::http::StatusCode;
use axum::routing::get;
use axum::{Router, middleware};
use tokio_util::sync::CancellationToken;

use super::graphql::Edge;
use super::meter;

/// Whether requests are wanted: from the start, until that is taken back.
#[derive(Clone, Debug, Default)]
pub struct Readiness(CancellationToken);

impl Readiness {
    /// Whether requests are wanted.
    pub fn is_ready(&self) -> bool {
        !self.0.is_cancelled()
    }

    /// Takes it back, for good.
    pub fn end(&self) {
        self.0.cancel();
    }

    /// Waits until it is taken back.
    pub async fn ended(&self) {
        self.0.cancelled().await;
    }
}

/// Both routes.
pub(super) fn routes(readiness: Readiness, edge: Arc<Edge>) -> Router {
    let ready = move || {
        let is_ready = readiness.is_ready();
        async move { if is_ready { (StatusCode::OK, "ready\n") } else { (StatusCode::SERVICE_UNAVAILABLE, "draining\n") } }
    };
    Router::new()
        .route("/health/live", get(|| async { "live\n" }))
        .route("/health/ready", get(ready).layer(middleware::from_fn_with_state(edge, meter::probes)))
        .method_not_allowed_fallback(super::read_only)
}

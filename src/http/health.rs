//! `/health/live` and `/health/ready`. Neither calls a provider: with one provider down, the gateway still serves the other.
//!
//! `/health/live` is 200 as long as the process can respond. `/health/ready` is 200 while the gateway serves, and 503 once it
//! was asked to stop. Both respond under any load and to any `Host`. The second has a rate limit per address.

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::routing::get;

use super::middleware::rate_limit;
use super::readiness::Readiness;
use super::response::method_not_allowed;
use super::state::AppState;

/// Builds both routes.
pub(super) fn routes(readiness: Readiness, state: Arc<AppState>) -> Router {
    let ready = move || {
        let is_ready = readiness.is_ready();
        async move { if is_ready { (StatusCode::OK, "ready\n") } else { (StatusCode::SERVICE_UNAVAILABLE, "draining\n") } }
    };
    Router::new()
        .route("/health/live", get(|| async { "live\n" }))
        .route("/health/ready", get(ready).layer(from_fn_with_state(state, rate_limit::count_probe)))
        .method_not_allowed_fallback(method_not_allowed)
}

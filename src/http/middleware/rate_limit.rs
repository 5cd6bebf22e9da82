//! Limits the requests of an address to pages, files and `/health/ready`, per minute.
//!
//! The check is one lookup in a table, before anything is rendered or compressed. `/health/live` is not counted: an
//! orchestrator that got 429 there would restart the process. `/graphql` counts its requests itself.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;

use super::client_ip;
use crate::http::graphql::render;
use crate::http::rate_limits::{RateLimits, RetryAfter};
use crate::http::state::AppState;

/// Counts a request to a page or a file against the requests of its address.
pub(in crate::http) async fn count_page(State(state): State<Arc<AppState>>, request: Request, next: Next) -> Response {
    count(&state.callers.limits, RateLimits::charge_address, request, next).await
}

/// Counts a readiness probe. Probes have a limit of their own, so other requests from the address cannot use it up.
pub(in crate::http) async fn count_probe(State(state): State<Arc<AppState>>, request: Request, next: Next) -> Response {
    count(&state.callers.limits, RateLimits::charge_probe, request, next).await
}

async fn count(
    limits: &RateLimits,
    charge: fn(&RateLimits, IpAddr) -> Result<(), RetryAfter>,
    request: Request,
    next: Next,
) -> Response {
    let address = client_ip::limit_key(request.extensions());
    match charge(limits, address) {
        Ok(()) => next.run(request).await,
        Err(retry_after) => render::rate_limited(limits, retry_after, address),
    }
}

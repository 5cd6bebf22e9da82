//! What an address may ask beside the graph: pages, files, and whether requests are wanted, each by the minute.
//!
//! It costs one look into a table, before anything is made or compressed. `/health/live` alone is not counted: whoever asks
//! it restarts what does not answer.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;

use super::graphql::{self, Edge};
use super::limits::{Limits, Wait};

/// Counts a page or a file among the requests of its address.
pub(super) async fn pages(State(edge): State<Arc<Edge>>, request: Request, next: Next) -> Response {
    count(&edge.callers.limits, Limits::enter, request, next).await
}

/// Counts a look at whether requests are wanted, apart from what else its address asks.
pub(super) async fn probes(State(edge): State<Arc<Edge>>, request: Request, next: Next) -> Response {
    count(&edge.callers.limits, Limits::probe, request, next).await
}

async fn count(
    limits: &Limits,
    toll: fn(&Limits, IpAddr) -> Result<(), Wait>,
    request: Request,
    next: Next,
) -> Response {
    let address = graphql::address(request.extensions());
    match toll(limits, address) {
        Ok(()) => next.run(request).await,
        Err(wait) => graphql::too_many(limits, wait, address),
    }
}

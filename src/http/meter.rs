//! What an address may ask beside the graph: pages, files, and whether requests are wanted, each by the minute.
//!
//! It costs one look into a table, before anything is made or compressed. `/health/live` alone is not counted: whoever asks
//! it restarts what does not answer.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;

use super::graphql::{self, Edge};

/// Counts a page or a file among the requests of its address.
pub(super) async fn pages(State(edge): State<Arc<Edge>>, request: Request, next: Next) -> Response {
    let (limits, address) = (&edge.callers.limits, graphql::address(request.extensions()));
    match limits.enter(address) {
        Ok(()) => next.run(request).await,
        Err(wait) => graphql::too_many(limits, wait, address),
    }
}

/// Counts a look at whether requests are wanted, apart from what else its address asks.
pub(super) async fn probes(State(edge): State<Arc<Edge>>, request: Request, next: Next) -> Response {
    let (limits, address) = (&edge.callers.limits, graphql::address(request.extensions()));
    match limits.probe(address) {
        Ok(()) => next.run(request).await,
        Err(wait) => graphql::too_many(limits, wait, address),
    }
}

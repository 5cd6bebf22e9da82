//! `/metrics`: what was counted, in OpenMetrics' format, for a service with the scope for it; and, on a listener of its
//! own, for whoever reaches that.
//!
//! Nothing in it is anybody's, but it tells how much is going on, so it lies open only where the settings say so. It is
//! answered under any load, since that is when it is read.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header;
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::graphql::{self, Edge};
use super::settings::Hosts;
use super::{Settings, guard, host, nothing_here, origin, protect, read_only};
use crate::metrics::{Metrics, TEXT_TYPE};

/// Where it is.
const PATH: &str = "/metrics";

/// For callers with the scope.
pub(super) fn routes(edge: Arc<Edge>) -> Router {
    Router::new().route(PATH, get(answer)).method_not_allowed_fallback(read_only).with_state(edge)
}

/// For whoever reaches them, and nothing beside them. On loopback no page can reach them under a name of its own.
pub(super) fn open_routes(metrics: &Metrics, is_loopback: bool) -> Router {
    let hosts = if is_loopback { Hosts::ThisMachine } else { Hosts::Any };
    let gate = origin::Gate::of(&Settings { allowed_hosts: hosts, ..Settings::default() });
    let told = metrics.clone();
    Router::new()
        .route(PATH, get(async move || tell(&told)))
        .method_not_allowed_fallback(read_only)
        .fallback(nothing_here)
        .layer(middleware::from_fn_with_state(Arc::new(gate), origin::check))
        .layer(middleware::from_fn(host::check))
        .layer(middleware::from_fn(protect))
        // What is asked here is not what is counted.
        .layer(middleware::from_fn_with_state(Metrics::default(), guard::watch))
}

async fn answer(State(edge): State<Arc<Edge>>, request: Request) -> Response {
    let (head, _) = request.into_parts();
    match graphql::may_scrape(&edge, &head).await {
        Ok(()) => tell(&edge.metrics),
        Err(refused) => refused,
    }
}

fn tell(metrics: &Metrics) -> Response {
    ([(header::CONTENT_TYPE, TEXT_TYPE)], metrics.text()).into_response()
}

//! `/metrics`: the metrics in the OpenMetrics text format.
//!
//! On the main listener, a caller needs a service key with the scope for metrics. A listener of its own, if
//! `http.metrics_listen` is set, serves them without a credential. The metrics have no personal data, but they show how busy
//! the gateway is. They are served under any load, since that is when they are needed.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header;
use axum::http::request::Parts;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::graphql::{Media, RequestError, RequestErrorKind, render};
use super::middleware::{allowed_hosts, client_ip, csrf, host_header, request_id, response_headers};
use super::request_context::authenticate;
use super::response::{method_not_allowed, not_found};
use super::settings::{AllowedHosts, AllowedOrigins};
use super::state::AppState;
use crate::auth::Scope;
use crate::graph::error::{Error, ErrorCode};
use crate::metrics::{Metrics, TEXT_TYPE};

/// The path of the metrics.
const PATH: &str = "/metrics";

/// Builds the route on the main listener.
pub(super) fn routes(state: Arc<AppState>) -> Router {
    Router::new().route(PATH, get(handle)).method_not_allowed_fallback(method_not_allowed).with_state(state)
}

/// Builds the routes of the separate listener. On loopback, `Host` must be a loopback name, so no page of another site can
/// read the metrics.
pub(super) fn open_routes(metrics: &Metrics, is_loopback: bool) -> Router {
    let hosts = if is_loopback { AllowedHosts::Loopback } else { AllowedHosts::Any };
    let shown = metrics.clone();
    Router::new()
        .route(PATH, get(async move || render_metrics(&shown)))
        .method_not_allowed_fallback(method_not_allowed)
        .fallback(not_found)
        .layer(from_fn_with_state(Arc::new(AllowedOrigins::default()), csrf::check))
        .layer(from_fn_with_state(Arc::new(hosts), allowed_hosts::check))
        .layer(from_fn(host_header::check))
        .layer(from_fn(response_headers::add))
        // Requests to this listener are not counted in the metrics.
        .layer(from_fn_with_state(Metrics::default(), request_id::assign))
}

async fn handle(State(state): State<Arc<AppState>>, request: Request) -> Response {
    let (head, _) = request.into_parts();
    match authorize(&state, &head).await {
        Ok(()) => render_metrics(&state.metrics),
        Err(error) => {
            let address = client_ip::limit_key(&head.extensions);
            render::unauthenticated(error, &state, Media::Json, address)
        }
    }
}

/// Checks that the caller may read the metrics.
async fn authorize(state: &AppState, head: &Parts) -> Result<(), RequestError> {
    let address = client_ip::limit_key(&head.extensions);
    let context = authenticate(state, head, Some(Media::Json), address).await?;
    context.quota.charge_request()?;
    if context.caller.has_scope(Scope::Metrics) {
        return Ok(());
    }
    let (kind, code) = match context.caller.is_anonymous() {
        true => (RequestErrorKind::Unauthenticated, ErrorCode::Unauthenticated),
        false => (RequestErrorKind::Forbidden, ErrorCode::Forbidden),
    };
    let message = "The metrics are for services whose key has the scope for them.";
    Err(RequestError::new(kind, Error { scope: Some(Scope::Metrics), ..Error::new(code, message) }))
}

fn render_metrics(metrics: &Metrics) -> Response {
    ([(header::CONTENT_TYPE, TEXT_TYPE)], metrics.text()).into_response()
}

//! Every route, and the middleware in the order in which a request passes it.

use std::sync::Arc;

use axum::Router;
use axum::http::HeaderMap;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{any, get};

use super::graphql::handler;
use super::middleware::{
    allowed_hosts, client_ip, compression, concurrency_limit, cors, csrf, header_limit, host_header, rate_limit,
    request_id, response_headers,
};
use super::persisted::PersistedDocuments;
use super::response::{method_not_allowed, not_found};
use super::server::require_admission;
use super::settings::Settings;
use super::state::{AppState, CallerState, SharedState};
use super::static_file::{REVALIDATE, StaticFile};
use super::{explorer, health, metrics_endpoint};
use crate::auth::digest::Digest;
use crate::graph::{Graph, schema_directives};

/// The media type of the schema.
const SDL_TYPE: &str = "application/graphql; charset=utf-8";

/// Builds every route of the gateway.
///
/// # Errors
/// A sentence that names the setting, if the trusted documents cannot be read or a trusted proxy is not a network.
pub fn routes(
    graph: Arc<Graph>,
    callers: CallerState,
    settings: &Settings,
    tabs: Vec<explorer::Tab>,
    shared: &SharedState,
) -> Result<Router, String> {
    let proxies =
        settings.trusted_proxies.networks().ok_or("http.trusted_proxies: names something that is no network")?;
    let state = Arc::new(AppState {
        graph,
        callers,
        persisted: PersistedDocuments::from_settings(settings)?,
        profile: settings.profile,
        body_max: settings.body_max_bytes,
        batch_max: settings.batch_max,
        response_max: settings.limits.answer_max_bytes,
        concurrency: shared.concurrency.clone(),
        metrics: shared.metrics.clone(),
    });
    let concurrency = shared.concurrency.clone();
    // The GraphQL handler counts requests itself, since only it knows the caller.
    let routes = page_routes(settings, tabs)
        .layer(from_fn_with_state(state.clone(), rate_limit::count_page))
        .layer(from_fn_with_state(concurrency.clone(), concurrency_limit::run))
        .merge(Router::new().route("/graphql", any(handler::handle)).with_state(state.clone()));
    // Layers are listed from the inside out: a request passes the last one first.
    let routes =
        routes.layer(from_fn_with_state(concurrency, concurrency_limit::bound)).layer(from_fn(require_admission));
    let routes = cors::layer(routes, settings)
        .merge(metrics_endpoint::routes(state.clone()).layer(from_fn(require_admission)))
        .layer(from_fn_with_state(Arc::new(settings.allowed_origins.clone()), csrf::check))
        .layer(from_fn_with_state(Arc::new(settings.allowed_hosts.clone()), allowed_hosts::check))
        .merge(health::routes(shared.readiness.clone(), state));
    Ok(compression::layer(routes)
        // Outside the compression, which removes a header from the request.
        .layer(from_fn_with_state(settings.limits.headers_max, header_limit::check))
        .layer(from_fn(host_header::check))
        .layer(from_fn(response_headers::add))
        .layer(from_fn_with_state(Arc::new(client_ip::ProxyList::new(proxies)), client_ip::resolve))
        .layer(from_fn_with_state(shared.metrics.clone(), request_id::assign)))
}

/// The routes that anybody may read: the schema, and the explorer if it is shown.
fn page_routes(settings: &Settings, tabs: Vec<explorer::Tab>) -> Router {
    let sdl = schema_directives::sdl();
    let schema = StaticFile::new(SDL_TYPE, Digest::sha256(&sdl).to_string(), sdl);
    let send_schema = get(async move |headers: HeaderMap| schema.respond(&headers, REVALIDATE).await);
    let mut pages = Router::new().route("/schema.graphql", send_schema);
    if settings.shows_explorer() {
        pages = pages.merge(explorer::routes(tabs));
    }
    pages.fallback(not_found).method_not_allowed_fallback(method_not_allowed)
}

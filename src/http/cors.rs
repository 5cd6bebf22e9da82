//! Lets pages of named origins ask and read. Unless some are named, no preflight is granted at all.
//!
//! The gateway knows no cookies, so credentials are never part of it: a page sends its headers itself.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::middleware::{self, Next};
use axum::response::Response;
use tower_http::cors::CorsLayer;

use super::Settings;
use super::{auth, graphql, guard, limits};

/// How long a browser may keep what a preflight granted.
const GRANT_KEPT: Duration = Duration::from_secs(600);

/// Headers that common GraphQL clients, tracing libraries and frameworks send by themselves. The gateway ignores them, but a
/// browser does not send a request that has one unless the preflight response allows it.
const CLIENT_HEADERS: [HeaderName; 9] = [
    HeaderName::from_static("apollographql-client-name"),
    HeaderName::from_static("apollographql-client-version"),
    HeaderName::from_static("apollo-require-preflight"),
    HeaderName::from_static("graphql-client-name"),
    HeaderName::from_static("graphql-client-version"),
    HeaderName::from_static("sentry-trace"),
    HeaderName::from_static("baggage"),
    HeaderName::from_static("tracestate"),
    HeaderName::from_static("x-requested-with"),
];

/// Lets the pages of `allowed_origins` send requests and read the responses.
pub(super) fn open(routes: Router, settings: &Settings) -> Router {
    let values: Vec<_> =
        settings.allowed_origins.0.iter().filter_map(|origin| HeaderValue::from_str(origin).ok()).collect();
    if values.is_empty() {
        return routes;
    }
    let known: Arc<[HeaderValue]> = values.clone().into();
    let cors = CorsLayer::new()
        .allow_origin(values)
        .allow_methods([Method::GET, Method::POST])
        .allow_headers(allowed_headers(settings))
        .expose_headers([guard::REQUEST_ID, limits::POLICY, limits::LEFT, header::RETRY_AFTER])
        .max_age(GRANT_KEPT);
    routes.layer(cors).layer(middleware::from_fn_with_state(known, refuse_strangers))
}

/// Every request header that a preflight response allows.
fn allowed_headers(settings: &Settings) -> Vec<HeaderName> {
    let own = [
        header::CONTENT_TYPE,
        header::ACCEPT,
        header::CACHE_CONTROL,
        guard::REQUEST_ID,
        guard::TRACEPARENT,
        graphql::COST,
        graphql::DEADLINE,
        graphql::EXPLAIN,
    ];
    let more = settings.allowed_headers.0.iter().filter_map(|name| name.parse().ok());
    own.into_iter().chain(auth::HEADERS).chain(CLIENT_HEADERS).chain(more).collect()
}

/// A preflight of an origin that is not named is a wrong method, as it is where none is named.
async fn refuse_strangers(State(known): State<Arc<[HeaderValue]>>, request: Request, next: Next) -> Response {
    let is_known = request.headers().get(header::ORIGIN).is_some_and(|origin| known.contains(origin));
    if request.method() == Method::OPTIONS && !is_known {
        return graphql::wrong_method();
    }
    next.run(request).await
}

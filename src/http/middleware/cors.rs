//! Lets pages of `http.allowed_origins` send requests and read the responses (CORS). Without such origins, no preflight is
//! granted.
//!
//! The gateway uses no cookies, so `Access-Control-Allow-Credentials` is never sent: a page sets its headers itself.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::middleware::{self, Next};
use axum::response::Response;
use tower_http::cors::CorsLayer;

use super::request_id;
use crate::http::graphql::{render, request_options};
use crate::http::settings::Settings;
use crate::http::{auth, rate_limits};

/// How long a browser may cache the response to a preflight.
const PREFLIGHT_MAX_AGE: Duration = Duration::from_secs(600);

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
pub(in crate::http) fn layer(routes: Router, settings: &Settings) -> Router {
    let values: Vec<_> =
        settings.allowed_origins.0.iter().filter_map(|origin| HeaderValue::from_str(origin).ok()).collect();
    if values.is_empty() {
        return routes;
    }
    let allowed: Arc<[HeaderValue]> = values.clone().into();
    let cors = CorsLayer::new()
        .allow_origin(values)
        .allow_methods([Method::GET, Method::POST])
        .allow_headers(allowed_headers(settings))
        .expose_headers([request_id::REQUEST_ID, rate_limits::POLICY, rate_limits::REMAINING, header::RETRY_AFTER])
        .max_age(PREFLIGHT_MAX_AGE);
    routes.layer(cors).layer(middleware::from_fn_with_state(allowed, reject_preflight))
}

/// Every request header that a preflight response allows.
fn allowed_headers(settings: &Settings) -> Vec<HeaderName> {
    let own = [
        header::CONTENT_TYPE,
        header::ACCEPT,
        header::CACHE_CONTROL,
        request_id::REQUEST_ID,
        request_id::TRACEPARENT,
        request_options::COST,
        request_options::DEADLINE,
        request_options::EXPLAIN,
    ];
    let more = settings.allowed_headers.0.iter().filter_map(|name| name.parse().ok());
    own.into_iter().chain(auth::HEADERS).chain(CLIENT_HEADERS).chain(more).collect()
}

/// Rejects a preflight of an origin that is not allowed with 405, as if no origin were allowed.
async fn reject_preflight(State(allowed): State<Arc<[HeaderValue]>>, request: Request, next: Next) -> Response {
    let is_allowed = request.headers().get(header::ORIGIN).is_some_and(|origin| allowed.contains(origin));
    if request.method() == Method::OPTIONS && !is_allowed {
        return render::wrong_method();
    }
    next.run(request).await
}

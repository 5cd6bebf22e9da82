//! Lets pages of named origins ask and read. Unless some are named, no preflight is granted at all.
//!
//! The gateway knows no cookies, so credentials are never part of it: a page sends its headers itself.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, header};
use axum::middleware::{self, Next};
use axum::response::Response;
use tower_http::cors::CorsLayer;

use super::settings::Origins;
use super::{auth, graphql, guard, limits};

/// How long a browser may keep what a preflight granted.
const GRANT_KEPT: Duration = Duration::from_secs(600);

/// Adds what these origins need.
pub(super) fn open(routes: Router, origins: &Origins) -> Router {
    let values: Vec<_> = origins.0.iter().filter_map(|origin| HeaderValue::from_str(origin).ok()).collect();
    if values.is_empty() {
        return routes;
    }
    let known: Arc<[HeaderValue]> = values.clone().into();
    let [authorization, token] = auth::HEADERS;
    let cors = CorsLayer::new()
        .allow_origin(values)
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([
            header::CONTENT_TYPE,
            header::ACCEPT,
            header::CACHE_CONTROL,
            guard::REQUEST_ID,
            guard::TRACEPARENT,
            graphql::COST,
            graphql::DEADLINE,
            graphql::EXPLAIN,
            authorization,
            token,
        ])
        .expose_headers([guard::REQUEST_ID, limits::POLICY, limits::LEFT, header::RETRY_AFTER])
        .max_age(GRANT_KEPT);
    routes.layer(cors).layer(middleware::from_fn_with_state(known, refuse_strangers))
}

/// A preflight of an origin that is not named is a wrong method, as it is where none is named.
async fn refuse_strangers(State(known): State<Arc<[HeaderValue]>>, request: Request, next: Next) -> Response {
    let is_known = request.headers().get(header::ORIGIN).is_some_and(|origin| known.contains(origin));
    if request.method() == Method::OPTIONS && !is_known {
        return graphql::wrong_method();
    }
    next.run(request).await
}

//! Adds the headers that every response has.
//!
//! A response is private, its media type must not be guessed, and `Vary` names the request headers that it depends on. A
//! 429 or 503 says when to retry.

use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;

use crate::http::auth;

/// The `Retry-After` of a 429 or 503 for which no better time is known, in seconds.
const RETRY_AFTER_SECONDS: HeaderValue = HeaderValue::from_static("5");

/// Adds the headers. A handler's own `Retry-After` and `Cache-Control` stay.
pub(in crate::http) async fn add(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let is_temporary = matches!(response.status(), StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
    let headers = response.headers_mut();
    if is_temporary {
        headers.entry(header::RETRY_AFTER).or_insert(RETRY_AFTER_SECONDS);
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("private, no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.append(header::VARY, HeaderValue::from_static(auth::VARY));
    response
}

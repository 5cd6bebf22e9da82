//! Limits the number of header fields of a request.

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::Response;

use crate::graph::error::{Error, ErrorCode};
use crate::http::response::error_response;

/// Rejects a request with more than `max` header fields.
pub(in crate::http) async fn check(State(max): State<usize>, request: Request, next: Next) -> Response {
    let count = request.headers().len();
    if count <= max {
        return next.run(request).await;
    }
    let message = format!("The request has {count} headers; at most {max} are taken.");
    let error = Error::new(ErrorCode::LimitExceeded, message);
    error_response(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, &error.at(None))
}

//! Responses that no operation produced: one GraphQL error in JSON, with a status.

use async_graphql::ServerError;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::graphql::Media;
use crate::graph::error::{Error, ErrorCode};

/// Returns a response with this JSON body.
pub(super) fn json_response(status: StatusCode, media: Media, body: &Value) -> Response {
    (status, [(header::CONTENT_TYPE, media.header())], body.to_string()).into_response()
}

/// Returns a response with this error and no `data`, in `application/json`.
pub(super) fn error_response(status: StatusCode, error: &ServerError) -> Response {
    json_response(status, Media::Json, &json!({ "errors": [error] }))
}

/// Handles a request to a path that does not exist.
pub(super) async fn not_found() -> Response {
    let error = Error::bad_input("There is nothing here; the graph is at /graphql.");
    error_response(StatusCode::NOT_FOUND, &error.at(None))
}

/// Handles a method other than GET on a path that can only be read.
pub(super) async fn method_not_allowed() -> Response {
    error_response(StatusCode::METHOD_NOT_ALLOWED, &Error::bad_input("Use GET here.").at(None))
}

/// Returns the response to a request that timed out after a mutation had started. It must not say that nothing was done.
pub(super) fn timed_out_mutation() -> Response {
    let message = "The request timed out after a mutation had started. Read the object again before you repeat it.";
    let error = Error::new(ErrorCode::Uncertain, message).at(None);
    json_response(StatusCode::OK, Media::Json, &json!({ "data": null, "errors": [error] }))
}

//! The result of one operation.

use async_graphql::Response;
use serde_json::json;

use super::request_error::RequestError;
use crate::graph::error::Error;

/// An operation that was executed.
pub(super) struct Executed {
    /// Its data and errors.
    pub(super) response: Response,
    /// Whether it is a mutation, which may have changed something.
    pub(super) is_mutation: bool,
}

/// What became of an operation: it was executed, or rejected before.
pub(super) type OperationResult = Result<Executed, RequestError>;

/// Serializes the response of an operation.
pub(super) fn to_json(response: &Response) -> String {
    serde_json::to_string(response).unwrap_or_else(|error| {
        tracing::error!(%error, "serializing a response failed");
        json!({ "data": null, "errors": [Error::internal().at(None)] }).to_string()
    })
}

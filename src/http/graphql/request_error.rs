//! Why a request is rejected before any operation runs, and the status for each reason and profile.

use std::collections::BTreeMap;
use std::time::Duration;

use async_graphql::{ServerError, Value};
use axum::http::StatusCode;
use serde::Serialize;

use super::media::Media;
use crate::graph::error::{Error, ErrorCode};
use crate::graph::operation::{OperationError, OperationErrorKind};
use crate::http::middleware::concurrency_limit::Overload;
use crate::http::rate_limits::{LimitKind, RetryAfter};
use crate::http::settings::Profile;

/// The reason for a rejection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http) enum RequestErrorKind {
    /// The body is incomplete or not JSON, or a header is malformed.
    Unreadable,
    /// A parameter is missing or of the wrong type.
    Malformed,
    /// The document cannot be parsed.
    Syntax,
    /// The document, the operation name or a variable is not valid.
    Invalid,
    /// A credential is missing or not valid.
    Unauthenticated,
    /// A credential cannot be checked at present.
    Unavailable,
    /// The document or the endpoint is not allowed for this caller.
    Forbidden,
    /// The method is not allowed, or not for this type of operation.
    Method,
    /// The client accepts no supported media type.
    NotAcceptable,
    /// Receiving the body timed out.
    TooSlow,
    /// The body exceeds the limit.
    TooLarge,
    /// The query string exceeds the limit.
    UriTooLong,
    /// `Content-Type` is not JSON.
    MediaType,
    /// The caller or its address has reached a rate limit.
    RateLimited,
    /// The gateway has reached a limit of concurrency or memory.
    Overloaded,
}

/// A request that is rejected. Serialized, it is the body of the response.
#[derive(Debug, Serialize)]
pub(in crate::http) struct RequestError {
    /// The reason.
    #[serde(skip)]
    pub(super) kind: RequestErrorKind,
    /// The time until a retry can succeed, if known.
    #[serde(skip)]
    pub(super) retry_after: Option<Duration>,
    /// The rate limit that is reached, if that is the reason.
    #[serde(skip)]
    pub(super) limit: Option<LimitKind>,
    /// The errors of the response.
    pub(super) errors: Vec<ServerError>,
    /// The extensions of the response.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) extensions: BTreeMap<String, Value>,
}

impl RequestError {
    /// Creates a rejection with one error.
    pub(in crate::http) fn new(kind: RequestErrorKind, error: Error) -> Self {
        let retry_after = error.retry_after;
        Self { kind, retry_after, limit: None, errors: vec![error.at(None)], extensions: BTreeMap::new() }
    }
}

impl From<OperationError> for RequestError {
    fn from(error: OperationError) -> Self {
        let kind = match error.kind {
            OperationErrorKind::Syntax => RequestErrorKind::Syntax,
            OperationErrorKind::Invalid => RequestErrorKind::Invalid,
            OperationErrorKind::NotAQuery => RequestErrorKind::Method,
        };
        Self { kind, retry_after: None, limit: None, errors: error.errors, extensions: error.extensions }
    }
}

impl From<RetryAfter> for RequestError {
    fn from(RetryAfter { limit, after }: RetryAfter) -> Self {
        tracing::debug!(?limit, retry_after = ?after, "rejected: a rate limit is reached");
        let error = Error { retry_after: Some(after), ..Error::new(ErrorCode::RateLimited, limit.message()) };
        RequestError { limit: Some(limit), ..RequestError::new(RequestErrorKind::RateLimited, error) }
    }
}

impl From<Overload> for RequestError {
    fn from(overload: Overload) -> Self {
        RequestError::new(RequestErrorKind::Overloaded, overload.error())
    }
}

impl RequestErrorKind {
    /// Returns the status of the response.
    pub(super) fn status(self, profile: Profile, media: Media) -> StatusCode {
        match (self, profile, media) {
            // Older clients treat any other status as a network failure.
            (RequestErrorKind::Syntax | RequestErrorKind::Invalid, Profile::Stable, Media::Json) => StatusCode::OK,
            (RequestErrorKind::Malformed | RequestErrorKind::Invalid, Profile::Draft, _) => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
            (
                RequestErrorKind::Unreadable
                | RequestErrorKind::Malformed
                | RequestErrorKind::Syntax
                | RequestErrorKind::Invalid,
                ..,
            ) => StatusCode::BAD_REQUEST,
            (RequestErrorKind::Unauthenticated, ..) => StatusCode::UNAUTHORIZED,
            (RequestErrorKind::Unavailable, ..) => StatusCode::SERVICE_UNAVAILABLE,
            (RequestErrorKind::Forbidden, ..) => StatusCode::FORBIDDEN,
            (RequestErrorKind::Method, ..) => StatusCode::METHOD_NOT_ALLOWED,
            (RequestErrorKind::NotAcceptable, ..) => StatusCode::NOT_ACCEPTABLE,
            (RequestErrorKind::TooSlow, ..) => StatusCode::REQUEST_TIMEOUT,
            (RequestErrorKind::TooLarge, ..) => StatusCode::PAYLOAD_TOO_LARGE,
            (RequestErrorKind::UriTooLong, ..) => StatusCode::URI_TOO_LONG,
            (RequestErrorKind::MediaType, ..) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            (RequestErrorKind::RateLimited, ..) => StatusCode::TOO_MANY_REQUESTS,
            (RequestErrorKind::Overloaded, ..) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

//! Why a request is not executed, and the status that says so: one table, with a column for each profile.

use std::collections::BTreeMap;
use std::time::Duration;

use async_graphql::{ServerError, Value};
use axum::http::StatusCode;
use serde::Serialize;

use super::super::Profile;
use super::super::limits::{Over, Wait};
use super::super::load::Overload;
use super::Media;
use crate::graph::error::{Error, ErrorCode};
use crate::graph::operation::{self, OperationError};

/// What kind of fault it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http) enum Fault {
    /// The body is not JSON, or broke off; or a header is not what it should be.
    Unreadable,
    /// A parameter is missing or of the wrong type.
    Malformed,
    /// The document cannot be parsed.
    Syntax,
    /// The document, the choice of an operation or a variable is not valid.
    Invalid,
    /// A credential is not what it should be.
    Unauthenticated,
    /// A credential cannot be checked at present.
    Unavailable,
    /// The gateway does not answer this document.
    Forbidden,
    /// The method is wrong, or is wrong for this operation.
    Method,
    /// The client takes no media type that is spoken here.
    NotAcceptable,
    /// The body did not come in time.
    TooSlow,
    /// The body is larger than is taken.
    TooLarge,
    /// The address is longer than is taken.
    AddressTooLong,
    /// The body is not said to be JSON.
    MediaType,
    /// The caller, or their address, asks more than it may.
    TooMany,
    /// The gateway has no room for the request.
    Overloaded,
}

/// A request that is not executed; written out it is the whole answer.
#[derive(Debug, Serialize)]
pub(in crate::http) struct Refusal {
    /// What kind of fault it is.
    #[serde(skip)]
    pub(super) fault: Fault,
    /// How long to wait before asking again, if that is known.
    #[serde(skip)]
    pub(super) wait: Option<Duration>,
    /// Which limit is reached, if that is why.
    #[serde(skip)]
    pub(super) over: Option<Over>,
    /// What is told of it.
    pub(super) errors: Vec<ServerError>,
    /// What is told beside that.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) extensions: BTreeMap<String, Value>,
}

impl Refusal {
    /// A refusal for one reason.
    pub(in crate::http) fn new(fault: Fault, error: Error) -> Self {
        let wait = error.retry_after;
        Self { fault, wait, over: None, errors: vec![error.at(None)], extensions: BTreeMap::new() }
    }
}

impl From<OperationError> for Refusal {
    fn from(rejected: OperationError) -> Self {
        let fault = match rejected.kind {
            operation::OperationErrorKind::Syntax => Fault::Syntax,
            operation::OperationErrorKind::Invalid => Fault::Invalid,
            operation::OperationErrorKind::NotAQuery => Fault::Method,
        };
        Self { fault, wait: None, over: None, errors: rejected.errors, extensions: rejected.extensions }
    }
}

impl From<Wait> for Refusal {
    fn from(wait: Wait) -> Self {
        let Wait { over, time } = wait;
        tracing::debug!(?over, wait = ?time, "refused: a limit is reached");
        let error = Error { retry_after: Some(time), ..Error::new(ErrorCode::RateLimited, over.sentence()) };
        Refusal { over: Some(over), ..Refusal::new(Fault::TooMany, error) }
    }
}

impl From<Overload> for Refusal {
    fn from(overload: Overload) -> Self {
        Refusal::new(Fault::Overloaded, overload.error())
    }
}

impl Fault {
    /// The status of an answer with this fault.
    pub(super) fn status(self, profile: Profile, media: Media) -> StatusCode {
        match (self, profile, media) {
            // Older clients take any other status for a failure of the network.
            (Fault::Syntax | Fault::Invalid, Profile::Stable, Media::Json) => StatusCode::OK,
            (Fault::Malformed | Fault::Invalid, Profile::Draft, _) => StatusCode::UNPROCESSABLE_ENTITY,
            (Fault::Unreadable | Fault::Malformed | Fault::Syntax | Fault::Invalid, ..) => StatusCode::BAD_REQUEST,
            (Fault::Unauthenticated, ..) => StatusCode::UNAUTHORIZED,
            (Fault::Unavailable, ..) => StatusCode::SERVICE_UNAVAILABLE,
            (Fault::Forbidden, ..) => StatusCode::FORBIDDEN,
            (Fault::Method, ..) => StatusCode::METHOD_NOT_ALLOWED,
            (Fault::NotAcceptable, ..) => StatusCode::NOT_ACCEPTABLE,
            (Fault::TooSlow, ..) => StatusCode::REQUEST_TIMEOUT,
            (Fault::TooLarge, ..) => StatusCode::PAYLOAD_TOO_LARGE,
            (Fault::AddressTooLong, ..) => StatusCode::URI_TOO_LONG,
            (Fault::MediaType, ..) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            (Fault::TooMany, ..) => StatusCode::TOO_MANY_REQUESTS,
            (Fault::Overloaded, ..) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

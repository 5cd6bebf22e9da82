//! What the headers of a request say about how its operations run.

use std::time::Duration;

use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, Method, header};

use super::request_error::{RequestError, RequestErrorKind};
use crate::graph::error::Error;
use crate::graph::operation::AllowedOperations;

/// The header that, with `1`, asks for the cost of the operation in `extensions.cost`.
pub(in crate::http) const COST: HeaderName = HeaderName::from_static("x-commongraph-cost");

/// The header that, with `1`, asks for the provider calls of the operation in `extensions.gateway.calls`.
pub(in crate::http) const EXPLAIN: HeaderName = HeaderName::from_static("x-commongraph-explain");

/// The header that shortens the deadline of the operation: a whole number of milliseconds.
pub(in crate::http) const DEADLINE: HeaderName = HeaderName::from_static("x-commongraph-deadline");

/// How the operations of a request run.
#[derive(Clone, Copy)]
pub(super) struct RequestOptions {
    /// The operation types that the method allows.
    pub(super) allowed: AllowedOperations,
    /// Whether the response has `extensions.cost`.
    pub(super) wants_cost: bool,
    /// Whether the response has the provider calls, if the caller may see them.
    pub(super) wants_calls: bool,
    /// Whether the operation bypasses the cache, if the caller may.
    pub(super) bypasses_cache: bool,
    /// The deadline that the client sets, since the request was received.
    pub(super) deadline: Option<Duration>,
}

impl RequestOptions {
    /// Reads the options from the method and headers of a request.
    ///
    /// # Errors
    /// If the deadline is not a whole number of milliseconds.
    pub(super) fn from_head(head: &Parts) -> Result<Self, RequestError> {
        let allowed = if head.method == Method::POST { AllowedOperations::All } else { AllowedOperations::QueriesOnly };
        let is_one = |name| head.headers.get(name).is_some_and(|value| value == "1");
        Ok(Self {
            allowed,
            wants_cost: is_one(COST),
            wants_calls: is_one(EXPLAIN),
            bypasses_cache: has_no_cache(&head.headers),
            deadline: deadline(&head.headers)?,
        })
    }
}

/// Returns the deadline in the headers, if there is one.
fn deadline(headers: &HeaderMap) -> Result<Option<Duration>, RequestError> {
    let mut values = headers.get_all(DEADLINE).iter();
    let Some(first) = values.next() else { return Ok(None) };
    let digits = first.to_str().ok().filter(|text| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()));
    // A number too large for the type is later than any other deadline.
    let number = digits.map(|digits| digits.parse().unwrap_or(u64::MAX)).filter(|number| *number > 0);
    match (number, values.next()) {
        (Some(number), None) => Ok(Some(Duration::from_millis(number))),
        _ => {
            let message = "X-Commongraph-Deadline must be one whole number of milliseconds, at least 1.";
            Err(RequestError::new(RequestErrorKind::Unreadable, Error::bad_input(message)))
        }
    }
}

/// Returns whether `Cache-Control` has the directive `no-cache`.
fn has_no_cache(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|directive| directive.trim().eq_ignore_ascii_case("no-cache"))
}

//! Renders responses: the results of operations, or why none was executed.
//!
//! A response to an operation that did not run has no `data`. One that ran has `data`, even if it is null because the
//! response is too large: the operation may have changed something.

mod shortened;

use std::cmp::Reverse;
use std::net::IpAddr;

use async_graphql::{Response as ExecutionResponse, Value};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use self::shortened::{Excess, shortened};
use super::media::Media;
use super::operation_result::{Executed, OperationResult, to_json};
use super::request_error::{RequestError, RequestErrorKind};
use crate::graph::error::{Error, mask};
use crate::http::auth;
use crate::http::middleware::concurrency_limit::{Overload, UnreadAnswer};
use crate::http::rate_limits::{self, LimitKind, RateLimits, RetryAfter};
use crate::http::response::json_response;
use crate::http::settings::Profile;
use crate::http::state::AppState;

/// The status of partial data in the draft profile.
const PARTIAL: u16 = 294;

/// The limits of the size of a response.
#[derive(Clone, Copy)]
pub(super) struct ResponseLimits<'a> {
    /// `answer_max_bytes`.
    pub(super) max: usize,
    /// The bytes that are reserved for the response; the reservation can grow.
    pub(super) unread: &'a UnreadAnswer,
}

impl ResponseLimits<'_> {
    /// Reserves bytes for a response of this length.
    fn check(&self, length: usize) -> Result<(), Excess> {
        match length {
            _ if length > self.max => Err(Excess::Response { length, max: self.max }),
            _ if !self.unread.fit(length) => Err(Excess::Unread),
            _ => Ok(()),
        }
    }
}

/// Renders the result of an operation that was executed.
pub(super) fn executed(
    mut executed: Executed,
    profile: Profile,
    media: Media,
    request_id: &str,
    limits: ResponseLimits<'_>,
) -> Response {
    if did_not_run(&executed.response) {
        return rejected(invalid(executed.response), profile, media);
    }
    mask::mask_execution_errors(&mut executed.response.errors, request_id);
    let mut has_errors = !executed.response.errors.is_empty();
    let mut body = to_json(&executed.response);
    if let Err(excess) = limits.check(body.len()) {
        if excess == Excess::Unread && !executed.is_mutation {
            return rejected(Overload::Unread.into(), profile, media);
        }
        has_errors = true;
        body = shortened(executed, excess, limits.max);
    }
    // The reservation is for the length, so the allocation must not be larger.
    body.shrink_to_fit();
    let mut response = body.into_response();
    let is_partial = profile == Profile::Draft && media == Media::Graphql && has_errors;
    if let (true, Ok(status)) = (is_partial, StatusCode::from_u16(PARTIAL)) {
        *response.status_mut() = status;
    }
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, media.header());
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    response
}

/// Renders a request that was rejected before any operation ran.
pub(super) fn rejected(error: RequestError, profile: Profile, media: Media) -> Response {
    let status = error.kind.status(profile, media);
    // In the draft profile, `application/json` is the media type of success only.
    let is_draft = profile == Profile::Draft && error.kind != RequestErrorKind::NotAcceptable;
    let media = if is_draft { Media::Graphql } else { media };
    let mut response = json_response(status, media, &json!(error));
    let extra = match error.kind {
        RequestErrorKind::Method => Some((header::ALLOW, "GET, POST")),
        RequestErrorKind::Unauthenticated => Some((header::WWW_AUTHENTICATE, auth::CHALLENGE)),
        _ => None,
    };
    if let Some((name, value)) = extra {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    if let Some(after) = error.retry_after {
        rate_limits::write_retry_after(response.headers_mut(), after);
    }
    response
}

/// Renders a request whose caller is not known. It has the rate limits of the address.
pub(in crate::http) fn unauthenticated(
    error: RequestError,
    state: &AppState,
    media: Media,
    address: IpAddr,
) -> Response {
    let reached = error.limit;
    let response = rejected(error, state.profile, media);
    with_address_limits(response, &state.callers.limits, address, reached)
}

/// Renders a request to a page for which the address has reached a rate limit.
pub(in crate::http) fn rate_limited(limits: &RateLimits, retry_after: RetryAfter, address: IpAddr) -> Response {
    let response = rejected(retry_after.into(), Profile::Stable, Media::Json);
    with_address_limits(response, limits, address, Some(retry_after.limit))
}

fn with_address_limits(
    mut response: Response,
    limits: &RateLimits,
    address: IpAddr,
    reached: Option<LimitKind>,
) -> Response {
    limits.write_headers(response.headers_mut(), address, reached);
    response
}

/// Renders a request with a method other than GET and POST.
pub(in crate::http) fn wrong_method() -> Response {
    let error = RequestError::new(RequestErrorKind::Method, Error::bad_input("Use GET or POST."));
    rejected(error, Profile::Stable, Media::Json)
}

/// Renders a list of results, each as in a response of its own. A list is always `application/json` with status 200.
pub(super) fn batch(results: Vec<OperationResult>, request_id: &str, limits: ResponseLimits<'_>) -> Response {
    let mut entries: Vec<BatchEntry> =
        results.into_iter().map(|result| BatchEntry::from_result(result, request_id)).collect();
    shorten_largest(&mut entries, limits.max);
    let mut body = list(&entries);
    if !limits.unread.fit(body.len()) {
        for entry in &mut entries {
            entry.shorten(Excess::Unread, limits.max);
        }
        body = list(&entries);
    }
    ([(header::CONTENT_TYPE, Media::Json.header())], body).into_response()
}

fn list(entries: &[BatchEntry]) -> String {
    let texts: Vec<_> = entries.iter().map(|entry| entry.text.as_str()).collect();
    format!("[{}]", texts.join(","))
}

/// One serialized result of a list. Parsing it again would lose the order of its fields.
struct BatchEntry {
    text: String,
    /// The result, if the operation ran.
    executed: Option<Executed>,
}

impl BatchEntry {
    fn from_result(result: OperationResult, request_id: &str) -> Self {
        match result {
            Ok(executed) if did_not_run(&executed.response) => {
                Self { text: json!(invalid(executed.response)).to_string(), executed: None }
            }
            Ok(mut executed) => {
                mask::mask_execution_errors(&mut executed.response.errors, request_id);
                Self { text: to_json(&executed.response), executed: Some(executed) }
            }
            Err(error) => Self { text: json!(error).to_string(), executed: None },
        }
    }

    /// Replaces the text by a shorter one, at most once. Returns the number of bytes that are saved.
    fn shorten(&mut self, excess: Excess, max: usize) -> usize {
        let Some(executed) = self.executed.take() else { return 0 };
        let text = shortened(executed, excess, max);
        let saved = self.text.len().saturating_sub(text.len());
        if saved > 0 {
            self.text = text;
        }
        saved
    }
}

/// Shortens the largest entries until the whole list is within the limit.
fn shorten_largest(entries: &mut [BatchEntry], max: usize) {
    // Each entry has a comma or bracket, and there is one more bracket.
    let length = entries.iter().map(|entry| entry.text.len() + 1).sum::<usize>() + 1;
    let mut excess = length.saturating_sub(max);
    let mut large: Vec<_> = entries.iter_mut().collect();
    large.sort_by_key(|entry| Reverse(entry.text.len()));
    for entry in large {
        if excess > 0 {
            excess = excess.saturating_sub(entry.shorten(Excess::Response { length, max }, max));
        }
    }
}

/// Returns whether the library rejected the document. An execution error has a path.
fn did_not_run(response: &ExecutionResponse) -> bool {
    response.data == Value::Null && response.errors.iter().any(|error| error.path.is_empty())
}

fn invalid(mut response: ExecutionResponse) -> RequestError {
    mask::mask_request_errors(&mut response.errors);
    RequestError {
        kind: RequestErrorKind::Invalid,
        retry_after: None,
        limit: None,
        errors: response.errors,
        extensions: response.extensions,
    }
}

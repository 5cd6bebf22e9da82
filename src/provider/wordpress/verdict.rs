//! Interprets a response of WordPress.com before its content is decoded.
//!
//! The HTTP status is not enough: the host has several error formats, returns errors with status 200, and throttles
//! with an HTML page of status 500. The error code is not enough either: `authorization_required` has five meanings. So
//! status and code decide together, and the message only where both are the same.
//!
//! Of the content of an error, only its code leaves this file, and only if the code is a short plain word.

use std::time::Duration;

use crate::model::Provider;
use crate::model::key::is_slug;
use crate::provider::{Error, Reason};
use crate::upstream::{Reply, THROTTLE_MAX};

mod body;

use body::ErrorBody;

/// The minimum pause after the throttling page. Clients that return earlier are banned for longer (WPKIT).
const BAN_MIN: Duration = THROTTLE_MAX;
/// The text of the throttling page, whatever its status (WPKIT).
const BAN_WORDS: &str = "Limit reached";
/// How many bytes of a page are searched for [`BAN_WORDS`].
const PAGE_SEARCH_MAX: usize = 64 * 1024;
/// The status of an error with HTTP status 200 and no status of its own: the API framework's default (Jetpack's copy).
const STATUS_DEFAULT: u16 = 400;

/// Parts of the message for a site of another person.
const FOREIGN_SITE_MESSAGES: [&str; 2] = ["private blog", "restricted blog"];
/// Parts of the message for a Publicize connection that belongs to another person, or that the person may not change.
const FOREIGN_PUBLICIZE_MESSAGES: [&str; 4] = [
    "not authorized to access publicize connections on this site",
    "not authorized to access this publicize connection",
    "not authorized to modify this publicize connection",
    "not authorized to globalize this publicize connection",
];

/// What a response without an error contains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The body contains the requested object. The body of a 204 is empty.
    Content,
    /// The object does not exist, or not for this person. WordPress.com distinguishes the two, the gateway does not.
    Absent {
        /// The error code, if it is a plain word.
        code: Option<String>,
    },
}

/// Interprets the response to a read. A redirect is never followed, and never content.
///
/// # Errors
/// The provider's error, or `Malformed` if the response cannot be understood.
pub fn interpret(reply: &Reply) -> Result<Verdict, Error> {
    let shape = Shape::from_reply(reply);
    let html = reply.content_type.as_deref().is_some_and(|kind| kind.contains("html"));
    if (shape != Shape::Json || html) && contains_ban_words(&reply.body) {
        let mut error = error_of(reply, Reason::Throttled, "the throttling page");
        error.retry_after = Some(reply.retry_after.unwrap_or_default().max(BAN_MIN));
        return Err(error);
    }
    match reply.status {
        204 | 205 => Ok(Verdict::Content),
        200..=299 if shape == Shape::Json && !html => interpret_success(reply),
        200..=299 => Err(error_of(reply, Reason::Malformed, shape.name())),
        300..=399 => Err(error_of(reply, Reason::Malformed, "a redirect, which is never followed")),
        400..=599 => interpret_failure(reply, shape),
        _ => Err(error_of(reply, Reason::Malformed, "not a final status")),
    }
}

/// Interprets the response to a write.
///
/// It reads the whole body for an error, while [`interpret`] decides by the first key. An error that follows other keys
/// must not pass as success.
pub fn interpret_write(reply: &Reply) -> Result<Verdict, Error> {
    match interpret(reply)? {
        Verdict::Content if !reply.body.is_empty() => interpret_body(reply),
        verdict => Ok(verdict),
    }
}

/// Interprets a 2xx response with JSON. It may be an error: a member of `/batch`, an envelope, or `{"error":…}`.
fn interpret_success(reply: &Reply) -> Result<Verdict, Error> {
    if !body::may_be_error(&reply.body) {
        return Ok(Verdict::Content);
    }
    interpret_body(reply)
}

/// Returns content, unless the body is an error in one of the formats.
fn interpret_body(reply: &Reply) -> Result<Verdict, Error> {
    match body::read(&reply.body) {
        Ok(None) => Ok(Verdict::Content),
        Ok(Some(error_body)) => interpret_error(reply, error_body.status.unwrap_or(STATUS_DEFAULT), &error_body),
        Err(fault) => Err(error_of(reply, Reason::Malformed, &fault)),
    }
}

/// Interprets a 4xx or 5xx response.
fn interpret_failure(reply: &Reply, shape: Shape) -> Result<Verdict, Error> {
    let fault = match shape {
        Shape::Json => match body::read(&reply.body) {
            Ok(Some(error_body)) => return interpret_error(reply, reply.status, &error_body),
            Ok(None) => "JSON without an error".to_owned(),
            Err(fault) => fault,
        },
        _ => shape.name().to_owned(),
    };
    let reason = match (reply.status, shape) {
        (429, _) => Reason::Throttled,
        (500.., _) => Reason::Unavailable,
        (401, _) => Reason::NotAuthenticated,
        // The API responds to an unknown route with an empty 404, and to a known one with JSON.
        (404 | 405 | 410, Shape::Empty | Shape::Other) => Reason::Unsupported,
        // The API explains an error in JSON. A page comes from a proxy in front of it and says nothing about the
        // person.
        (_, Shape::Other) => Reason::Unavailable,
        (403, _) => Reason::NotAllowed,
        (405, _) => Reason::Unsupported,
        (_, Shape::Json) => Reason::Malformed,
        (_, Shape::Empty) => Reason::Refused,
    };
    Err(error_of(reply, reason, &fault))
}

/// Interprets an error that was read from the body.
fn interpret_error(reply: &Reply, status: u16, error_body: &ErrorBody) -> Result<Verdict, Error> {
    let code = error_body.code.as_deref().filter(|code| is_slug(code)).map(str::to_owned);
    let Some(reason) = reason(status, error_body.code.as_deref().unwrap_or_default(), &error_body.message) else {
        return Ok(Verdict::Absent { code });
    };
    let seen = if status == reply.status { "an error" } else { "an error with a success status" };
    let mut error = error_of(reply, reason, seen);
    error.inner_status = (status != reply.status).then_some(status);
    error.code = code;
    if let Some(code) = &error.code {
        error.detail.push_str(": ");
        error.detail.push_str(code);
    }
    Err(error)
}

/// The meaning of an error by its status and code, and by its message (in lower case) where these are not enough.
///
/// `None` means that the object does not exist for this person.
fn reason(status: u16, code: &str, message: &str) -> Option<Reason> {
    match (status, code) {
        (429, _) | (_, "too_many_requests") => Some(Reason::Throttled),
        (500.., _) => Some(Reason::Unavailable),
        (_, "reauthorization_required") => Some(Reason::Expired),
        // The mobile apps' client (FluxC) signs the person out for each of these.
        (_, "invalid_token" | "needs_2fa" | "access_denied") => Some(Reason::NotAuthenticated),
        (_, "jetpack_connection" | "publicize_disabled" | "no_connected_jetpack" | "rest_no_route") => {
            Some(Reason::Unsupported)
        }
        (_, "missing_jetpack_module" | "incompatible_jetpack") => Some(Reason::Unsupported),
        // `/oauth2/token-info`, for an invalid token.
        (400, "invalid_request") if message.contains("token is invalid") => Some(Reason::NotAuthenticated),
        (401, _) => Some(Reason::NotAuthenticated),
        (400 | 403, "authorization_required") => authorization_required(message),
        (400 | 403, "unauthorized") if FOREIGN_SITE_MESSAGES.iter().any(|part| message.contains(part)) => {
            Some(Reason::OwnedByAnother)
        }
        (400 | 403, "unauthorized") | (403, _) => Some(Reason::NotAllowed),
        (404, "") => Some(Reason::Malformed),
        (404, _) => None,
        // The framework's default status for an error is 400.
        (400, "not_found" | "unknown_blog" | "unknown_application_access_token") => None,
        (405 | 410, _) => Some(Reason::Unsupported),
        _ => Some(Reason::Refused),
    }
}

/// One code with five meanings that differ by the message only. Documented under `/me/keyring-connections/$ID` and
/// `/sites/$site/publicize-connections/$ID`.
fn authorization_required(message: &str) -> Option<Reason> {
    if message.contains("active access token") || message.contains("active access connection") {
        return Some(Reason::NotAuthenticated);
    }
    // A connection of another person must look as if it did not exist.
    if message.contains("permission to access this keyring connection") {
        return None;
    }
    // The pages of 2021 say "Publicize". Later ones say "Jetpack Social" in the same messages.
    let message = message.replace("jetpack social", "publicize");
    if FOREIGN_PUBLICIZE_MESSAGES.iter().any(|part| message.contains(part)) {
        return Some(Reason::OwnedByAnother);
    }
    Some(Reason::NotAllowed)
}

/// The kind of a body, by its first byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Empty,
    Json,
    Other,
}

impl Shape {
    /// The kind by the first byte. The media type does not count: PHP sends JSON as `text/html`, and pages as any type.
    fn from_reply(reply: &Reply) -> Self {
        let body = reply.body.trim_ascii();
        match body.first() {
            None => Shape::Empty,
            Some(b'{' | b'[') => Shape::Json,
            Some(_) if matches!(body, b"null" | b"true" | b"false") => Shape::Json,
            Some(_) => Shape::Other,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Shape::Empty => "an empty body",
            Shape::Json => "JSON with an HTML content type",
            Shape::Other => "a body that is not JSON",
        }
    }
}

fn error_of(reply: &Reply, reason: Reason, seen: &str) -> Error {
    Error {
        status: Some(reply.status),
        retry_after: reply.retry_after,
        ..Error::new(Provider::WordPress, reason, format!("status {}, {seen}", reply.status))
    }
}

fn contains_ban_words(page: &[u8]) -> bool {
    let start = &page[..page.len().min(PAGE_SEARCH_MAX)];
    start.windows(BAN_WORDS.len()).any(|words| words == BAN_WORDS.as_bytes())
}

#[cfg(test)]
mod tests;

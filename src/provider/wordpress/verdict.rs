//! What an answer of WordPress.com means, before anyone reads its content.
//!
//! A status alone does not say it: one host speaks several dialects of error, puts errors into a 200, and throttles
//! with an HTML page of status 500. An identifier alone does not say it either: `authorization_required` stands for
//! five things. So the judgement goes by status and identifier, and by the sentence only where both are the same.
//!
//! No content of an answer leaves this file but the identifier, and that only if it is a short plain word.

use std::time::Duration;

use crate::model::Provider;
use crate::model::key::is_slug;
use crate::provider::{Error, Reason};
use crate::upstream::{Reply, SHUT_OUT_MAX};

mod body;

use body::ErrorBody;

/// How long to leave WordPress.com alone after its throttling page: who asks earlier is banned for longer (WPKIT).
const BAN_MIN: Duration = SHUT_OUT_MAX;
/// What the throttling page says, whatever its status (WPKIT).
const BAN_WORDS: &str = "Limit reached";
/// How much of a page is searched for it, in bytes.
const PAGE_SEARCH_MAX: usize = 64 * 1024;
/// The status of an error inside a 200 that tells none: the API framework's own default (Jetpack's copy of it).
const STATUS_DEFAULT: u16 = 400;

/// What is said of a site that is not the person's.
const ANOTHERS_SITE: [&str; 2] = ["private blog", "restricted blog"];
/// What is said of a Publicize connection that is not the person's, or not theirs to change.
const ANOTHERS_PUBLICIZE: [&str; 4] = [
    "not authorized to access publicize connections on this site",
    "not authorized to access this publicize connection",
    "not authorized to modify this publicize connection",
    "not authorized to globalize this publicize connection",
];

/// What a good answer is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The body is what was asked for; a 204 has none.
    Content,
    /// There is no such thing, or not for this person: WordPress.com keeps the two apart, we do not.
    Absent {
        /// The identifier of the error that says so, if it is a plain word.
        code: Option<String>,
    },
}

/// Judges an answer: content, nothing there, or why there is none. Redirects are never followed and never content.
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
        _ => Err(error_of(reply, Reason::Malformed, "no status of an answer")),
    }
}

/// Judges the reply to a write. It reads the whole body for an error, where [`judge`] decides by the first key: an error
/// beside other keys must not pass for success.
pub fn interpret_write(reply: &Reply) -> Result<Verdict, Error> {
    match interpret(reply)? {
        Verdict::Content if !reply.body.is_empty() => interpret_body(reply),
        verdict => Ok(verdict),
    }
}

/// A 2xx with JSON: content, unless it is an error in disguise (a `/batch` member's dump, an envelope, `{"error":…}`).
fn interpret_success(reply: &Reply) -> Result<Verdict, Error> {
    if !body::may_be_error(&reply.body) {
        return Ok(Verdict::Content);
    }
    interpret_body(reply)
}

/// Content, unless the body is an error of some dialect.
fn interpret_body(reply: &Reply) -> Result<Verdict, Error> {
    match body::read(&reply.body) {
        Ok(None) => Ok(Verdict::Content),
        Ok(Some(error_body)) => interpret_error(reply, error_body.status.unwrap_or(STATUS_DEFAULT), &error_body),
        Err(fault) => Err(error_of(reply, Reason::Malformed, &fault)),
    }
}

/// A 4xx or 5xx.
fn interpret_failure(reply: &Reply, shape: Shape) -> Result<Verdict, Error> {
    let fault = match shape {
        Shape::Json => match body::read(&reply.body) {
            Ok(Some(error_body)) => return interpret_error(reply, reply.status, &error_body),
            Ok(None) => "JSON that names no error".to_owned(),
            Err(fault) => fault,
        },
        _ => shape.name().to_owned(),
    };
    let reason = match (reply.status, shape) {
        (429, _) => Reason::Throttled,
        (500.., _) => Reason::Unavailable,
        (401, _) => Reason::NotAuthenticated,
        // A route that the API does not have is answered by an empty 404; what it does have says so in JSON.
        (404 | 405 | 410, Shape::Empty | Shape::Other) => Reason::Unsupported,
        // The API explains a refusal in JSON; a page comes from an edge before it and says nothing of the person.
        (_, Shape::Other) => Reason::Unavailable,
        (403, _) => Reason::NotAllowed,
        (405, _) => Reason::Unsupported,
        (_, Shape::Json) => Reason::Malformed,
        (_, Shape::Empty) => Reason::Refused,
    };
    Err(error_of(reply, reason, &fault))
}

/// An error that says what it is.
fn interpret_error(reply: &Reply, status: u16, error_body: &ErrorBody) -> Result<Verdict, Error> {
    let code = error_body.code.as_deref().filter(|code| is_slug(code)).map(str::to_owned);
    let Some(reason) = reason(status, error_body.code.as_deref().unwrap_or_default(), &error_body.message) else {
        return Ok(Verdict::Absent { code });
    };
    let seen = if status == reply.status { "an error" } else { "an error inside a good answer" };
    let mut error = error_of(reply, reason, seen);
    error.inner_status = (status != reply.status).then_some(status);
    error.code = code;
    if let Some(code) = &error.code {
        error.detail.push_str(": ");
        error.detail.push_str(code);
    }
    Err(error)
}

/// The table: what an error means by its status, its identifier, and its sentence (in lower case) where these two are
/// not enough. None: what was asked for is not there for this person.
fn reason(status: u16, code: &str, message: &str) -> Option<Reason> {
    match (status, code) {
        (429, _) | (_, "too_many_requests") => Some(Reason::Throttled),
        (500.., _) => Some(Reason::Unavailable),
        (_, "reauthorization_required") => Some(Reason::Expired),
        // FluxC signs the person out for each of these.
        (_, "invalid_token" | "needs_2fa" | "access_denied") => Some(Reason::NotAuthenticated),
        (_, "jetpack_connection" | "publicize_disabled" | "no_connected_jetpack" | "rest_no_route") => {
            Some(Reason::Unsupported)
        }
        (_, "missing_jetpack_module" | "incompatible_jetpack") => Some(Reason::Unsupported),
        // `/oauth2/token-info` of a token that is none.
        (400, "invalid_request") if message.contains("token is invalid") => Some(Reason::NotAuthenticated),
        (401, _) => Some(Reason::NotAuthenticated),
        (400 | 403, "authorization_required") => authorization_required(message),
        (400 | 403, "unauthorized") if ANOTHERS_SITE.iter().any(|words| message.contains(words)) => {
            Some(Reason::OwnedByAnother)
        }
        (400 | 403, "unauthorized") | (403, _) => Some(Reason::NotAllowed),
        (404, "") => Some(Reason::Malformed),
        (404, _) => None,
        // The framework's default status for an error that was given none is 400.
        (400, "not_found" | "unknown_blog" | "unknown_application_access_token") => None,
        (405 | 410, _) => Some(Reason::Unsupported),
        _ => Some(Reason::Refused),
    }
}

/// One identifier, five meanings, told apart by the sentence alone (documented under `/me/keyring-connections/$ID` and
/// `/sites/$site/publicize-connections/$ID`).
fn authorization_required(message: &str) -> Option<Reason> {
    if message.contains("active access token") || message.contains("active access connection") {
        return Some(Reason::NotAuthenticated);
    }
    // Somebody else's connection: it must look like one that is not there.
    if message.contains("permission to access this keyring connection") {
        return None;
    }
    // What the pages of 2021 call Publicize they call Jetpack Social since, in the same sentences.
    let message = message.replace("jetpack social", "publicize");
    if ANOTHERS_PUBLICIZE.iter().any(|words| message.contains(words)) {
        return Some(Reason::OwnedByAnother);
    }
    Some(Reason::NotAllowed)
}

/// What a body is at first sight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Empty,
    Json,
    Other,
}

impl Shape {
    /// Looks at the first byte. The media type is not asked: PHP sends JSON as text/html, and pages as anything.
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
            Shape::Json => "JSON that is called HTML",
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

//! Renders answers: what an operation brought, or why none ran. An operation that did not run has no `data`; one that ran
//! has it, if only as null, also where its answer is larger than is given: it may have changed something.

mod shortened;

use std::cmp::Reverse;

use async_graphql::{Response as Outcome, ServerError, Value};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use self::shortened::{Excess, shortened};
use super::super::load::{Overload, UnreadAnswer};
use super::super::{Profile, auth, limits};
use super::{Fault, Media, Refusal};
use crate::graph::error::{Error, ErrorCode, mask};

/// Data that is there and not all that was asked for, in the draft.
const PARTIAL: u16 = 294;

/// An operation that was executed.
pub(super) struct Executed {
    /// What it brought.
    pub(super) response: Outcome,
    /// Whether it may have changed something.
    pub(super) is_mutation: bool,
}

/// What became of one operation.
pub(super) type Answer = Result<Executed, Refusal>;

/// The limits of an answer's length.
#[derive(Clone, Copy)]
pub(super) struct AnswerLimits<'a> {
    /// `answer_max_bytes`.
    pub(super) max: usize,
    /// The bytes that are reserved for the answer, and can be more.
    pub(super) unread: &'a UnreadAnswer,
}

impl AnswerLimits<'_> {
    /// Reserves room for an answer of this length.
    fn check(&self, length: usize) -> Result<(), Excess> {
        match length {
            _ if length > self.max => Err(Excess::Answer { has: length, max: self.max }),
            _ if !self.unread.fit(length) => Err(Excess::Unread),
            _ => Ok(()),
        }
    }
}

/// Renders what an operation brought, within the limits.
pub(super) fn answered(
    mut executed: Executed,
    profile: Profile,
    media: Media,
    id: &str,
    limits: AnswerLimits<'_>,
) -> Response {
    if did_not_run(&executed.response) {
        return refused(invalid(executed.response), profile, media);
    }
    mask::mask_execution_errors(&mut executed.response.errors, id);
    let mut has_errors = !executed.response.errors.is_empty();
    let mut body = text(&executed.response);
    if let Err(excess) = limits.check(body.len()) {
        if excess == Excess::Unread && !executed.is_mutation {
            return refused(Overload::Unread.into(), profile, media);
        }
        has_errors = true;
        body = shortened(executed, excess, limits.max);
    }
    // It counts by its length, so it must not hold more.
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

/// Renders why nothing ran.
pub(super) fn refused(refusal: Refusal, profile: Profile, media: Media) -> Response {
    let status = refusal.fault.status(profile, media);
    // The draft answers older clients like all others, and keeps their media type for what succeeded.
    let is_named = profile == Profile::Draft && refusal.fault != Fault::NotAcceptable;
    let media = if is_named { Media::Graphql } else { media };
    let mut response = write(status, media, &json!(refusal));
    let extra = match refusal.fault {
        Fault::Method => Some((header::ALLOW, "GET, POST")),
        Fault::Unauthenticated => Some((header::WWW_AUTHENTICATE, auth::CHALLENGE)),
        _ => None,
    };
    if let Some((name, value)) = extra {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    if let Some(wait) = refusal.wait {
        limits::write_wait(response.headers_mut(), wait);
    }
    // For whoever tells what is left.
    if let Some(over) = refusal.over {
        response.extensions_mut().insert(over);
    }
    response
}

/// Renders a list of answers, each as it would stand alone, within the limits; a list has no media type but JSON, and no
/// status of its own.
pub(super) fn batch(answers: Vec<Answer>, id: &str, limits: AnswerLimits<'_>) -> Response {
    let mut entries: Vec<Entry> = answers.into_iter().map(|answer| Entry::of(answer, id)).collect();
    bound(&mut entries, limits.max);
    let mut body = list(&entries);
    if !limits.unread.fit(body.len()) {
        for entry in &mut entries {
            entry.shorten(Excess::Unread, limits.max);
        }
        body = list(&entries);
    }
    ([(header::CONTENT_TYPE, Media::Json.header())], body).into_response()
}

fn list(entries: &[Entry]) -> String {
    let texts: Vec<_> = entries.iter().map(|entry| entry.text.as_str()).collect();
    format!("[{}]", texts.join(","))
}

/// One answer of a list, written out: read again, its fields would lose their order.
struct Entry {
    text: String,
    /// What the text says, if its operation ran.
    executed: Option<Executed>,
}

impl Entry {
    fn of(answer: Answer, id: &str) -> Self {
        match answer {
            Ok(executed) if did_not_run(&executed.response) => {
                Self { text: json!(invalid(executed.response)).to_string(), executed: None }
            }
            Ok(mut executed) => {
                mask::mask_execution_errors(&mut executed.response.errors, id);
                Self { text: text(&executed.response), executed: Some(executed) }
            }
            Err(refusal) => Self { text: json!(refusal).to_string(), executed: None },
        }
    }

    /// Replaces the answer by a shorter one, once and if it is shorter. Returns how many bytes that saves.
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

fn text(outcome: &Outcome) -> String {
    serde_json::to_string(outcome).unwrap_or_else(|error| {
        tracing::error!(%error, "an answer could not be written");
        json!({ "data": null, "errors": [Error::internal().at(None)] }).to_string()
    })
}

/// Shortens the largest answers, until all of them together are within the limit.
fn bound(entries: &mut [Entry], max: usize) {
    // Brackets and commas.
    let has = entries.iter().map(|entry| entry.text.len() + 1).sum::<usize>() + 1;
    let mut over = has.saturating_sub(max);
    let mut large: Vec<_> = entries.iter_mut().collect();
    large.sort_by_key(|entry| Reverse(entry.text.len()));
    for entry in large {
        if over > 0 {
            over = over.saturating_sub(entry.shorten(Excess::Answer { has, max }, max));
        }
    }
}

/// Renders that a request timed out whose mutation had started: nobody may read that nothing was done.
pub(in crate::http) fn timed_out_mutation() -> Response {
    let message = "The request timed out after a mutation had started. Read the object again before you repeat it.";
    let error = Error::new(ErrorCode::Uncertain, message).at(None);
    write(StatusCode::OK, Media::Json, &json!({ "data": null, "errors": [error] }))
}

/// An answer of errors alone.
pub(in crate::http) fn errors_alone(status: StatusCode, media: Media, errors: &[ServerError]) -> Response {
    write(status, media, &json!({ "errors": errors }))
}

fn write(status: StatusCode, media: Media, body: &serde_json::Value) -> Response {
    (status, [(header::CONTENT_TYPE, media.header())], body.to_string()).into_response()
}

/// Whether the library refused the document. What fails later has a path.
fn did_not_run(outcome: &Outcome) -> bool {
    outcome.data == Value::Null && outcome.errors.iter().any(|error| error.path.is_empty())
}

fn invalid(mut outcome: Outcome) -> Refusal {
    mask::mask_request_errors(&mut outcome.errors);
    Refusal { fault: Fault::Invalid, wait: None, over: None, errors: outcome.errors, extensions: outcome.extensions }
}

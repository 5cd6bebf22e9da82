//! Renders answers: what an operation brought, or why none ran. An operation that did not run has no `data`; one that ran
//! has it, if only as null, also where its answer is larger than is given: it may have changed something.

use std::cmp::Reverse;

use async_graphql::{Response as Outcome, ServerError, Value};
use async_graphql_axum::GraphQLResponse;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hyper::body::Body;
use serde_json::json;

use super::super::{Profile, auth, limits};
use super::{Fault, Media, Refusal};
use crate::graph::error::{Code, Error, Exceeded, mask};

/// Data that is there and not all that was asked for, in the draft.
const PARTIAL: u16 = 294;

/// How soon it is worth asking again whether a credential is good.
const RETRY_AFTER_SECONDS: &str = "5";

/// What became of one operation.
pub(super) type Answer = Result<Outcome, Refusal>;

/// Renders what an operation brought, in at most so many bytes.
pub(super) fn answered(mut outcome: Outcome, profile: Profile, media: Media, id: &str, max: usize) -> Response {
    if did_not_run(&outcome) {
        return refused(invalid(outcome), profile, media);
    }
    mask::executed(&mut outcome.errors, id);
    let mut has_errors = !outcome.errors.is_empty();
    let mut response = GraphQLResponse::from(outcome).into_response();
    let has = usize::try_from(response.body().size_hint().lower()).unwrap_or(usize::MAX);
    if has > max {
        has_errors = true;
        response = GraphQLResponse::from(too_large(has, max)).into_response();
    }
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
        Fault::Unavailable => Some((header::RETRY_AFTER, RETRY_AFTER_SECONDS)),
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

/// Renders a list of answers, each as it would stand alone, in at most so many bytes; a list has no media type but JSON, and
/// no status of its own.
pub(super) fn batch(answers: Vec<Answer>, id: &str, max: usize) -> Response {
    let mut entries: Vec<Entry> = answers.into_iter().map(|answer| Entry::of(answer, id)).collect();
    bound(&mut entries, max);
    let texts: Vec<_> = entries.iter().map(|entry| entry.text.as_str()).collect();
    let body = format!("[{}]", texts.join(","));
    ([(header::CONTENT_TYPE, Media::Json.header())], body).into_response()
}

/// One answer of a list, written out: read again, its fields would lose their order.
struct Entry {
    text: String,
    /// Whether its operation ran.
    ran: bool,
}

impl Entry {
    fn of(answer: Answer, id: &str) -> Self {
        match answer {
            Ok(outcome) if did_not_run(&outcome) => Self { text: json!(invalid(outcome)).to_string(), ran: false },
            Ok(mut outcome) => {
                mask::executed(&mut outcome.errors, id);
                Self { text: text(outcome), ran: true }
            }
            Err(refusal) => Self { text: json!(refusal).to_string(), ran: false },
        }
    }
}

fn text(outcome: Outcome) -> String {
    serde_json::to_string(&outcome).unwrap_or_else(|error| {
        tracing::error!(%error, "an answer could not be written");
        json!({ "data": null, "errors": [Error::internal().at(None)] }).to_string()
    })
}

/// Puts errors in the place of the largest answers, until all of them together are no larger than is given.
fn bound(entries: &mut [Entry], max: usize) {
    // Brackets and commas.
    let has = entries.iter().map(|entry| entry.text.len() + 1).sum::<usize>() + 1;
    let mut over = has.saturating_sub(max);
    if over == 0 {
        return;
    }
    let instead = text(too_large(has, max));
    let mut large: Vec<_> = entries.iter_mut().filter(|entry| entry.ran && entry.text.len() > instead.len()).collect();
    large.sort_by_key(|entry| Reverse(entry.text.len()));
    for entry in large {
        if over > 0 {
            over = over.saturating_sub(entry.text.len() - instead.len());
            entry.text.clone_from(&instead);
        }
    }
}

/// What takes the place of an answer that is larger than is given, of an operation that ran.
fn too_large(has: usize, max: usize) -> Outcome {
    let message =
        format!("The operation ran; its answer has {has} bytes, and at most {max} are given. Ask for less at a time.");
    let exceeded = Some(Box::new(Exceeded { limit: "answer_max_bytes", max, has }));
    let error = Error { exceeded, ..Error::own(Code::LimitExceeded, message) };
    Outcome::from_errors(vec![error.at(None)])
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
    mask::refused(&mut outcome.errors);
    Refusal { fault: Fault::Invalid, wait: None, over: None, errors: outcome.errors, extensions: outcome.extensions }
}

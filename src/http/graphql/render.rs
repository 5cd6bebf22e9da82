//! Renders answers: what an operation brought, or why none ran. An operation that did not run has no `data`.

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

/// Renders what an operation brought.
pub(super) fn answered(mut outcome: Outcome, profile: Profile, media: Media, id: &str) -> Response {
    if did_not_run(&outcome) {
        return refused(invalid(outcome), profile, media);
    }
    mask::executed(&mut outcome.errors, id);
    let partial = profile == Profile::Draft && media == Media::Graphql && !outcome.errors.is_empty();
    let mut response = GraphQLResponse::from(outcome).into_response();
    if let (true, Ok(status)) = (partial, StatusCode::from_u16(PARTIAL)) {
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

/// Renders a list of answers, each as it would stand alone; a list has no media type but JSON, and no status of its own.
pub(super) fn batch(answers: Vec<Answer>, id: &str) -> Response {
    let render = |answer: Answer| match answer {
        Ok(outcome) if did_not_run(&outcome) => json!(invalid(outcome)),
        Ok(mut outcome) => {
            mask::executed(&mut outcome.errors, id);
            json!(outcome)
        }
        Err(refusal) => json!(refusal),
    };
    let body = json!(answers.into_iter().map(render).collect::<Vec<_>>()).to_string();
    ([(header::CONTENT_TYPE, Media::Json.header())], body).into_response()
}

/// Puts an error in the place of an answer that is larger than is given.
pub(super) fn bound(response: Response, max: usize, profile: Profile, media: Media) -> Response {
    let has = response.body().size_hint().lower();
    let has = usize::try_from(has).unwrap_or(usize::MAX);
    if has <= max {
        return response;
    }
    let message = format!("The answer has {has} bytes; at most {max} are given. Ask for less at a time.");
    let exceeded = Some(Box::new(Exceeded { limit: "answer_max_bytes", max, has }));
    let error = Error { exceeded, ..Error::own(Code::LimitExceeded, message) };
    refused(Refusal::new(Fault::Invalid, error), profile, media)
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

//! What a fault makes of a finished answer.
//!
//! A cut or hanging body is a stream with the full `Content-Length` announced: the HTTP layer closes the connection
//! when the stream fails, and the client sees an early end.

use std::io;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, Response, header};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};

use super::answer::Answer;
use super::fault::{Effect, Shape};

/// How long a cut answer waits before it breaks, so that its first half really leaves.
const CUT_WAIT: Duration = Duration::from_millis(20);
/// Size of the pieces of a big body.
const PIECE_BYTES: u64 = 16 * 1024;
const THROTTLE_PAGE: &str = "<!DOCTYPE html>\n<html><head><title>Error</title></head>\n\
    <body><h1>Limit reached</h1><p>You can try again in 1 minute. Trying again before that will only increase the \
    time you have to wait before the ban is lifted.</p></body></html>\n";
const HTML_PAGE: &str =
    "<!DOCTYPE html>\n<html><body><h1>Briefly unavailable for scheduled maintenance.</h1></body></html>\n";
const XML_TEXT: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<response><request/></response>\n";
/// The keys by which rows are told apart; a bad row has something unreadable in their place.
const ROW_KEYS: [&str; 4] = ["ID", "connection_token", "user_token", "identity_token"];

/// What is sent in the end.
#[derive(Debug)]
pub(super) enum Outcome {
    /// This response; the status is the one in its head.
    Send(u16, Box<Response<Body>>),
    /// Nothing, ever.
    Hang,
    /// Nothing: the connection closes.
    Refuse,
}

impl Outcome {
    /// The status sent, if a head is sent at all.
    pub(super) fn status(&self) -> Option<u16> {
        match self {
            Outcome::Send(status, _) => Some(*status),
            Outcome::Hang | Outcome::Refuse => None,
        }
    }
}

/// Applies an effect to an answer.
pub(super) fn spoil(answer: Answer, effect: Option<Effect>) -> Outcome {
    let response = match effect {
        None => return send(answer),
        Some(Effect::HangHead) => return Outcome::Hang,
        Some(Effect::Refuse) => return Outcome::Refuse,
        Some(Effect::Throttle) => {
            return send(Answer::text(500, "text/html; charset=utf-8", THROTTLE_PAGE));
        }
        Some(Effect::Shape(shape)) => return send(reshape(answer, shape)),
        Some(Effect::Status { status, body, content_type, headers }) => {
            let mut other = Answer::text(status, &content_type, body);
            other.headers = headers;
            return send(other);
        }
        Some(Effect::Big(bytes)) => Answer::json(200, &Value::Null).respond(big(bytes)),
        Some(Effect::Cut) => {
            let broken = stream::once(async {
                tokio::time::sleep(CUT_WAIT).await;
                Err(io::Error::from(io::ErrorKind::ConnectionReset))
            });
            let body = stream::iter([Ok(half(&answer))]).chain(broken);
            announce(&answer, Body::from_stream(body))
        }
        Some(Effect::HangBody) => {
            let body = stream::iter([Ok::<_, io::Error>(half(&answer))]).chain(stream::pending());
            announce(&answer, Body::from_stream(body))
        }
    };
    Outcome::Send(response.status().as_u16(), Box::new(response))
}

fn send(answer: Answer) -> Outcome {
    Outcome::Send(answer.status, Box::new(answer.into_response()))
}

/// The head of the answer, full length announced, before a body that will not reach it.
fn announce(answer: &Answer, body: Body) -> Response<Body> {
    let mut response = answer.respond(body);
    // At least one byte is announced, so that even an empty answer is seen to be cut.
    let length = HeaderValue::from(answer.body.len().max(1));
    response.headers_mut().insert(header::CONTENT_LENGTH, length);
    response
}

fn half(answer: &Answer) -> Bytes {
    answer.body.slice(..answer.body.len() / 2)
}

/// A JSON object of exactly so many bytes (14 at the least), without a length in the head.
fn big(bytes: u64) -> Body {
    const HEAD: &str = "{\"padding\":\"";
    const TAIL: &str = "\"}";
    let padding = bytes.saturating_sub((HEAD.len() + TAIL.len()) as u64);
    let piece = Bytes::from(vec![b'a'; PIECE_BYTES as usize]);
    let rest = piece.slice(..(padding % PIECE_BYTES) as usize);
    let pieces = (0..padding / PIECE_BYTES).map(move |_| piece.clone());
    let all = std::iter::once(Bytes::from_static(HEAD.as_bytes()))
        .chain(pieces)
        .chain([rest, Bytes::from_static(TAIL.as_bytes())])
        .filter(|piece| !piece.is_empty())
        .map(Ok::<_, io::Error>);
    Body::from_stream(stream::iter(all))
}

fn reshape(answer: Answer, shape: Shape) -> Answer {
    const JSON: &str = "application/json";
    match shape {
        Shape::Empty => Answer::text(200, JSON, ""),
        Shape::Html => Answer::text(200, "text/html; charset=utf-8", HTML_PAGE),
        Shape::Array => Answer::text(200, JSON, "[]"),
        Shape::Null => Answer::text(200, JSON, "null"),
        Shape::SuccessTrue => Answer::text(200, JSON, "{\"success\":true}"),
        Shape::Xml => Answer::text(200, "application/xml; charset=utf-8", XML_TEXT),
        Shape::Garbage => Answer::text(200, JSON, &b"{\"connections\":[{\"ID\":\xff\xfe7,]\x00"[..]),
        Shape::BadRow => spoil_row(answer),
    }
}

/// Makes one row of a list unreadable: the second, or the only one. Other answers stay as they are.
fn spoil_row(mut answer: Answer) -> Answer {
    if let Ok(mut value) = serde_json::from_slice::<Value>(&answer.body)
        && let Some(row) = find_row(&mut value)
    {
        if let Value::Object(row) = row {
            for key in ROW_KEYS {
                if let Some(value) = row.get_mut(key) {
                    *value = json!({"unreadable": [true]});
                }
            }
        }
        answer.body = Bytes::from(super::answer::php(&value.to_string()));
    }
    answer
}

fn find_row(value: &mut Value) -> Option<&mut Value> {
    let is_list = |list: &Value| list.is_array() || list.is_object();
    let path = [
        "/response/result/data/connections/entries",
        "/response/result/data/users/entries",
        "/response/result/data/identities/entries",
        "/connections",
        "/connected_applications",
        "/sites",
        "/services",
    ]
    .into_iter()
    .find(|path| value.pointer(path).is_some_and(is_list))?;
    match value.pointer_mut(path)? {
        Value::Array(rows) => {
            let at = 1.min(rows.len().saturating_sub(1));
            rows.get_mut(at)
        }
        Value::Object(rows) => {
            let at = 1.min(rows.len().saturating_sub(1));
            rows.values_mut().nth(at)
        }
        _ => None,
    }
}

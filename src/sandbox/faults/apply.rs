//! Applies the effect of a fault to a response.
//!
//! A cut or hanging body is a stream whose full `Content-Length` is announced. When the stream fails, hyper closes the
//! connection, and the client sees an early end.

use std::io;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, Response, header};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};

use super::effect::{BodyShape, FaultEffect};
use crate::sandbox::http::SandboxResponse;
use crate::sandbox::json::escape_slashes;

/// Delay before a cut response ends, so that its first half is really sent.
const CUT_DELAY: Duration = Duration::from_millis(20);
/// Size of the chunks of a big body, in bytes.
const CHUNK_BYTES: u64 = 16 * 1024;
const THROTTLE_PAGE: &str = "<!DOCTYPE html>\n<html><head><title>Error</title></head>\n\
    <body><h1>Limit reached</h1><p>You can try again in 1 minute. Trying again before that will only increase the \
    time you have to wait before the ban is lifted.</p></body></html>\n";
const HTML_PAGE: &str =
    "<!DOCTYPE html>\n<html><body><h1>Briefly unavailable for scheduled maintenance.</h1></body></html>\n";
const XML_TEXT: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<response><request/></response>\n";
/// The keys that identify rows. `bad_row` replaces their values.
const ROW_KEYS: [&str; 4] = ["ID", "connection_token", "user_token", "identity_token"];

/// What the server sends for a request.
#[derive(Debug)]
pub(in crate::sandbox) enum Delivery {
    /// This response, with the status of its head.
    Send(u16, Box<Response<Body>>),
    /// Nothing, and the connection stays open.
    Hang,
    /// Nothing, and the connection closes.
    Close,
}

impl Delivery {
    /// The status; `None` if no response head is sent.
    pub(in crate::sandbox) fn status(&self) -> Option<u16> {
        match self {
            Delivery::Send(status, _) => Some(*status),
            Delivery::Hang | Delivery::Close => None,
        }
    }
}

/// Applies an effect to a response.
pub(in crate::sandbox) fn apply_fault(original: SandboxResponse, effect: Option<FaultEffect>) -> Delivery {
    let response = match effect {
        None => return send(original),
        Some(FaultEffect::HangHead) => return Delivery::Hang,
        Some(FaultEffect::Refuse) => return Delivery::Close,
        Some(FaultEffect::Throttle) => {
            return send(SandboxResponse::text(500, "text/html; charset=utf-8", THROTTLE_PAGE));
        }
        Some(FaultEffect::Shape(shape)) => return send(reshape(original, shape)),
        Some(FaultEffect::Status { status, body, content_type, headers }) => {
            let mut other = SandboxResponse::text(status, &content_type, body);
            other.headers = headers;
            return send(other);
        }
        Some(FaultEffect::Big(bytes)) => SandboxResponse::json(200, &Value::Null).http_with_body(big_body(bytes)),
        Some(FaultEffect::Cut) => {
            let failure = stream::once(async {
                tokio::time::sleep(CUT_DELAY).await;
                Err(io::Error::from(io::ErrorKind::ConnectionReset))
            });
            let body = stream::iter([Ok(first_half(&original))]).chain(failure);
            with_announced_length(&original, Body::from_stream(body))
        }
        Some(FaultEffect::HangBody) => {
            let body = stream::iter([Ok::<_, io::Error>(first_half(&original))]).chain(stream::pending());
            with_announced_length(&original, Body::from_stream(body))
        }
    };
    Delivery::Send(response.status().as_u16(), Box::new(response))
}

fn send(response: SandboxResponse) -> Delivery {
    Delivery::Send(response.status, Box::new(response.into_http()))
}

/// A response that announces the full length of the original body, with a body that is shorter.
fn with_announced_length(original: &SandboxResponse, body: Body) -> Response<Body> {
    let mut response = original.http_with_body(body);
    // At least one byte is announced, so that a client notices the cut of an empty body too.
    let length = HeaderValue::from(original.body.len().max(1));
    response.headers_mut().insert(header::CONTENT_LENGTH, length);
    response
}

fn first_half(response: &SandboxResponse) -> Bytes {
    response.body.slice(..response.body.len() / 2)
}

/// A JSON object of exactly this many bytes (at least 14), without a `Content-Length`.
fn big_body(bytes: u64) -> Body {
    const HEAD: &str = "{\"padding\":\"";
    const TAIL: &str = "\"}";
    let padding = bytes.saturating_sub((HEAD.len() + TAIL.len()) as u64);
    let chunk = Bytes::from(vec![b'a'; CHUNK_BYTES as usize]);
    let rest = chunk.slice(..(padding % CHUNK_BYTES) as usize);
    let chunks = (0..padding / CHUNK_BYTES).map(move |_| chunk.clone());
    let all = std::iter::once(Bytes::from_static(HEAD.as_bytes()))
        .chain(chunks)
        .chain([rest, Bytes::from_static(TAIL.as_bytes())])
        .filter(|chunk| !chunk.is_empty())
        .map(Ok::<_, io::Error>);
    Body::from_stream(stream::iter(all))
}

fn reshape(response: SandboxResponse, shape: BodyShape) -> SandboxResponse {
    const JSON: &str = "application/json";
    match shape {
        BodyShape::Empty => SandboxResponse::text(200, JSON, ""),
        BodyShape::Html => SandboxResponse::text(200, "text/html; charset=utf-8", HTML_PAGE),
        BodyShape::Array => SandboxResponse::text(200, JSON, "[]"),
        BodyShape::Null => SandboxResponse::text(200, JSON, "null"),
        BodyShape::SuccessTrue => SandboxResponse::text(200, JSON, "{\"success\":true}"),
        BodyShape::Xml => SandboxResponse::text(200, "application/xml; charset=utf-8", XML_TEXT),
        BodyShape::Garbage => SandboxResponse::text(200, JSON, &b"{\"connections\":[{\"ID\":\xff\xfe7,]\x00"[..]),
        BodyShape::BadRow => with_bad_row(response),
    }
}

/// Makes one row of a list unreadable: the second, or the only one. Other responses stay unchanged.
fn with_bad_row(mut response: SandboxResponse) -> SandboxResponse {
    if let Ok(mut body) = serde_json::from_slice::<Value>(&response.body)
        && let Some(row) = find_row(&mut body)
    {
        if let Value::Object(row) = row {
            for key in ROW_KEYS {
                if let Some(value) = row.get_mut(key) {
                    *value = json!({"unreadable": [true]});
                }
            }
        }
        response.body = Bytes::from(escape_slashes(&body.to_string()));
    }
    response
}

fn find_row(body: &mut Value) -> Option<&mut Value> {
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
    .find(|path| body.pointer(path).is_some_and(is_list))?;
    match body.pointer_mut(path)? {
        Value::Array(rows) => {
            let index = 1.min(rows.len().saturating_sub(1));
            rows.get_mut(index)
        }
        Value::Object(rows) => {
            let index = 1.min(rows.len().saturating_sub(1));
            rows.values_mut().nth(index)
        }
        _ => None,
    }
}

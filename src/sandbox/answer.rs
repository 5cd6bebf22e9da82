//! A request as the two providers see it, and an answer before it is spoilt or sent.

use std::borrow::Cow;

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Method, Response, StatusCode, header};
use bytes::Bytes;
use percent_encoding::percent_decode_str;
use serde_json::Value;

/// What a provider looks at in a request.
pub(super) struct Call<'a> {
    pub(super) method: &'a Method,
    /// The path as sent, still percent-encoded.
    pub(super) path: &'a str,
    /// The query as sent, without the question mark.
    pub(super) raw_query: &'a str,
    query: Vec<(String, String)>,
    authorization: Option<&'a str>,
}

impl<'a> Call<'a> {
    /// Reads the head of a request.
    pub(super) fn new(head: &'a Parts) -> Self {
        let raw_query = head.uri.query().unwrap_or_default();
        Call {
            method: &head.method,
            path: head.uri.path(),
            raw_query,
            query: url::form_urlencoded::parse(raw_query.as_bytes()).into_owned().collect(),
            authorization: head.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()),
        }
    }

    /// The last value of a query parameter: PHP keeps the last one.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// What follows the scheme in `Authorization`, if the scheme is this one.
    pub(super) fn credential(&self, scheme: &str) -> Option<&'a str> {
        let (found, rest) = self.authorization?.split_once(' ')?;
        found.eq_ignore_ascii_case(scheme).then(|| rest.trim())
    }

    /// Whether the request shows any credential, known or not.
    pub(super) fn shows_a_credential(&self) -> bool {
        self.authorization.is_some_and(|shown| !shown.is_empty()) || self.parameter("token").is_some()
    }

    /// The decoded segments of the path; one trailing slash is dropped.
    pub(super) fn segments(&self) -> Vec<Cow<'a, str>> {
        let path = self.path.strip_prefix('/').unwrap_or(self.path);
        let path = path.strip_suffix('/').unwrap_or(path);
        path.split('/').map(|segment| percent_decode_str(segment).decode_utf8_lossy()).collect()
    }
}

/// A finished answer: status, headers and the whole body.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) content_type: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Bytes,
}

impl Answer {
    /// An answer with this text.
    pub(super) fn text(status: u16, content_type: &str, body: impl Into<Bytes>) -> Self {
        Answer { status, content_type: content_type.to_owned(), headers: Vec::new(), body: body.into() }
    }

    /// A JSON answer in plain spelling, for the control endpoints.
    pub(super) fn json(status: u16, value: &Value) -> Self {
        Answer::text(status, "application/json", value.to_string())
    }

    /// The answer with one more header.
    pub(super) fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The response, with this body in place of the answer's own.
    pub(super) fn respond(&self, body: Body) -> Response<Body> {
        let mut response = Response::new(body);
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let content_type = ("content-type".to_owned(), self.content_type.clone());
        for (name, value) in std::iter::once(&content_type).chain(&self.headers) {
            let pair = (HeaderName::try_from(name.as_str()), HeaderValue::try_from(value.as_str()));
            if let (Ok(name), Ok(value)) = pair {
                response.headers_mut().append(name, value);
            }
        }
        response
    }

    /// The response with the answer's own body.
    pub(super) fn into_response(self) -> Response<Body> {
        self.respond(Body::from(self.body.clone()))
    }
}

/// JSON text as PHP writes it: every slash escaped. A slash in JSON only ever stands inside a string.
pub(super) fn php(text: &str) -> String {
    text.replace('/', "\\/")
}

/// The object with the keys of `changes` put over its own.
pub(super) fn with(mut row: Value, changes: Value) -> Value {
    if let (Value::Object(row), Value::Object(changes)) = (&mut row, changes) {
        row.extend(changes);
    }
    row
}

/// The object without these keys.
pub(super) fn without(mut row: Value, keys: &[&str]) -> Value {
    if let Value::Object(row) = &mut row {
        for key in keys {
            row.remove(*key);
        }
    }
    row
}

/// What a write came to: its answer, and whether the world is another one now.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) answer: Answer,
    pub(super) changed: bool,
}

//! A request as the two providers see it, and a response before a fault is applied.

use std::borrow::Cow;

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Method, Response, StatusCode, header};
use bytes::Bytes;
use percent_encoding::percent_decode_str;
use serde_json::Value;

/// The parts of a request that a provider reads.
pub(super) struct SandboxRequest<'a> {
    pub(super) method: &'a Method,
    /// The path as sent, still percent-encoded.
    pub(super) path: &'a str,
    /// The query as sent, without the question mark.
    pub(super) raw_query: &'a str,
    query: Vec<(String, String)>,
    authorization: Option<&'a str>,
}

impl<'a> SandboxRequest<'a> {
    /// Reads the head of a request.
    pub(super) fn new(head: &'a Parts) -> Self {
        let raw_query = head.uri.query().unwrap_or_default();
        SandboxRequest {
            method: &head.method,
            path: head.uri.path(),
            raw_query,
            query: url::form_urlencoded::parse(raw_query.as_bytes()).into_owned().collect(),
            authorization: head.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()),
        }
    }

    /// The last value of a query parameter, because PHP uses the last one.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The credentials in `Authorization` if it has this scheme.
    pub(super) fn credential(&self, scheme: &str) -> Option<&'a str> {
        let (found, rest) = self.authorization?.split_once(' ')?;
        found.eq_ignore_ascii_case(scheme).then(|| rest.trim())
    }

    /// Whether the request carries any credential, known or not.
    pub(super) fn has_credential(&self) -> bool {
        self.authorization.is_some_and(|value| !value.is_empty()) || self.parameter("token").is_some()
    }

    /// The decoded segments of the path. One trailing slash is dropped.
    pub(super) fn segments(&self) -> Vec<Cow<'a, str>> {
        let path = self.path.strip_prefix('/').unwrap_or(self.path);
        let path = path.strip_suffix('/').unwrap_or(path);
        path.split('/').map(|segment| percent_decode_str(segment).decode_utf8_lossy()).collect()
    }
}

/// A complete response: status, headers and body.
#[derive(Debug, Clone)]
pub(super) struct SandboxResponse {
    pub(super) status: u16,
    pub(super) content_type: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Bytes,
}

impl SandboxResponse {
    /// A response with this body.
    pub(super) fn text(status: u16, content_type: &str, body: impl Into<Bytes>) -> Self {
        SandboxResponse { status, content_type: content_type.to_owned(), headers: Vec::new(), body: body.into() }
    }

    /// A JSON response without escaped slashes, for the control endpoints.
    pub(super) fn json(status: u16, value: &Value) -> Self {
        SandboxResponse::text(status, "application/json", value.to_string())
    }

    /// The response with one more header.
    pub(super) fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The status and headers of this response with another body.
    pub(super) fn http_with_body(&self, body: Body) -> Response<Body> {
        let mut response = Response::new(body);
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let content_type = ("content-type".to_owned(), self.content_type.clone());
        for (name, value) in std::iter::once(&content_type).chain(&self.headers) {
            let header = (HeaderName::try_from(name.as_str()), HeaderValue::try_from(value.as_str()));
            if let (Ok(name), Ok(value)) = header {
                response.headers_mut().append(name, value);
            }
        }
        response
    }

    /// The HTTP response.
    pub(super) fn into_http(self) -> Response<Body> {
        self.http_with_body(Body::from(self.body.clone()))
    }
}

/// The result of a write: its response, and whether the stored data changed.
#[derive(Debug)]
pub(super) struct WriteResult {
    pub(super) response: SandboxResponse,
    pub(super) changed: bool,
}

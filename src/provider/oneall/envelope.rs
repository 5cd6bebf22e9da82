//! Parses OneAll's envelope and decides what a response means: content, no such object, or an error.
//!
//! A response has up to three statuses: the HTTP status, `request.status` (was the request understood) and
//! `result.status` (did the operation succeed). Their codes decide. `flag` and `info` are for people, and OneAll has no
//! error codes beyond these numbers.
//!
//! - A failed sign-in is a 401 inside an HTTP 200.
//! - A failed link is a 400 whose body still reports the result.
//! - An error may arrive as HTML.
//!
//! A failed sign-in or link is content, because the gateway shows it. For other reads, [`Envelope::into_data`] turns a
//! failed operation into an error.
//!
//! The detail of an error contains no content of the response.

use std::fmt;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::date;
use crate::model::{DateTime, Provider};
use crate::provider::lenient::{self, MaybeObject, Scalar};
use crate::provider::{Error, Reason};
use crate::upstream::Reply;

/// A parsed envelope.
#[derive(Clone, Debug, PartialEq)]
pub struct Envelope<T> {
    /// The request as OneAll saw it.
    pub meta: Meta,
    /// The result of the operation. Simple reads have none.
    pub result: Option<Status>,
    /// The data. `None` for an empty list, which is how PHP writes an empty map.
    pub data: Option<T>,
}

/// The request as OneAll saw it, for explanations and logs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Meta {
    /// When OneAll responded.
    pub date: Option<DateTime>,
    /// The requested path with its query string.
    pub resource: Option<String>,
    /// Whether OneAll understood the request.
    pub status: Status,
}

/// A status in the envelope. Each part may be missing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// `success`, `error`, `scheduled` or another word. It decides only that a write without `success` is not
    /// confirmed.
    pub flag: Option<String>,
    /// A number like an HTTP status.
    pub code: Option<i32>,
    /// A sentence in English.
    pub info: Option<String>,
}

impl fmt::Display for Meta {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let date = self.date.map(|date| date.to_string()).unwrap_or_default();
        let code = self.status.code.map(|code| code.to_string()).unwrap_or_default();
        // Without the resource, because its path may contain a token.
        write!(f, "date={date} status={code}")
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct EnvelopeNode<'a> {
    #[serde(borrow)]
    response: MaybeObject<ResponseNode<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ResponseNode<'a> {
    request: MaybeObject<RequestNode>,
    #[serde(borrow)]
    result: MaybeObject<ResultNode<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RequestNode {
    date: Scalar,
    resource: Scalar,
    status: MaybeObject<StatusNode>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ResultNode<'a> {
    status: MaybeObject<StatusNode>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct StatusNode {
    flag: Scalar,
    code: Scalar,
    info: Scalar,
}

impl From<StatusNode> for Status {
    fn from(node: StatusNode) -> Self {
        Status { code: node.code.count(), flag: node.flag.text(), info: node.info.text() }
    }
}

impl From<RequestNode> for Meta {
    fn from(node: RequestNode) -> Self {
        Meta {
            date: node.date.text().and_then(|text| date::parse(&text)),
            resource: node.resource.text(),
            status: node.status.0.map(Status::from).unwrap_or_default(),
        }
    }
}

impl Status {
    /// Whether the code means failure.
    pub fn is_error(&self) -> bool {
        self.code.is_some_and(|code| code >= 400)
    }

    /// Whether the code means success.
    pub fn is_success(&self) -> bool {
        self.code.is_some_and(|code| (200..300).contains(&code))
    }

    /// Whether the operation is confirmed as done: by the code, without a flag that contradicts it.
    pub fn confirms_success(&self) -> bool {
        let is_flagged = self.flag.as_deref().is_none_or(|flag| flag.eq_ignore_ascii_case("success"));
        matches!(self.code, Some(200 | 201)) && is_flagged
    }
}

impl<T> Envelope<T> {
    /// Returns whether the object exists.
    ///
    /// # Errors
    /// Why the operation failed.
    pub fn exists(&self) -> Result<bool, Error> {
        let failed = [Some(&self.meta.status), self.result.as_ref()].into_iter().flatten().find(|s| s.is_error());
        let (reason, code) = match failed.and_then(|status| status.code) {
            None => return Ok(true),
            Some(404) => return Ok(false),
            Some(code @ (401 | 403)) => (Reason::NotAllowed, code),
            Some(code @ 429) => (Reason::Throttled, code),
            Some(code @ 500..) => (Reason::Unavailable, code),
            Some(code) => (Reason::Refused, code),
        };
        Err(Error::new(Provider::OneAll, reason, format!("the operation ended with {code}")))
    }

    /// Returns the data, or `None` if the object does not exist. For all reads except sign-ins.
    ///
    /// # Errors
    /// Why the operation failed, or that the data is missing.
    pub fn into_data(self) -> Result<Option<T>, Error> {
        match self.exists()? {
            false => Ok(None),
            true => match self.data {
                Some(data) => Ok(Some(data)),
                None => Err(Error::new(Provider::OneAll, Reason::Malformed, "result.data: expected an object")),
            },
        }
    }
}

/// Parses a response. Returns `None` if the envelope says that the object does not exist.
///
/// # Errors
/// The provider's error, or `Malformed` if the response is no envelope.
pub fn parse<T: DeserializeOwned>(reply: &Reply) -> Result<Option<Envelope<T>>, Error> {
    let body = body_of(reply);
    let response = response(body).map_err(|error| not_an_envelope(reply, body, &error.detail))?;
    let (request, result_node) = match (response.request.0, response.result.0) {
        (None, None) => return Err(not_an_envelope(reply, body, "JSON without an envelope")),
        (request, result) => (request.unwrap_or_default(), result.unwrap_or_default()),
    };
    let mut meta = Meta::from(request);
    let code = effective_status(reply.status, meta.status.code);
    if code >= 400 {
        // Callers then find the error here, whichever status reported it.
        meta.status.code = Some(code.into());
    }
    let result = result_node.status.0.map(Status::from);
    let data = result_node.data.filter(|raw| is_non_empty_object(raw));
    if let Some(code) =
        result.as_ref().and_then(failure_code).filter(|_| code < 400 && !data.is_some_and(has_plugin_report))
    {
        return Err(status_error(reply, code, ""));
    }
    let is_content = match code {
        200..=299 => data.is_some() || result.as_ref().is_none_or(|status| status.code != Some(404)),
        401 if result.as_ref().is_some_and(Status::is_error) => true,
        429 => false,
        400..=499 => data.is_some_and(has_plugin_report),
        _ => false,
    };
    match code {
        _ if is_content => {
            let data = data.map(|raw| decode(reply, raw)).transpose()?;
            Ok(Some(Envelope { meta, result, data }))
        }
        200..=299 | 404 => Ok(None),
        code => Err(status_error(reply, code, "")),
    }
}

/// The request as OneAll saw it, for the record of a call without content.
pub fn meta(reply: &Reply) -> Option<Meta> {
    response(body_of(reply)).ok()?.request.0.map(Meta::from)
}

/// The statuses as received: the one of the request, then the one of the operation. Either may be missing.
pub fn statuses(reply: &Reply) -> Vec<Status> {
    let Ok(ResponseNode { request, result }) = response(body_of(reply)) else { return Vec::new() };
    let request = request.0.and_then(|request| request.status.0);
    let result = result.0.and_then(|result| result.status.0);
    [request, result].into_iter().flatten().map(Status::from).collect()
}

/// The body without a byte order mark.
fn body_of(reply: &Reply) -> &[u8] {
    reply.body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&reply.body)
}

/// The node inside the envelope. Empty if the JSON is no envelope.
fn response(body: &[u8]) -> Result<ResponseNode<'_>, Error> {
    let MaybeObject(envelope) = lenient::decode::<MaybeObject<EnvelopeNode<'_>>>(Provider::OneAll, body)?;
    Ok(envelope.and_then(|envelope| envelope.response.0).unwrap_or_default())
}

/// The status that decides. An error in the envelope overrides an HTTP 200.
///
/// HTTP 429 and 5xx override the envelope: a 404 inside a 503 does not mean that the object is gone.
fn effective_status(http: u16, code: Option<i32>) -> u16 {
    let code = code.and_then(|code| u16::try_from(code).ok()).filter(|code| (100..=599).contains(code));
    match code {
        Some(code) if !(200..300).contains(&code) && http < 500 && http != 429 => code,
        _ => http,
    }
}

/// The code of an operation that OneAll did not perform. It says nothing about the requested object.
fn failure_code(result: &Status) -> Option<u16> {
    result.code.and_then(|code| u16::try_from(code).ok()).filter(|code| matches!(code, 429 | 500..))
}

/// Whether this is an object with fields. PHP writes an empty map as `[]`.
fn is_non_empty_object(raw: &RawValue) -> bool {
    raw.get().strip_prefix('{').is_some_and(|rest| !rest.trim_start().starts_with('}'))
}

/// Whether the data reports what a plugin did. A failed link does, as recorded by OneAll's Drupal module.
fn has_plugin_report(raw: &RawValue) -> bool {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Node<'a> {
        #[serde(borrow)]
        plugin: Option<&'a RawValue>,
    }
    serde_json::from_str::<Node<'_>>(raw.get()).is_ok_and(|node| node.plugin.is_some_and(is_non_empty_object))
}

fn decode<T: DeserializeOwned>(reply: &Reply, raw: &RawValue) -> Result<T, Error> {
    lenient::decode(Provider::OneAll, raw.get().as_bytes())
        .map_err(|error| error_of(reply, error.reason, format!("result.data: {}", error.detail)))
}

/// The error of a response without an envelope. The HTTP status decides where it can.
fn not_an_envelope(reply: &Reply, body: &[u8], seen: &str) -> Error {
    let start = body.trim_ascii_start();
    let media = reply.content_type.as_deref().unwrap_or_default();
    let seen = if start.is_empty() {
        "responded with an empty body".to_owned()
    } else if media.ends_with("/xml") || (media.ends_with("+xml") && media != "application/xhtml+xml") || is_xml(start)
    {
        "responded with XML instead of JSON".to_owned()
    } else if start.starts_with(b"<") {
        "responded with HTML instead of JSON".to_owned()
    } else {
        format!("responded without an envelope: {seen}")
    };
    match reply.status {
        300..=399 | 401 | 403 | 429 | 500.. => status_error(reply, reply.status, &format!(", and {seen}")),
        _ => error_of(reply, Reason::Malformed, seen),
    }
}

fn is_xml(start: &[u8]) -> bool {
    start.get(..5).is_some_and(|five| five.eq_ignore_ascii_case(b"<?xml"))
}

fn status_error(reply: &Reply, code: u16, suffix: &str) -> Error {
    let (reason, what) = match code {
        401 => (Reason::NotAuthenticated, "the site keys were rejected"),
        403 => (Reason::NotAllowed, "OneAll denies access"),
        429 => (Reason::Throttled, "OneAll limits the rate of requests"),
        502 => (Reason::Unavailable, "OneAll is unavailable or in maintenance"),
        503 => (Reason::Unavailable, "OneAll is overloaded"),
        500.. => (Reason::Unavailable, "OneAll failed"),
        409 => (Reason::Refused, "OneAll reports a conflict"),
        400..=499 => (Reason::Refused, "OneAll rejected the request"),
        300..=399 => (Reason::Malformed, "a redirect, which is never followed"),
        _ => (Reason::Malformed, "not a final status"),
    };
    let inner_status = (code != reply.status).then_some(code);
    Error { inner_status, ..error_of(reply, reason, format!("{code}: {what}{suffix}")) }
}

fn error_of(reply: &Reply, reason: Reason, detail: String) -> Error {
    let has_retry_after = matches!(reason, Reason::Throttled | Reason::Unavailable);
    let retry_after = reply.retry_after.filter(|_| has_retry_after);
    Error { status: Some(reply.status), retry_after, ..Error::new(Provider::OneAll, reason, detail) }
}

#[cfg(test)]
mod tests;

//! OneAll's envelope, opened once for every read: is there content, is there no such thing, or what went wrong.
//!
//! An answer carries up to three verdicts: the HTTP status, `request.status` (was the call understood) and
//! `result.status` (did the operation succeed). They are judged by number; `flag` and `info` are words for people, and
//! OneAll has no error identifiers. What surprises: a failed sign-in is a 401 inside an HTTP 200, a failed link is a
//! 400 whose body still says what happened, and an error may come as HTML. A failed sign-in or link is content here,
//! for it is a thing to show; `Opened::into_data` is for the reads where a failed operation is an error.
//!
//! No sentence of an error holds anything out of the answer.

use std::fmt;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::date;
use crate::model::{DateTime, Provider};
use crate::provider::lenient::{self, MaybeObject, Scalar};
use crate::provider::{Error, Reason};
use crate::upstream::Reply;

/// An opened envelope.
#[derive(Clone, Debug, PartialEq)]
pub struct Envelope<T> {
    /// What it says of the request.
    pub meta: Meta,
    /// How the operation ended; plain reads do not say.
    pub result: Option<Status>,
    /// What it holds; absent where nothing but an empty list stands for it, as PHP writes an empty map.
    pub data: Option<T>,
}

/// What an envelope says of the request, kept for explanations and logs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Meta {
    /// When OneAll answered.
    pub date: Option<DateTime>,
    /// The path it read, with its query string.
    pub resource: Option<String>,
    /// Whether it understood the request.
    pub status: Status,
}

/// One verdict of OneAll's; each part may be missing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// `success`, `error`, `scheduled` or anything else. It decides nothing, but that no other than `success` affirms a write.
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
        // Not the resource: its path may hold a token.
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
    /// Whether the number says that it went wrong.
    pub fn is_error(&self) -> bool {
        self.code.is_some_and(|code| code >= 400)
    }

    /// Whether the number says that it went well.
    pub fn is_success(&self) -> bool {
        self.code.is_some_and(|code| (200..300).contains(&code))
    }

    /// Whether it says that an operation is done: by its number, with no flag beside it that says otherwise.
    pub fn affirms(&self) -> bool {
        let is_flagged = self.flag.as_deref().is_none_or(|flag| flag.eq_ignore_ascii_case("success"));
        matches!(self.code, Some(200 | 201)) && is_flagged
    }
}

impl<T> Envelope<T> {
    /// Whether the operation went well, or there is no such thing.
    ///
    /// # Errors
    /// Why it failed.
    pub fn is_found(&self) -> Result<bool, Error> {
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

    /// What it holds, for every read but a sign-in's: none if there is no such thing, an error if the operation failed.
    pub fn into_data(self) -> Result<Option<T>, Error> {
        match self.is_found()? {
            false => Ok(None),
            true => match self.data {
                Some(data) => Ok(Some(data)),
                None => Err(Error::new(Provider::OneAll, Reason::Malformed, "result.data: expected an object")),
            },
        }
    }
}

/// Opens an answer: its content, none where OneAll says in its envelope that there is no such thing, or what is wrong.
pub fn parse<T: DeserializeOwned>(reply: &Reply) -> Result<Option<Envelope<T>>, Error> {
    let body = body_of(reply);
    let response = response(body).map_err(|error| not_an_envelope(reply, body, &error.detail))?;
    let (request, outcome) = match (response.request.0, response.result.0) {
        (None, None) => return Err(not_an_envelope(reply, body, "JSON without an envelope")),
        (request, outcome) => (request.unwrap_or_default(), outcome.unwrap_or_default()),
    };
    let mut meta = Meta::from(request);
    let code = effective_status(reply.status, meta.status.code);
    if code >= 400 {
        // So that whoever reads on sees the error, whichever of the two levels said it.
        meta.status.code = Some(code.into());
    }
    let result = outcome.status.0.map(Status::from);
    let data = outcome.data.filter(|raw| is_non_empty_object(raw));
    if let Some(code) = result.as_ref().and_then(outage).filter(|_| code < 400 && !data.is_some_and(has_plugin_report))
    {
        return Err(status_error(reply, code, ""));
    }
    let content = match code {
        200..=299 => data.is_some() || result.as_ref().is_none_or(|status| status.code != Some(404)),
        401 if result.as_ref().is_some_and(Status::is_error) => true,
        429 => false,
        400..=499 => data.is_some_and(has_plugin_report),
        _ => false,
    };
    match code {
        _ if content => {
            let data = data.map(|raw| decode(reply, raw)).transpose()?;
            Ok(Some(Envelope { meta, result, data }))
        }
        200..=299 | 404 => Ok(None),
        code => Err(status_error(reply, code, "")),
    }
}

/// What an answer says of the request, where it is no content: for the log of calls.
pub fn meta(reply: &Reply) -> Option<Meta> {
    response(body_of(reply)).ok()?.request.0.map(Meta::from)
}

/// The statuses of an answer as they came: that of the request, then that of the operation, as far as there are any.
pub fn statuses(reply: &Reply) -> Vec<Status> {
    let Ok(ResponseNode { request, result }) = response(body_of(reply)) else { return Vec::new() };
    let request = request.0.and_then(|request| request.status.0);
    let result = result.0.and_then(|result| result.status.0);
    [request, result].into_iter().flatten().map(Status::from).collect()
}

/// The body without the mark that some editors begin a file with.
fn body_of(reply: &Reply) -> &[u8] {
    reply.body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&reply.body)
}

/// What stands in the envelope; nothing if it is none.
fn response(body: &[u8]) -> Result<ResponseNode<'_>, Error> {
    let MaybeObject(envelope) = lenient::decode::<MaybeObject<EnvelopeNode<'_>>>(Provider::OneAll, body)?;
    Ok(envelope.and_then(|envelope| envelope.response.0).unwrap_or_default())
}

/// The number that decides. An error in the envelope outranks an HTTP 200, but an outage or a slow-down at the HTTP
/// level outranks the envelope: a 404 inside a 503 is no reason to believe that a thing is gone.
fn effective_status(http: u16, code: Option<i32>) -> u16 {
    let code = code.and_then(|code| u16::try_from(code).ok()).filter(|code| (100..=599).contains(code));
    match code {
        Some(code) if !(200..300).contains(&code) && http < 500 && http != 429 => code,
        _ => http,
    }
}

/// The number of an operation that OneAll did not carry out: it says nothing of the thing that was asked for.
fn outage(result: &Status) -> Option<u16> {
    result.code.and_then(|code| u16::try_from(code).ok()).filter(|code| matches!(code, 429 | 500..))
}

/// Whether an object with fields stands here: PHP writes an empty map as `[]`.
fn is_non_empty_object(raw: &RawValue) -> bool {
    raw.get().strip_prefix('{').is_some_and(|rest| !rest.trim_start().starts_with('}'))
}

/// Whether an error's body says what a plugin did: a failed link does (recorded by OneAll's own Drupal module).
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

/// An answer that is no envelope: the HTTP status decides where it can.
fn not_an_envelope(reply: &Reply, body: &[u8], seen: &str) -> Error {
    let start = body.trim_ascii_start();
    let media = reply.content_type.as_deref().unwrap_or_default();
    let seen = if start.is_empty() {
        "answered nothing".to_owned()
    } else if media.ends_with("/xml") || (media.ends_with("+xml") && media != "application/xhtml+xml") || is_xml(start)
    {
        "answered XML where JSON was asked for".to_owned()
    } else if start.starts_with(b"<") {
        "answered HTML where JSON was asked for".to_owned()
    } else {
        format!("answered what is no envelope: {seen}")
    };
    match reply.status {
        300..=399 | 401 | 403 | 429 | 500.. => status_error(reply, reply.status, &format!(", and {seen}")),
        _ => error_of(reply, Reason::Malformed, seen),
    }
}

fn is_xml(start: &[u8]) -> bool {
    start.get(..5).is_some_and(|five| five.eq_ignore_ascii_case(b"<?xml"))
}

fn status_error(reply: &Reply, code: u16, and: &str) -> Error {
    let (reason, what) = match code {
        401 => (Reason::NotAuthenticated, "the site keys were refused"),
        403 => (Reason::NotAllowed, "OneAll understood and refused"),
        429 => (Reason::Throttled, "OneAll asks to slow down"),
        502 => (Reason::Unavailable, "OneAll is out of order or in maintenance"),
        503 => (Reason::Unavailable, "OneAll is overloaded"),
        500.. => (Reason::Unavailable, "OneAll failed"),
        409 => (Reason::Refused, "OneAll sees a conflict"),
        400..=499 => (Reason::Refused, "OneAll refused the request"),
        300..=399 => (Reason::Malformed, "a redirect, which is never followed"),
        _ => (Reason::Malformed, "an answer that is not final"),
    };
    let inner_status = (code != reply.status).then_some(code);
    Error { inner_status, ..error_of(reply, reason, format!("{code}: {what}{and}")) }
}

fn error_of(reply: &Reply, reason: Reason, detail: String) -> Error {
    let waits = matches!(reason, Reason::Throttled | Reason::Unavailable);
    let retry_after = reply.retry_after.filter(|_| waits);
    Error { status: Some(reply.status), retry_after, ..Error::new(Provider::OneAll, reason, detail) }
}

#[cfg(test)]
mod tests;

//! Reads the error formats of WordPress.com's host.
//!
//! - v1: `{"error", "message"}`, with `error_message` on a 405, and `{"errors":[{"error","message"}]}` on some writes
//! - v2: `{"code", "message", "data":{"status"}}`
//! - OAuth2: `{"error", "error_description"}`
//! - a member of `/batch`: `{"errors":{code:[text]},"error_data":{code:status}}`, perhaps also
//!   `{"status_code","errors":{"error","message"}}`
//! - an envelope: `{"code":403,"headers":…,"body":{…}}`, or in v2 `{"body":{…},"status":403,"headers":…}`

use serde::Deserialize;

use crate::model::Provider;
use crate::provider::lenient::{self, MaybeObject, Rows, Scalar};

/// The maximum size of a body that is read as an error, in bytes. Decoded, its varying shapes take many times their
/// text.
const ERROR_BYTES_MAX: usize = 64 * 1024;

/// The keys with which an error in one of the formats can begin.
const ERROR_KEYS: &[&[u8]] = &[
    b"additional_data",
    b"additional_errors",
    b"body",
    b"code",
    b"data",
    b"error",
    b"error_data",
    b"error_description",
    b"error_message",
    b"errors",
    b"headers",
    b"message",
    b"status",
    b"status_code",
    b"success",
];

/// An error from a response body.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct ErrorBody {
    /// The status in the body, between 400 and 599.
    pub(super) status: Option<u16>,
    /// The error code as received.
    pub(super) code: Option<String>,
    /// The message in lower case. It is only compared, never shown.
    pub(super) message: String,
}

/// Whether a 2xx body must be read as an error, by its first key alone.
///
/// In each format, an error contains only keys of that format, and no content begins with one of them (`ID`,
/// `connections`, `sites`, …). So a response without an error is decoded once. Content that did begin with such a key
/// would be decoded twice and still be content.
pub(super) fn may_be_error(body: &[u8]) -> bool {
    if body.len() > ERROR_BYTES_MAX {
        return false;
    }
    let key = body.trim_ascii_start().strip_prefix(b"{").map(<[u8]>::trim_ascii_start);
    let Some(key) = key.and_then(|key| key.strip_prefix(b"\"")) else {
        return false;
    };
    ERROR_KEYS.iter().any(|known| key.strip_prefix(*known).is_some_and(|rest| rest.first() == Some(&b'"')))
}

/// Reads an error. Returns `None` if the JSON is not an error. The detail of a failure contains no content.
pub(super) fn read(body: &[u8]) -> Result<Option<ErrorBody>, String> {
    if body.len() > ERROR_BYTES_MAX {
        return Err("too large for an error".to_owned());
    }
    let raw: MaybeObject<Raw> = lenient::decode(Provider::WordPress, body).map_err(|error| error.detail)?;
    Ok(raw.0.and_then(Raw::error_body))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Raw {
    error: Scalar,
    message: Scalar,
    error_message: Scalar,
    error_description: Scalar,
    code: Scalar,
    data: StatusHint,
    errors: Rows<ErrorEntry>,
    error_data: Rows<StatusHint>,
    status_code: Scalar,
    status: Scalar,
    body: MaybeObject<Box<Raw>>,
}

/// A status, or an object with a status.
#[derive(Deserialize)]
#[serde(untagged)]
enum StatusHint {
    Inside {
        #[serde(default)]
        status: Scalar,
    },
    Number(Scalar),
}

/// An item of `errors`: messages under a code, an error object, or the text under `error` or `message`.
#[derive(Deserialize)]
#[serde(untagged)]
enum ErrorEntry {
    Texts(Vec<Scalar>),
    Item {
        #[serde(default)]
        error: Scalar,
        #[serde(default)]
        message: Scalar,
    },
    Text(Scalar),
}

impl Default for StatusHint {
    fn default() -> Self {
        StatusHint::Number(Scalar::Absent)
    }
}

impl StatusHint {
    fn status(&self) -> Option<u16> {
        match self {
            StatusHint::Inside { status } | StatusHint::Number(status) => error_status(status),
        }
    }
}

impl Raw {
    fn error_body(self) -> Option<ErrorBody> {
        let outer = if self.body.0.is_some() { error_status(&self.status) } else { None };
        if let Some(status) = error_status(&self.code).or(outer) {
            let inner = self.body.0.and_then(|body| body.error_body()).unwrap_or_default();
            let message = if inner.message.is_empty() { first_text([self.message]) } else { inner.message };
            return Some(ErrorBody { status: Some(status), code: inner.code, message });
        }
        let given = self.data.status().or_else(|| error_status(&self.status_code));
        let message = first_text([self.message, self.error_message, self.error_description]);
        if is_set(&self.error) {
            return Some(ErrorBody { status: given, code: self.error.text(), message });
        }
        if let Some((code, text)) = first(self.errors) {
            let known = |row: &&lenient::Row<StatusHint>| code.as_deref() == Some(row.key.as_str());
            let named = self.error_data.0.iter().find(known).and_then(|row| row.value.as_ref().ok()?.status());
            let message = if text.is_empty() { message } else { text };
            return Some(ErrorBody { status: given.or(named), code, message });
        }
        // Content may use the key `code` too, so a code is an error only with a message or a status.
        let code = if matches!(self.code, Scalar::Text(_)) { self.code.text() } else { None };
        let explained = given.is_some() || !message.is_empty();
        code.filter(|_| explained).map(|code| ErrorBody { status: given, code: Some(code), message })
    }
}

/// The code and the message of the first of `errors`.
fn first(errors: Rows<ErrorEntry>) -> Option<(Option<String>, String)> {
    let mut code = None;
    let mut text = String::new();
    let mut any = false;
    for row in errors.0 {
        let Ok(entry) = row.value else { continue };
        match (row.key.as_str(), entry) {
            ("error", ErrorEntry::Text(word)) => code = word.text(),
            ("message", ErrorEntry::Text(words)) => text = first_text([words]),
            _ if any => continue,
            (_, ErrorEntry::Item { error, message }) => (code, text) = (error.text(), first_text([message])),
            (place, ErrorEntry::Texts(texts)) => (code, text) = (Some(place.to_owned()), first_text(texts)),
            (place, ErrorEntry::Text(words)) => (code, text) = (Some(place.to_owned()), first_text([words])),
        }
        any = true;
    }
    any.then_some((code, text))
}

/// The first text, in lower case.
fn first_text(texts: impl IntoIterator<Item = Scalar>) -> String {
    texts.into_iter().find_map(Scalar::text).map(|text| text.to_lowercase()).unwrap_or_default()
}

fn is_set(value: &Scalar) -> bool {
    match value {
        Scalar::Text(text) => !text.trim().is_empty(),
        Scalar::Bool(flag) => *flag,
        Scalar::Integer(number) => *number != 0,
        Scalar::Float(_) | Scalar::Absent => false,
    }
}

/// A number that is an error status. Digits in text are an error code, not a status.
fn error_status(value: &Scalar) -> Option<u16> {
    match value {
        Scalar::Integer(number) => u16::try_from(*number).ok().filter(|status| (400..600).contains(status)),
        _ => None,
    }
}

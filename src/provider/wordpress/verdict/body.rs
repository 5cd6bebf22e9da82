//! The dialects of error on WordPress.com's host, read into one shape.
//!
//! - v1: `{"error", "message"}`, with `error_message` on a 405, and `{"errors":[{"error","message"}]}` on some writes
//! - v2: `{"code", "message", "data":{"status"}}`
//! - OAuth2: `{"error", "error_description"}`
//! - a member of `/batch`: `{"errors":{code:[text]},"error_data":{code:status}}`, perhaps also
//!   `{"status_code","errors":{"error","message"}}`
//! - an envelope: `{"code":403,"headers":…,"body":{…}}`, or in v2 `{"body":{…},"status":403,"headers":…}`

use serde::Deserialize;

use crate::model::Provider;
use crate::provider::lenient::{self, Loose, Maybe, Rows};

/// The largest body that is read as an error, in bytes: its shapes drift so far that they take many times their text.
const ERROR_BYTES_MAX: usize = 64 * 1024;

/// The keys with which an error of some dialect can begin.
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

/// What an error says.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Said {
    /// The status it gives itself, between 400 and 599.
    pub(super) status: Option<u16>,
    /// Its identifier, as it came.
    pub(super) code: Option<String>,
    /// Its sentence, in lower case; to be compared, never to be shown.
    pub(super) message: String,
}

/// Whether a good answer has to be read as an error, judged by its first key alone.
///
/// Every dialect's error holds only keys of that dialect, whatever their order, and no content begins with one of them
/// (`ID`, `connections`, `sites`, …). So a good answer costs a look at a few bytes here and is parsed once, by its
/// decoder. A content that did begin with such a key would cost a second parse and still be content.
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

/// Reads an error; none where the JSON is none. What is wrong with it is told without its content.
pub(super) fn read(body: &[u8]) -> Result<Option<Said>, String> {
    if body.len() > ERROR_BYTES_MAX {
        return Err("larger than an error".to_owned());
    }
    let raw: Maybe<Raw> = lenient::decode(Provider::WordPress, body).map_err(|error| error.detail)?;
    Ok(raw.0.and_then(Raw::said))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Raw {
    error: Loose,
    message: Loose,
    error_message: Loose,
    error_description: Loose,
    code: Loose,
    data: Hint,
    errors: Rows<Entry>,
    error_data: Rows<Hint>,
    status_code: Loose,
    status: Loose,
    body: Maybe<Box<Raw>>,
}

/// A status, or an object that holds one.
#[derive(Deserialize)]
#[serde(untagged)]
enum Hint {
    Inside {
        #[serde(default)]
        status: Loose,
    },
    Number(Loose),
}

/// One of `errors`: texts under an identifier, an error of its own, or a text under `error` or `message`.
#[derive(Deserialize)]
#[serde(untagged)]
enum Entry {
    Texts(Vec<Loose>),
    Item {
        #[serde(default)]
        error: Loose,
        #[serde(default)]
        message: Loose,
    },
    Text(Loose),
}

impl Default for Hint {
    fn default() -> Self {
        Hint::Number(Loose::Nothing)
    }
}

impl Hint {
    fn status(&self) -> Option<u16> {
        match self {
            Hint::Inside { status } | Hint::Number(status) => error_status(status),
        }
    }
}

impl Raw {
    fn said(self) -> Option<Said> {
        let outer = if self.body.0.is_some() { error_status(&self.status) } else { None };
        if let Some(status) = error_status(&self.code).or(outer) {
            let inner = self.body.0.and_then(|body| body.said()).unwrap_or_default();
            let message = if inner.message.is_empty() { sentence([self.message]) } else { inner.message };
            return Some(Said { status: Some(status), code: inner.code, message });
        }
        let given = self.data.status().or_else(|| error_status(&self.status_code));
        let message = sentence([self.message, self.error_message, self.error_description]);
        if is_set(&self.error) {
            return Some(Said { status: given, code: self.error.text(), message });
        }
        if let Some((code, text)) = first(self.errors) {
            let known = |row: &&lenient::Row<Hint>| code.as_deref() == Some(row.place.as_str());
            let named = self.error_data.0.iter().find(known).and_then(|row| row.value.as_ref().ok()?.status());
            let message = if text.is_empty() { message } else { text };
            return Some(Said { status: given.or(named), code, message });
        }
        // A word for a code is an error only with a sentence or a status: `code` is a word that content may use.
        let code = if matches!(self.code, Loose::Text(_)) { self.code.text() } else { None };
        let explained = given.is_some() || !message.is_empty();
        code.filter(|_| explained).map(|code| Said { status: given, code: Some(code), message })
    }
}

/// The first of `errors`: its identifier and its sentence.
fn first(errors: Rows<Entry>) -> Option<(Option<String>, String)> {
    let mut code = None;
    let mut text = String::new();
    let mut any = false;
    for row in errors.0 {
        let Ok(entry) = row.value else { continue };
        match (row.place.as_str(), entry) {
            ("error", Entry::Text(word)) => code = word.text(),
            ("message", Entry::Text(words)) => text = sentence([words]),
            _ if any => continue,
            (_, Entry::Item { error, message }) => (code, text) = (error.text(), sentence([message])),
            (place, Entry::Texts(texts)) => (code, text) = (Some(place.to_owned()), sentence(texts)),
            (place, Entry::Text(words)) => (code, text) = (Some(place.to_owned()), sentence([words])),
        }
        any = true;
    }
    any.then_some((code, text))
}

/// The first text that says something, in lower case.
fn sentence(texts: impl IntoIterator<Item = Loose>) -> String {
    texts.into_iter().find_map(Loose::text).map(|text| text.to_lowercase()).unwrap_or_default()
}

fn is_set(value: &Loose) -> bool {
    match value {
        Loose::Text(text) => !text.trim().is_empty(),
        Loose::Flag(flag) => *flag,
        Loose::Whole(number) => *number != 0,
        Loose::Fraction(_) | Loose::Nothing => false,
    }
}

/// A number that is the status of an error. Digits in a text are an identifier and not a status.
fn error_status(value: &Loose) -> Option<u16> {
    match value {
        Loose::Whole(number) => u16::try_from(*number).ok().filter(|status| (400..600).contains(status)),
        _ => None,
    }
}

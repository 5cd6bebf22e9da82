//! What a fault does to an answer, and how it is read from JSON.

use axum::http::{HeaderName, HeaderValue};
use serde_json::{Map, Value};

use super::{FaultError, When};

/// The keys of which a fault may hold one.
pub(super) const EFFECTS: [&str; 7] = ["status", "cut", "hang", "shape", "refuse", "throttle", "big"];

/// What is done to an answer.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::sandbox) enum Effect {
    /// Another status, body and headers altogether.
    Status { status: u16, body: String, content_type: String, headers: Vec<(String, String)> },
    /// Half of the announced body, then the connection closes.
    Cut,
    /// Nothing at all, for ever.
    HangHead,
    /// The head and half of the body, then nothing, for ever.
    HangBody,
    /// A wrong shape with status 200.
    Shape(Shape),
    /// The connection closes without an answer.
    Refuse,
    /// WordPress.com's page for too many requests: HTML with status 500.
    Throttle,
    /// A body of this many bytes, sent in chunks without a length.
    Big(u64),
}

/// The wrong shapes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sandbox) enum Shape {
    Empty,
    Html,
    Array,
    Null,
    SuccessTrue,
    Xml,
    Garbage,
    BadRow,
}

impl Effect {
    /// When it strikes a write, unless the fault says so itself: what spoils the provider's own answer comes after the
    /// change, what stands in its place comes before.
    pub(super) fn when(&self) -> When {
        match self {
            Effect::Cut | Effect::HangBody | Effect::Shape(_) => When::After,
            Effect::Status { .. } | Effect::HangHead | Effect::Refuse | Effect::Throttle | Effect::Big(_) => {
                When::Before
            }
        }
    }
}

/// The effect among a fault's keys, if there is one.
pub(super) fn parse_effect(source: &Map<String, Value>) -> Result<Option<Effect>, FaultError> {
    let named: Vec<&str> = EFFECTS.into_iter().filter(|key| source.contains_key(*key)).collect();
    let key = match named[..] {
        [] => "",
        [key] => key,
        _ => return wrong(&format!("a fault may hold only one of {}", named.join(", "))),
    };
    if key != "status" && ["body", "content_type", "headers"].iter().any(|key| source.contains_key(*key)) {
        return wrong("`body`, `content_type` and `headers` belong to `status`");
    }
    Ok(Some(match key {
        "" => return Ok(None),
        "status" => parse_status(source)?,
        "hang" => match text(source, "hang")? {
            Some("head") => Effect::HangHead,
            Some("body") => Effect::HangBody,
            _ => return wrong("`hang` must be head or body"),
        },
        "shape" => Effect::Shape(parse_shape(text(source, "shape")?.unwrap_or_default())?),
        "big" => Effect::Big(whole(source, "big", u64::MAX)?.unwrap_or_default()),
        _ if source.get(key) != Some(&Value::Bool(true)) => {
            return wrong(&format!("`{key}` must be true"));
        }
        "cut" => Effect::Cut,
        "refuse" => Effect::Refuse,
        _ => Effect::Throttle,
    }))
}

fn parse_status(source: &Map<String, Value>) -> Result<Effect, FaultError> {
    let status = whole(source, "status", 599)?.and_then(|status| u16::try_from(status).ok());
    let Some(status) = status.filter(|status| *status >= 200) else {
        return wrong("`status` must be a number from 200 to 599");
    };
    let mut headers = Vec::new();
    match source.get("headers") {
        None => {}
        Some(Value::Object(given)) => {
            for (name, value) in given {
                let value = value.as_str().unwrap_or_default();
                if HeaderName::try_from(name).is_err() || value.is_empty() || HeaderValue::try_from(value).is_err() {
                    return wrong(&format!("the header `{name}` is not one that HTTP can carry"));
                }
                headers.push((name.clone(), value.to_owned()));
            }
        }
        Some(_) => return wrong("`headers` must be an object of texts"),
    }
    Ok(Effect::Status {
        status,
        body: match source.get("body") {
            None => String::new(),
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        },
        content_type: text(source, "content_type")?.unwrap_or("application/json").to_owned(),
        headers,
    })
}

fn parse_shape(word: &str) -> Result<Shape, FaultError> {
    Ok(match word {
        "empty" => Shape::Empty,
        "html" => Shape::Html,
        "array" => Shape::Array,
        "null" => Shape::Null,
        "success_true" => Shape::SuccessTrue,
        "xml" => Shape::Xml,
        "garbage" => Shape::Garbage,
        "bad_row" => Shape::BadRow,
        _ => {
            return wrong("`shape` must be one of empty, html, array, null, success_true, xml, garbage, bad_row");
        }
    })
}

/// A key's text, if there is the key.
pub(super) fn text<'a>(source: &'a Map<String, Value>, key: &str) -> Result<Option<&'a str>, FaultError> {
    match source.get(key) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => wrong(&format!("`{key}` must be a text")),
    }
}

/// A key's whole number, if there is the key.
pub(super) fn whole(source: &Map<String, Value>, key: &str, max: u64) -> Result<Option<u64>, FaultError> {
    match source.get(key).map(Value::as_u64) {
        None => Ok(None),
        Some(Some(number)) if number <= max => Ok(Some(number)),
        Some(_) => wrong(&format!("`{key}` must be a whole number up to {max}")),
    }
}

/// A refusal.
pub(super) fn wrong<T>(why: &str) -> Result<T, FaultError> {
    Err(FaultError(why.to_owned()))
}

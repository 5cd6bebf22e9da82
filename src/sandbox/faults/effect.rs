//! What a fault does to a response, and how it is read from JSON.

use axum::http::{HeaderName, HeaderValue};
use serde_json::{Map, Value};

use super::fields::{FaultError, integer, invalid, string};

/// The keys that name an effect. A fault has at most one of them.
pub(super) const EFFECT_KEYS: [&str; 7] = ["status", "cut", "hang", "shape", "refuse", "throttle", "big"];

/// Whether a fault applies before or after a write takes effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FaultTiming {
    /// The write never takes effect, or only after the delay.
    Before,
    /// The write has taken effect.
    After,
}

/// What happens to a response.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::sandbox) enum FaultEffect {
    /// Another status, body and headers.
    Status { status: u16, body: String, content_type: String, headers: Vec<(String, String)> },
    /// Half of the announced body, then the connection closes.
    Cut,
    /// No response, and the connection stays open.
    HangHead,
    /// The head and half of the body, and the connection stays open.
    HangBody,
    /// A body of the wrong shape with status 200.
    Shape(BodyShape),
    /// The connection closes without a response.
    Refuse,
    /// WordPress.com's page for too many requests: HTML with status 500.
    Throttle,
    /// A body of this many bytes, sent in chunks without a `Content-Length`.
    Big(u64),
}

/// A body that is not what the route returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sandbox) enum BodyShape {
    Empty,
    Html,
    Array,
    Null,
    SuccessTrue,
    Xml,
    Garbage,
    BadRow,
}

impl FaultEffect {
    /// The default timing. An effect that damages the provider's response applies after the write; one that replaces the
    /// response applies before it.
    pub(super) fn default_timing(&self) -> FaultTiming {
        match self {
            FaultEffect::Cut | FaultEffect::HangBody | FaultEffect::Shape(_) => FaultTiming::After,
            FaultEffect::Status { .. }
            | FaultEffect::HangHead
            | FaultEffect::Refuse
            | FaultEffect::Throttle
            | FaultEffect::Big(_) => FaultTiming::Before,
        }
    }
}

/// The effect among the keys of a fault; `None` without one.
pub(super) fn parse_effect(source: &Map<String, Value>) -> Result<Option<FaultEffect>, FaultError> {
    let found: Vec<&str> = EFFECT_KEYS.into_iter().filter(|key| source.contains_key(*key)).collect();
    let key = match found[..] {
        [] => "",
        [key] => key,
        _ => return invalid(&format!("a fault must have only one of {}", found.join(", "))),
    };
    if key != "status" && ["body", "content_type", "headers"].iter().any(|key| source.contains_key(*key)) {
        return invalid("`body`, `content_type` and `headers` are allowed only with `status`");
    }
    Ok(Some(match key {
        "" => return Ok(None),
        "status" => parse_status(source)?,
        "hang" => match string(source, "hang")? {
            Some("head") => FaultEffect::HangHead,
            Some("body") => FaultEffect::HangBody,
            _ => return invalid("`hang` must be head or body"),
        },
        "shape" => FaultEffect::Shape(parse_shape(string(source, "shape")?.unwrap_or_default())?),
        "big" => FaultEffect::Big(integer(source, "big", u64::MAX)?.unwrap_or_default()),
        _ if source.get(key) != Some(&Value::Bool(true)) => {
            return invalid(&format!("`{key}` must be true"));
        }
        "cut" => FaultEffect::Cut,
        "refuse" => FaultEffect::Refuse,
        _ => FaultEffect::Throttle,
    }))
}

fn parse_status(source: &Map<String, Value>) -> Result<FaultEffect, FaultError> {
    let status = integer(source, "status", 599)?.and_then(|status| u16::try_from(status).ok());
    let Some(status) = status.filter(|status| *status >= 200) else {
        return invalid("`status` must be a number from 200 to 599");
    };
    let mut headers = Vec::new();
    match source.get("headers") {
        None => {}
        Some(Value::Object(given)) => {
            for (name, value) in given {
                let value = value.as_str().unwrap_or_default();
                if HeaderName::try_from(name).is_err() || value.is_empty() || HeaderValue::try_from(value).is_err() {
                    return invalid(&format!("`{name}` in `headers` is not a valid HTTP header"));
                }
                headers.push((name.clone(), value.to_owned()));
            }
        }
        Some(_) => return invalid("`headers` must be an object of strings"),
    }
    Ok(FaultEffect::Status {
        status,
        body: match source.get("body") {
            None => String::new(),
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        },
        content_type: string(source, "content_type")?.unwrap_or("application/json").to_owned(),
        headers,
    })
}

fn parse_shape(name: &str) -> Result<BodyShape, FaultError> {
    Ok(match name {
        "empty" => BodyShape::Empty,
        "html" => BodyShape::Html,
        "array" => BodyShape::Array,
        "null" => BodyShape::Null,
        "success_true" => BodyShape::SuccessTrue,
        "xml" => BodyShape::Xml,
        "garbage" => BodyShape::Garbage,
        "bad_row" => BodyShape::BadRow,
        _ => {
            return invalid("`shape` must be one of empty, html, array, null, success_true, xml, garbage, bad_row");
        }
    })
}

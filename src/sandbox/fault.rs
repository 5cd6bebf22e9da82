//! Faults: which requests are hit, how often, and with what.
//!
//! A fault is read by hand from JSON and refuses what it does not know, since a misspelt fault that does nothing
//! would make a test pass for the wrong reason.

use std::time::Duration;

use axum::http::{HeaderName, HeaderValue};
use serde_json::{Map, Value};

use super::server::Provider;

/// Longest wait that a fault may ask for.
const LATENCY_MS_MAX: u64 = 600_000;
/// The keys of which a fault may hold one.
const EFFECTS: [&str; 7] = ["status", "cut", "hang", "shape", "refuse", "throttle", "big"];
const OTHER_KEYS: [&str; 7] = ["provider", "path", "times", "latency_ms", "body", "content_type", "headers"];

/// Why a fault was not understood, as a sentence for the caller.
#[derive(Debug)]
pub(super) struct FaultError(pub(super) String);

/// One rule: whom it hits and what it does.
#[derive(Debug, Clone)]
pub(super) struct Fault {
    provider: Option<Provider>,
    path: String,
    times: Option<u64>,
    latency: Option<Duration>,
    effect: Option<Effect>,
    source: Map<String, Value>,
}

/// What is done to an answer.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Effect {
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
pub(super) enum Shape {
    Empty,
    Html,
    Array,
    Null,
    SuccessTrue,
    Xml,
    Garbage,
    BadRow,
}

/// What is to happen to one request.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) latency: Option<Duration>,
    pub(super) effect: Option<Effect>,
}

/// Finds what hits a request and uses it up: the first latency and the first effect among the matching faults.
pub(super) fn plan(faults: &mut Vec<Fault>, provider: Provider, path: &str) -> Plan {
    let mut plan = Plan::default();
    for fault in faults.iter_mut().filter(|fault| fault.hits(provider, path)) {
        let waits = plan.latency.is_none() && fault.latency.is_some();
        let acts = plan.effect.is_none() && fault.effect.is_some();
        if !waits && !acts {
            continue;
        }
        if waits {
            plan.latency = fault.latency;
        }
        if acts {
            plan.effect.clone_from(&fault.effect);
        }
        fault.times = fault.times.map(|times| times.saturating_sub(1));
    }
    faults.retain(|fault| fault.times != Some(0));
    plan
}

impl Fault {
    /// Reads one fault.
    pub(super) fn parse(value: &Value) -> Result<Fault, FaultError> {
        let Value::Object(source) = value else {
            return wrong("a fault must be an object");
        };
        for key in source.keys() {
            if !EFFECTS.contains(&key.as_str()) && !OTHER_KEYS.contains(&key.as_str()) {
                return wrong(&format!("a fault has no key `{key}`"));
            }
        }
        let effect = parse_effect(source)?;
        let latency = whole(source, "latency_ms", LATENCY_MS_MAX)?.map(Duration::from_millis);
        if effect.is_none() && latency.is_none() {
            return wrong(&format!("a fault needs `latency_ms` or one of {}", EFFECTS.join(", ")));
        }
        let times = whole(source, "times", u64::MAX)?;
        if times == Some(0) {
            return wrong("`times` must be at least 1");
        }
        Ok(Fault {
            provider: match text(source, "provider")? {
                None => None,
                Some("wordpress") => Some(Provider::WordPress),
                Some("oneall") => Some(Provider::OneAll),
                Some(_) => return wrong("`provider` must be wordpress or oneall"),
            },
            path: text(source, "path")?.unwrap_or("*").to_owned(),
            times,
            latency,
            effect,
            source: source.clone(),
        })
    }

    /// The fault as it was given, with the `times` that are left.
    pub(super) fn describe(&self) -> Value {
        let mut shown = self.source.clone();
        if let Some(times) = self.times {
            shown.insert("times".to_owned(), times.into());
        }
        Value::Object(shown)
    }

    fn hits(&self, provider: Provider, path: &str) -> bool {
        self.provider.is_none_or(|only| only == provider) && fits(&self.path, path)
    }
}

/// Whether a path fits a pattern in which `*` stands for any run of characters, slashes included.
fn fits(pattern: &str, path: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = path.strip_prefix(parts.next().unwrap_or_default()) else {
        return false;
    };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else {
        return rest.is_empty();
    };
    for part in parts {
        match rest.split_once(part) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    rest.ends_with(last)
}

fn parse_effect(source: &Map<String, Value>) -> Result<Option<Effect>, FaultError> {
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

fn text<'a>(source: &'a Map<String, Value>, key: &str) -> Result<Option<&'a str>, FaultError> {
    match source.get(key) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => wrong(&format!("`{key}` must be a text")),
    }
}

fn whole(source: &Map<String, Value>, key: &str, max: u64) -> Result<Option<u64>, FaultError> {
    match source.get(key).map(Value::as_u64) {
        None => Ok(None),
        Some(Some(number)) if number <= max => Ok(Some(number)),
        Some(_) => wrong(&format!("`{key}` must be a whole number up to {max}")),
    }
}

fn wrong<T>(why: &str) -> Result<T, FaultError> {
    Err(FaultError(why.to_owned()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_star_stands_for_any_run_of_characters() {
        assert!(fits("*", "/anything"));
        assert!(fits("/rest/v1.1/me", "/rest/v1.1/me"));
        assert!(!fits("/rest/v1.1/me", "/rest/v1.1/me/sites"));
        assert!(fits("/rest/v1.1/me/*", "/rest/v1.1/me/sites/7"));
        assert!(!fits("/rest/v1.1/me/*", "/rest/v1.1/me"));
        assert!(fits("*/connections/*.json", "/connections/1.json"));
        assert!(!fits("/connections/*.json", "/connections.json"));
        assert!(!fits("/a*a", "/a"));
        assert!(!fits("", "/"));
    }

    #[test]
    fn a_fault_is_used_up_after_its_times() {
        let mut faults = vec![Fault::parse(&json!({"path": "/a/*", "times": 2, "cut": true})).unwrap()];
        assert_eq!(plan(&mut faults, Provider::OneAll, "/b").effect, None);
        assert_eq!(plan(&mut faults, Provider::OneAll, "/a/1").effect, Some(Effect::Cut));
        assert_eq!(faults[0].describe()["times"], 1);
        assert_eq!(plan(&mut faults, Provider::WordPress, "/a/2").effect, Some(Effect::Cut));
        assert!(faults.is_empty());
    }

    #[test]
    fn latency_of_one_fault_joins_the_effect_of_another() {
        let mut faults = vec![
            Fault::parse(&json!({"provider": "oneall", "latency_ms": 5})).unwrap(),
            Fault::parse(&json!({"status": 500, "times": 1})).unwrap(),
        ];
        let plan = plan(&mut faults, Provider::OneAll, "/x");
        assert_eq!(plan.latency, Some(Duration::from_millis(5)));
        assert!(matches!(plan.effect, Some(Effect::Status { status: 500, .. })));
        assert_eq!(faults.len(), 1);
    }

    #[test]
    fn a_fault_that_is_not_understood_is_refused() {
        for bad in [
            json!([]),
            json!({}),
            json!({"statsu": 500}),
            json!({"status": 500, "cut": true}),
            json!({"status": 99}),
            json!({"hang": "tail"}),
            json!({"shape": "round"}),
            json!({"cut": "yes"}),
            json!({"cut": true, "times": 0}),
            json!({"cut": true, "body": "x"}),
            json!({"cut": true, "provider": "other"}),
            json!({"status": 500, "headers": {"a b": "c"}}),
        ] {
            assert!(Fault::parse(&bad).is_err(), "{bad}");
        }
    }
}

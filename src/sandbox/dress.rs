//! WordPress.com's parameters that work on any answer: `fields`, `http_envelope`, `pretty`, `callback`; v2 knows
//! `_envelope` instead.
//!
//! The filter follows the public copy of the v1 framework, its traps included: it knows a fixed list of wrapper
//! keys, `connected_applications` is not among them, and an object filtered to nothing is an empty list.
//! `meta` is accepted and ignored, since where loaded data lands is not known.

use indexmap::IndexMap;
use serde_json::{Map, Value, json};

use super::answer::{Answer, Call, php};

/// The wrapper keys whose rows are filtered one by one, in the order in which they are looked for.
const WRAPPERS: [&str; 16] = [
    "categories",
    "comments",
    "connections",
    "domains",
    "groups",
    "likes",
    "media",
    "notes",
    "posts",
    "services",
    "sites",
    "suggestions",
    "tags",
    "themes",
    "topics",
    "users",
];

/// What an endpoint says before it is dressed.
#[derive(Debug, Clone)]
pub(super) enum Content {
    /// Any JSON.
    Tree(Value),
    /// The services by slug, in the provider's order, which a plain JSON value would lose.
    Services(IndexMap<String, Value>),
    /// An empty `text/plain` body, which no parameter touches.
    Nothing,
}

/// Writes an answer as the v1 framework does.
pub(super) fn dress(status: u16, content: Content, call: &Call) -> Answer {
    let v1 = call.path.starts_with("/rest/");
    let content = match call.parameter("fields") {
        Some(fields) if v1 => filter(content, &fields.split(',').map(str::trim).collect::<Vec<_>>()),
        _ => content,
    };
    let Some(text) = write(&content, call.is_set("pretty")) else {
        return Answer::text(status, "text/plain", "");
    };
    let (status, text) = if v1 && call.is_set("http_envelope") {
        let head = r#"[{"name":"Content-Type","value":"application/json"}]"#;
        (200, format!(r#"{{"code":{status},"headers":{head},"body":{text}}}"#))
    } else if call.is_set("_envelope") && call.path.starts_with("/wpcom/v2/") {
        let head = r#"{"Content-Type":"application/json"}"#;
        (200, format!(r#"{{"status":{status},"headers":{head},"body":{text}}}"#))
    } else {
        (status, text)
    };
    let text = php(&text);
    match call.parameter("callback").map(callback_name) {
        Some(name) if !name.is_empty() => Answer::text(status, "text/javascript", format!("/**/{name}({text});")),
        _ => Answer::text(status, "application/json", text),
    }
}

/// Keeps the named fields.
fn filter(content: Content, fields: &[&str]) -> Content {
    match content {
        Content::Nothing => Content::Nothing,
        Content::Services(services) => {
            Content::Services(services.into_iter().map(|(slug, service)| (slug, keep(service, fields))).collect())
        }
        Content::Tree(Value::Object(body)) => Content::Tree(filter_body(body, fields)),
        Content::Tree(other) => Content::Tree(other),
    }
}

fn filter_body(mut body: Map<String, Value>, fields: &[&str]) -> Value {
    if body.get("error").is_some_and(is_truthy) {
        return Value::Object(body);
    }
    let wrapper = WRAPPERS.into_iter().find(|key| body.contains_key(*key));
    match wrapper {
        Some(key) if !body.get("ID").is_some_and(is_truthy) => {
            if let Some(Value::Array(rows)) = body.get_mut(key) {
                for row in rows {
                    *row = keep(row.take(), fields);
                }
            }
            Value::Object(body)
        }
        _ => keep(Value::Object(body), fields),
    }
}

fn keep(row: Value, fields: &[&str]) -> Value {
    match row {
        Value::Object(mut row) => {
            row.retain(|key, _| fields.contains(&key.as_str()));
            if row.is_empty() { json!([]) } else { Value::Object(row) }
        }
        other => other,
    }
}

/// PHP's idea of a value that counts as true.
fn is_truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(yes) => *yes,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !matches!(text.as_str(), "" | "0"),
        Value::Array(rows) => !rows.is_empty(),
        Value::Object(_) => true,
    }
}

fn write(content: &Content, pretty: bool) -> Option<String> {
    let services;
    let written = match content {
        Content::Nothing => return None,
        Content::Services(all) if all.is_empty() => return Some(r#"{"services":[]}"#.to_owned()),
        Content::Services(all) => {
            services = IndexMap::from([("services", all)]);
            match pretty {
                true => serde_json::to_string_pretty(&services),
                false => serde_json::to_string(&services),
            }
        }
        Content::Tree(value) if pretty => serde_json::to_string_pretty(value),
        Content::Tree(value) => serde_json::to_string(value),
    };
    written.ok()
}

fn callback_name(given: &str) -> String {
    given.chars().filter(|sign| sign.is_ascii_alphanumeric() || matches!(sign, '_' | '.')).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    fn filtered(body: Value, fields: &[&str]) -> Value {
        match filter(Content::Tree(body), fields) {
            Content::Tree(value) => value,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn fields_filter_each_row_of_a_known_wrapper() {
        let body = json!({"connections": [{"ID": 1, "service": "x", "label": "X"}, {"label": "Y"}]});
        assert_eq!(filtered(body, &["ID", "service"]), json!({"connections": [{"ID": 1, "service": "x"}, []]}));
    }

    #[test]
    fn fields_empty_the_connected_applications() {
        let body = json!({"connected_applications": [{"ID": "1"}]});
        assert_eq!(filtered(body.clone(), &["ID"]), json!([]));
        assert_eq!(filtered(body.clone(), &["connected_applications"]), body);
    }

    #[test]
    fn fields_leave_an_error_alone_and_filter_a_single_row_at_the_top() {
        let error = json!({"error": "not_found", "message": "No."});
        assert_eq!(filtered(error.clone(), &["ID"]), error);
        // A site has an ID, so that its own `sites` key is no wrapper.
        let row = json!({"ID": 5, "sites": ["7"], "label": "X"});
        assert_eq!(filtered(row, &["ID"]), json!({"ID": 5}));
    }
}

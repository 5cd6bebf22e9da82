//! WordPress.com's parameter that works on any answer of v1: `fields`.
//!
//! The filter follows the public copy of the v1 framework, its traps included: it knows a fixed list of wrapper
//! keys, `connected_applications` is not among them, and an object filtered to nothing is an empty list.
//! Whatever else changes the form of an answer is accepted and ignored, since nothing here asks for it.

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
    match write(&content) {
        Some(text) => Answer::text(status, "application/json", php(&text)),
        None => Answer::text(status, "text/plain", ""),
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

fn write(content: &Content) -> Option<String> {
    match content {
        Content::Nothing => None,
        Content::Services(all) => serde_json::to_string(&IndexMap::from([("services", all)])).ok(),
        Content::Tree(value) => Some(value.to_string()),
    }
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

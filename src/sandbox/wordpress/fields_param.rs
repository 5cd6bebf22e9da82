//! The query parameter `fields` of WordPress.com, which filters any response of version 1.
//!
//! The filter follows the public source of the framework, with its quirks. It has a fixed list of wrapper keys, and
//! `connected_applications` is not one of them. An object without any remaining field becomes an empty list. Other parameters
//! that change the form of a response are ignored, since the gateway does not send them.

use indexmap::IndexMap;
use serde_json::{Map, Value, json};

use crate::sandbox::http::{SandboxRequest, SandboxResponse};
use crate::sandbox::json::escape_slashes;

/// The wrapper keys whose rows are filtered one by one, in the order of the search.
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

/// The content of a response before the filter.
#[derive(Debug, Clone)]
pub(in crate::sandbox) enum Content {
    /// Any JSON value.
    Json(Value),
    /// The services by slug, in the provider's order. A JSON value would lose the order.
    Services(IndexMap<String, Value>),
    /// An empty `text/plain` body, to which no parameter applies.
    Empty,
}

/// Renders a response, filtered by `fields` in version 1.
pub(in crate::sandbox) fn render(status: u16, content: Content, request: &SandboxRequest) -> SandboxResponse {
    let v1 = request.path.starts_with("/rest/");
    let content = match request.parameter("fields") {
        Some(fields) if v1 => filter(content, &fields.split(',').map(str::trim).collect::<Vec<_>>()),
        _ => content,
    };
    match to_text(&content) {
        Some(text) => SandboxResponse::text(status, "application/json", escape_slashes(&text)),
        None => SandboxResponse::text(status, "text/plain", ""),
    }
}

/// Removes all fields except these.
fn filter(content: Content, fields: &[&str]) -> Content {
    match content {
        Content::Empty => Content::Empty,
        Content::Services(services) => Content::Services(
            services.into_iter().map(|(slug, service)| (slug, retain_fields(service, fields))).collect(),
        ),
        Content::Json(Value::Object(body)) => Content::Json(filter_body(body, fields)),
        Content::Json(other) => Content::Json(other),
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
                    *row = retain_fields(row.take(), fields);
                }
            }
            Value::Object(body)
        }
        _ => retain_fields(Value::Object(body), fields),
    }
}

fn retain_fields(row: Value, fields: &[&str]) -> Value {
    match row {
        Value::Object(mut row) => {
            row.retain(|key, _| fields.contains(&key.as_str()));
            if row.is_empty() { json!([]) } else { Value::Object(row) }
        }
        other => other,
    }
}

/// Whether PHP treats a value as true.
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

fn to_text(content: &Content) -> Option<String> {
    match content {
        Content::Empty => None,
        Content::Services(all) => serde_json::to_string(&IndexMap::from([("services", all)])).ok(),
        Content::Json(value) => Some(value.to_string()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    fn filtered(body: Value, fields: &[&str]) -> Value {
        match filter(Content::Json(body), fields) {
            Content::Json(value) => value,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn fields_filter_each_row_of_a_wrapper() {
        let body = json!({"connections": [{"ID": 1, "service": "x", "label": "X"}, {"label": "Y"}]});
        assert_eq!(filtered(body, &["ID", "service"]), json!({"connections": [{"ID": 1, "service": "x"}, []]}));
    }

    #[test]
    fn fields_remove_the_connected_applications() {
        let body = json!({"connected_applications": [{"ID": "1"}]});
        assert_eq!(filtered(body.clone(), &["ID"]), json!([]));
        assert_eq!(filtered(body.clone(), &["connected_applications"]), body);
    }

    #[test]
    fn fields_keep_an_error_and_filter_a_single_row() {
        let error = json!({"error": "not_found", "message": "No."});
        assert_eq!(filtered(error.clone(), &["ID"]), error);
        // A row with an ID is not a wrapper, although it has the key `sites`.
        let row = json!({"ID": 5, "sites": ["7"], "label": "X"});
        assert_eq!(filtered(row, &["ID"]), json!({"ID": 5}));
    }
}

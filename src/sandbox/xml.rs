//! JSON to XML, for OneAll's `.xml` suffix.
//!
//! How the provider names the rows of a list is not known; the singular of the list's name is a guess.

use serde_json::Value;

/// The whole document: every key an element, every row of a list one element within it.
pub(super) fn document(value: &Value) -> String {
    let mut out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned();
    content(&mut out, value, "");
    out.push('\n');
    out
}

fn content(out: &mut String, value: &Value, name: &str) {
    match value {
        Value::Null => {}
        Value::String(text) => escape(out, text),
        Value::Array(rows) => {
            for row in rows {
                element(out, singular(name), row);
            }
        }
        Value::Object(fields) => {
            for (key, field) in fields {
                element(out, key, field);
            }
        }
        Value::Bool(_) | Value::Number(_) => out.push_str(&value.to_string()),
    }
}

fn element(out: &mut String, name: &str, value: &Value) {
    out.push('<');
    out.push_str(name);
    out.push('>');
    content(out, value, name);
    out.push_str("</");
    out.push_str(name);
    out.push('>');
}

fn singular(name: &str) -> &str {
    match name {
        "identities" => "identity",
        "entries" => "entry",
        _ => name.strip_suffix('s').unwrap_or("item"),
    }
}

fn escape(out: &mut String, text: &str) {
    for sign in text.chars() {
        match sign {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            _ => out.push(sign),
        }
    }
}

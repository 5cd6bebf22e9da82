//! Helpers for JSON values: changing rows, comparing IDs, and the spelling of PHP.

use serde_json::Value;

/// The JSON text as PHP writes it: every slash is escaped. A slash in JSON only occurs inside a string.
pub(super) fn escape_slashes(text: &str) -> String {
    text.replace('/', "\\/")
}

/// The object with the keys of `changes` added or replaced.
pub(super) fn with(mut row: Value, changes: Value) -> Value {
    if let (Value::Object(row), Value::Object(changes)) = (&mut row, changes) {
        row.extend(changes);
    }
    row
}

/// The object without these keys.
pub(super) fn without(mut row: Value, keys: &[&str]) -> Value {
    if let Value::Object(row) = &mut row {
        for key in keys {
            row.remove(*key);
        }
    }
    row
}

/// Whether a row has this ID, under either name and in either spelling.
pub(super) fn has_id(row: &Value, id: u64) -> bool {
    is_number(&row["ID"], id) || is_number(&row["connection_ID"], id)
}

/// Whether a value is this number, as a JSON number or as a string.
pub(super) fn is_number(value: &Value, number: u64) -> bool {
    value.as_u64() == Some(number) || value.as_str().is_some_and(|text| text.parse() == Ok(number))
}

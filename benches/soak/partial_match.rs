//! Compares a partial response with the complete one.

use serde_json::Value;

/// Whether `partial` holds only values of `complete`. A null may replace any value, and a list may lack rows. A different
/// row or value is not allowed.
pub fn is_partial_match(partial: &Value, complete: &Value) -> bool {
    match (partial, complete) {
        (Value::Null, _) => true,
        (Value::Object(partial), Value::Object(complete)) => partial
            .iter()
            .all(|(name, value)| complete.get(name).is_some_and(|complete| is_partial_match(value, complete))),
        (Value::Array(partial), Value::Array(complete)) => {
            let mut rows = complete.iter();
            partial.iter().all(|row| rows.any(|complete| is_partial_match(row, complete)))
        }
        _ => partial == complete,
    }
}

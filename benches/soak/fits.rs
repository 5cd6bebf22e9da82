//! Whether an answer that lacks something is right in what it has.

use serde_json::Value;

const MARKER: &str = "crowd-";
const MARKER_LENGTH: usize = MARKER.len() + 4;

/// Whether whatever is there is what it is in health: a null may stand for anything, and of a list rows may be missing, but
/// no other row or value may be there.
pub fn fits(answer: &Value, right: &Value) -> bool {
    match (answer, right) {
        (Value::Null, _) => true,
        (Value::Object(answer), Value::Object(right)) => {
            answer.iter().all(|(name, value)| right.get(name).is_some_and(|right| fits(value, right)))
        }
        (Value::Array(answer), Value::Array(right)) => {
            let mut rows = right.iter();
            answer.iter().all(|row| rows.any(|right| fits(row, right)))
        }
        _ => answer == right,
    }
}

/// Every marker of a person of the crowd in a text.
pub fn markers(text: &str) -> impl Iterator<Item = &str> {
    let all = text.match_indices(MARKER).filter_map(|(at, _)| text.get(at..at + MARKER_LENGTH));
    all.filter(|marker| marker[MARKER.len()..].bytes().all(|sign| sign.is_ascii_digit()))
}

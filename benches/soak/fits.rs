//! Whether an answer that lacks something is right in what it has.

use serde_json::Value;

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

//! Reads the fields of a fault from JSON, with an error that names the field.

use serde_json::{Map, Value};

/// Why a fault is invalid, as a sentence for the client.
#[derive(Debug)]
pub(in crate::sandbox) struct FaultError(pub(in crate::sandbox) String);

/// The string under a key; `None` without the key.
pub(super) fn string<'a>(source: &'a Map<String, Value>, key: &str) -> Result<Option<&'a str>, FaultError> {
    match source.get(key) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => invalid(&format!("`{key}` must be a string")),
    }
}

/// The integer under a key; `None` without the key.
pub(super) fn integer(source: &Map<String, Value>, key: &str, max: u64) -> Result<Option<u64>, FaultError> {
    match source.get(key).map(Value::as_u64) {
        None => Ok(None),
        Some(Some(number)) if number <= max => Ok(Some(number)),
        Some(_) => invalid(&format!("`{key}` must be an integer from 0 to {max}")),
    }
}

/// An error with this message.
pub(super) fn invalid<T>(message: &str) -> Result<T, FaultError> {
    Err(FaultError(message.to_owned()))
}

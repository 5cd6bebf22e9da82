//! What an answer tells of how it came about, in `extensions.gateway`.
//!
//! An answer that is older than its kind should be is never passed off as new: each read that was answered so is named.
//! No path holds a secret; a token in it is masked.

use std::collections::BTreeMap;

use async_graphql::indexmap::IndexMap;
use async_graphql::{InputType, Name, Value};

use crate::provider::CallMade;

/// The place of what the gateway tells of itself.
const GATEWAY: &str = "gateway";

/// Names the reads that were answered with what was no longer fresh: provider, path, and age in seconds.
pub fn stale(calls: &[CallMade], extensions: &mut BTreeMap<String, Value>) {
    let stale: Vec<Value> = calls.iter().filter(|made| made.call.verdict.is_stale()).map(describe).collect();
    if !stale.is_empty() {
        let told = IndexMap::from_iter([(Name::new("stale"), Value::List(stale))]);
        extensions.insert(GATEWAY.to_owned(), Value::Object(told));
    }
}

fn describe(made: &CallMade) -> Value {
    let age = made.call.age.unwrap_or_default().as_secs();
    let path = made.call.target.split('?').next().unwrap_or_default();
    Value::Object(IndexMap::from_iter([
        (Name::new("provider"), made.provider.to_value()),
        (Name::new("path"), Value::from(path)),
        (Name::new("ageSeconds"), Value::from(age)),
        (Name::new("verdict"), Value::from(made.call.verdict.as_str())),
    ]))
}

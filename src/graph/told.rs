//! What an answer tells of how it came about, in `extensions.gateway`.
//!
//! An answer that is older than its kind should be is never passed off as new: each read that was answered so is named.
//! No path holds a secret; a token in it is masked. A person is told of OneAll's answers only what an answer to a
//! stranger's token and to one that does not exist have in common: no status, size, time or note.

use std::collections::BTreeMap;

use async_graphql::{InputType, Name, Value};

use crate::auth::{Caller, Principal, Scope};
use crate::model::Provider;
use crate::provider::{CallMade, Calls};

/// The place of what the gateway tells of itself.
const GATEWAY: &str = "gateway";

/// How many reads are told of one operation; the rest is counted.
const CALLS_TOLD_MAX: usize = 500;

/// Names the reads that were answered with what was no longer fresh: provider, path, and age in seconds.
pub fn stale(calls: &[CallMade], extensions: &mut BTreeMap<String, Value>) {
    let stale: Vec<Value> = calls.iter().filter(|made| made.call.verdict.is_stale()).map(describe).collect();
    if !stale.is_empty() {
        tell("stale", Value::List(stale), extensions);
    }
}

/// Tells each read that an operation made, in the order in which they ended, and the trace that they belong to; or that
/// the caller may not be told. The answer stays what it is.
pub fn calls(calls: &Calls, caller: &Caller, extensions: &mut BTreeMap<String, Value>) {
    if !caller.has_scope(Scope::Explain) {
        let why = [("code", Value::from("FORBIDDEN")), ("scope", Value::from(Scope::Explain.as_str()))];
        return tell("explain", object(why), extensions);
    }
    let sees_all = matches!(caller.principal(), Principal::Service { .. } | Principal::Operator);
    let made = calls.list();
    let told = made.iter().take(CALLS_TOLD_MAX).map(|made| explain(made, sees_all)).collect();
    tell("calls", Value::List(told), extensions);
    if made.len() > CALLS_TOLD_MAX {
        tell("callsOmitted", Value::from(made.len() - CALLS_TOLD_MAX), extensions);
    }
    if let Some(trace) = calls.trace() {
        tell("traceId", Value::from(trace.to_string()), extensions);
    }
}

fn explain(made: &CallMade, sees_all: bool) -> Value {
    let CallMade { provider, call, note } = made;
    let mut told = vec![
        ("provider", provider.to_value()),
        ("method", Value::from(call.method)),
        ("path", Value::from(call.target.as_str())),
        ("verdict", Value::from(call.verdict.as_str())),
        ("attempts", Value::from(call.attempts)),
        ("why", Value::from(call.why)),
    ];
    if sees_all || *provider != Provider::OneAll {
        told.extend([
            ("status", call.status.map_or(Value::Null, Value::from)),
            ("error", call.error.map_or(Value::Null, |error| Value::from(error.to_string()))),
            ("milliseconds", Value::from(u64::try_from(call.took.as_millis()).unwrap_or(u64::MAX))),
            ("bytes", Value::from(call.bytes)),
            ("ageSeconds", call.age.map_or(Value::Null, |age| Value::from(age.as_secs()))),
            ("note", note.as_deref().map_or(Value::Null, Value::from)),
        ]);
    }
    object(told)
}

/// Puts one thing in its place beside what is told already.
fn tell(name: &str, value: Value, extensions: &mut BTreeMap<String, Value>) {
    let gateway = extensions.entry(GATEWAY.to_owned()).or_insert_with(|| object([]));
    if let Value::Object(gateway) = gateway {
        gateway.insert(Name::new(name), value);
    }
}

fn object(fields: impl IntoIterator<Item = (&'static str, Value)>) -> Value {
    Value::Object(fields.into_iter().map(|(name, value)| (Name::new(name), value)).collect())
}

fn describe(made: &CallMade) -> Value {
    let age = made.call.age.unwrap_or_default().as_secs();
    let path = made.call.target.split('?').next().unwrap_or_default();
    object([
        ("provider", made.provider.to_value()),
        ("path", Value::from(path)),
        ("ageSeconds", Value::from(age)),
        ("verdict", Value::from(made.call.verdict.as_str())),
    ])
}

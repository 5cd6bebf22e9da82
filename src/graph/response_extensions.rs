//! Writes `extensions.gateway`: what the gateway reports about how a response was made.
//!
//! Stale data is never presented as fresh: each read that was answered with a stale entry is listed. Paths hold no secrets;
//! tokens in them are masked. For OneAll, a person sees only what a read of another person's token and a read of an unknown
//! token have in common: no status, size, duration or note.

use std::collections::BTreeMap;

use async_graphql::{InputType, Name, Value};

use crate::auth::{Caller, Principal, Scope};
use crate::model::Provider;
use crate::provider::{CallContext, CallRecord};

/// The key under `extensions`.
const GATEWAY: &str = "gateway";

/// The maximum number of calls that are listed. The others are counted in `callsOmitted`.
const CALLS_LISTED_MAX: usize = 500;

/// Lists the reads that were answered with stale data: provider, path and age in seconds.
pub(crate) fn add_stale_reads(calls: &[CallRecord], extensions: &mut BTreeMap<String, Value>) {
    let stale: Vec<Value> = calls.iter().filter(|made| made.call.verdict.is_stale()).map(stale_read).collect();
    if !stale.is_empty() {
        insert("stale", Value::List(stale), extensions);
    }
}

/// Lists all reads of an operation in the order in which they ended, with its trace ID. A caller without the scope gets
/// the missing scope instead; the response is otherwise the same.
pub(crate) fn add_calls(calls: &CallContext, caller: &Caller, extensions: &mut BTreeMap<String, Value>) {
    if !caller.has_scope(Scope::Explain) {
        let why = [("code", Value::from("FORBIDDEN")), ("scope", Value::from(Scope::Explain.as_str()))];
        return insert("explain", object(why), extensions);
    }
    let sees_all = matches!(caller.principal(), Principal::Service { .. } | Principal::Operator);
    let made = calls.records();
    let listed = made.iter().take(CALLS_LISTED_MAX).map(|made| describe(made, sees_all)).collect();
    insert("calls", Value::List(listed), extensions);
    if made.len() > CALLS_LISTED_MAX {
        insert("callsOmitted", Value::from(made.len() - CALLS_LISTED_MAX), extensions);
    }
    if let Some(trace) = calls.trace() {
        insert("traceId", Value::from(trace.to_string()), extensions);
    }
}

fn describe(made: &CallRecord, sees_all: bool) -> Value {
    let CallRecord { provider, call, note } = made;
    let mut fields = vec![
        ("provider", provider.to_value()),
        ("method", Value::from(call.method)),
        ("path", Value::from(call.target.as_str())),
        ("verdict", Value::from(call.verdict.as_str())),
        ("attempts", Value::from(call.attempts)),
        ("why", Value::from(call.why)),
    ];
    if sees_all || *provider != Provider::OneAll {
        fields.extend([
            ("status", call.status.map_or(Value::Null, Value::from)),
            ("error", call.error.map_or(Value::Null, |error| Value::from(error.to_string()))),
            ("milliseconds", Value::from(u64::try_from(call.took.as_millis()).unwrap_or(u64::MAX))),
            ("bytes", Value::from(call.bytes)),
            ("ageSeconds", call.age.map_or(Value::Null, |age| Value::from(age.as_secs()))),
            ("note", note.as_deref().map_or(Value::Null, Value::from)),
        ]);
    }
    object(fields)
}

/// Inserts a value under `extensions.gateway` and keeps the values that are already there.
fn insert(name: &str, value: Value, extensions: &mut BTreeMap<String, Value>) {
    let gateway = extensions.entry(GATEWAY.to_owned()).or_insert_with(|| object([]));
    if let Value::Object(gateway) = gateway {
        gateway.insert(Name::new(name), value);
    }
}

fn object(fields: impl IntoIterator<Item = (&'static str, Value)>) -> Value {
    Value::Object(fields.into_iter().map(|(name, value)| (Name::new(name), value)).collect())
}

fn stale_read(made: &CallRecord) -> Value {
    let age = made.call.age.unwrap_or_default().as_secs();
    let path = made.call.target.split('?').next().unwrap_or_default();
    object([
        ("provider", made.provider.to_value()),
        ("path", Value::from(path)),
        ("ageSeconds", Value::from(age)),
        ("verdict", Value::from(made.call.verdict.as_str())),
    ])
}

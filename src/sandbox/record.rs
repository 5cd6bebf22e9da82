//! The log of requests that reached the two servers.
//!
//! Rows are bounded, so that a benchmark cannot fill the memory; counts are exact for ever. A credential is never
//! kept, only the handle of the person it belongs to.

use std::collections::{BTreeMap, VecDeque};

use serde_json::{Value, json};
use url::form_urlencoded;

use super::answer::Call;

/// How many rows are kept; older ones are dropped first.
const ROWS_MAX: usize = 100_000;

/// Rows and counts, both servers' requests together.
#[derive(Debug, Default)]
pub(super) struct Record {
    rows: VecDeque<Row>,
    counts: BTreeMap<String, u64>,
    total: u64,
}

#[derive(Debug)]
struct Row {
    provider: &'static str,
    method: String,
    path: String,
    query: String,
    person: Option<&'static str>,
    status: Option<u16>,
}

impl Record {
    /// Adds one request; no status means that no head was sent.
    pub(super) fn note(
        &mut self,
        provider: &'static str,
        call: &Call,
        person: Option<&'static str>,
        status: Option<u16>,
    ) {
        self.total += 1;
        *self.counts.entry(format!("{} {}", call.method, call.path)).or_default() += 1;
        if self.rows.len() == ROWS_MAX {
            self.rows.pop_front();
        }
        self.rows.push_back(Row {
            provider,
            method: call.method.to_string(),
            path: call.path.to_owned(),
            query: withhold_token(call.raw_query),
            person,
            status,
        });
    }

    /// The whole log as the control endpoint prints it.
    pub(super) fn report(&self) -> Value {
        let rows: Vec<Value> = self
            .rows
            .iter()
            .map(|row| {
                json!({
                    "provider": row.provider,
                    "method": row.method,
                    "path": row.path,
                    "query": row.query,
                    "person": row.person,
                    "status": row.status,
                })
            })
            .collect();
        json!({"requests": rows, "counts": self.counts, "total": self.total})
    }
}

/// The query as sent, unless it carries a `token`, whose value is then replaced.
fn withhold_token(query: &str) -> String {
    let pairs = form_urlencoded::parse(query.as_bytes());
    if !pairs.clone().any(|(key, _)| key == "token") {
        return query.to_owned();
    }
    let mut kept = form_urlencoded::Serializer::new(String::new());
    for (key, value) in pairs {
        let value = if key == "token" { "withheld".into() } else { value };
        kept.append_pair(&key, &value);
    }
    kept.finish()
}

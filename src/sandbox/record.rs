//! The log of requests that reached the two servers.
//!
//! Rows are bounded, so that a benchmark cannot fill the memory; counts are exact for ever. A credential is never
//! kept, only the handle of the person it belongs to: `unknown` is a credential of nobody, `none` is none at all.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use serde_json::{Value, json};
use url::form_urlencoded;

use super::answer::Call;

/// How many rows are kept; older ones are dropped first.
const ROWS_MAX: usize = 100_000;

/// Rows and counts, both servers' requests together.
#[derive(Debug, Default)]
pub(super) struct Record {
    rows: VecDeque<Row>,
    counts: Counts,
    /// The same by whose credential was shown.
    people: BTreeMap<String, Counts>,
    total: u64,
}

/// How often each method and path was asked for.
type Counts = BTreeMap<String, u64>;

#[derive(Debug)]
struct Row {
    provider: &'static str,
    method: String,
    path: String,
    query: String,
    person: Option<String>,
    status: Answered,
}

/// The status of a request that is in the log already; none until a head is sent.
#[derive(Debug, Clone, Default)]
pub(super) struct Answered(Arc<AtomicU16>);

impl Answered {
    /// Notes what was sent; nothing if no head is sent.
    pub(super) fn note(&self, status: Option<u16>) {
        self.0.store(status.unwrap_or(0), Ordering::SeqCst);
    }

    fn read(&self) -> Option<u16> {
        Some(self.0.load(Ordering::SeqCst)).filter(|status| *status > 0)
    }
}

impl Record {
    /// Adds one request as it arrives.
    pub(super) fn note(&mut self, provider: &'static str, call: &Call, person: Option<&str>) -> Answered {
        let target = format!("{} {}", call.method, call.path);
        let shown = person.unwrap_or(if call.shows_a_credential() { "unknown" } else { "none" });
        self.total += 1;
        if !self.people.contains_key(shown) {
            self.people.insert(shown.to_owned(), Counts::new());
        }
        if let Some(counts) = self.people.get_mut(shown) {
            *counts.entry(target.clone()).or_default() += 1;
        }
        *self.counts.entry(target).or_default() += 1;
        if self.rows.len() == ROWS_MAX {
            self.rows.pop_front();
        }
        let status = Answered::default();
        self.rows.push_back(Row {
            provider,
            method: call.method.to_string(),
            path: call.path.to_owned(),
            query: withhold_token(call.raw_query),
            person: person.map(str::to_owned),
            status: status.clone(),
        });
        status
    }

    /// The log as the control endpoint prints it: all of it, or one person's part; rows only if wanted.
    pub(super) fn report(&self, person: Option<&str>, rows: bool) -> Value {
        let wanted = |row: &&Row| rows && person.is_none_or(|person| row.person.as_deref() == Some(person));
        let rows: Vec<Value> = self
            .rows
            .iter()
            .filter(wanted)
            .map(|row| {
                json!({
                    "provider": row.provider,
                    "method": row.method,
                    "path": row.path,
                    "query": row.query,
                    "person": row.person,
                    "status": row.status.read(),
                })
            })
            .collect();
        match person {
            None => json!({"requests": rows, "counts": self.counts, "people": self.people, "total": self.total}),
            Some(person) => {
                let counts = self.people.get(person);
                let total: u64 = counts.into_iter().flat_map(Counts::values).sum();
                json!({"requests": rows, "counts": counts.cloned().unwrap_or_default(), "total": total})
            }
        }
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

//! The log of requests that reached the two servers.
//!
//! The number of rows is bounded, so a benchmark cannot fill the memory. Counts stay exact. The log never contains a
//! credential, only the handle of its person: `unknown` for a credential of no person, `none` for a request without one.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use serde_json::{Value, json};
use url::form_urlencoded;

use super::http::SandboxRequest;

/// Maximum number of rows. The oldest row is removed first.
const ROWS_MAX: usize = 100_000;

/// Rows and counts of the requests to both servers.
#[derive(Debug, Default)]
pub(super) struct RequestLog {
    rows: VecDeque<RequestRow>,
    counts: Counts,
    counts_by_person: BTreeMap<String, Counts>,
    total: u64,
}

/// The number of requests by method and path.
type Counts = BTreeMap<String, u64>;

#[derive(Debug)]
struct RequestRow {
    provider: &'static str,
    method: String,
    path: String,
    query: String,
    person: Option<String>,
    status: LoggedStatus,
}

/// The response status of a logged request. Unset until it is known; it stays unset if no response head is sent.
#[derive(Debug, Clone, Default)]
pub(super) struct LoggedStatus(Arc<AtomicU16>);

impl LoggedStatus {
    /// Sets the status; `None` if no response head is sent.
    pub(super) fn set(&self, status: Option<u16>) {
        self.0.store(status.unwrap_or(0), Ordering::SeqCst);
    }

    fn get(&self) -> Option<u16> {
        Some(self.0.load(Ordering::SeqCst)).filter(|status| *status > 0)
    }
}

impl RequestLog {
    /// Adds a request when it arrives. The caller sets its status later.
    pub(super) fn add(
        &mut self,
        provider: &'static str,
        request: &SandboxRequest,
        person: Option<&str>,
    ) -> LoggedStatus {
        let target = format!("{} {}", request.method, request.path);
        let name = person.unwrap_or(if request.has_credential() { "unknown" } else { "none" });
        self.total += 1;
        if !self.counts_by_person.contains_key(name) {
            self.counts_by_person.insert(name.to_owned(), Counts::new());
        }
        if let Some(counts) = self.counts_by_person.get_mut(name) {
            *counts.entry(target.clone()).or_default() += 1;
        }
        *self.counts.entry(target).or_default() += 1;
        if self.rows.len() == ROWS_MAX {
            self.rows.pop_front();
        }
        let status = LoggedStatus::default();
        self.rows.push_back(RequestRow {
            provider,
            method: request.method.to_string(),
            path: request.path.to_owned(),
            query: redact_token(request.raw_query),
            person: person.map(str::to_owned),
            status: status.clone(),
        });
        status
    }

    /// The log as the control endpoint returns it: all of it or the part of one person, with or without rows.
    pub(super) fn report(&self, person: Option<&str>, with_rows: bool) -> Value {
        let is_included =
            |row: &&RequestRow| with_rows && person.is_none_or(|person| row.person.as_deref() == Some(person));
        let rows: Vec<Value> = self
            .rows
            .iter()
            .filter(is_included)
            .map(|row| {
                json!({
                    "provider": row.provider,
                    "method": row.method,
                    "path": row.path,
                    "query": row.query,
                    "person": row.person,
                    "status": row.status.get(),
                })
            })
            .collect();
        match person {
            None => json!({
                "requests": rows, "counts": self.counts, "people": self.counts_by_person, "total": self.total,
            }),
            Some(person) => {
                let counts = self.counts_by_person.get(person);
                let total: u64 = counts.into_iter().flat_map(Counts::values).sum();
                json!({"requests": rows, "counts": counts.cloned().unwrap_or_default(), "total": total})
            }
        }
    }
}

/// The query as sent, with the value of a `token` parameter replaced.
fn redact_token(query: &str) -> String {
    let pairs = form_urlencoded::parse(query.as_bytes());
    if !pairs.clone().any(|(key, _)| key == "token") {
        return query.to_owned();
    }
    let mut redacted = form_urlencoded::Serializer::new(String::new());
    for (key, value) in pairs {
        let value = if key == "token" { "redacted".into() } else { value };
        redacted.append_pair(&key, &value);
    }
    redacted.finish()
}

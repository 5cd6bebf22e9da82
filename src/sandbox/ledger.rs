//! The log of writes: what was asked for, how often it was delivered, and how often it changed anything.
//!
//! A row is one person's one wish, however often it came, so that a test sees at a glance what was delivered twice. It is
//! counted when it arrives, and again when it is answered: a client that leaves in between has delivered all the same.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use serde_json::{Value, json};

/// How many rows are kept; what comes after is counted in the totals only.
const ROWS_MAX: usize = 100_000;

/// What a write asks for.
#[derive(Debug, Clone)]
pub(super) struct Deed {
    /// Kind of object and verb, such as `identity.relink`.
    pub(super) what: &'static str,
    /// Number or token of the object, as the provider spells it.
    pub(super) object: String,
    /// What else the request says, an object.
    pub(super) with: Value,
}

/// Rows in the order in which each was first delivered, and totals that outlive the rows.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    rows: IndexMap<String, Row>,
    delivered: u64,
    effects: u64,
}

#[derive(Debug)]
struct Row {
    provider: &'static str,
    person: Option<String>,
    deed: Deed,
    delivered: u64,
    effects: u64,
    answers: BTreeMap<String, u64>,
}

/// By what a row is found again.
#[derive(Debug)]
pub(super) struct Entry(String);

impl Ledger {
    /// Counts a delivery.
    pub(super) fn deliver(&mut self, provider: &'static str, person: Option<&str>, deed: Deed) -> Entry {
        let key = format!("{provider} {} {} {} {}", person.unwrap_or_default(), deed.what, deed.object, deed.with);
        self.delivered += 1;
        if let Some(row) = self.rows.get_mut(&key) {
            row.delivered += 1;
        } else if self.rows.len() < ROWS_MAX {
            let person = person.map(str::to_owned);
            let row = Row { provider, person, deed, delivered: 1, effects: 0, answers: BTreeMap::new() };
            self.rows.insert(key.clone(), row);
        }
        Entry(key)
    }

    /// Notes what a delivery came to; no status means that no head is sent.
    pub(super) fn settle(&mut self, entry: &Entry, changed: bool, status: Option<u16>) {
        self.effects += u64::from(changed);
        if let Some(row) = self.rows.get_mut(&entry.0) {
            row.effects += u64::from(changed);
            let status = status.map_or_else(|| "none".to_owned(), |status| status.to_string());
            *row.answers.entry(status).or_default() += 1;
        }
    }

    /// The whole log as the control endpoint prints it.
    pub(super) fn report(&self) -> Value {
        let rows: Vec<Value> = self
            .rows
            .values()
            .map(|row| {
                json!({
                    "provider": row.provider,
                    "person": row.person,
                    "operation": row.deed.what,
                    "object": row.deed.object,
                    "arguments": row.deed.with,
                    "delivered": row.delivered,
                    "effects": row.effects,
                    "statuses": row.answers,
                })
            })
            .collect();
        json!({"writes": rows, "delivered": self.delivered, "effects": self.effects})
    }
}

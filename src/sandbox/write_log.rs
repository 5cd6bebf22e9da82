//! The log of writes: what was requested, how often it was delivered, and how often it changed anything.
//!
//! Equal requests of one person share a row, so a test sees at once what was delivered twice. A write is counted when it
//! arrives and again when it is answered. A client that disconnects in between has delivered it all the same.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use serde_json::{Value, json};

/// Maximum number of rows. Later writes are counted in the totals only.
const ROWS_MAX: usize = 100_000;

/// A write as the log describes it.
#[derive(Debug, Clone)]
pub(super) struct WriteDescription {
    /// Kind of object and verb, such as `identity.relink`.
    pub(super) operation: &'static str,
    /// ID or token of the object, as the provider spells it.
    pub(super) object: String,
    /// The other arguments of the request, a JSON object.
    pub(super) arguments: Value,
}

/// Rows in the order of their first delivery, and totals over all writes.
#[derive(Debug, Default)]
pub(super) struct WriteLog {
    rows: IndexMap<String, WriteRow>,
    delivered: u64,
    effects: u64,
}

#[derive(Debug)]
struct WriteRow {
    provider: &'static str,
    person: Option<String>,
    description: WriteDescription,
    delivered: u64,
    effects: u64,
    statuses: BTreeMap<String, u64>,
}

/// Identifies a row of the log.
#[derive(Debug)]
pub(super) struct WriteLogKey(String);

impl WriteLog {
    /// Counts a delivery.
    pub(super) fn record_delivery(
        &mut self,
        provider: &'static str,
        person: Option<&str>,
        description: WriteDescription,
    ) -> WriteLogKey {
        let WriteDescription { operation, object, arguments } = &description;
        let key = format!("{provider} {} {operation} {object} {arguments}", person.unwrap_or_default());
        self.delivered += 1;
        if let Some(row) = self.rows.get_mut(&key) {
            row.delivered += 1;
        } else if self.rows.len() < ROWS_MAX {
            let person = person.map(str::to_owned);
            let row = WriteRow { provider, person, description, delivered: 1, effects: 0, statuses: BTreeMap::new() };
            self.rows.insert(key.clone(), row);
        }
        WriteLogKey(key)
    }

    /// Records whether a delivered write changed anything, and its status; `None` if no response head is sent.
    pub(super) fn record_result(&mut self, key: &WriteLogKey, changed: bool, status: Option<u16>) {
        self.effects += u64::from(changed);
        if let Some(row) = self.rows.get_mut(&key.0) {
            row.effects += u64::from(changed);
            let status = status.map_or_else(|| "none".to_owned(), |status| status.to_string());
            *row.statuses.entry(status).or_default() += 1;
        }
    }

    /// The whole log as the control endpoint returns it.
    pub(super) fn report(&self) -> Value {
        let rows: Vec<Value> = self
            .rows
            .values()
            .map(|row| {
                json!({
                    "provider": row.provider,
                    "person": row.person,
                    "operation": row.description.operation,
                    "object": row.description.object,
                    "arguments": row.description.arguments,
                    "delivered": row.delivered,
                    "effects": row.effects,
                    "statuses": row.statuses,
                })
            })
            .collect();
        json!({"writes": rows, "delivered": self.delivered, "effects": self.effects})
    }
}

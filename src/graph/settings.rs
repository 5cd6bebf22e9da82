//! The settings of the GraphQL layer.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::document::limits::Limits;

/// The schema, documents and execution.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Who may run introspection queries. `/schema.graphql` is always public.
    pub introspection: Introspection,
    /// Whether an error about an unknown name suggests similar names. Has an effect only if `introspection` is `all`. The
    /// sandbox turns it on.
    pub suggestions: bool,
    /// The memory for validated documents, in bytes. A stored document is not validated again.
    #[schemars(range(min = 1, max = 1 << 30))]
    pub documents_max_bytes: usize,
    /// The size and the cost of one document.
    pub limits: Limits,
    /// The time for one operation from its arrival, in milliseconds. Reads that are open then fail with `PROVIDER_TIMEOUT`.
    /// Must be shorter than `http.timeouts.request_ms`. A request may shorten it with `X-Commongraph-Deadline`.
    #[schemars(range(min = 1, max = 600_000))]
    pub deadline_ms: u64,
}

/// Who may run introspection queries.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Introspection {
    /// Every caller with a valid credential.
    #[default]
    Callers,
    /// Everyone.
    All,
    /// No one.
    None,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            introspection: Introspection::default(),
            suggestions: false,
            documents_max_bytes: 16 << 20,
            limits: Limits::default(),
            deadline_ms: 8_000,
        }
    }
}

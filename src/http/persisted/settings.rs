//! `[http.trusted_documents]`: the documents that are deployed with the gateway.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Documents that are deployed with the gateway.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// What happens to a document that is not trusted.
    pub mode: Mode,
    /// A folder of `.graphql` files, or a manifest written by relay-compiler, Apollo or codegen.
    pub path: Option<PathBuf>,
}

/// What happens to a document that is not trusted.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// There are no trusted documents.
    #[default]
    Off,
    /// It is executed and logged.
    Log,
    /// It is refused. A trusted document may be sent by ID or by its exact text.
    Enforce,
}

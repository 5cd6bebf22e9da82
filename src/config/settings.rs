//! The settings type: one table for each module that has settings, and the table of the log.

use schemars::JsonSchema;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use super::error::InvalidSetting;
use super::error_text;
use crate::http::rate_limits;
use crate::provider::{oneall, wordpress};
use crate::{auth, graph, http};

/// All settings of the gateway.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The HTTP server.
    pub http: http::Settings,
    /// Authentication.
    pub access: auth::Settings,
    /// Rate limits.
    pub limits: rate_limits::Settings,
    /// The schema, documents and execution.
    pub graph: graph::Settings,
    /// WordPress.com.
    pub wordpress: wordpress::Settings,
    /// OneAll. It is read only if a site and both keys are set.
    pub oneall: oneall::Settings,
    /// Logging.
    pub log: LogSettings,
}

/// Logging.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LogSettings {
    /// The lowest level that is logged, for all targets or per target: `info`, or `warn,commongraph=debug`. A word that
    /// is not a level is refused. The audit log and the start line are always logged.
    pub filter: String,
    /// The format of a log line.
    pub format: LogFormat,
    /// The key of the pseudonyms in the audit log, at least 32 bytes. Not set: a random key for each process.
    #[schemars(with = "Option<String>")]
    pub audit_key: Option<SecretString>,
}

/// The format of a log line.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Text for a terminal.
    #[default]
    Human,
    /// One JSON object per line.
    Json,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self { filter: "info".to_owned(), format: LogFormat::default(), audit_key: None }
    }
}

impl Settings {
    /// Decodes the TOML table of all settings. A setting that is not in it has its default.
    ///
    /// # Errors
    /// The first setting that does not exist or has a wrong type.
    pub(super) fn decode(table: Table) -> Result<Self, InvalidSetting> {
        serde_path_to_error::deserialize(Value::Table(table)).map_err(|error| {
            InvalidSetting::new(error.path().to_string(), error_text::explain(error.inner().message()))
        })
    }
}

//! `commongraph check`: runs the checks of `serve`, and then asks each provider whether it accepts its credentials.

use std::fmt::Write;
use std::sync::Arc;
use std::time::SystemTime;

use tokio_util::task::TaskTracker;

use crate::app::components::Components;
use crate::app::gateway::PreparedGateway;
use crate::app::{open_files, sandbox_settings};
use crate::auth::Caller;
use crate::auth::service_key;
use crate::config::{Settings, mode};
use crate::metrics::Metrics;
use crate::provider::oneall::OneAll;
use crate::provider::wordpress::WordPress;
use crate::provider::{CallContext, Error};

/// The result of `commongraph check`.
pub(super) struct CheckReport {
    /// A table for a person to read.
    pub(super) table: String,
    /// Whether nothing failed. A warning is not a failure.
    pub(super) has_passed: bool,
}

/// One line of the table.
struct Row {
    status: &'static str,
    subject: &'static str,
    location: String,
    text: String,
}

impl Row {
    fn new(subject: &'static str, location: String, result: Result<String, String>) -> Self {
        let status = if result.is_ok() { "ok" } else { "FAIL" };
        let (Ok(text) | Err(text)) = result;
        Self { status, subject, location, text }
    }
}

/// Checks what `serve` requires of the settings beyond their syntax and ranges.
///
/// # Errors
/// A sentence that names the setting.
pub(super) fn validate(settings: &Settings) -> Result<(), String> {
    mode::check_serve(settings)?;
    sandbox_settings::check_unknown(settings)
}

/// Checks the settings and the files that they name, and builds the gateway that `serve` starts.
///
/// # Errors
/// A sentence that names the setting.
pub(super) fn prepare(settings: &Settings, metrics: Metrics) -> Result<PreparedGateway, String> {
    validate(settings)?;
    PreparedGateway::build(Components::build(settings, &metrics, None)?, Vec::new(), metrics)
}

/// Logs a warning for each service key that has expired or expires soon.
pub(super) fn warn_about_expiring_keys(settings: &Settings) {
    for key in service_key::expiring(&settings.access.keys, SystemTime::now()) {
        let name = format!("access.keys.{}", key.id);
        match key.has_expired {
            true => tracing::warn!(key = name, expires_at = %key.expires_at, "service key has expired"),
            false => tracing::warn!(key = name, expires_at = %key.expires_at, "service key expires soon"),
        }
    }
}

/// Asks each provider whether it accepts the gateway's keys and the caller's token, and lists the keys that expire.
///
/// # Errors
/// A sentence that names the setting.
pub(super) async fn run(settings: &Settings, caller: &Caller) -> Result<CheckReport, String> {
    let writes = TaskTracker::new();
    let metrics = Metrics::default();
    let wordpress = Arc::new(WordPress::build(&settings.wordpress, &writes, &metrics, None)?);
    let oneall = Arc::new(OneAll::build(&settings.oneall, &writes, &metrics, None)?);
    let (me, ping) = tokio::join!(ask_wordpress(&wordpress, caller), ask_oneall(&oneall, caller));
    let base_url = settings.wordpress.base().map(|url| url.to_string())?;
    let site = settings.oneall.base()?.map_or_else(|| "-".to_owned(), |url| url.to_string());
    let mut rows = vec![
        Row::new("settings", "-".to_owned(), Ok(format!("valid; listens on {}", settings.http.listen))),
        Row::new("open files", "-".to_owned(), open_files(settings)),
        Row::new("WordPress.com", base_url, me),
        Row::new("OneAll", site, ping),
    ];
    rows.extend(expiring_keys(settings));
    Ok(CheckReport { table: table(&rows), has_passed: rows.iter().all(|row| row.status != "FAIL") })
}

fn expiring_keys(settings: &Settings) -> Vec<Row> {
    let row = |key: service_key::Expiry<'_>| {
        let verb = if key.has_expired { "expired" } else { "expires" };
        let text = format!("{verb} at {}; create another with `commongraph key new`", key.expires_at);
        Row { status: "WARN", subject: "service key", location: format!("access.keys.{}", key.id), text }
    };
    service_key::expiring(&settings.access.keys, SystemTime::now()).into_iter().map(row).collect()
}

fn table(rows: &[Row]) -> String {
    let width = rows.iter().map(|row| row.location.len()).max().unwrap_or_default();
    let mut table = String::new();
    for Row { status, subject, location, text } in rows {
        let _ = writeln!(table, "{status:<4}  {subject:<14} {location:<width$}  {text}");
    }
    table
}

/// The table of `check --access`: the fields of the graph, with the callers and scopes that may read them.
pub(super) fn access_table() -> String {
    crate::graph::schema_directives::access_table()
}

/// The table of `check --edges`: the cost model, with the rows, batching and provider calls of each field.
pub(super) fn cost_table() -> String {
    crate::graph::document::cost_model::report::report()
}

/// Whether the limit of open files is large enough for what the settings allow.
fn open_files(settings: &Settings) -> Result<String, String> {
    let Some(limit) = open_files::raise() else { return Ok("the limit is unknown".to_owned()) };
    let fit = open_files::fit(settings, limit)?;
    if fit.is_whole { Ok(fit.text) } else { Err(fit.text) }
}

async fn ask_wordpress(host: &Arc<WordPress>, caller: &Caller) -> Result<String, String> {
    let Some(grant) = caller.wordpress() else {
        return Ok("not checked: set COMMONGRAPH_WORDPRESS_TOKEN to a user's token".to_owned());
    };
    let me = host.session(Ok(grant.clone()), CallContext::default(), SystemTime::now()).me().await.map_err(sentence)?;
    Ok(format!("token accepted; its scope is {}", me.token_scope.join(", ")))
}

async fn ask_oneall(host: &Arc<OneAll>, caller: &Caller) -> Result<String, String> {
    if !host.is_configured() {
        return Ok("not configured; only WordPress.com is read".to_owned());
    }
    host.session(caller.oneall().clone(), CallContext::default()).ping().await.map_err(sentence)?;
    Ok("the site's keys are accepted".to_owned())
}

fn sentence(error: Error) -> String {
    format!("{} ({})", crate::graph::error::Error::from(error.clone()).message, error.detail)
}

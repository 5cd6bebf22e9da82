//! `commongraph check`: are the settings right, and does each provider accept what it is shown?

use std::fmt::Write;
use std::sync::Arc;
use std::time::SystemTime;

use tokio_util::task::TaskTracker;

use super::parts::Parts;
use crate::auth::Caller;
use crate::config::Settings;
use crate::metrics::Metrics;
use crate::provider::oneall::OneAll;
use crate::provider::wordpress::WordPress;
use crate::provider::{Calls, Error};

/// What was found.
pub struct Report {
    /// A table for a person to read.
    pub table: String,
    /// Whether everything that could be tried went well.
    pub good: bool,
}

/// Tries what the settings describe, and the caller's token if there is one.
///
/// # Errors
/// A sentence that names the setting.
pub async fn run(settings: &Settings, caller: &Caller) -> Result<Report, String> {
    let (writes, metrics) = (TaskTracker::new(), Metrics::default());
    drop(Parts::build(settings, &metrics, None)?);
    let wordpress = Arc::new(WordPress::build(&settings.wordpress, &writes, &metrics, None)?);
    let oneall = Arc::new(OneAll::build(&settings.oneall, &writes, &metrics, None)?);
    let (me, ping) = tokio::join!(ask_wordpress(&wordpress, caller), ask_oneall(&oneall, caller));
    let place = settings.wordpress.base().map(|url| url.to_string())?;
    let site = settings.oneall.base()?.map_or_else(|| "-".to_owned(), |url| url.to_string());
    let rows = [
        ("settings", "-".to_owned(), Ok(format!("valid; listens on {}", settings.http.listen))),
        ("WordPress.com", place, me),
        ("OneAll", site, ping),
    ];
    let width = rows.iter().map(|(_, place, _)| place.len()).max().unwrap_or_default();
    let mut table = String::new();
    for (what, place, found) in &rows {
        let (mark, text) = match found {
            Ok(text) => ("ok  ", text),
            Err(text) => ("FAIL", text),
        };
        let _ = writeln!(table, "{mark}  {what:<14} {place:<width$}  {text}");
    }
    Ok(Report { table, good: rows.iter().all(|(_, _, found)| found.is_ok()) })
}

/// Who may read what: rights, scopes, and the fields that they open.
pub fn access() -> String {
    crate::graph::schema_directives::access_table()
}

/// Every edge of the graph with its batching and its fan-out: where a list leads to a call for each row.
pub fn edges() -> String {
    crate::graph::document::edges::list()
}

async fn ask_wordpress(host: &Arc<WordPress>, caller: &Caller) -> Result<String, String> {
    let Some(grant) = caller.wordpress() else {
        return Ok("not tried: set COMMONGRAPH_WORDPRESS_TOKEN to a person's token".to_owned());
    };
    let me = host.reads(Ok(grant.clone()), Calls::default(), SystemTime::now()).me().await.map_err(sentence)?;
    Ok(format!("token accepted; its scope is {}", me.token_scope.join(", ")))
}

async fn ask_oneall(host: &Arc<OneAll>, caller: &Caller) -> Result<String, String> {
    if !host.is_configured() {
        return Ok("not set; only WordPress.com is read".to_owned());
    }
    host.reads(caller.oneall().clone(), Calls::default()).ping().await.map_err(sentence)?;
    Ok("the site's keys are accepted".to_owned())
}

fn sentence(error: Error) -> String {
    format!("{} ({})", crate::graph::error::Error::from(error.clone()).message, error.detail)
}

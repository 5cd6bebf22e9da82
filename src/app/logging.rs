//! The log: its filter, its format, and stderr as its destination.
//!
//! The filter of the settings decides which lines are written, with two exceptions: the audit log and the start line
//! are always written. No thread waits for stderr, see [`writer`].

mod writer;

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use tracing_subscriber::filter::{FilterExt, LevelFilter, filter_fn};
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, fmt, reload};

use self::writer::{Dropped, Kind, Writer};
use crate::config::{LogFormat, Settings, log_filter};
use crate::graph::audit;
use crate::metrics::Metrics;

/// The target of the line that says where the gateway listens.
const START_TARGET: &str = "commongraph::start";

/// The longest wait for stderr at the end of the process. After it, queued lines are lost.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(2);

/// The log of the process. When it is dropped, it waits until all lines are written, for 2 s at most.
pub(super) struct Log {
    writer: Writer,
    reload: Box<dyn Fn(EnvFilter) + Send + Sync>,
}

impl Log {
    /// Starts the log with the filter and the format of the settings. Dropped lines are counted in `metrics`.
    ///
    /// # Errors
    /// A sentence, if the filter is invalid or the thread of the log cannot start.
    pub(super) fn start(settings: &Settings, metrics: &Metrics) -> Result<Self, String> {
        Self::start_with(settings, filter(&settings.log.filter)?, metrics)
    }

    /// Starts the log of a command that ends by itself: warnings and the audit log only, unless the settings set a
    /// filter.
    ///
    /// # Errors
    /// As [`Log::start`].
    pub(super) fn start_for_command(settings: &Settings) -> Result<Self, String> {
        let is_default = settings.log.filter == Settings::default().log.filter;
        let filter = filter(if is_default { "warn" } else { &settings.log.filter })?;
        Self::start_with(settings, filter, &Metrics::default())
    }

    fn start_with(settings: &Settings, filter: EnvFilter, metrics: &Metrics) -> Result<Self, String> {
        let metrics = metrics.clone();
        let on_drop = move |kind| match kind {
            Kind::Operational => metrics.log_line_dropped(),
            Kind::Audit => metrics.audit_line_dropped(),
        };
        let writer = Writer::start(io::stderr(), on_drop, report_dropped)
            .map_err(|error| format!("cannot start the thread of the log: {error}"))?;
        let (filter, handle) = reload::Layer::new(filter);
        let is_always = |target: &str| [audit::TARGET, START_TARGET].contains(&target);
        let always = filter_fn(move |line| is_always(line.target())).with_max_level_hint(LevelFilter::INFO);
        // An error of the writer would be printed to stderr, which can block.
        let lines = fmt::layer().log_internal_errors(false).with_writer(writer.clone());
        let lines = lines.with_ansi(io::stderr().is_terminal());
        let lines = match settings.log.format {
            LogFormat::Human => lines.boxed(),
            LogFormat::Json => lines.json().boxed(),
        };
        tracing_subscriber::registry().with(lines.with_filter(filter.or(always))).init();
        // The hook logs where the panic happened and, within a request, the request ID. The code that catches it logs
        // no more.
        std::panic::set_hook(Box::new(|panic| tracing::error!(cause = %panic, "panicked")));
        Ok(Self { writer, reload: Box::new(move |filter| drop(handle.reload(filter))) })
    }

    /// Applies the filter of reloaded settings.
    pub(super) fn reload(&self, settings: &Settings) {
        match filter(&settings.log.filter) {
            Ok(filter) => (self.reload)(filter),
            Err(message) => tracing::error!("{message}"),
        }
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.writer.flush(FLUSH_TIMEOUT);
    }
}

fn filter(text: &str) -> Result<EnvFilter, String> {
    log_filter::parse(text).map_err(|message| format!("log.filter: {message}"))
}

/// Logs where the gateway listens, whatever the filter is.
pub(super) fn log_start(address: impl Display) {
    tracing::info!(target: START_TARGET, %address, version = env!("CARGO_PKG_VERSION"), "serving");
}

/// Logs how many lines were dropped. Lost audit lines are reported in the audit log.
fn report_dropped(dropped: Dropped) {
    if dropped.operational > 0 {
        tracing::warn!(total = dropped.operational, "log lines were dropped because stderr could not be written");
    }
    if dropped.audit > 0 {
        let total = dropped.audit;
        tracing::error!(target: audit::TARGET, total, "audit log lines were dropped because stderr could not be written");
    }
}

/// Prints a message of the command to stderr. It waits at most 2 s: the message must not keep the process alive.
pub(super) fn print_error(message: String) {
    let (done, printed) = mpsc::sync_channel(1);
    let print = move || {
        // There is no other place where this error could be reported.
        let _ = io::stderr().write_all(message.as_bytes());
        let _ = done.try_send(());
    };
    if thread::Builder::new().spawn(print).is_ok() {
        let _ = printed.recv_timeout(FLUSH_TIMEOUT);
    }
}

//! The log: its filter, its format and its destination, stderr.

use std::io::IsTerminal;

use tracing_subscriber::filter::{FilterExt, LevelFilter, filter_fn};
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, fmt, reload};

use crate::config::{LogFormat, Settings};
use crate::graph::audit;

/// Applies the log filter of reloaded settings.
pub type FilterReload = Box<dyn Fn(&Settings) + Send + Sync>;

/// Starts the log as the settings say.
pub fn start(settings: &Settings) -> FilterReload {
    start_with(settings, filter(settings))
}

/// Starts the log of a command that ends by itself: warnings and the audit log only, unless the settings set a filter.
pub fn start_for_command(settings: &Settings) {
    let is_default = settings.log.filter == Settings::default().log.filter;
    drop(start_with(settings, EnvFilter::new(if is_default { "warn" } else { &settings.log.filter })));
}

fn filter(settings: &Settings) -> EnvFilter {
    EnvFilter::new(&settings.log.filter)
}

fn start_with(settings: &Settings, first: EnvFilter) -> FilterReload {
    let (filter_layer, handle) = reload::Layer::new(first);
    // Combined with the filter by `or`, so that no filter silences the audit log.
    let audit = filter_fn(|line| line.target() == audit::TARGET).with_max_level_hint(LevelFilter::INFO);
    let lines = fmt::layer().with_writer(std::io::stderr).with_ansi(std::io::stderr().is_terminal());
    let lines = match settings.log.format {
        LogFormat::Human => lines.boxed(),
        LogFormat::Json => lines.json().boxed(),
    };
    tracing_subscriber::registry().with(lines.with_filter(filter_layer.or(audit))).init();
    // The hook logs where the panic happened and, within a request, the request ID. The code that catches it logs no more.
    std::panic::set_hook(Box::new(|panic| tracing::error!(cause = %panic, "panicked")));
    Box::new(move |settings| drop(handle.reload(filter(settings))))
}

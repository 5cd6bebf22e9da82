//! `commongraph sandbox`: serves the graph over simulated providers, on loopback only.

use std::net::SocketAddr;
use std::process::ExitCode;

use super::{environment, serve};
use crate::app::logging::Log;
use crate::app::signals::Signals;
use crate::app::start_sandbox_gateway;
use crate::config::{self, mode};
use crate::metrics::Metrics;

/// Serves the sandbox until it is stopped. It does not start where real secrets are set.
///
/// # Errors
/// A sentence that names the setting, or says why the gateway cannot run.
pub(super) async fn run(listen: Option<SocketAddr>, no_explorer: bool) -> Result<ExitCode, String> {
    let listen = environment::listen_address(listen)?;
    mode::check_sandbox(environment::config_file().as_deref(), environment::variables())?;
    let mut settings = config::load(None, std::iter::empty(), listen)?;
    mode::check_loopback(&settings, "the sandbox")?;
    serve::hide_explorer(&mut settings, no_explorer);
    let metrics = Metrics::default();
    let _log = Log::start(&settings, &metrics)?;
    let signals = Signals::install()?;
    let sandbox = start_sandbox_gateway(settings.clone(), metrics).await?;
    serve::run(sandbox.gateway, signals, &settings, sandbox.greeting).await
}

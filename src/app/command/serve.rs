//! The commands that serve: the sandbox, the gateway for all callers, and the gateway for one user.

use std::net::SocketAddr;
use std::process::ExitCode;

use super::arguments::Source;
use super::{environment, print};
use crate::app::lifecycle::{self, Signals};
use crate::app::logging::{self, Log};
use crate::app::{Person, Running, check, sample_operations};
use crate::config::{self, Settings, mode};
use crate::metrics::Metrics;

/// Serves the sandbox.
pub(super) async fn sandbox(listen: Option<SocketAddr>, no_explorer: bool) -> Result<ExitCode, String> {
    let listen = environment::listen_address(listen)?;
    mode::check_sandbox(environment::config_file().as_deref(), environment::variables())?;
    let mut settings = config::load(None, std::iter::empty(), listen)?;
    mode::check_loopback(&settings, "the sandbox")?;
    hide_explorer(&mut settings, no_explorer);
    let metrics = Metrics::default();
    let _log = Log::start(&settings, &metrics)?;
    let signals = Signals::take()?;
    let sandbox = crate::app::play(settings.clone(), metrics).await?;
    run(sandbox.gateway, signals, &settings, sandbox.greeting).await
}

/// Serves all callers, and reloads the settings when asked.
pub(super) async fn shared(source: Source, listen: Option<SocketAddr>, no_explorer: bool) -> Result<ExitCode, String> {
    let file = source.file();
    let read = move || {
        let mut settings = environment::load(&source, listen)?;
        check::settings(&settings)?;
        hide_explorer(&mut settings, no_explorer);
        Ok(settings)
    };
    let settings = read()?;
    let metrics = Metrics::default();
    let log = Log::start(&settings, &metrics)?;
    let signals = Signals::take()?;
    let running = check::prepare(&settings, metrics)?.listen()?;
    logging::log_start(running.address);
    check::warn_of_expiring_keys(&settings);
    let follow = move |settings: &Settings| {
        log.reload(settings);
        check::warn_of_expiring_keys(settings);
    };
    let reloads = lifecycle::Source { file, read: Box::new(read), follow: Box::new(follow) };
    lifecycle::run(running, signals, &settings, Some(reloads)).await?;
    Ok(ExitCode::SUCCESS)
}

/// Serves one user. Its settings are not reloaded, because it does not run for long.
pub(super) async fn personal(
    source: &Source,
    listen: Option<SocketAddr>,
    no_explorer: bool,
) -> Result<ExitCode, String> {
    let (mut settings, person) = personal_settings(source, listen)?;
    hide_explorer(&mut settings, no_explorer);
    let metrics = Metrics::default();
    let _log = Log::start(&settings, &metrics)?;
    let signals = Signals::take()?;
    let (prepared, bearer) = crate::app::prepare_personal(settings.clone(), person, metrics)?;
    let running = prepared.listen()?;
    let greeting = sample_operations::personal_greeting(running.address, &bearer);
    run(running, signals, &settings, greeting).await
}

/// Loads and checks the settings and the credentials of `serve --personal`.
pub(super) fn personal_settings(source: &Source, listen: Option<SocketAddr>) -> Result<(Settings, Person), String> {
    let settings = environment::load(source, listen)?;
    mode::check_loopback(&settings, "serve --personal")?;
    let token = environment::variable("COMMONGRAPH_WORDPRESS_TOKEN")?;
    let user = environment::variable("COMMONGRAPH_ONEALL_USER")?;
    if token.is_none() && user.is_none() {
        return Err("serve --personal: COMMONGRAPH_WORDPRESS_TOKEN or COMMONGRAPH_ONEALL_USER is required".to_owned());
    }
    Ok((settings, Person::of(token.as_deref(), user.as_deref())?))
}

/// Runs a gateway without reloads until it ends. The greeting is printed meanwhile, because nobody may read stdout.
async fn run(running: Running, signals: Signals, settings: &Settings, greeting: String) -> Result<ExitCode, String> {
    logging::log_start(running.address);
    let printed = tokio::task::spawn_blocking(move || print(&greeting));
    tokio::select! {
        ended = lifecycle::run(running, signals, settings, None) => ended?,
        Ok(Err(message)) = printed => return Err(message),
    }
    Ok(ExitCode::SUCCESS)
}

fn hide_explorer(settings: &mut Settings, is_hidden: bool) {
    if is_hidden {
        settings.http.explorer = Some(false);
    }
}

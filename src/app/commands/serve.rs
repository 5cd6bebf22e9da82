//! `commongraph serve`: the gateway for all callers, and the gateway for one user.

use std::net::SocketAddr;
use std::process::ExitCode;

use super::arguments::Source;
use super::output::print;
use super::{check, environment};
use crate::app::logging::{self, Log};
use crate::app::reload::SettingsSource;
use crate::app::signals::{self, Signals};
use crate::app::{PersonalCredentials, Running, prepare_personal, sample_operations};
use crate::config::{Settings, mode};
use crate::metrics::Metrics;

/// Serves all callers, and reloads the settings when asked.
pub(super) async fn shared(source: Source, listen: Option<SocketAddr>, no_explorer: bool) -> Result<ExitCode, String> {
    let file = source.file();
    let read = move || {
        let mut settings = environment::load(&source, listen)?;
        check::validate(&settings)?;
        hide_explorer(&mut settings, no_explorer);
        Ok(settings)
    };
    let settings = read()?;
    let metrics = Metrics::default();
    let log = Log::start(&settings, &metrics)?;
    let signals = Signals::install()?;
    let running = check::prepare(&settings, metrics)?.listen()?;
    logging::log_start(running.address);
    check::warn_about_expiring_keys(&settings);
    let on_reload = move |settings: &Settings| {
        log.reload(settings);
        check::warn_about_expiring_keys(settings);
    };
    let source = SettingsSource { file, read: Box::new(read), on_reload: Box::new(on_reload) };
    signals::run_until_stopped(running, signals, &settings, Some(source)).await?;
    Ok(ExitCode::SUCCESS)
}

/// Serves one user. Its settings are not reloaded, because it does not run for long.
pub(super) async fn personal(
    source: &Source,
    listen: Option<SocketAddr>,
    no_explorer: bool,
) -> Result<ExitCode, String> {
    let (mut settings, credentials) = personal_settings(source, listen)?;
    hide_explorer(&mut settings, no_explorer);
    let metrics = Metrics::default();
    let _log = Log::start(&settings, &metrics)?;
    let signals = Signals::install()?;
    let (prepared, bearer) = prepare_personal(settings.clone(), credentials, metrics)?;
    let running = prepared.listen()?;
    let greeting = sample_operations::personal_greeting(running.address, &bearer);
    run(running, signals, &settings, greeting).await
}

/// Loads and checks the settings and the credentials of `serve --personal`.
pub(super) fn personal_settings(
    source: &Source,
    listen: Option<SocketAddr>,
) -> Result<(Settings, PersonalCredentials), String> {
    let settings = environment::load(source, listen)?;
    mode::check_loopback(&settings, "serve --personal")?;
    let token = environment::variable("COMMONGRAPH_WORDPRESS_TOKEN")?;
    let user = environment::variable("COMMONGRAPH_ONEALL_USER")?;
    if token.is_none() && user.is_none() {
        return Err("serve --personal: COMMONGRAPH_WORDPRESS_TOKEN or COMMONGRAPH_ONEALL_USER is required".to_owned());
    }
    Ok((settings, PersonalCredentials::parse(token.as_deref(), user.as_deref())?))
}

/// Runs a gateway without reloads until it ends. The greeting is printed in the background, because a reader of stdout
/// may never read it.
pub(super) async fn run(
    running: Running,
    signals: Signals,
    settings: &Settings,
    greeting: String,
) -> Result<ExitCode, String> {
    logging::log_start(running.address);
    let printed = tokio::task::spawn_blocking(move || print(&greeting));
    tokio::select! {
        ended = signals::run_until_stopped(running, signals, settings, None) => ended?,
        Ok(Err(message)) = printed => return Err(message),
    }
    Ok(ExitCode::SUCCESS)
}

/// Turns the explorer off if the flag `--no-explorer` is set.
pub(super) fn hide_explorer(settings: &mut Settings, is_hidden: bool) {
    if is_hidden {
        settings.http.explorer = Some(false);
    }
}

//! The commands that serve: the sandbox, the gateway for all callers, and the gateway for one user.

use std::net::SocketAddr;
use std::process::ExitCode;

use super::arguments::Source;
use super::{environment, print};
use crate::app::lifecycle::{self, Signals};
use crate::app::{Person, logging, tour, toy};
use crate::config::{self, Settings, mode};

/// Serves the sandbox.
pub(super) async fn sandbox(listen: Option<SocketAddr>, no_explorer: bool) -> Result<ExitCode, String> {
    let listen = environment::listen_address(listen)?;
    mode::check_sandbox(environment::config_file().as_deref(), environment::variables())?;
    let mut settings = config::load(None, std::iter::empty(), listen)?;
    mode::check_loopback(&settings, "the sandbox")?;
    hide_explorer(&mut settings, no_explorer);
    drop(logging::start(&settings));
    let signals = Signals::take()?;
    let sandbox = crate::app::play(settings.clone()).await?;
    print(&sandbox.greeting)?;
    lifecycle::run(sandbox.gateway, signals, &settings, None).await?;
    Ok(ExitCode::SUCCESS)
}

/// Serves all callers, and reloads the settings when asked.
pub(super) async fn shared(source: Source, listen: Option<SocketAddr>, no_explorer: bool) -> Result<ExitCode, String> {
    let read = move || {
        let mut settings = environment::load(&source, listen)?;
        mode::check_serve(&settings)?;
        toy::check_unknown(&settings)?;
        hide_explorer(&mut settings, no_explorer);
        Ok::<_, String>((settings, source.file()))
    };
    let (settings, file) = read()?;
    let follow = logging::start(&settings);
    let signals = Signals::take()?;
    let running = crate::app::start(&settings, Vec::new()).await?;
    tracing::info!(address = %running.address, "serving");
    let reloads = lifecycle::Source { file, read: Box::new(move || read().map(|(settings, _)| settings)), follow };
    lifecycle::run(running, signals, &settings, Some(reloads)).await?;
    Ok(ExitCode::SUCCESS)
}

/// Serves one user. Its settings are not reloaded, because it does not run for long.
pub(super) async fn personal(
    source: &Source,
    listen: Option<SocketAddr>,
    no_explorer: bool,
) -> Result<ExitCode, String> {
    let mut settings = environment::load(source, listen)?;
    mode::check_loopback(&settings, "serve --personal")?;
    let token = environment::variable("COMMONGRAPH_WORDPRESS_TOKEN")?;
    let user = environment::variable("COMMONGRAPH_ONEALL_USER")?;
    if token.is_none() && user.is_none() {
        return Err("serve --personal: COMMONGRAPH_WORDPRESS_TOKEN or COMMONGRAPH_ONEALL_USER is required".to_owned());
    }
    let person = Person::of(token.as_deref(), user.as_deref())?;
    hide_explorer(&mut settings, no_explorer);
    drop(logging::start(&settings));
    let signals = Signals::take()?;
    let (running, bearer) = crate::app::start_personal(settings.clone(), person).await?;
    print(&tour::personal_greeting(running.address, &bearer))?;
    lifecycle::run(running, signals, &settings, None).await?;
    Ok(ExitCode::SUCCESS)
}

fn hide_explorer(settings: &mut Settings, is_hidden: bool) {
    if is_hidden {
        settings.http.explorer = Some(false);
    }
}

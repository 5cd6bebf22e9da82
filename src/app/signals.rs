//! Signals of the operating system, and the loop that runs a gateway until it is stopped.
//!
//! SIGTERM and Ctrl-C drain the gateway; the second one ends the process at once. SIGHUP reloads the settings at once.
//! Without settings to reload, SIGHUP means that the terminal is gone, and drains.

use tokio::time::{Instant, MissedTickBehavior, interval_at};

use super::Running;
use super::reload::{CHECK_INTERVAL, Reloader, SettingsSource};
use crate::config::Settings;

/// What a signal requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SignalRequest {
    Stop,
    Reload,
}

/// The signals of this process. The handlers are installed when this is created.
pub(super) struct Signals {
    #[cfg(unix)]
    stop: [tokio::signal::unix::Signal; 2],
    #[cfg(unix)]
    reload: tokio::signal::unix::Signal,
}

impl Signals {
    /// Installs the handlers. From then on the signals do not end the process by themselves.
    ///
    /// # Errors
    /// A sentence, if the system does not allow a handler.
    #[cfg(unix)]
    pub(super) fn install() -> Result<Self, String> {
        use tokio::signal::unix::{SignalKind, signal};
        let install = |kind| signal(kind).map_err(|error| format!("cannot handle signals: {error}"));
        let stop = [install(SignalKind::interrupt())?, install(SignalKind::terminate())?];
        Ok(Self { stop, reload: install(SignalKind::hangup())? })
    }

    #[cfg(unix)]
    async fn next(&mut self) -> SignalRequest {
        let [interrupt, terminate] = &mut self.stop;
        tokio::select! {
            _ = interrupt.recv() => SignalRequest::Stop,
            _ = terminate.recv() => SignalRequest::Stop,
            _ = self.reload.recv() => SignalRequest::Reload,
        }
    }

    /// Does nothing: on this system only Ctrl-C is handled, from the moment the gateway waits for it.
    ///
    /// # Errors
    /// None.
    #[cfg(not(unix))]
    pub(super) fn install() -> Result<Self, String> {
        Ok(Self {})
    }

    #[cfg(not(unix))]
    async fn next(&mut self) -> SignalRequest {
        if tokio::signal::ctrl_c().await.is_err() {
            // Without a handler there is nothing to wait for: the default action ends the process.
            std::future::pending::<()>().await;
        }
        SignalRequest::Stop
    }
}

/// Runs a gateway until it ends, and handles signals and changed files. Without a source no settings are reloaded.
///
/// # Errors
/// When the gateway ends without having been asked to.
pub(super) async fn run_until_stopped(
    mut running: Running,
    mut signals: Signals,
    settings: &Settings,
    source: Option<SettingsSource>,
) -> Result<(), String> {
    let mut is_stopping = false;
    let mut reloader = Reloader::new(settings.clone(), source);
    let mut check = interval_at(Instant::now() + CHECK_INTERVAL, CHECK_INTERVAL);
    check.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            ended = running.ended() => return ended,
            request = signals.next() => match request {
                SignalRequest::Reload if reloader.has_source() => reloader.reload_now(&running),
                _ if is_stopping => {
                    tracing::warn!("stop requested again: stopped at once");
                    return Ok(());
                }
                _ => {
                    tracing::info!("stop requested: finishing the requests in flight");
                    running.stop();
                    is_stopping = true;
                }
            },
            _ = check.tick() => reloader.check_files(&running),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_half_written_settings_file_is_not_loaded() {
        let path = std::env::temp_dir().join(format!("commongraph-half-written-{}.toml", std::process::id()));
        std::fs::write(&path, "whole").unwrap();
        let mut settings = Settings::default();
        settings.http.listen.set_port(0);
        let running = crate::app::start(&settings, Vec::new()).await.unwrap();
        let reads = Arc::new(AtomicUsize::new(0));
        let read = {
            let reads = reads.clone();
            let settings = settings.clone();
            move || {
                reads.fetch_add(1, Ordering::Relaxed);
                Ok(settings.clone())
            }
        };
        let source = SettingsSource { file: Some(path.clone()), read: Box::new(read), on_reload: Box::new(|_| {}) };
        let running = tokio::spawn({
            let settings = settings.clone();
            async move { run_until_stopped(running, Signals::install()?, &settings, Some(source)).await }
        });
        // Writes happen between two checks.
        tokio::time::sleep(CHECK_INTERVAL / 2).await;
        for (content, expected) in [("ha", 0), ("half", 0), ("whole again", 0), ("whole again", 1), ("whole again", 1)]
        {
            std::fs::write(&path, content).unwrap();
            tokio::time::sleep(CHECK_INTERVAL).await;
            assert_eq!(reads.load(Ordering::Relaxed), expected, "{content}");
        }
        running.abort();
        std::fs::remove_file(&path).unwrap();
    }
}

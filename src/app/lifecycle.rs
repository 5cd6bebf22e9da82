//! The life of a process that serves: signals, and files that change.
//!
//! SIGTERM and Ctrl-C drain the gateway; the second one ends the process at once. SIGHUP reloads the settings at once. A
//! settings file or a certificate that changed is reloaded when two successive looks find the same content. Without
//! settings to reload, SIGHUP means that the terminal is gone, and drains. A reload that fails is logged in one line and
//! changes nothing.

mod watch;

use std::path::PathBuf;
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use self::watch::Watched;
use super::Running;
use crate::config::{self, Settings};

/// How often files are looked at. A change takes effect at the second look, so within half a minute.
const LOOK_EVERY: Duration = Duration::from_secs(15);

/// Runs a command to its end on a runtime of its own. Blocking calls that are still running, such as a DNS lookup, are
/// abandoned: they cannot be cancelled, and may take longer than a shutdown may.
///
/// # Errors
/// The command's error, or that there is no runtime.
pub fn drive<T>(command: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    let runtime = Runtime::new().map_err(|error| format!("cannot start: {error}"))?;
    let result = runtime.block_on(command);
    runtime.shutdown_background();
    result
}

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Request {
    Stop,
    Reload,
}

/// The signals of this process, handled from the moment this is made.
pub struct Signals {
    #[cfg(unix)]
    stop: [tokio::signal::unix::Signal; 2],
    #[cfg(unix)]
    reload: tokio::signal::unix::Signal,
}

impl Signals {
    /// Installs the handlers. From then on the signals do not end the process by themselves.
    ///
    /// # Errors
    /// A sentence, if the system refuses.
    #[cfg(unix)]
    pub fn take() -> Result<Self, String> {
        use tokio::signal::unix::{SignalKind, signal};
        let take = |kind| signal(kind).map_err(|error| format!("cannot handle signals: {error}"));
        let stop = [take(SignalKind::interrupt())?, take(SignalKind::terminate())?];
        Ok(Self { stop, reload: take(SignalKind::hangup())? })
    }

    #[cfg(unix)]
    async fn next(&mut self) -> Request {
        let [interrupt, terminate] = &mut self.stop;
        tokio::select! {
            _ = interrupt.recv() => Request::Stop,
            _ = terminate.recv() => Request::Stop,
            _ = self.reload.recv() => Request::Reload,
        }
    }

    /// Installs the handlers. Here only Ctrl-C is handled, when it is waited for.
    ///
    /// # Errors
    /// None.
    #[cfg(not(unix))]
    pub fn take() -> Result<Self, String> {
        Ok(Self {})
    }

    #[cfg(not(unix))]
    async fn next(&mut self) -> Request {
        if tokio::signal::ctrl_c().await.is_err() {
            // Without a handler there is nothing to wait for: the default action ends the process.
            std::future::pending::<()>().await;
        }
        Request::Stop
    }
}

/// Where the settings come from, for a reload.
pub struct Source {
    /// The settings file, if there is one.
    pub file: Option<PathBuf>,
    /// Reads and checks all settings.
    pub read: Box<dyn Fn() -> Result<Settings, String> + Send + Sync>,
    /// Called with the settings that a reload put in force.
    pub follow: Box<dyn Fn(&Settings) + Send + Sync>,
}

/// Runs a gateway until it ends, and handles signals and changed files. Without a source no settings are reloaded.
///
/// # Errors
/// When the gateway ends without having been asked to.
pub async fn run(
    mut running: Running,
    mut signals: Signals,
    settings: &Settings,
    source: Option<Source>,
) -> Result<(), String> {
    let mut is_stopping = false;
    let mut reloads = Reloads::new(settings.clone(), source);
    let mut look = interval_at(Instant::now() + LOOK_EVERY, LOOK_EVERY);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            ended = running.ended() => return ended,
            request = signals.next() => match request {
                Request::Reload if reloads.source.is_some() => reloads.reload_now(&running),
                _ if is_stopping => {
                    tracing::warn!("asked again to stop: stopped at once");
                    return Ok(());
                }
                _ => {
                    tracing::info!("asked to stop: finishing the requests in flight");
                    running.stop();
                    is_stopping = true;
                }
            },
            _ = look.tick() => reloads.look(&running),
        }
    }
}

/// What can be reloaded, and the settings in force.
struct Reloads {
    current: Settings,
    source: Option<Source>,
    file: Watched,
    certificate: Watched,
}

impl Reloads {
    fn new(settings: Settings, source: Option<Source>) -> Self {
        let file = Watched::new(source.as_ref().and_then(|source| source.file.as_ref()));
        Self { certificate: watch_certificate(&settings), current: settings, source, file }
    }

    /// Reloads the settings from the file as it is now.
    fn reload_now(&mut self, running: &Running) {
        self.file.accept();
        if let Some(source) = &self.source {
            let settings = (source.read)();
            self.apply(running, settings);
        }
    }

    /// Looks at the files, and reloads what has a new and complete content.
    fn look(&mut self, running: &Running) {
        let has_new_certificate = self.certificate.has_settled();
        if let (true, Some(source)) = (self.file.has_settled(), &self.source) {
            let settings = (source.read)();
            // Else it was written again while it was read: the next looks decide.
            if self.file.is_unchanged() {
                return self.apply(running, settings);
            }
        }
        if has_new_certificate {
            report("certificate", running.reload_certificate());
        }
    }

    fn apply(&mut self, running: &Running, settings: Result<Settings, String>) {
        let applied = settings.and_then(|settings| running.reload(&settings).map(|()| settings));
        if let Ok(settings) = &applied {
            let relaxed = config::relaxed(&self.current, settings);
            if !relaxed.is_empty() {
                tracing::warn!(settings = relaxed.join(","), "the reload removes or relaxes security settings");
            }
            self.certificate = watch_certificate(settings);
            self.current = settings.clone();
            if let Some(source) = &self.source {
                (source.follow)(settings);
            }
        }
        report("settings", applied.map(drop));
    }
}

fn watch_certificate(settings: &Settings) -> Watched {
    Watched::new(settings.http.tls.files().into_iter().flat_map(|(certificate, key)| [certificate, key]))
}

fn report(what: &str, reloaded: Result<(), String>) {
    match reloaded {
        Ok(()) => tracing::info!("{what} reloaded"),
        Err(message) => tracing::error!("new {what} refused, the old stay: {message}"),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn a_command_ends_though_a_blocking_call_has_not() {
        let (release, blocked) = std::sync::mpsc::channel::<()>();
        let ended = drive(async move {
            let (started, is_running) = tokio::sync::oneshot::channel();
            tokio::task::spawn_blocking(move || {
                started.send(()).unwrap();
                blocked.recv()
            });
            is_running.await.map_err(|error| error.to_string())
        });
        // A runtime that waits for the blocking call never comes here.
        assert_eq!(ended, Ok(()));
        drop(release);
    }

    #[tokio::test(start_paused = true)]
    async fn a_file_seen_half_written_is_not_loaded() {
        let path = std::env::temp_dir().join(format!("commongraph-half-written-{}.toml", std::process::id()));
        std::fs::write(&path, "whole").unwrap();
        let mut settings = Settings::default();
        settings.http.listen.set_port(0);
        let running = crate::app::start(&settings, Vec::new()).await.unwrap();
        let reads = Arc::new(AtomicUsize::new(0));
        let read = {
            let (reads, settings) = (reads.clone(), settings.clone());
            move || {
                reads.fetch_add(1, Ordering::Relaxed);
                Ok(settings.clone())
            }
        };
        let source = Source { file: Some(path.clone()), read: Box::new(read), follow: Box::new(|_| {}) };
        let running = tokio::spawn({
            let settings = settings.clone();
            async move { run(running, Signals::take()?, &settings, Some(source)).await }
        });
        // Between two looks.
        tokio::time::sleep(LOOK_EVERY / 2).await;
        for (content, expected) in [("ha", 0), ("half", 0), ("whole again", 0), ("whole again", 1), ("whole again", 1)]
        {
            std::fs::write(&path, content).unwrap();
            tokio::time::sleep(LOOK_EVERY).await;
            assert_eq!(reads.load(Ordering::Relaxed), expected, "{content}");
        }
        running.abort();
        std::fs::remove_file(&path).unwrap();
    }
}

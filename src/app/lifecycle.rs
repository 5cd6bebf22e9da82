//! A process's life: what its signals and its files ask of a gateway that runs.
//!
//! SIGTERM and Ctrl-C drain it, and asked again it ends at once. SIGHUP, or a settings file that changed, reloads the
//! settings; where there are none to reload, SIGHUP says that the terminal is gone, and drains too. Files of the
//! certificate that changed reload the certificate. What is refused costs one line in the log and changes nothing.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tokio::runtime::Runtime;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use super::Running;
use crate::config::Settings;

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// Runs a command to its end, and waits for nothing that it leaves behind. The system's search for a host's name cannot be
/// given up, and may go on for longer than stopping may take.
///
/// # Errors
/// The command's, or that there can be no runtime.
pub fn drive<T>(command: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    let runtime = Runtime::new().map_err(|error| format!("cannot start: {error}"))?;
    let ended = runtime.block_on(command);
    runtime.shutdown_background();
    ended
}

/// What the process is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    Stop,
    Reload,
}

/// The signals of this process, taken from the moment this is made.
pub struct Signals {
    #[cfg(unix)]
    stop: [tokio::signal::unix::Signal; 2],
    #[cfg(unix)]
    reload: tokio::signal::unix::Signal,
}

impl Signals {
    /// Takes the signals, which then end the process no more by themselves.
    ///
    /// # Errors
    /// A sentence, if the system does not give them.
    #[cfg(unix)]
    pub fn take() -> Result<Self, String> {
        use tokio::signal::unix::{SignalKind, signal};
        let take = |kind| signal(kind).map_err(|error| format!("cannot take signals: {error}"));
        let stop = [take(SignalKind::interrupt())?, take(SignalKind::terminate())?];
        Ok(Self { stop, reload: take(SignalKind::hangup())? })
    }

    #[cfg(unix)]
    async fn next(&mut self) -> Asked {
        let [interrupt, terminate] = &mut self.stop;
        tokio::select! {
            _ = interrupt.recv() => Asked::Stop,
            _ = terminate.recv() => Asked::Stop,
            _ = self.reload.recv() => Asked::Reload,
        }
    }

    /// Takes the signals; here only Ctrl-C, which is taken when it is waited for.
    ///
    /// # Errors
    /// None.
    #[cfg(not(unix))]
    pub fn take() -> Result<Self, String> {
        Ok(Self {})
    }

    #[cfg(not(unix))]
    async fn next(&mut self) -> Asked {
        if tokio::signal::ctrl_c().await.is_err() {
            // Without a handler there is nothing to wait for: the default action ends the process.
            std::future::pending::<()>().await;
        }
        Asked::Stop
    }
}

/// Where settings come from, and what else follows them.
pub struct Source {
    /// The file among them, if there is one.
    pub file: Option<PathBuf>,
    /// Reads them all again; a sentence if they are wrong.
    pub read: Box<dyn Fn() -> Result<Settings, String> + Send + Sync>,
    /// Told of settings that are in force now.
    pub follow: Box<dyn Fn(&Settings) + Send + Sync>,
}

/// Lets a gateway run until it has ended, and does what the process is asked. Without a source nothing is reloaded.
///
/// # Errors
/// When it ended otherwise than by being asked.
pub async fn run(
    mut running: Running,
    mut signals: Signals,
    settings: &Settings,
    source: Option<Source>,
) -> Result<(), String> {
    let mut stops = false;
    let mut certificate = Watched::certificate(settings);
    let mut file = Watched::new(source.as_ref().and_then(|source| source.file.as_ref()));
    let mut look = interval_at(Instant::now() + LOOK_EVERY, LOOK_EVERY);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let mut reloads = false;
        tokio::select! {
            ended = running.ended() => return ended,
            asked = signals.next() => match asked {
                Asked::Reload if source.is_some() => reloads = true,
                _ if stops => {
                    tracing::warn!("asked again to stop: stopped at once");
                    return Ok(());
                }
                _ => {
                    tracing::info!("asked to stop: answering what is under way");
                    running.stop();
                    stops = true;
                }
            },
            _ = look.tick() => {
                reloads = file.has_changed();
                if certificate.has_changed() && !reloads {
                    tell("certificate", running.reload_certificate());
                }
            }
        }
        if let (true, Some(source)) = (reloads, &source) {
            let reloaded = reload(&running, source);
            if let Ok(settings) = &reloaded {
                certificate = Watched::certificate(settings);
            }
            tell("settings", reloaded.map(drop));
        }
    }
}

fn reload(running: &Running, source: &Source) -> Result<Settings, String> {
    let settings = (source.read)()?;
    running.reload(&settings)?;
    (source.follow)(&settings);
    Ok(settings)
}

fn tell(what: &str, reloaded: Result<(), String>) {
    match reloaded {
        Ok(()) => tracing::info!("{what} reloaded"),
        Err(sentence) => tracing::error!("new {what} refused, the old stay: {sentence}"),
    }
}

/// Files, and how they were when they were last looked at.
struct Watched(Vec<(PathBuf, Option<Look>)>);

/// How a file looks from outside: when it was written, and its length in bytes.
type Look = (SystemTime, u64);

impl Watched {
    /// The files of the certificate, if there is one.
    fn certificate(settings: &Settings) -> Self {
        Self::new(settings.http.tls.files().into_iter().flat_map(|(one, other)| [one, other]))
    }

    fn new<'a>(files: impl IntoIterator<Item = &'a PathBuf>) -> Self {
        Self(files.into_iter().map(|path| (path.clone(), look(path))).collect())
    }

    /// Whether any of them changed since the last time; a file that is gone for a moment has not.
    fn has_changed(&mut self) -> bool {
        let mut changed = false;
        for (path, last) in &mut self.0 {
            let now = look(path);
            if now.is_some() && now != *last {
                *last = now;
                changed = true;
            }
        }
        changed
    }
}

fn look(path: &Path) -> Option<Look> {
    let file = std::fs::metadata(path).ok()?;
    Some((file.modified().ok()?, file.len()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_command_ends_though_the_system_has_not_answered() {
        let (keep, wait) = std::sync::mpsc::channel::<()>();
        let ended = drive(async move {
            let (tell, told) = tokio::sync::oneshot::channel();
            tokio::task::spawn_blocking(move || {
                tell.send(()).unwrap();
                wait.recv()
            });
            told.await.map_err(|error| error.to_string())
        });
        // Whoever waits for the other thread never comes here.
        assert_eq!(ended, Ok(()));
        drop(keep);
    }

    #[test]
    fn a_file_changes_once_each_time_it_is_written() {
        let path = std::env::temp_dir().join(format!("commongraph-{}.toml", std::process::id()));
        std::fs::write(&path, "a").unwrap();
        let mut watched = Watched::new([&path]);
        assert!(!watched.has_changed());
        std::fs::write(&path, "ab").unwrap();
        assert!(watched.has_changed() && !watched.has_changed());
        std::fs::remove_file(&path).unwrap();
        assert!(!watched.has_changed());
        std::fs::write(&path, "abc").unwrap();
        assert!(watched.has_changed());
        std::fs::remove_file(&path).unwrap();
    }
}

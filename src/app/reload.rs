//! Reloads the settings and the TLS certificate of a running gateway.
//!
//! A file that changed is reloaded when two successive checks find the same content, so that a half-written file is
//! never loaded. A reload that fails is logged in one line and changes nothing.

mod watch;

use std::path::PathBuf;
use std::time::Duration;

use self::watch::WatchedFiles;
use super::Running;
use crate::config::{self, Settings};

/// The time between two checks of the files. A change takes effect at the second check, so within half a minute.
pub(super) const CHECK_INTERVAL: Duration = Duration::from_secs(15);

/// Where a reload gets the settings from.
pub(super) struct SettingsSource {
    /// The settings file, if there is one.
    pub(super) file: Option<PathBuf>,
    /// Reads and checks all settings.
    pub(super) read: Box<dyn Fn() -> Result<Settings, String> + Send + Sync>,
    /// Called with the settings that a reload put in force.
    pub(super) on_reload: Box<dyn Fn(&Settings) + Send + Sync>,
}

/// The settings in force, and the files that can replace them.
pub(super) struct Reloader {
    current: Settings,
    source: Option<SettingsSource>,
    file: WatchedFiles,
    certificate: WatchedFiles,
}

impl Reloader {
    /// Starts to watch the settings file and the certificate.
    pub(super) fn new(settings: Settings, source: Option<SettingsSource>) -> Self {
        let file = WatchedFiles::new(source.as_ref().and_then(|source| source.file.as_ref()));
        Self { certificate: watch_certificate(&settings), current: settings, source, file }
    }

    /// Whether the settings can be reloaded.
    pub(super) fn has_source(&self) -> bool {
        self.source.is_some()
    }

    /// Reloads the settings from the file as it is now.
    pub(super) fn reload_now(&mut self, running: &Running) {
        self.file.accept();
        if let Some(source) = &self.source {
            let settings = (source.read)();
            self.apply(running, settings);
        }
    }

    /// Checks the files, and reloads those with new and complete content.
    pub(super) fn check_files(&mut self, running: &Running) {
        let has_new_certificate = self.certificate.has_settled();
        if let (true, Some(source)) = (self.file.has_settled(), &self.source) {
            let settings = (source.read)();
            // Otherwise the file was written again while it was read: the next checks decide.
            if self.file.is_unchanged() {
                return self.apply(running, settings);
            }
        }
        if has_new_certificate {
            log_result("certificate", running.reload_certificate());
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
                (source.on_reload)(settings);
            }
        }
        log_result("settings", applied.map(drop));
    }
}

fn watch_certificate(settings: &Settings) -> WatchedFiles {
    WatchedFiles::new(settings.http.tls.files().into_iter().flat_map(|(certificate, key)| [certificate, key]))
}

fn log_result(what: &str, reloaded: Result<(), String>) {
    match reloaded {
        Ok(()) => tracing::info!("{what} reloaded"),
        Err(message) => tracing::error!("{what} reload failed, nothing changed: {message}"),
    }
}

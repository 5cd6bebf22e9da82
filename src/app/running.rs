//! A gateway that runs: it can be asked to stop, and to take other settings without a pause.
//!
//! A reload builds everything anew that stands between a request and the providers and swaps it at once, so that no
//! request sees half of each; what was kept for reuse (documents that were found good, open connections to the
//! providers) is gone with the old. What is wrong is refused whole.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::access::Access;
use crate::config::Settings;
use crate::http::Standing;
use crate::http::explorer::Tab;
use crate::http::server::Server;

/// A gateway that answers at an address; it stops at once when this is dropped.
pub struct Running {
    /// Where it answers.
    pub address: SocketAddr,
    server: Arc<Server>,
    standing: Standing,
    tabs: Vec<Tab>,
    settings: Mutex<Settings>,
    task: JoinHandle<()>,
}

impl Running {
    /// Builds what the settings describe, and listens.
    pub(super) async fn start(settings: &Settings, access: Access, tabs: Vec<Tab>) -> Result<Self, String> {
        let standing = Standing::new(&settings.http);
        let routes = super::routes(settings, access, tabs.clone(), &standing)?;
        let server = Arc::new(Server::build(&settings.http, standing.readiness.clone(), routes)?);
        let cannot = |error: io::Error| format!("http.listen: cannot listen on {}: {error}", settings.http.listen);
        let listener = TcpListener::bind(settings.http.listen).await.map_err(cannot)?;
        let address = listener.local_addr().map_err(cannot)?;
        let task = tokio::spawn(Arc::clone(&server).run(listener));
        Ok(Self { address, server, standing, tabs, settings: Mutex::new(settings.clone()), task })
    }

    /// Asks it to stop: it is not ready from now on, answers what it has taken, and ends.
    pub fn stop(&self) {
        self.standing.readiness.end();
    }

    /// Waits until it was asked to stop and has answered what it had taken, as far as the settings give it time.
    ///
    /// # Errors
    /// When it ended otherwise.
    pub async fn ended(&mut self) -> Result<(), String> {
        (&mut self.task).await.map_err(|error| format!("the gateway stopped: {error}"))
    }

    /// Takes other settings for requests that begin from now on; who may ask is decided by them alone.
    ///
    /// # Errors
    /// A sentence that names the setting that is wrong or cannot change while the gateway runs; the old ones stay.
    pub fn reload(&self, settings: &Settings) -> Result<(), String> {
        let mut current = self.settings.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(name) = fixed(&current, settings) {
            return Err(format!("{name}: cannot change while the gateway runs; start it again for that"));
        }
        let routes = super::routes(settings, super::access(settings)?, self.tabs.clone(), &self.standing)?;
        self.server.replace(&settings.http.tls, Some(routes))?;
        *current = settings.clone();
        Ok(())
    }

    /// Reads the files of the certificate again, for connections from now on.
    ///
    /// # Errors
    /// A sentence that names the setting; the old certificate stays.
    pub fn reload_certificate(&self) -> Result<(), String> {
        let current = self.settings.lock().unwrap_or_else(PoisonError::into_inner);
        self.server.replace(&current.http.tls, None)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The first setting that differs and cannot.
fn fixed(old: &Settings, new: &Settings) -> Option<&'static str> {
    let (was, is) = (&old.http, &new.http);
    let differing = [
        ("http.listen", was.listen != is.listen),
        ("http.limits", was.limits != is.limits),
        ("http.timeouts", was.timeouts != is.timeouts),
        ("http.drain", was.drain != is.drain),
        ("http.tls", was.tls.files().is_some() != is.tls.files().is_some()),
        ("log.format", old.log.format != new.log.format),
    ];
    differing.iter().find(|(_, differs)| *differs).map(|(name, _)| *name)
}

//! The running gateway: it listens, stops on request, and takes other settings without a pause.
//!
//! A reload builds new routes and a new graph, over the components of [`Components`]. Then it swaps all of them at
//! once, so no request sees a mix of old and new settings. If anything is wrong, nothing changes.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use tokio::net::{TcpListener, TcpSocket};
use tokio::task::JoinHandle;

use super::components::Components;
use super::open_files;
use crate::config::Settings;
use crate::graph::Graph;
use crate::http::explorer::{self, Tab};
use crate::http::server::{Limits, Server};
use crate::http::{self, SharedState};
use crate::metrics::Metrics;

/// The length of the system's queue of connections that wait to be accepted.
const ACCEPT_QUEUE_MAX: u32 = 1_024;

/// A gateway that listens. It stops at once when this is dropped.
pub struct Running {
    /// The address that it listens on.
    pub address: SocketAddr,
    server: Arc<Server>,
    standing: SharedState,
    tabs: Vec<Tab>,
    components: Mutex<Components>,
    task: JoinHandle<()>,
    metrics_listener: Option<MetricsListener>,
}

/// The listener of `http.metrics_listen`. It stops with the gateway.
struct MetricsListener {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Drop for MetricsListener {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn listen(setting: &str, address: SocketAddr) -> Result<(TcpListener, SocketAddr), String> {
    let cannot = |error: io::Error| format!("{setting}: cannot listen on {address}: {error}");
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }.map_err(cannot)?;
    // As the standard library does on Unix. Otherwise connections of the previous process could block the address.
    #[cfg(unix)]
    socket.set_reuseaddr(true).map_err(cannot)?;
    socket.bind(address).map_err(cannot)?;
    let listener = socket.listen(ACCEPT_QUEUE_MAX).map_err(cannot)?;
    let address = listener.local_addr().map_err(cannot)?;
    Ok((listener, address))
}

/// Builds the routes over these components, and returns the graph that they serve. State that outlasts the routes is in
/// `standing`.
fn routes(components: &Components, tabs: Vec<Tab>, standing: &SharedState) -> Result<(Router, Arc<Graph>), String> {
    let graph = components.graph()?;
    let routes = http::routes(graph.clone(), components.callers(), &components.settings().http, tabs, standing)?;
    Ok((routes, graph))
}

/// Applies settings to the state that outlasts the routes, and measures the hosts of this graph from now on.
fn apply(standing: &SharedState, settings: &Settings, graph: Arc<Graph>) {
    standing.apply_settings(&settings.http);
    standing.metrics.set_collector(move || graph.measure());
}

/// A gateway that is built and does not listen yet. Its settings are checked; only listening can still fail.
pub(super) struct PreparedGateway {
    components: Components,
    tabs: Vec<Tab>,
    standing: SharedState,
    graph: Arc<Graph>,
    server: Arc<Server>,
    metrics_server: Option<(SocketAddr, Arc<Server>)>,
}

impl PreparedGateway {
    /// Builds the gateway over these components. The explorer shows `tabs`.
    ///
    /// # Errors
    /// A sentence that names the setting.
    pub(super) fn build(components: Components, tabs: Vec<Tab>, metrics: Metrics) -> Result<Self, String> {
        let settings = &components.settings().http;
        let standing = SharedState::new(settings, components.writes(), metrics);
        let (routes, graph) = routes(&components, tabs.clone(), &standing)?;
        let connections_max = open_files::prepare(components.settings())?;
        let limits = Limits { connections_max, ..settings.limits.clone() };
        let fitting = http::Settings { limits, ..settings.clone() };
        let server = Arc::new(Server::build(&fitting, &standing, routes)?);
        let metrics_server = match settings.metrics_listen {
            Some(address) => Some((address, Arc::new(Server::for_metrics(settings, address, &standing)?))),
            None => None,
        };
        Ok(Self { components, tabs, standing, graph, server, metrics_server })
    }

    /// Starts to listen and to serve.
    ///
    /// # Errors
    /// A sentence that names the setting of the address, and says why the gateway cannot listen on it.
    pub(super) fn listen(self) -> Result<Running, String> {
        let Self { components, tabs, standing, graph, server, metrics_server } = self;
        let settings = components.settings();
        let (listener, address) = listen("http.listen", settings.http.listen)?;
        let metrics_listener = match metrics_server {
            Some((address, server)) => {
                let (listener, address) = listen("http.metrics_listen", address)?;
                Some(MetricsListener { address, task: tokio::spawn(server.run(listener)) })
            }
            None => None,
        };
        apply(&standing, settings, graph);
        if settings.http.shows_explorer() && !explorer::ASSETS_BUILT {
            tracing::info!("the explorer's bundle is not built in; the page loads it from a CDN (see explorer/)");
        }
        let task = tokio::spawn(Arc::clone(&server).run(listener));
        Ok(Running { address, server, standing, tabs, components: Mutex::new(components), task, metrics_listener })
    }
}

impl Running {
    /// The address at which the metrics can be read without a credential, if there is one.
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics_listener.as_ref().map(|metrics_listener| metrics_listener.address)
    }

    /// Starts to drain: readiness fails from now on, requests in flight are answered, and then the gateway ends.
    pub fn stop(&self) {
        self.standing.readiness.end();
    }

    /// Waits until the gateway has drained, within the time that `http.drain` gives.
    ///
    /// # Errors
    /// When it ended without having been asked to.
    pub async fn ended(&mut self) -> Result<(), String> {
        (&mut self.task).await.map_err(|error| format!("the gateway stopped: {error}"))
    }

    /// Applies other settings to the requests that start from now on, including who is allowed to send them.
    ///
    /// # Errors
    /// A sentence that names the setting that is invalid, or that needs a restart to change. Nothing changes then.
    pub fn reload(&self, settings: &Settings) -> Result<(), String> {
        let mut current = self.components.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(name) = unchangeable(current.settings(), settings) {
            return Err(format!("{name}: cannot change while the gateway runs; restart it to apply the change"));
        }
        let components = Components::build(settings, &self.standing.metrics, Some(&current))?;
        let (routes, graph) = routes(&components, self.tabs.clone(), &self.standing)?;
        self.server.replace(&settings.http.tls, Some(routes))?;
        apply(&self.standing, settings, graph);
        *current = components;
        Ok(())
    }

    /// Reads the files of the certificate again. New connections use them.
    ///
    /// # Errors
    /// A sentence that names the setting. The current certificate stays in use.
    pub fn reload_certificate(&self) -> Result<(), String> {
        let current = self.components.lock().unwrap_or_else(PoisonError::into_inner);
        self.server.replace(&current.settings().http.tls, None)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The first setting that differs, of those that cannot change while the gateway runs.
fn unchangeable(old: &Settings, new: &Settings) -> Option<&'static str> {
    let was = &old.http;
    let is = &new.http;
    let differing = [
        ("http.listen", was.listen != is.listen),
        ("http.metrics_listen", was.metrics_listen != is.metrics_listen),
        ("http.limits", was.limits != is.limits),
        ("http.timeouts", was.timeouts != is.timeouts),
        ("http.drain", was.drain != is.drain),
        ("http.tls", was.tls.files().is_some() != is.tls.files().is_some()),
        ("log.format", old.log.format != new.log.format),
    ];
    differing.iter().find(|(_, differs)| *differs).map(|(name, _)| *name)
}

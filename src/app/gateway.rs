//! A gateway that runs: it can be asked to stop, and to take other settings without a pause.
//!
//! A reload builds everything anew that stands between a request and the components that remember something, of which it takes
//! over those whose settings stay as they are, and swaps it at once, so that no request sees half of each. What is wrong
//! is refused whole.

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

/// The length of the system's queue of connections that are not accepted yet.
const ACCEPT_QUEUE_MAX: u32 = 1_024;

/// A gateway that answers at an address; it stops at once when this is dropped.
pub struct Running {
    /// Where it answers.
    pub address: SocketAddr,
    server: Arc<Server>,
    standing: SharedState,
    tabs: Vec<Tab>,
    components: Mutex<Components>,
    task: JoinHandle<()>,
    metrics_listener: Option<MetricsListener>,
}

/// The listener for the metrics alone; it stops with the gateway.
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
    // As for every listener of the standard library's on Unix: the last process's connections are no hindrance.
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

/// What outlasts the routes goes from now on by these settings, and the metrics tell how the hosts of this graph stand.
fn apply(standing: &SharedState, settings: &Settings, graph: Arc<Graph>) {
    standing.apply_settings(&settings.http);
    standing.metrics.measured_by(move || graph.measure());
}

/// A gateway that is built and does not listen yet. Everything that can be wrong about its settings has been checked.
pub struct PreparedGateway {
    components: Components,
    tabs: Vec<Tab>,
    standing: SharedState,
    graph: Arc<Graph>,
    server: Arc<Server>,
    metrics_server: Option<(SocketAddr, Arc<Server>)>,
}

impl PreparedGateway {
    /// Builds the gateway over these components.
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

    /// Listens, and serves from now on.
    ///
    /// # Errors
    /// A sentence that says why an address cannot be listened on.
    pub fn listen(self) -> Result<Running, String> {
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
            tracing::info!("the explorer's files are not built in; its page loads them from outside (see explorer/)");
        }
        let task = tokio::spawn(Arc::clone(&server).run(listener));
        Ok(Running { address, server, standing, tabs, components: Mutex::new(components), task, metrics_listener })
    }
}

impl Running {
    /// Where the metrics are to read without a credential, if anywhere.
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics_listener.as_ref().map(|metrics_listener| metrics_listener.address)
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
        let mut current = self.components.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(name) = unchangeable(current.settings(), settings) {
            return Err(format!("{name}: cannot change while the gateway runs; start it again for that"));
        }
        let components = Components::build(settings, &self.standing.metrics, Some(&current))?;
        let (routes, graph) = routes(&components, self.tabs.clone(), &self.standing)?;
        self.server.replace(&settings.http.tls, Some(routes))?;
        apply(&self.standing, settings, graph);
        *current = components;
        Ok(())
    }

    /// Reads the files of the certificate again, for connections from now on.
    ///
    /// # Errors
    /// A sentence that names the setting; the old certificate stays.
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

/// The first setting that differs and cannot.
fn unchangeable(old: &Settings, new: &Settings) -> Option<&'static str> {
    let (was, is) = (&old.http, &new.http);
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

//! Accepts connections, and drains them on shutdown.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::task::TaskTracker;

use super::admission::{Admission, Reserved};
use super::per_ip_limit::PerIpLimit;
use super::service::HttpService;
use super::settings::{Drain, Limits, Tls};
use super::{connection, tls};
use crate::http::metrics_endpoint;
use crate::http::readiness::Readiness;
use crate::http::settings::Settings;
use crate::http::state::SharedState;
use crate::metrics::Metrics;

/// The first and the longest pause after accepting failed, for example without free file descriptors.
const PAUSE_MIN: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// The connections that the metrics listener admits.
pub const METRICS_CONNECTIONS_MAX: usize = 64;

/// A server with one listener.
pub struct Server {
    service: Arc<HttpService>,
    drain: Drain,
    admission: Admission,
    per_ip: PerIpLimit,
    readiness: Readiness,
    writes: TaskTracker,
    metrics: Metrics,
    connections: AtomicU64,
}

impl Server {
    /// Creates a server of these routes.
    ///
    /// # Errors
    /// A sentence that names the setting, if the files of the certificate cannot be used.
    pub fn build(settings: &Settings, shared: &SharedState, routes: Router) -> Result<Self, String> {
        let SharedState { readiness, writes, metrics, per_ip, .. } = shared.clone();
        let age_max = settings.timeouts.connection_age();
        Ok(Self {
            service: Arc::new(HttpService::new(settings, readiness.clone(), routes)?),
            drain: settings.drain.clone(),
            admission: Admission::new(settings.limits.connections_max, age_max, metrics.clone()),
            per_ip,
            readiness,
            writes,
            metrics,
            connections: AtomicU64::new(0),
        })
    }

    /// Creates a server of the metrics alone at this address, without TLS. Its connections have limits of their own and do
    /// not appear in the metrics.
    ///
    /// # Errors
    /// None.
    pub fn for_metrics(settings: &Settings, address: SocketAddr, shared: &SharedState) -> Result<Self, String> {
        let routes = metrics_endpoint::open_routes(&shared.metrics, address.ip().is_loopback());
        let limits = Limits { connections_max: METRICS_CONNECTIONS_MAX, ..settings.limits.clone() };
        let per_ip = PerIpLimit::new(limits.connections_per_address_max);
        let settings = Settings { tls: Tls::default(), limits, ..settings.clone() };
        Self::build(&settings, &SharedState { metrics: Metrics::default(), per_ip, ..shared.clone() }, routes)
    }

    /// Replaces the certificate for new connections, if the server speaks TLS, and the routes for new requests, if given.
    ///
    /// # Errors
    /// A sentence that names the setting; then nothing is replaced.
    pub fn replace(&self, settings: &Tls, routes: Option<Router>) -> Result<(), String> {
        if let (Some(certificate), Some(config)) = (&self.service.tls, tls::read(settings)?) {
            certificate.replace(config);
        }
        if let Some(routes) = routes {
            self.service.replace_routes(routes);
        }
        Ok(())
    }

    /// Serves until readiness is turned off, and then drains.
    ///
    /// During the grace period, connections are still accepted. After it, requests in progress are answered and writes are
    /// completed. What is still in progress at the end of the drain is cut off.
    pub async fn run(self: Arc<Self>, listener: TcpListener) {
        let mut open = JoinSet::new();
        let grace = async {
            self.readiness.ended().await;
            sleep(self.drain.grace()).await;
        };
        tokio::select! {
            () = self.accept(&listener, &mut open) => {}
            () = grace => {}
        }
        self.accept_queued(listener, &mut open);
        self.service.closing.cancel();
        let all = async {
            while open.join_next().await.is_some() {}
            self.writes.close();
            self.writes.wait().await;
        };
        let is_complete = timeout(self.drain.rest(), all).await.is_ok();
        let connections = self.connections.load(Ordering::Relaxed);
        let requests = self.service.requests();
        match is_complete {
            true => tracing::info!(connections, requests, "stopped; every request that was taken is answered"),
            false => {
                let (cut_off, writes) = (open.len(), self.writes.len());
                tracing::warn!(connections, requests, cut_off, writes, "stopped with requests under way");
            }
        }
    }

    /// Accepts connections without end, and removes those that have ended from `open`.
    async fn accept(&self, listener: &TcpListener, open: &mut JoinSet<()>) {
        let mut pause = PAUSE_MIN;
        loop {
            let reserved = self.admission.reserve().await;
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((socket, peer)) => {
                        pause = PAUSE_MIN;
                        self.open(open, socket, peer, reserved);
                    }
                    Err(error) if is_client_error(&error) => {}
                    Err(error) => {
                        tracing::error!(%error, "cannot take connections; trying again");
                        sleep(pause).await;
                        pause = longer(pause);
                    }
                },
                Some(_) = open.join_next() => {}
            }
        }
    }

    /// Accepts the connections in the queue of the system, which would be lost when the listener closes.
    fn accept_queued(&self, listener: TcpListener, open: &mut JoinSet<()>) {
        let Ok(listener) = listener.into_std() else { return };
        while let Some(reserved) = self.admission.try_reserve() {
            let (socket, peer) = match listener.accept() {
                Ok(accepted) => accepted,
                Err(error) if is_client_error(&error) => continue,
                Err(_) => return,
            };
            let socket = socket.set_nonblocking(true).and_then(|()| TcpStream::from_std(socket));
            if let Ok(socket) = socket {
                self.open(open, socket, peer, reserved);
            }
        }
    }

    /// Serves a connection, or closes it without a response if its address has too many.
    fn open(&self, open: &mut JoinSet<()>, socket: TcpStream, peer: SocketAddr, reserved: Reserved) {
        let Some(permit) = self.per_ip.acquire(peer.ip()) else {
            return self.per_ip.log_full();
        };
        self.connections.fetch_add(1, Ordering::Relaxed);
        let registration = self.admission.enter(peer.ip(), self.per_ip.client(peer.ip()), reserved);
        let service = Arc::clone(&self.service);
        let counted = self.metrics.connection();
        open.spawn(async move {
            connection::serve(service, socket, registration).await;
            drop((counted, permit));
        });
    }
}

/// Returns whether accepting failed because of one client, not because of the system.
fn is_client_error(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

fn longer(pause: Duration) -> Duration {
    PAUSE_MAX.min(pause * 2)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn pauses_grow_to_one_second() {
        let pauses: Vec<_> = std::iter::successors(Some(PAUSE_MIN), |pause| Some(longer(*pause))).take(7).collect();
        assert_eq!(pauses.iter().map(Duration::as_millis).collect::<Vec<_>>(), [50, 100, 200, 400, 800, 1000, 1000]);
        assert!(is_client_error(&io::ErrorKind::ConnectionAborted.into()));
        assert!(!is_client_error(&io::Error::from_raw_os_error(24)), "out of file descriptors");
    }
}

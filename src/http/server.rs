//! The server: takes connections, hands their requests to the routes of the moment, and stops without losing any.
//!
//! The accept loop is our own because `axum::serve` waits for slow clients for ever and hyper-util's automatic choice of
//! a protocol leaves silent connections open. How many connections are open, and which of them makes room for a new one,
//! is decided in `admission`. What a client may do wrong on a connection is bounded in
//! `connection`, `patience`, `body` and `traffic`; how many requests are answered at once in `load`, behind the routes.
//! The routes can be replaced at any moment: a request that has begun ends on those it began with.

mod admission;
mod body;
mod connection;
mod guests;
mod lingering;
mod patience;
mod settings;
mod tls;
mod traffic;

pub(super) use self::admission::require;
pub use self::admission::reserve_size;
pub(super) use self::body::TooSlow;
pub use self::guests::Guests;
pub use self::settings::{Drain, Limits, Timeouts, Tls};

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderValue, Request, Response, Version, header};
use hyper::body::{Body as _, Incoming};
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::admission::{Admission, Handle, Reserved};
use self::body::{Rest, Timed};
use self::tls::Shown;
use self::traffic::{Counted, UnderWay};
use super::health::Readiness;
use super::load::UnreadAnswer;
use super::peer::Socket;
use super::{Standing, scrape};
use crate::metrics::Metrics;

/// The first and the longest pause after the system gave no connection, as when it is out of file descriptors.
const PAUSE_MIN: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// The connections that the metrics listener admits.
pub const METRICS_CONNECTIONS_MAX: usize = 64;

/// What takes connections and answers them.
pub struct Server {
    routes: ArcSwap<Router>,
    tls: Option<Shown>,
    limits: Limits,
    timeouts: Timeouts,
    drain: Drain,
    admission: Admission,
    guests: Guests,
    readiness: Readiness,
    writes: TaskTracker,
    metrics: Metrics,
    /// No connection is taken any more, and those that are open end.
    closing: CancellationToken,
    connections: AtomicU64,
    requests: AtomicU64,
}

impl Server {
    /// A server of these routes.
    ///
    /// # Errors
    /// A sentence that names the setting, if there is to be TLS and its files cannot be used.
    pub fn build(settings: &super::Settings, standing: &Standing, routes: Router) -> Result<Self, String> {
        let tls = tls::read(&settings.tls)?.map(Shown::new);
        let Standing { readiness, writes, metrics, guests, .. } = standing.clone();
        let age_max = settings.timeouts.connection_age();
        Ok(Self {
            routes: ArcSwap::from_pointee(routes),
            tls,
            limits: settings.limits.clone(),
            timeouts: settings.timeouts.clone(),
            drain: settings.drain.clone(),
            admission: Admission::new(settings.limits.connections_max, age_max, metrics.clone()),
            guests,
            readiness,
            writes,
            metrics,
            closing: CancellationToken::new(),
            connections: AtomicU64::new(0),
            requests: AtomicU64::new(0),
        })
    }

    /// A server of the metrics alone, at this address, without TLS. Its connections have limits of their own and do not
    /// appear in the metrics.
    ///
    /// # Errors
    /// None.
    pub fn for_metrics(settings: &super::Settings, address: SocketAddr, standing: &Standing) -> Result<Self, String> {
        let routes = scrape::open_routes(&standing.metrics, address.ip().is_loopback());
        let limits = Limits { connections_max: METRICS_CONNECTIONS_MAX, ..settings.limits.clone() };
        let guests = Guests::new(limits.connections_per_address_max);
        let settings = super::Settings { tls: Tls::default(), limits, ..settings.clone() };
        Self::build(&settings, &Standing { metrics: Metrics::default(), guests, ..standing.clone() }, routes)
    }

    /// Shows the certificate of these files to connections from now on, if the server speaks TLS, and answers requests
    /// that begin from now on by other routes, if there are any.
    ///
    /// # Errors
    /// A sentence that names the setting; then nothing is replaced.
    pub fn replace(&self, settings: &Tls, routes: Option<Router>) -> Result<(), String> {
        if let (Some(shown), Some(config)) = (&self.tls, tls::read(settings)?) {
            shown.replace(config);
        }
        if let Some(routes) = routes {
            self.routes.store(Arc::new(routes));
        }
        Ok(())
    }

    /// Answers on a listener until the readiness is taken back, and then through the drain: connections are taken for
    /// the grace, what was taken is answered, what was sent to be written is told of, and what is still under way after the
    /// longest time is cut off.
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
        self.take_waiting(listener, &mut open);
        self.closing.cancel();
        let all = async {
            while open.join_next().await.is_some() {}
            self.writes.close();
            self.writes.wait().await;
        };
        let whole = timeout(self.drain.rest(), all).await.is_ok();
        let (connections, requests) = (self.connections.load(Ordering::Relaxed), self.requests.load(Ordering::Relaxed));
        match whole {
            true => tracing::info!(connections, requests, "stopped; every request that was taken is answered"),
            false => {
                let (cut_off, writes) = (open.len(), self.writes.len());
                tracing::warn!(connections, requests, cut_off, writes, "stopped with requests under way");
            }
        }
    }

    /// Takes connections for ever; those that ended are forgotten on the way.
    async fn accept(self: &Arc<Self>, listener: &TcpListener, open: &mut JoinSet<()>) {
        let mut pause = PAUSE_MIN;
        loop {
            let reserved = self.admission.reserve().await;
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((socket, peer)) => {
                        pause = PAUSE_MIN;
                        self.open(open, socket, peer, reserved);
                    }
                    Err(error) if is_of_one_connection(&error) => {}
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

    /// Takes the connections that the system has made already, before their queue is thrown away with the listener.
    fn take_waiting(self: &Arc<Self>, listener: TcpListener, open: &mut JoinSet<()>) {
        let Ok(listener) = listener.into_std() else { return };
        while let Some(reserved) = self.admission.try_reserve() {
            let (socket, peer) = match listener.accept() {
                Ok(taken) => taken,
                Err(error) if is_of_one_connection(&error) => continue,
                Err(_) => return,
            };
            let socket = socket.set_nonblocking(true).and_then(|()| TcpStream::from_std(socket));
            if let Ok(socket) = socket {
                self.open(open, socket, peer, reserved);
            }
        }
    }

    /// Serves a connection, unless its address has too many open: then it is closed without a word.
    fn open(self: &Arc<Self>, open: &mut JoinSet<()>, socket: TcpStream, peer: SocketAddr, reserved: Reserved) {
        let Some(guest) = self.guests.enter(peer.ip()) else {
            return self.guests.tell_full();
        };
        self.connections.fetch_add(1, Ordering::Relaxed);
        let registration = self.admission.enter(peer.ip(), self.guests.client(peer.ip()), reserved);
        let (server, counted) = (Arc::clone(self), self.metrics.connection());
        open.spawn(async move {
            connection::serve(server, socket, registration).await;
            drop((counted, guest));
        });
    }

    /// Answers one request by the routes of the moment.
    async fn answer(
        &self,
        request: Request<Incoming>,
        connection: &Handle,
        under_way: Option<UnderWay>,
    ) -> Result<Response<Counted<Body>>, Infallible> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let work = connection.work();
        let version = request.version();
        let mut request = request.map(|body| Timed::new(body, self.timeouts.body()));
        let rest = Rest::of(&mut request);
        request.extensions_mut().insert(Socket(connection.address()));
        if connection.is_from_reserve() {
            request.extensions_mut().insert(connection.clone());
        }
        let routes = Router::clone(&self.routes.load());
        let mut response = TowerToHyperService::new(routes).call(request).await?;
        if version >= Version::HTTP_2 {
            rest.into_iter().for_each(Rest::drain_beside_response);
        } else if !is_drained(rest).await || !self.readiness.is_ready() || connection.is_ending() {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        if version == Version::HTTP_2 && connection.is_unadmitted() {
            connection.close();
        }
        let unread = response.extensions_mut().remove::<UnreadAnswer>();
        if let Some(unread) = &unread {
            // It may be smaller than it was rendered: compressed, or without a body for HEAD.
            unread.shrink(usize::try_from(response.body().size_hint().lower()).unwrap_or(usize::MAX));
        }
        Ok(response.map(|body| Counted::new(body, under_way, unread).counted_as(work)))
    }
}

/// Whether no body stands between this request and the next one on its HTTP/1 connection.
async fn is_drained(rest: Option<Rest>) -> bool {
    match rest {
        Some(rest) => rest.drain().await,
        None => true,
    }
}

/// Whether it is one client that failed, before it could be taken, and not the system.
fn is_of_one_connection(error: &io::Error) -> bool {
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
    fn pauses_grow_to_a_second_and_no_further() {
        let pauses: Vec<_> = std::iter::successors(Some(PAUSE_MIN), |pause| Some(longer(*pause))).take(7).collect();
        assert_eq!(pauses.iter().map(Duration::as_millis).collect::<Vec<_>>(), [50, 100, 200, 400, 800, 1000, 1000]);
        assert!(is_of_one_connection(&io::ErrorKind::ConnectionAborted.into()));
        assert!(!is_of_one_connection(&io::Error::from_raw_os_error(24)), "out of file descriptors");
    }
}

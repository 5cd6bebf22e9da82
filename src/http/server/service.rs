//! Answers the requests of all connections by the current routes.
//!
//! The routes can be replaced at any time. A request ends on the routes on which it began.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderValue, Request, Response, Version, header};
use hyper::body::{Body as _, Incoming};
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use tokio_util::sync::CancellationToken;

use super::admission::Handle;
use super::body::{Rest, Timed};
use super::http2_timeouts::{InFlight, TrackedBody};
use super::settings::{Limits, Timeouts};
use super::tls::{self, ServerCertificate};
use crate::http::middleware::client_ip::PeerAddress;
use crate::http::middleware::concurrency_limit::UnreadAnswer;
use crate::http::readiness::Readiness;
use crate::http::settings::Settings;

/// What the connections of one listener share.
pub(super) struct HttpService {
    routes: ArcSwap<Router>,
    /// The certificate, if the listener speaks TLS.
    pub(super) tls: Option<ServerCertificate>,
    pub(super) limits: Limits,
    pub(super) timeouts: Timeouts,
    /// Cancelled when no connection is accepted any more and open ones must end.
    pub(super) closing: CancellationToken,
    readiness: Readiness,
    requests: AtomicU64,
}

impl HttpService {
    /// Creates the service of these routes.
    ///
    /// # Errors
    /// A sentence that names the setting, if the files of the certificate cannot be used.
    pub(super) fn new(settings: &Settings, readiness: Readiness, routes: Router) -> Result<Self, String> {
        Ok(Self {
            routes: ArcSwap::from_pointee(routes),
            tls: tls::read(&settings.tls)?.map(ServerCertificate::new),
            limits: settings.limits.clone(),
            timeouts: settings.timeouts.clone(),
            closing: CancellationToken::new(),
            readiness,
            requests: AtomicU64::new(0),
        })
    }

    /// Replaces the routes for requests that begin from now on.
    pub(super) fn replace_routes(&self, routes: Router) {
        self.routes.store(Arc::new(routes));
    }

    /// Returns the number of requests since the start.
    pub(super) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Answers one request. `in_flight` is set for HTTP/2.
    pub(super) async fn answer(
        &self,
        request: Request<Incoming>,
        connection: &Handle,
        in_flight: Option<InFlight>,
    ) -> Result<Response<TrackedBody<Body>>, Infallible> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let work = connection.work();
        let version = request.version();
        let mut request = request.map(|body| Timed::new(body, self.timeouts.body()));
        let rest = Rest::of(&mut request);
        request.extensions_mut().insert(PeerAddress(connection.address()));
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
            // The body may be smaller than it was rendered: compressed, or empty for HEAD.
            unread.shrink(usize::try_from(response.body().size_hint().lower()).unwrap_or(usize::MAX));
        }
        Ok(response.map(|body| TrackedBody::new(body, in_flight, unread).counted_as(work)))
    }
}

/// Returns whether no body is left between this request and the next one on its HTTP/1 connection.
async fn is_drained(rest: Option<Rest>) -> bool {
    match rest {
        Some(rest) => rest.drain().await,
        None => true,
    }
}

//! The state that requests share.
//!
//! [`AppState`] belongs to the routes of one set of settings. [`SharedState`] outlives a reload, which replaces the routes.

use std::sync::Arc;

use tokio_util::task::TaskTracker;

use super::middleware::concurrency_limit::ConcurrencyLimit;
use super::persisted::PersistedDocuments;
use super::rate_limits::RateLimits;
use super::readiness::Readiness;
use super::server::PerIpLimit;
use super::settings::{Profile, Settings};
use crate::auth::Authenticator;
use crate::auth::pseudonym::Pseudonymizer;
use crate::graph::Graph;
use crate::metrics::Metrics;

/// State that outlives the routes.
#[derive(Clone, Debug)]
pub struct SharedState {
    /// Whether the gateway accepts requests.
    pub readiness: Readiness,
    /// The metrics.
    pub metrics: Metrics,
    /// The limits of running operations, pending bodies and unread responses.
    pub(super) concurrency: ConcurrencyLimit,
    /// The limit of open connections per address.
    pub(super) per_ip: PerIpLimit,
    /// The writes in progress, also of clients that have left.
    pub(super) writes: TaskTracker,
}

impl SharedState {
    /// Creates the state of a gateway that starts.
    pub fn new(settings: &Settings, writes: TaskTracker, metrics: Metrics) -> Self {
        let per_ip = PerIpLimit::new(settings.limits.connections_per_address_max);
        let concurrency = ConcurrencyLimit::new(settings, &metrics);
        Self { readiness: Readiness::default(), metrics, concurrency, per_ip, writes }
    }

    /// Applies the settings that a reload can change here: the trusted proxies.
    pub fn apply_settings(&self, settings: &Settings) {
        self.per_ip.exempt(settings.trusted_proxies.networks().unwrap_or_default());
    }
}

/// What identifies callers, limits them, and names them in the audit log.
pub struct CallerState {
    /// Identifies callers.
    pub authenticator: Arc<Authenticator>,
    /// The rate limits of callers and addresses.
    pub limits: Arc<RateLimits>,
    /// Names callers in the audit log.
    pub pseudonymizer: Arc<Pseudonymizer>,
}

/// The state of the routes.
pub(super) struct AppState {
    /// The graph.
    pub(super) graph: Arc<Graph>,
    /// Who the callers are and what they may use.
    pub(super) callers: CallerState,
    /// The documents that a hash or an ID stands for.
    pub(super) persisted: PersistedDocuments,
    /// The version of GraphQL over HTTP that status codes follow.
    pub(super) profile: Profile,
    /// `body_max_bytes`.
    pub(super) body_max: usize,
    /// `batch_max`; 0 if batching is disabled.
    pub(super) batch_max: usize,
    /// `answer_max_bytes`.
    pub(super) response_max: usize,
    /// The limits of running operations, pending bodies and unread responses.
    pub(super) concurrency: ConcurrencyLimit,
    /// The metrics.
    pub(super) metrics: Metrics,
}

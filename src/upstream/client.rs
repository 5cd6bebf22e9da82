//! [`Upstream`]: one host, its policies, its cache, and what reads and writes share.
//!
//! The paths themselves are in `read` and `write`.

use std::fmt;
use std::sync::Arc;

use tokio::time::Instant;
use tokio_util::task::TaskTracker;
use url::{Position, Url};

use crate::metrics::{HostGauges, Metrics};
use crate::upstream::cache::key::Key;
use crate::upstream::cache::revalidation::RefreshLimit;
use crate::upstream::cache::single_flight::SingleFlight;
use crate::upstream::cache::store::Cache;
use crate::upstream::error::Error;
use crate::upstream::host_state::HostState;
use crate::upstream::net::base_url::join_path;
use crate::upstream::net::transport::{HttpTransport, Transport};
use crate::upstream::outcome::{Failure, Outcome, ReadOutcome};
use crate::upstream::policy::breaker::Circuit;
use crate::upstream::policy::host::HostPolicies;
use crate::upstream::policy::throttle::{ConcurrencyScope, CredentialRegistry, CredentialState};
use crate::upstream::request::Read;
use crate::upstream::settings::{CacheSettings, Settings};

/// The client of one provider's host. `E` is the provider's error type.
pub struct Upstream<E: Clone> {
    pub(super) provider: &'static str,
    pub(super) base: Url,
    origin: Arc<str>,
    pub(super) settings: Settings,
    pub(super) transport: Box<dyn Transport>,
    pub(super) rng: Rng,
    pub(super) host_state: HostState,
    pub(super) credentials: CredentialRegistry,
    pub(super) cache: Cache,
    pub(super) single_flight: SingleFlight<ReadOutcome<E>>,
    pub(super) host: HostPolicies,
    pub(super) refresh_limit: RefreshLimit,
    pub(super) writes: TaskTracker,
    pub(super) metrics: Metrics,
    pub(super) map_error: fn(Error) -> E,
}

/// A source of random numbers; tests use a fixed one.
pub type Rng = Box<dyn Fn() -> u64 + Send + Sync>;

/// What an [`Upstream`] is built from.
pub struct UpstreamConfig<E> {
    /// The provider's name, in cache keys and metrics.
    pub provider: &'static str,
    /// The base URL.
    pub base: Url,
    /// Timeouts, limits and retries.
    pub settings: Settings,
    /// How long responses are cached.
    pub cache: CacheSettings,
    /// The concurrent calls that one credential or one caller may make.
    pub scope: ConcurrencyScope,
    /// Tracks the tasks of writes, which run to their end even if the client disconnects.
    pub writes: TaskTracker,
    /// Counts reads and calls.
    pub metrics: Metrics,
    /// Maps an [`Error`] to the provider's error type.
    pub map_error: fn(Error) -> E,
    /// The state of the same host before a reload, if any.
    pub previous: Option<HostState>,
}

/// A read with its key, its URL and the state of its credential.
pub struct PreparedRead {
    pub(super) key: Key,
    pub(super) url: Url,
    /// The path and query as records show them: a token in the path is masked.
    pub(super) target: String,
    pub(super) credential_state: Arc<CredentialState>,
}

impl<E: Failure> Upstream<E> {
    /// Builds the client of a host.
    ///
    /// # Errors
    /// If the system's TLS roots cannot be used, or the system has no random numbers.
    pub fn new(config: UpstreamConfig<E>) -> Result<Self, String> {
        let transport = HttpTransport::new(&config.base, &config.settings)?;
        Self::with_transport(config, Box::new(transport), Box::new(system_random))
    }

    /// Builds the client over another transport and source of random numbers.
    pub(super) fn with_transport(
        config: UpstreamConfig<E>,
        transport: Box<dyn Transport>,
        rng: Rng,
    ) -> Result<Self, String> {
        let UpstreamConfig { provider, base, settings, cache, scope, writes, metrics, map_error, previous } = config;
        let origin: Arc<str> = base[..Position::BeforePath].into();
        let host_state = HostState::new(provider, origin.clone(), settings.breaker_calls_min, previous)?;
        Ok(Self {
            provider,
            origin,
            host: HostPolicies::new(&settings, host_state.breaker.clone(), Instant::now()),
            credentials: CredentialRegistry::new(scope, settings.waiting_max, host_state.credential_states.clone()),
            cache: Cache::new(cache, settings.body_max_bytes, host_state.invalidations.clone()),
            host_state,
            single_flight: SingleFlight::default(),
            refresh_limit: RefreshLimit::default(),
            base,
            settings,
            transport,
            rng,
            writes,
            metrics,
            map_error,
        })
    }

    /// Returns the state of the host, to be carried over to its next client.
    pub fn host_state(&self) -> HostState {
        self.host_state.clone()
    }

    /// Returns the state of the circuit breaker.
    pub fn circuit(&self) -> Circuit {
        self.host.circuit(Instant::now())
    }

    /// Records the gauges of the host in the metrics.
    pub fn record_gauges(&self) {
        let (free, waiting) = self.host.load();
        let (cache_bytes, cache_entries) = self.cache.size();
        let calls_under_way = self.settings.concurrent_max.saturating_sub(free);
        let circuit = self.circuit().as_str();
        let gauges = HostGauges { circuit, calls_under_way, waiting, cache_bytes, cache_entries };
        self.metrics.host(self.provider, gauges);
    }

    /// Prepares a read whose value is a `T`.
    pub(super) fn prepare<T: 'static>(&self, read: &Read<'_>, now: Instant) -> PreparedRead {
        let url = join_path(&self.base, read.path, read.query);
        let target = &url[Position::BeforePath..];
        let shown = match (read.masked, read.path.split_last()) {
            (true, Some((token, path))) => {
                let mask = self.host_state.fingerprinter.mask(token);
                let path: Vec<&str> = path.iter().copied().chain([mask.as_str()]).collect();
                join_path(&self.base, &path, read.query)[Position::BeforePath..].to_owned()
            }
            _ => target.to_owned(),
        };
        let fingerprinter = &self.host_state.fingerprinter;
        let credential = fingerprinter.credential(read.credential);
        let reader = read.reader.map(|reader| fingerprinter.reader(reader));
        let key = Key::new::<T>(self.provider, self.origin.clone(), target.into(), credential, reader);
        let credential_state = self.credentials.state(credential, now);
        PreparedRead { key, target: shown, credential_state, url }
    }

    /// Returns the outcome of a read that has no reply.
    pub(super) fn failed(&self, error: Error, attempts: u32) -> ReadOutcome<E> {
        let result = Err((self.map_error)(error));
        let outcome = Outcome::Failed(error);
        ReadOutcome { result, outcome, ttl: None, attempts, status: None, bytes: 0, note: None }
    }
}

impl<E: Clone> fmt::Debug for Upstream<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upstream").field("base", &self.base.as_str()).field("settings", &self.settings).finish()
    }
}

/// Returns a random number of the system. If it has none, the result is 0, which only makes jitter the shortest.
fn system_random() -> u64 {
    let mut bytes = [0; 8];
    let _ = aws_lc_rs::rand::fill(&mut bytes);
    u64::from_le_bytes(bytes)
}

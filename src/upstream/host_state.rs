//! The state of a host that outlives a reload: throttled credentials, the circuit breaker, recent invalidations.
//!
//! Without it, the first calls after a reload would go to a throttled host, and a write that the previous client sent
//! would not invalidate the new client's cache. Credentials are known by fingerprint, so their key is carried over too.

use std::sync::{Arc, Mutex};

use tokio::time::Instant;

use crate::upstream::cache::invalidation::InvalidationLog;
use crate::upstream::cache::key::Fingerprinter;
use crate::upstream::policy::breaker::Breaker;
use crate::upstream::policy::throttle::CredentialStates;

/// The state of a host. Clones share it.
#[derive(Clone)]
pub struct HostState {
    host: (&'static str, Arc<str>),
    calls_min: u32,
    /// Makes the fingerprints of credentials.
    pub(super) fingerprinter: Arc<Fingerprinter>,
    /// The state of each credential.
    pub(super) credential_states: CredentialStates,
    /// The circuit breaker.
    pub(super) breaker: Arc<Mutex<Breaker>>,
    /// The recent invalidations.
    pub(super) invalidations: Arc<InvalidationLog>,
}

impl HostState {
    /// Carries over the state of the same host, or creates it. The breaker is reset if `calls_min` differs.
    ///
    /// # Errors
    /// If the system has no random numbers.
    pub(super) fn new(
        provider: &'static str,
        origin: Arc<str>,
        calls_min: u32,
        previous: Option<Self>,
    ) -> Result<Self, String> {
        let host = (provider, origin);
        let breaker = || Arc::new(Mutex::new(Breaker::new(calls_min, Instant::now())));
        match previous.filter(|previous| previous.host == host) {
            Some(previous) if previous.calls_min == calls_min => Ok(previous),
            Some(previous) => Ok(Self { calls_min, breaker: breaker(), ..previous }),
            None => Ok(Self {
                host,
                calls_min,
                fingerprinter: Arc::new(Fingerprinter::new()?),
                credential_states: CredentialStates::default(),
                breaker: breaker(),
                invalidations: Arc::default(),
            }),
        }
    }
}

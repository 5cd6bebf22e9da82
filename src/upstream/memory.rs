//! What is known of a host beside what it answered: who is shut out, whether it is left alone, what was changed lately.
//!
//! Whoever takes over the way to a host, as at a reload with other settings, goes on with this: or the first thing that they
//! do is to ask again who was told to wait, and a write that they did not send changes what they keep behind their back. It
//! is held by credentials' fingerprints, so the key under which those are taken comes along.

use std::sync::{Arc, Mutex};

use tokio::time::Instant;

use super::breaker::Breaker;
use super::changes::Changes;
use super::key::Fingerprints;
use super::standing::Standings;

/// What is known of a host. Its copies share it.
#[derive(Clone)]
pub struct Memory {
    host: (&'static str, Arc<str>),
    calls_min: u32,
    /// Under what credentials are known.
    pub(super) fingerprints: Arc<Fingerprints>,
    /// How each stands.
    pub(super) standings: Standings,
    /// Whether the host is left alone.
    pub(super) breaker: Arc<Mutex<Breaker>>,
    /// What was changed lately.
    pub(super) changes: Arc<Changes>,
}

impl Memory {
    /// What is known of a provider's host, whose breaker judges so many calls at least: all that was before, if it was of
    /// the same host; nothing of the breaker, if that judged by another number.
    ///
    /// # Errors
    /// When the system has no random numbers.
    pub(super) fn of(
        provider: &'static str,
        origin: Arc<str>,
        calls_min: u32,
        before: Option<Self>,
    ) -> Result<Self, String> {
        let host = (provider, origin);
        let breaker = || Arc::new(Mutex::new(Breaker::new(calls_min, Instant::now())));
        match before.filter(|before| before.host == host) {
            Some(before) if before.calls_min == calls_min => Ok(before),
            Some(before) => Ok(Self { calls_min, breaker: breaker(), ..before }),
            None => Ok(Self {
                host,
                calls_min,
                fingerprints: Arc::new(Fingerprints::random()?),
                standings: Standings::default(),
                breaker: breaker(),
                changes: Arc::default(),
            }),
        }
    }
}

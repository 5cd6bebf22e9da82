//! The record of one read or write: what was asked, where the answer came from, and why. For explain, logs and metrics.

use std::time::Duration;

use tokio::time::Instant;

use crate::upstream::cache::store::CacheEntry;
use crate::upstream::error::Error;
use crate::upstream::outcome::{Outcome, ReadOutcome};
use crate::upstream::request::Method;

/// The record of one read or write.
#[derive(Clone, Debug)]
pub struct Call {
    /// The HTTP method.
    pub method: &'static str,
    /// The path and query. A token in it is masked: the same mask within this process, and not secret.
    pub target: String,
    /// Where the answer came from.
    pub verdict: Verdict,
    /// The number of attempts sent to the host; 0 for none. A shared read shows the attempts of its starter.
    pub attempts: u32,
    /// The HTTP status of the last reply, if there was one.
    pub status: Option<u16>,
    /// Why there is no reply, if there is none.
    pub error: Option<Error>,
    /// The age of a cached answer.
    pub age: Option<Duration>,
    /// How long it took.
    pub took: Duration,
    /// The size of the body, in bytes; 0 for a cached answer.
    pub bytes: usize,
    /// Why the answer came from there.
    pub why: &'static str,
}

/// Where an answer came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// The cache; the entry is fresh.
    Hit,
    /// The cache; the entry is stale and is revalidated in the background.
    Stale,
    /// The cache; the entry is stale and the host failed.
    StaleIfError,
    /// An equal read that was in flight.
    Shared,
    /// The host; nothing usable was cached.
    Miss,
    /// The host; the cache was bypassed.
    Live,
    /// The host, for a write.
    Sent,
    /// Nowhere: the host was not called.
    Refused,
}

impl Verdict {
    /// Returns the verdict's name in logs, metrics and explain.
    pub fn as_str(self) -> &'static str {
        match self {
            Verdict::Hit => "HIT",
            Verdict::Stale => "STALE",
            Verdict::StaleIfError => "STALE_IF_ERROR",
            Verdict::Shared => "SHARED",
            Verdict::Miss => "MISS",
            Verdict::Live => "LIVE",
            Verdict::Sent => "SENT",
            Verdict::Refused => "REFUSED",
        }
    }

    /// Whether the answer is older than its TTL.
    pub fn is_stale(self) -> bool {
        matches!(self, Verdict::Stale | Verdict::StaleIfError)
    }

    /// Whether this read or write itself called the host.
    pub fn is_call(self) -> bool {
        matches!(self, Verdict::Miss | Verdict::Live | Verdict::Sent)
    }
}

impl Call {
    /// The record of a read that has not started.
    pub(super) fn for_read(target: &str) -> Self {
        Self {
            method: "GET",
            target: target.to_owned(),
            verdict: Verdict::Refused,
            attempts: 0,
            status: None,
            error: None,
            age: None,
            took: Duration::ZERO,
            bytes: 0,
            why: "",
        }
    }

    /// The record of a write that has not started.
    pub(super) fn for_write(target: &str, method: Method) -> Self {
        Self { method: method.as_str(), ..Self::for_read(target) }
    }

    /// Records that the cache answered.
    pub(super) fn served_from_cache(self, verdict: Verdict, entry: &CacheEntry, now: Instant) -> Self {
        let why = match verdict {
            Verdict::Hit => "the cached response is fresh",
            Verdict::Stale => "the cached response is stale and is revalidated in the background",
            _ => "the cached response is stale and the provider failed",
        };
        Self { verdict, why, age: Some(entry.age(now)), ..self }
    }

    /// Records what a read in flight came to.
    pub(super) fn record_outcome<E>(&mut self, outcome: &ReadOutcome<E>) {
        self.attempts = outcome.attempts;
        self.status = outcome.status;
        self.bytes = outcome.bytes;
        if let Outcome::Failed(error) = outcome.outcome {
            self.error = Some(error);
        }
        if outcome.attempts == 0 {
            self.verdict = Verdict::Refused;
        }
        self.why = match (self.verdict, outcome.outcome) {
            (Verdict::Refused, Outcome::Failed(Error::CircuitOpen(_))) => "the circuit breaker is open",
            (Verdict::Refused, Outcome::Failed(Error::Throttled(_))) => "the provider throttled the credential",
            (Verdict::Refused, Outcome::Failed(Error::QueueFull)) => "the queue for the provider is full",
            (Verdict::Refused, Outcome::Failed(Error::BudgetExhausted)) => "the operation's call budget is exhausted",
            (Verdict::Refused, _) => "no time was left for a call",
            (Verdict::Shared, _) => "an equal read was in flight",
            (Verdict::Live, _) => "a live response was requested",
            _ => "no response was cached",
        };
    }
}

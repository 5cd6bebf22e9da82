//! The record of one read: what was asked, how it was answered, and why so. For explain, logs and metrics.

use std::time::Duration;

use tokio::time::Instant;

use super::cache::Kept;
use super::way::Landed;
use super::{Error, Method, Outcome};

/// One read or write as it went.
#[derive(Clone, Debug)]
pub struct Call {
    /// The HTTP method.
    pub method: &'static str,
    /// The path and query. A token in it is masked: the same text within this process, and no secret.
    pub target: String,
    /// Where the answer came from.
    pub verdict: Verdict,
    /// How often the host was called for it; 0 if not at all. Of a shared read, the attempts of whoever began it.
    pub attempts: u32,
    /// The HTTP status of the last answer, if one began.
    pub status: Option<u16>,
    /// Why there is no reply, if there is none.
    pub error: Option<Error>,
    /// How old the answer is, if it was kept.
    pub age: Option<Duration>,
    /// How long it took.
    pub took: Duration,
    /// How large the body was, in bytes; 0 for a kept answer.
    pub bytes: usize,
    /// One sentence that says why it went so.
    pub why: &'static str,
}

/// Where an answer came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// From the cache, and fresh.
    Hit,
    /// From the cache, no longer fresh; it is read anew behind it.
    Stale,
    /// From the cache, no longer fresh, because the host could not answer.
    StaleIfError,
    /// From an equal read that was under way.
    Shared,
    /// From the host: nothing was kept.
    Miss,
    /// From the host, past the cache.
    Live,
    /// From the host, to a write that was sent to it.
    Sent,
    /// From nobody: the host was not called.
    Refused,
}

impl Verdict {
    /// The word for it in logs and explanations.
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

    /// Whether the answer is older than its kind should be.
    pub fn is_stale(self) -> bool {
        matches!(self, Verdict::Stale | Verdict::StaleIfError)
    }

    /// Whether it itself called the host.
    pub fn is_call(self) -> bool {
        matches!(self, Verdict::Miss | Verdict::Live | Verdict::Sent)
    }
}

impl Call {
    /// A read that has not gone anywhere yet.
    pub(super) fn of(target: &str) -> Self {
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

    /// A write that has not gone anywhere yet.
    pub(super) fn of_write(target: &str, method: Method) -> Self {
        Self { method: method.as_str(), ..Self::of(target) }
    }

    /// The same, answered by what is kept.
    pub(super) fn kept(self, verdict: Verdict, kept: &Kept, now: Instant) -> Self {
        let why = match verdict {
            Verdict::Hit => "kept and fresh",
            Verdict::Stale => "kept and no longer fresh; read anew behind the answer",
            _ => "kept and no longer fresh; the host could not answer",
        };
        Self { verdict, why, age: Some(kept.age(now)), ..self }
    }

    /// The same, answered by a flight.
    pub(super) fn landed<E>(&mut self, landed: &Landed<E>) {
        self.attempts = landed.attempts;
        self.status = landed.status;
        self.bytes = landed.bytes;
        if let Outcome::Lost(error) = landed.outcome {
            self.error = Some(error);
        }
        if landed.attempts == 0 {
            self.verdict = Verdict::Refused;
        }
        self.why = match (self.verdict, landed.outcome) {
            (Verdict::Refused, Outcome::Lost(Error::Open(_))) => "the breaker is open",
            (Verdict::Refused, Outcome::Lost(Error::ShutOut(_))) => "the credential is shut out",
            (Verdict::Refused, Outcome::Lost(Error::Crowded)) => "too many reads wait for the host",
            (Verdict::Refused, Outcome::Lost(Error::Spent)) => "the operation's calls are spent",
            (Verdict::Refused, _) => "there was no time left for a call",
            (Verdict::Shared, _) => "an equal read was under way",
            (Verdict::Live, _) => "a live answer was asked for",
            _ => "nothing was kept",
        };
    }
}

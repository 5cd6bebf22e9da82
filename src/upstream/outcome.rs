//! What an attempt came to, in the terms that the policies decide by.

use std::time::Duration;

use crate::upstream::error::Error;
use crate::upstream::reply::CachedValue;

/// What an attempt came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The host returned what was asked for.
    Ok,
    /// There is no such object.
    Absent,
    /// The host does not accept the credential.
    Refused,
    /// A permanent answer: not allowed, not supported, or a new sign-in is required.
    Denied,
    /// The host asks to slow down, and may say for how long.
    Throttled(Option<Duration>),
    /// The host is out of order.
    Unavailable {
        /// Whether a retry may succeed: 502, 503 and 504.
        transient: bool,
        /// The value of `Retry-After`.
        wait: Option<Duration>,
    },
    /// The reply cannot be understood.
    Malformed,
    /// There is no reply.
    Failed(Error),
}

/// What an outcome says about the health of its host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// The host answers.
    Good,
    /// The host is in trouble.
    Bad,
    /// Nothing: the call was abandoned, or the gateway could not make it.
    Unknown,
}

impl Outcome {
    /// Returns the outcome's name in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Outcome::Ok => "good",
            Outcome::Absent => "absent",
            Outcome::Refused => "refused",
            Outcome::Denied => "denied",
            Outcome::Throttled(_) => "throttled",
            Outcome::Unavailable { .. } => "down",
            Outcome::Malformed => "garbled",
            Outcome::Failed(Error::TimedOut) => "timed_out",
            Outcome::Failed(Error::TooLarge) => "too_large",
            Outcome::Failed(Error::ConnectionLost) => "broken",
            Outcome::Failed(Error::OutOfResources) => "out_of_resources",
            // The remaining errors mean that nothing was sent, and only sent calls are counted.
            Outcome::Failed(_) => "unreachable",
        }
    }

    /// Returns what the outcome says about the host.
    ///
    /// Throttling is not bad health; the breaker counts it apart. A lack of the gateway's own resources says nothing.
    pub fn health(self) -> Health {
        match self {
            Outcome::Unavailable { .. } => Health::Bad,
            Outcome::Failed(Error::TimedOut | Error::Unreachable | Error::Untrusted | Error::ConnectionLost) => {
                Health::Bad
            }
            Outcome::Failed(Error::OutOfResources) => Health::Unknown,
            _ => Health::Good,
        }
    }

    /// Whether a write with this outcome certainly changed nothing: the host understood it and refused it.
    pub fn proves_unchanged(self) -> bool {
        matches!(self, Outcome::Refused | Outcome::Denied | Outcome::Throttled(_))
    }

    /// Whether a stale cached response may be served instead.
    ///
    /// Never after a refusal, which may be permanent. Never for a malformed reply, which may be a refusal.
    pub fn allows_stale(self) -> bool {
        match self {
            Outcome::Throttled(_) | Outcome::Unavailable { .. } => true,
            Outcome::Failed(error) => !matches!(error, Error::TooLarge | Error::BudgetExhausted),
            Outcome::Ok | Outcome::Absent | Outcome::Refused | Outcome::Denied | Outcome::Malformed => false,
        }
    }
}

/// A provider's error type.
pub trait Failure: Clone + Send + Sync + 'static {
    /// Returns what the error is to the policies.
    fn outcome(&self) -> Outcome;

    /// Turns the error into one that says only that the result of a write is unknown.
    fn uncertain(self) -> Self;
}

/// What a read came to, shared by all who wait for it.
#[derive(Clone)]
pub struct ReadOutcome<E> {
    /// The value, `None` if there is no such object, or the provider's error.
    pub result: Result<Option<CachedValue>, E>,
    /// What it is to the policies.
    pub outcome: Outcome,
    /// How long the value may be cached. `None`: not at all.
    pub ttl: Option<Duration>,
    /// The number of attempts that were sent.
    pub attempts: u32,
    /// The HTTP status of the last reply, if there was one.
    pub status: Option<u16>,
    /// The size of the last reply's body, in bytes.
    pub bytes: usize,
    /// What the provider's envelope says about the reply.
    pub note: Option<String>,
}

/// How a write ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteStatus {
    /// The change is done.
    Done,
    /// There is no such object.
    Absent,
    /// The host refused it. Nothing has changed.
    Refused,
    /// It was not sent.
    Unsent,
    /// It was sent, and whether it is done is unknown.
    Uncertain,
}

impl WriteStatus {
    /// Returns the status's name in metrics and the audit log.
    pub fn as_str(self) -> &'static str {
        match self {
            WriteStatus::Done => "done",
            WriteStatus::Absent => "absent",
            WriteStatus::Refused => "refused",
            WriteStatus::Unsent => "unsent",
            WriteStatus::Uncertain => "uncertain",
        }
    }
}

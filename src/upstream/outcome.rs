//! What an attempt came to, in the words that the policies decide by; a provider says it of each of its answers.

use std::any::Any;
use std::time::Duration;

use super::Error;
use super::breaker::Health;

/// What an attempt came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// What was asked for.
    Good,
    /// There is no such thing.
    Absent,
    /// The credential is not accepted.
    Refused,
    /// An answer that no other attempt would change: not allowed, not supported, sign in afresh.
    Denied,
    /// The host asks to slow down, and may say for how long.
    Throttled(Option<Duration>),
    /// The host is out of order.
    Down {
        /// Whether another attempt may find it in order: 502, 503 and 504.
        passing: bool,
        /// How long the host asks to wait.
        wait: Option<Duration>,
    },
    /// An answer that cannot be understood.
    Garbled,
    /// No answer.
    Lost(Error),
}

impl Outcome {
    /// The word for it in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Outcome::Good => "good",
            Outcome::Absent => "absent",
            Outcome::Refused => "refused",
            Outcome::Denied => "denied",
            Outcome::Throttled(_) => "throttled",
            Outcome::Down { .. } => "down",
            Outcome::Garbled => "garbled",
            Outcome::Lost(Error::TimedOut) => "timed_out",
            Outcome::Lost(Error::TooLarge) => "too_large",
            Outcome::Lost(Error::Broken) => "broken",
            Outcome::Lost(Error::OutOfResources) => "out_of_resources",
            // The others say that nothing was sent, which no call comes to.
            Outcome::Lost(_) => "unreachable",
        }
    }

    /// What it says about the host. Being asked to slow down says nothing bad; the breaker counts that apart. What the
    /// gateway itself lacks says nothing at all.
    pub(super) fn health(self) -> Health {
        match self {
            Outcome::Down { .. } => Health::Bad,
            Outcome::Lost(Error::TimedOut | Error::Unreachable | Error::Untrusted | Error::Broken) => Health::Bad,
            Outcome::Lost(Error::OutOfResources) => Health::Unknown,
            _ => Health::Good,
        }
    }

    /// Whether it says that a write changed nothing: the host understood the order and refused it, or was asked to do less
    /// at that moment. What it failed at, or answered so that nobody understands it, may be done all the same.
    pub fn spares(self) -> bool {
        matches!(self, Outcome::Refused | Outcome::Denied | Outcome::Throttled(_))
    }

    /// Whether an answer from before may stand in. Never for a refusal, which may be meant for good; and not for what
    /// cannot be understood, since nobody knows that it is none.
    pub fn allows_stale(self) -> bool {
        match self {
            Outcome::Throttled(_) | Outcome::Down { .. } => true,
            Outcome::Lost(error) => !matches!(error, Error::TooLarge | Error::Spent),
            Outcome::Good | Outcome::Absent | Outcome::Refused | Outcome::Denied | Outcome::Garbled => false,
        }
    }
}

/// A provider's own error.
pub trait Failure: Clone + Send + Sync + 'static {
    /// What it is to the policies.
    fn outcome(&self) -> Outcome;

    /// The same error where it says nothing of a write but that nobody knows whether it is done.
    fn uncertain(self) -> Self;
}

/// What a provider made of a reply.
pub struct Judged<T, E> {
    /// The noun, nothing, or why not.
    pub result: Result<Option<Fresh<T>>, E>,
    /// What the provider's envelope said of the answer, for records; it holds no content.
    pub note: Option<String>,
}

/// A noun as it was just decoded.
pub struct Fresh<T> {
    /// The noun.
    pub noun: T,
    /// For how long it counts as fresh, if it is to be kept at all.
    pub lasts: Option<Duration>,
}

/// What the cache can keep. Nothing that must not outlive the operation may be left in the form that is kept.
pub trait Cacheable: Any + Send + Sync {
    /// The same noun without its links that bear a one-time mark; none if it has no such link.
    fn redacted(&self) -> Option<Self>
    where
        Self: Sized;

    /// How many bytes of memory it holds, itself included; never less than it does.
    fn memory_size(&self) -> usize;

    /// Whether a change of the thing with this token may change it; also if that cannot be told.
    fn references(&self, _token: &str) -> bool {
        true
    }
}

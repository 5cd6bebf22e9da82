//! Why a provider did not return what was requested.

use std::time::Duration;

use crate::auth::Denied;
use crate::model::Provider;
use crate::upstream::{self, Outcome};

/// The error of a read or write.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {reason:?}: {detail}", provider.name())]
pub struct Error {
    /// The provider.
    pub provider: Provider,
    /// The reason.
    pub reason: Reason,
    /// What happened, for the log. Contains no content of the response and is never shown to a client.
    pub detail: String,
    /// The HTTP status of the response, if there is one.
    pub status: Option<u16>,
    /// The status inside the response body, if it decided and differs from the HTTP status.
    pub inner_status: Option<u16>,
    /// The provider's error code, such as `authorization_required`, if there is one.
    pub code: Option<String>,
    /// The time to wait before the next request, if known.
    pub retry_after: Option<Duration>,
}

/// The reason of an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// The request has no credential, or the provider rejected it.
    NotAuthenticated,
    /// The credential does not allow this.
    NotAllowed,
    /// The entity belongs to another person. The caller must not learn that it exists.
    OwnedByAnother,
    /// The person must sign in again.
    Expired,
    /// The provider limits the rate of requests.
    Throttled,
    /// The provider is unreachable or fails.
    Unavailable,
    /// The gateway has no resources for another call.
    Overloaded,
    /// The provider did not respond in time.
    TimedOut,
    /// The response cannot be understood.
    Malformed,
    /// The provider is not configured in this gateway.
    NotConfigured,
    /// The provider does not support this, or not for this person or site.
    Unsupported,
    /// The provider rejected the request as invalid.
    Refused,
    /// The response exceeds the size limit.
    TooLarge,
    /// The operation has used its limit of calls.
    OverBudget,
    /// A write was sent, and it is unknown whether it succeeded.
    Uncertain,
    /// The gateway does not let the caller read this. No request was sent.
    Denied(Denied),
}

impl Error {
    /// An error with a reason and a sentence for the log.
    pub fn new(provider: Provider, reason: Reason, detail: impl Into<String>) -> Self {
        Self {
            provider,
            reason,
            detail: detail.into(),
            status: None,
            inner_status: None,
            code: None,
            retry_after: None,
        }
    }

    /// An error for a caller who may not read this.
    pub fn denied(provider: Provider, reason: Denied) -> Self {
        Self::new(provider, Reason::Denied(reason), "the caller is not allowed to read this")
    }

    /// Logs why a read or write failed. Only the one that made the HTTP call logs a warning.
    pub(super) fn log(&self, call: &upstream::Call) {
        let provider = self.provider.name();
        let Self { reason, detail, .. } = self;
        let target = &call.target;
        if call.verdict.is_call() {
            tracing::warn!(provider, target, ?reason, detail, "provider request failed");
        } else {
            tracing::debug!(provider, target, ?reason, detail, why = call.why, "provider request failed");
        }
    }
}

impl From<(Provider, upstream::Error)> for Error {
    fn from((provider, error): (Provider, upstream::Error)) -> Self {
        use upstream::Error::{
            BudgetExhausted, CircuitOpen, ConnectionLost, OutOfResources, QueueFull, Throttled, TimedOut, TooLarge,
            Unreachable, Untrusted,
        };
        let (reason, retry_after) = match error {
            Unreachable | Untrusted | ConnectionLost | QueueFull => (Reason::Unavailable, None),
            CircuitOpen(wait) => (Reason::Unavailable, Some(wait)),
            Throttled(wait) => (Reason::Throttled, Some(wait)),
            OutOfResources => (Reason::Overloaded, None),
            TimedOut => (Reason::TimedOut, None),
            TooLarge => (Reason::TooLarge, None),
            BudgetExhausted => (Reason::OverBudget, None),
        };
        Self { retry_after, ..Error::new(provider, reason, error.to_string()) }
    }
}

impl upstream::Failure for Error {
    fn outcome(&self) -> Outcome {
        let status = self.inner_status.or(self.status);
        match self.reason {
            Reason::NotAuthenticated => Outcome::Refused,
            Reason::Throttled => Outcome::Throttled(self.retry_after),
            // The page of a gateway in front of the provider. It may be a decision, so no stale response replaces it.
            Reason::Unavailable if status.is_some_and(|status| (400..500).contains(&status)) => Outcome::Denied,
            Reason::Unavailable => {
                let transient = status.is_some_and(|status| (502..=504).contains(&status));
                Outcome::Unavailable { transient, wait: self.retry_after }
            }
            Reason::Overloaded => Outcome::Failed(upstream::Error::OutOfResources),
            Reason::TimedOut => Outcome::Failed(upstream::Error::TimedOut),
            Reason::TooLarge => Outcome::Failed(upstream::Error::TooLarge),
            Reason::Malformed => Outcome::Malformed,
            Reason::NotAllowed
            | Reason::Expired
            | Reason::NotConfigured
            | Reason::Unsupported
            | Reason::Refused
            | Reason::OverBudget
            | Reason::Uncertain
            | Reason::OwnedByAnother
            | Reason::Denied(_) => Outcome::Denied,
        }
    }

    fn uncertain(self) -> Self {
        let detail = format!("the outcome of the write is unknown: {:?}, {}", self.reason, self.detail);
        Self { reason: Reason::Uncertain, detail, code: None, retry_after: None, ..self }
    }
}

//! What the rooms to the left may know of a provider: its reads, their answers, and why an answer is missing.
//!
//! A provider turns a status, an error body or a wrong shape into a `Reason`, once; nobody above looks at a status again.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

pub use crate::model::Skipped;

use crate::access::Denied;
use crate::model::Provider;
use crate::upstream;

pub mod lenient;
pub mod listing;
pub mod oneall;
pub mod span;
pub mod wordpress;

/// How many rows of an answer that could not be read are named one by one.
pub const SKIPPED_MAX: usize = 15;

/// What one key was answered: the thing, nothing (the provider knows no such thing, or not for this caller), or why not.
pub type Answer<T> = Result<Option<Arc<T>>, Error>;

/// What a list was answered: its good rows, and notes of the bad ones.
#[derive(Clone, Debug, PartialEq)]
pub struct List<T> {
    /// The rows that could be read, in the provider's order.
    pub rows: Vec<Arc<T>>,
    /// The rows that could not.
    pub skipped: Vec<Skipped>,
}

/// The rows of one answer that could not be read, gathered while it is mapped. The first are named, the others counted:
/// an answer may have hundreds of thousands, and nobody reads them one by one.
#[derive(Debug, Default)]
pub struct LeftOut {
    named: Vec<Skipped>,
    others: usize,
}

impl LeftOut {
    /// Notes a row by its place and by what is wrong with it.
    pub fn note(&mut self, path: impl FnOnce() -> String, detail: String) {
        if self.named.len() < SKIPPED_MAX {
            self.named.push(Skipped { path: path(), detail, rows: 1 });
        } else {
            self.others += 1;
        }
    }

    /// All that was noted of the list of this name.
    pub fn of(self, list: &str) -> Vec<Skipped> {
        let detail = format!("{} more rows", self.others);
        let rest = (self.others > 0).then(|| Skipped { path: list.to_owned(), detail, rows: self.others });
        self.named.into_iter().chain(rest).collect()
    }
}

/// Tells the log, in one line, of the rows of an answer that could not be read.
pub fn tell_left_out(provider: Provider, skipped: &[Skipped]) {
    let Some(first) = skipped.first() else { return };
    let rows: usize = skipped.iter().map(|skipped| skipped.rows).sum();
    tracing::warn!(provider = provider.name(), rows, first = first.path, detail = first.detail, "rows left out");
}

/// A reader of things by key: the loaders hand it all keys that were asked together.
///
/// Every key gets an answer of its own; how many reads that takes is the provider's business.
pub trait Fetch<K: Eq + Hash>: Send + Sync + 'static {
    /// What a key stands for.
    type Noun: Send + Sync + 'static;

    /// Answers each of these keys.
    fn fetch(&self, keys: &[K]) -> impl Future<Output = HashMap<K, Answer<Self::Noun>>> + Send;
}

/// Why a provider did not answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {reason:?}: {detail}", provider.name())]
pub struct Error {
    /// Who.
    pub provider: Provider,
    /// Why, in one word.
    pub reason: Reason,
    /// For the log: what was seen, without any content of the answer. Never shown to a client.
    pub detail: String,
    /// The status of the provider's HTTP answer, if there was one.
    pub status: Option<u16>,
    /// The provider's own error identifier, if it gave one: `authorization_required`.
    pub code: Option<String>,
    /// How long to wait before asking again, if that is known.
    pub retry_after: Option<Duration>,
}

/// Why a provider did not answer, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// No credential was shown, or the provider does not accept it.
    NotAuthenticated,
    /// The credential does not reach this.
    NotAllowed,
    /// It is there, and it is another's: a thing of which a caller must not learn that it exists.
    NotTheirs,
    /// The person has to sign in afresh.
    Expired,
    /// The provider asks to slow down.
    Throttled,
    /// The provider cannot be reached or is out of order.
    Unavailable,
    /// The provider did not answer in time.
    TimedOut,
    /// The provider's answer cannot be understood.
    Malformed,
    /// The gateway has no access to this provider.
    NotConfigured,
    /// The provider cannot do this, or not for this person or site.
    Unsupported,
    /// The provider says that what was asked makes no sense.
    Refused,
    /// The provider's answer is larger than the gateway takes.
    TooLarge,
    /// The operation has made as many calls as it may.
    OverBudget,
    /// The caller may not read this; nothing was asked.
    Denied(Denied),
}

impl Error {
    /// An error with no more than a reason and a sentence for the log.
    pub fn new(provider: Provider, reason: Reason, detail: impl Into<String>) -> Self {
        Self { provider, reason, detail: detail.into(), status: None, code: None, retry_after: None }
    }

    /// The caller may not read this.
    pub fn denied(provider: Provider, why: Denied) -> Self {
        Self::new(provider, Reason::Denied(why), "the caller has no right to it")
    }

    /// Tells the log why the read of this path brought nothing: once, where it is found out.
    pub fn tell(&self, target: &str) {
        tracing::warn!(
            provider = self.provider.name(),
            target,
            reason = ?self.reason,
            detail = self.detail,
            "no answer"
        );
    }
}

impl From<(Provider, upstream::Error)> for Error {
    fn from((provider, error): (Provider, upstream::Error)) -> Self {
        let reason = match error {
            upstream::Error::Unreachable | upstream::Error::Broken => Reason::Unavailable,
            upstream::Error::TimedOut => Reason::TimedOut,
            upstream::Error::TooLarge => Reason::TooLarge,
        };
        Error::new(provider, reason, error.to_string())
    }
}

/// The calls that one operation made, in the order in which they ended, for explain and logs; and how many it may make.
#[derive(Clone, Debug)]
pub struct Calls {
    made: Arc<Mutex<Vec<CallMade>>>,
    begun: Arc<AtomicUsize>,
    max: usize,
}

impl Default for Calls {
    fn default() -> Self {
        Self::within(usize::MAX)
    }
}

/// One call that an operation made.
#[derive(Clone, Debug)]
pub struct CallMade {
    /// Who was called.
    pub provider: Provider,
    /// How it went on the wire.
    pub call: upstream::Call,
    /// What the provider's own envelope said of it: OneAll's date, resource and status.
    pub note: Option<String>,
}

impl Calls {
    /// The calls of an operation that may make this many.
    pub fn within(max: usize) -> Self {
        Self { made: Arc::default(), begun: Arc::default(), max }
    }

    /// Makes a call, if the operation may make one more.
    ///
    /// # Errors
    /// OverBudget, and the call is not made.
    pub async fn spend<T>(&self, provider: Provider, call: impl Future<Output = T>) -> Result<T, Error> {
        if self.begun.fetch_add(1, Ordering::Relaxed) >= self.max {
            return Err(Error::new(provider, Reason::OverBudget, "the operation's calls are spent"));
        }
        Ok(call.await)
    }

    /// Adds one, and tells the log of it; neither a path nor a query holds a secret.
    pub fn record(&self, made: CallMade) {
        let CallMade { provider, call, note } = &made;
        tracing::debug!(
            provider = provider.name(),
            target = call.target,
            status = call.status,
            error = ?call.error,
            milliseconds = u64::try_from(call.took.as_millis()).unwrap_or(u64::MAX),
            bytes = call.bytes,
            note,
            "call"
        );
        self.made.lock().unwrap_or_else(PoisonError::into_inner).push(made);
    }

    /// All so far.
    pub fn list(&self) -> Vec<CallMade> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[tokio::test]
    async fn an_operation_makes_no_more_calls_than_it_may() {
        let calls = Calls::within(2);
        let (made, of_another_loader) = (Mutex::new(0), calls.clone());
        let call = || async { *made.lock().unwrap() += 1 };
        assert!(calls.spend(Provider::OneAll, call()).await.is_ok());
        assert!(of_another_loader.spend(Provider::WordPress, call()).await.is_ok());
        assert_eq!(calls.spend(Provider::OneAll, call()).await.unwrap_err().reason, Reason::OverBudget);
        assert_eq!(*made.lock().unwrap(), 2);
    }
}

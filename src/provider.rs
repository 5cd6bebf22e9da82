//! What the rooms to the left may know of a provider: its reads, their answers, and why an answer is missing.
//!
//! A provider turns a status, an error body or a wrong shape into a `Reason`, once; nobody above looks at a status again.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

pub use crate::model::SkippedRow;

use self::pages::Numbered;
use crate::auth::Denied;
use crate::model::Provider;
use crate::upstream::{
    self, Budget, Done, Ended, Freshness, Judged, Keep, Outcome, Read, Reply, Said, Trace, Upstream, Write,
};

mod keep;
pub mod lenient;
pub mod listing;
pub mod oneall;
pub mod pages;
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
    pub skipped: Vec<SkippedRow>,
}

/// The rows of one answer that could not be read, gathered while it is mapped. The first are named, the others counted:
/// an answer may have hundreds of thousands, and nobody reads them one by one.
#[derive(Debug, Default)]
pub struct LeftOut {
    named: Vec<Numbered<SkippedRow>>,
    /// How many others there are, by the number of the first.
    others: Option<Numbered<usize>>,
}

impl LeftOut {
    /// Notes a row by its number in the list, its place and what is wrong with it.
    pub fn note(&mut self, number: u32, path: impl FnOnce() -> String, detail: String) {
        if self.named.len() < SKIPPED_MAX {
            self.named.push(Numbered { number, value: SkippedRow { path: path(), detail, rows: 1 } });
        } else {
            self.others.get_or_insert(Numbered { number, value: 0 }).value += 1;
        }
    }

    /// All that was noted of the list of this name.
    pub fn of(self, list: &str) -> Vec<SkippedRow> {
        self.numbered(list).into_iter().map(|noted| noted.value).collect()
    }

    /// The same, each by its number.
    pub fn numbered(self, list: &str) -> Vec<Numbered<SkippedRow>> {
        let rest = self.others.map(|Numbered { number, value: rows }| {
            let detail = format!("{rows} more rows");
            Numbered { number, value: SkippedRow { path: list.to_owned(), detail, rows } }
        });
        self.named.into_iter().chain(rest).collect()
    }
}

/// Tells the log, in one line, of the rows of an answer that could not be read.
pub fn tell_left_out(provider: Provider, skipped: &[SkippedRow]) {
    let Some(first) = skipped.first() else { return };
    let rows: usize = skipped.iter().map(|skipped| skipped.rows).sum();
    tracing::warn!(provider = provider.name(), rows, first = first.path, detail = first.detail, "rows left out");
}

/// A reader of things by key: the loaders hand it all keys that were asked together.
///
/// Every key gets an answer of its own; how many reads that takes is the provider's business.
pub trait Fetch<K: Eq + Hash>: Send + Sync + 'static {
    /// What a key stands for.
    type Entity: Send + Sync + 'static;

    /// Answers each of these keys.
    fn fetch(&self, keys: &[K]) -> impl Future<Output = HashMap<K, Answer<Self::Entity>>> + Send;
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
    /// The status that decided, where that stands within the answer and is another than the HTTP answer's.
    pub inner_status: Option<u16>,
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
    /// The gateway itself has no resources for a call.
    Overloaded,
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
    /// A write was sent, and what came back, if anything, does not say whether it is done.
    Uncertain,
    /// The caller may not read this; nothing was asked.
    Denied(Denied),
}

impl Error {
    /// An error with no more than a reason and a sentence for the log.
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

    /// The caller may not read this.
    pub fn denied(provider: Provider, why: Denied) -> Self {
        Self::new(provider, Reason::Denied(why), "the caller has no right to it")
    }

    /// Tells the log why a read brought nothing: once, by the read that found it out.
    fn tell(&self, call: &upstream::Call) {
        let (provider, target, detail) = (self.provider.name(), &call.target, &self.detail);
        if call.verdict.is_call() {
            tracing::warn!(provider, target, reason = ?self.reason, detail, "no answer");
        } else {
            tracing::debug!(provider, target, reason = ?self.reason, detail, why = call.why, "no answer");
        }
    }
}

impl From<(Provider, upstream::Error)> for Error {
    fn from((provider, error): (Provider, upstream::Error)) -> Self {
        use upstream::Error::{
            Broken, Crowded, Open, OutOfResources, ShutOut, Spent, TimedOut, TooLarge, Unreachable, Untrusted,
        };
        let (reason, retry_after) = match error {
            Unreachable | Untrusted | Broken | Crowded => (Reason::Unavailable, None),
            Open(wait) => (Reason::Unavailable, Some(wait)),
            ShutOut(wait) => (Reason::Throttled, Some(wait)),
            OutOfResources => (Reason::Overloaded, None),
            TimedOut => (Reason::TimedOut, None),
            TooLarge => (Reason::TooLarge, None),
            Spent => (Reason::OverBudget, None),
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
            // A page of some gate before the provider: it may be meant for good, so nothing old stands in for it.
            Reason::Unavailable if status.is_some_and(|status| (400..500).contains(&status)) => Outcome::Denied,
            Reason::Unavailable => {
                let passing = status.is_some_and(|status| (502..=504).contains(&status));
                Outcome::Down { passing, wait: self.retry_after }
            }
            Reason::Overloaded => Outcome::Lost(upstream::Error::OutOfResources),
            Reason::TimedOut => Outcome::Lost(upstream::Error::TimedOut),
            Reason::TooLarge => Outcome::Lost(upstream::Error::TooLarge),
            Reason::Malformed => Outcome::Garbled,
            Reason::NotAllowed
            | Reason::Expired
            | Reason::NotConfigured
            | Reason::Unsupported
            | Reason::Refused
            | Reason::OverBudget
            | Reason::Uncertain
            | Reason::NotTheirs
            | Reason::Denied(_) => Outcome::Denied,
        }
    }

    fn uncertain(self) -> Self {
        let detail = format!("nobody knows whether it is done: {:?}, {}", self.reason, self.detail);
        Self { reason: Reason::Uncertain, detail, code: None, retry_after: None, ..self }
    }
}

/// The reads that one operation made, in the order in which they ended, for explain and logs; and what it may spend.
#[derive(Clone, Debug)]
pub struct Calls {
    made: Arc<Mutex<Vec<CallMade>>>,
    budget: Budget,
}

impl Default for Calls {
    fn default() -> Self {
        Self::within(Budget::calls(usize::MAX))
    }
}

/// One read that an operation made.
#[derive(Clone, Debug)]
pub struct CallMade {
    /// Who was read.
    pub provider: Provider,
    /// How it went.
    pub call: upstream::Call,
    /// What the provider's own envelope said of it: OneAll's date and status.
    pub note: Option<String>,
}

impl Calls {
    /// The calls of an operation that may spend this.
    pub fn within(budget: Budget) -> Self {
        Self { made: Arc::default(), budget }
    }

    /// The same calls, past what was read before.
    pub fn live(&self) -> Self {
        Self { made: self.made.clone(), budget: self.budget.with(Freshness::Live) }
    }

    /// For a live read that the operation needs beside those that it asks for: it takes none of their calls, and is counted and
    /// told with them.
    pub fn beside(&self) -> Self {
        Self { made: self.made.clone(), budget: self.budget.beside() }
    }

    /// The same calls, as a part of this trace.
    pub fn traced(self, trace: Trace) -> Self {
        Self { budget: self.budget.traced(trace), ..self }
    }

    /// The same calls, for this payer: a number that stands for whoever asks, the same in all of their operations.
    pub fn paid_by(self, payer: u64) -> Self {
        Self { budget: self.budget.paid_by(payer), ..self }
    }

    /// The trace that they belong to.
    pub fn trace(&self) -> Option<Trace> {
        self.budget.trace()
    }

    /// Whether what was read before will do.
    pub fn takes_kept(&self) -> bool {
        self.budget.freshness() == Freshness::Kept
    }

    /// Reads within what the operation may spend, and tells the log if there is no answer. None: there is no such thing.
    ///
    /// # Errors
    /// The provider's, or that the calls or the time are spent.
    pub async fn read<T: Keep>(
        &self,
        provider: Provider,
        upstream: &Arc<Upstream<Error>>,
        read: &Read<'_>,
        judge: impl Fn(&Reply) -> Judged<T, Error> + Send + Sync + 'static,
    ) -> Answer<T> {
        // On the heap: a resolver holds the futures of all the reads it can make, and they lie on the stack one in another.
        let (call, note, answer) = Box::pin(upstream.read(read, &self.budget, judge)).await;
        if let Err(error) = &answer {
            error.tell(&call);
        }
        self.record(CallMade { provider, call, note });
        answer
    }

    /// Writes, at most once, within what the operation may spend, and tells the log if it did not go well. `told` is told how
    /// it ended, also if the operation is given up meanwhile.
    ///
    /// # Errors
    /// The provider's; that nobody knows whether it is done; or that the calls or the time are spent.
    pub async fn write(
        &self,
        provider: Provider,
        upstream: &Arc<Upstream<Error>>,
        write: &Write<'_>,
        judge: impl FnOnce(&Reply) -> Said<Error> + Send + 'static,
        told: impl FnOnce(Ended) + Send + 'static,
    ) -> Result<Done, Error> {
        let (call, note, done) = Box::pin(upstream.send(write, &self.budget, judge, told)).await;
        if let Err(error) = &done {
            error.tell(&call);
        }
        self.record(CallMade { provider, call, note });
        done
    }

    /// What was read before, if it is fresh and will do; within, none: there is no such thing.
    pub fn peek<T: Keep>(
        &self,
        provider: Provider,
        upstream: &Upstream<Error>,
        read: &Read<'_>,
    ) -> Option<Option<Arc<T>>> {
        if !self.takes_kept() {
            return None;
        }
        let (call, noun) = upstream.peek(read)?;
        self.record(CallMade { provider, call, note: None });
        Some(noun)
    }

    /// How many calls were begun, those that are still under way and those that were given up included.
    pub fn begun(&self) -> usize {
        self.budget.begun()
    }

    /// Adds one, and tells the log of it; neither a path nor a query holds a secret.
    fn record(&self, made: CallMade) {
        let CallMade { provider, call, note } = &made;
        tracing::debug!(
            provider = provider.name(),
            method = call.method,
            target = call.target,
            verdict = call.verdict.as_str(),
            attempts = call.attempts,
            status = call.status,
            error = ?call.error,
            milliseconds = u64::try_from(call.took.as_millis()).unwrap_or(u64::MAX),
            bytes = call.bytes,
            note,
            "read"
        );
        self.made.lock().unwrap_or_else(PoisonError::into_inner).push(made);
    }

    /// All so far.
    pub fn list(&self) -> Vec<CallMade> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

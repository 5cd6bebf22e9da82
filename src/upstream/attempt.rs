//! The attempts of one read: the policies that each passes, what its reply means, and whether another follows.
//!
//! An attempt passes the credential's throttle, the breaker, the queues and the rate limit before it is sent. Every
//! permit is released however the attempt ends, also when nobody waits for it any more.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};
use url::Url;

use crate::metrics::Metrics;
use crate::upstream::budget::CallReservation;
use crate::upstream::cache::key::Key;
use crate::upstream::client::Upstream;
use crate::upstream::error::Error;
use crate::upstream::outcome::{Failure, Outcome, ReadOutcome};
use crate::upstream::policy::deadline::Deadline;
use crate::upstream::policy::queue::Queue;
use crate::upstream::policy::retry::{self, FinishedAttempt};
use crate::upstream::policy::throttle::CredentialState;
use crate::upstream::reply::{Cacheable, CachedValue, Decoded, Interpreted, Reply};
use crate::upstream::request::OwnedCredential;
use crate::upstream::trace::Trace;

/// One read in flight, and everything that its attempts need.
pub struct Attempts<'a, E: Clone> {
    /// The client of the host.
    pub upstream: &'a Upstream<E>,
    /// The URL.
    pub url: &'a Url,
    /// The credential that is sent.
    pub credential: &'a OwnedCredential,
    /// Whether the credential is throttled.
    pub credential_state: &'a Arc<CredentialState>,
    /// The queue of this credential or caller, before the queue of the host.
    pub own_queue: &'a Queue,
    /// The cache key.
    pub key: &'a Key,
    /// Who makes the call, if known.
    pub caller: Option<u64>,
    /// The trace that the calls belong to.
    pub trace: Option<Trace>,
    /// How long the read may go on.
    pub deadline: &'a Deadline,
    /// The budget that the attempts are charged to.
    pub reservation: &'a CallReservation,
}

/// A call that was sent. It is counted when dropped, so also when nobody waits for it any more.
pub struct SentCall<'a> {
    /// Where it is counted.
    pub metrics: &'a Metrics,
    /// The provider's name.
    pub provider: &'static str,
    /// When it was sent.
    pub began: Instant,
    /// Its outcome, as metrics show it.
    pub outcome: &'static str,
}

impl Drop for SentCall<'_> {
    fn drop(&mut self) {
        self.metrics.call(self.provider, self.outcome, self.began.elapsed());
    }
}

impl<E: Failure> Attempts<'_, E> {
    /// Retries until an attempt is conclusive, the retries are used up, or the deadline passes.
    pub async fn run<T: Cacheable>(
        &self,
        interpret: impl Fn(&Reply) -> Interpreted<Option<Decoded<T>>, E>,
    ) -> ReadOutcome<E> {
        let mut last = None;
        let mut number = 1;
        loop {
            let tried = match self.attempt(number, &interpret).await {
                Ok(tried) => tried,
                // Nothing was sent. The previous attempt's outcome says more than that there was no permit for this one.
                Err(error) => {
                    let earlier = last.filter(|_| matches!(error, Error::QueueFull | Error::TimedOut));
                    return earlier.unwrap_or_else(|| self.upstream.failed(error, number - 1));
                }
            };
            let Some(wait) = self.backoff(number, tried.outcome) else { return tried };
            sleep(wait).await;
            last = Some(tried);
            number += 1;
        }
    }

    /// Returns the wait before the next attempt, or `None` if there is none.
    ///
    /// The host's retry budget is charged last, so a retry that could not be sent costs nothing.
    fn backoff(&self, number: u32, outcome: Outcome) -> Option<Duration> {
        let Upstream { settings, host, rng, metrics, provider, .. } = self.upstream;
        let now = Instant::now();
        let attempt = FinishedAttempt { number, outcome, now, last_send: self.deadline.last_send() };
        let wait = retry::backoff(attempt, settings.retries_max, rng())?;
        let then = now + wait;
        let is_blocked = self.credential_state.check(then).is_err() || host.check(then).is_err();
        let may_retry = !is_blocked && self.reservation.reserve() && host.take_retry(now);
        may_retry.then(|| {
            metrics.retry(provider);
            wait
        })
    }

    /// Makes one attempt: throttle, breaker, queues, rate limit, transport.
    ///
    /// # Errors
    /// Why nothing was sent.
    async fn attempt<T: Cacheable>(
        &self,
        number: u32,
        interpret: impl Fn(&Reply) -> Interpreted<Option<Decoded<T>>, E>,
    ) -> Result<ReadOutcome<E>, Error> {
        let Upstream { settings, host, transport, metrics, provider, .. } = self.upstream;
        self.credential_state.check(Instant::now())?;
        host.check(Instant::now())?;
        let permit = host.acquire(self.own_queue, self.deadline).await?;
        // During the wait, another call may have opened the breaker or been throttled.
        self.credential_state.check(Instant::now())?;
        let began = Instant::now();
        let admitted = host.admit(self.key.credential(), self.caller, began)?;
        self.reservation.mark_sent();
        self.deadline.count_call();
        if number == 1 {
            host.count_first_attempt(began);
        }
        let trace = self.trace.map(|trace| trace.with_span((self.upstream.rng)()));
        let mut sent = SentCall { metrics, provider, began, outcome: "given_up" };
        let call = transport.get(self.url, self.credential.borrow(), trace);
        let call = timeout_at(began + Duration::from_millis(settings.attempt_timeout_ms), call);
        let reply = self.deadline.run_until_end(call).await;
        drop(permit);
        let was_cut_short = reply.is_none();
        let reply = reply.and_then(Result::ok).unwrap_or(Err(Error::TimedOut));
        let outcome = self.interpret(number, reply, interpret);
        let now = Instant::now();
        sent.outcome = outcome.outcome.as_str();
        drop(sent);
        if let Outcome::Throttled(wait) = outcome.outcome {
            self.credential_state.throttle(wait, now);
        }
        match was_cut_short {
            true => admitted.report_cut_short(now),
            false => admitted.report(outcome.outcome, now),
        }
        Ok(outcome)
    }

    /// Returns what an attempt came to.
    fn interpret<T: Cacheable>(
        &self,
        attempts: u32,
        reply: Result<Reply, Error>,
        interpret: impl Fn(&Reply) -> Interpreted<Option<Decoded<T>>, E>,
    ) -> ReadOutcome<E> {
        let reply = match reply {
            Ok(reply) => reply,
            Err(error) => return self.upstream.failed(error, attempts),
        };
        let Interpreted { result, note } = interpret(&reply);
        let (result, outcome, ttl) = match result {
            Ok(Some(Decoded { value, ttl })) => (Ok(Some(Arc::new(value) as CachedValue)), Outcome::Ok, ttl),
            Ok(None) => (Ok(None), Outcome::Absent, None),
            Err(error) => {
                let outcome = error.outcome();
                (Err(error), outcome, None)
            }
        };
        ReadOutcome { result, outcome, ttl, attempts, status: Some(reply.status), bytes: reply.body.len(), note }
    }
}

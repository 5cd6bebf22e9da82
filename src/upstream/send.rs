//! A write, sent at most once: no other attempt, no flight that is shared, nothing kept.
//!
//! It passes the credential's standing, the breaker and a turn, as a read does. Until then it can be given up, and then
//! nothing was sent. From then on it runs to its end in a task of its own, whoever waits for it or has left, for to break it
//! off would leave nobody knowing what it came to; the host's settings bound how long that takes. However it ends, it is
//! noted among the host's changes, against which all that is kept is held. If no answer comes that says what became of it, that is what is told: it is
//! never sent again.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout_at};
use tracing::Instrument;

use super::budget::Charge;
use super::call::Call;
use super::changes::Change;
use super::line::Line;
use super::until::Until;
use super::way::{Carried, Sent};
use super::write::{Done, Ended, Method, Order, Said, Shown, Unanswered, Write};
use super::{Budget, Error, Failure, Outcome, Read, Ready, Reply, Trace, Upstream, Verdict, address};

/// Whether a write has begun to be sent: decided once, between who sends it and who gives it up.
#[derive(Debug, Default)]
struct Gate(AtomicU8);

const WAITS: u8 = 0;
const IS_SENT: u8 = 1;
const IS_GIVEN_UP: u8 = 2;

impl Gate {
    /// Passes the gate one way, if nobody has passed it the other.
    fn pass(&self, to: u8) -> bool {
        let passed = self.0.compare_exchange(WAITS, to, Ordering::AcqRel, Ordering::Acquire);
        passed.map_or_else(|there| there == to, |_| true)
    }

    fn is_sent(&self) -> bool {
        self.0.load(Ordering::Acquire) == IS_SENT
    }
}

/// Whoever waits for a write. When they leave before it is sent, it is given up.
struct Waiting {
    gate: Arc<Gate>,
    task: AbortHandle,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if self.gate.pass(IS_GIVEN_UP) {
            self.task.abort();
        }
    }
}

/// What a write came to.
struct Landing<E> {
    result: Result<Done, E>,
    ended: Ended,
    error: Option<Error>,
    status: Option<u16>,
    bytes: usize,
    note: Option<String>,
}

/// A write on its way.
struct Flying<E: Clone> {
    upstream: Arc<Upstream<E>>,
    ready: Ready,
    order: Order,
    credential: Carried,
    own: Arc<Line>,
    until: Until,
    trace: Option<Trace>,
    gate: Arc<Gate>,
}

/// What has to be done when a write is over, however it ends: what it may have changed is noted, it is counted, and
/// whoever wants to know is told.
struct Closing<E: Clone, F: FnOnce(Ended)> {
    upstream: Arc<Upstream<E>>,
    method: Method,
    change: Change,
    gate: Arc<Gate>,
    ended: Option<Ended>,
    told: Option<F>,
}

impl<E: Clone, F: FnOnce(Ended)> Drop for Closing<E, F> {
    fn drop(&mut self) {
        let Upstream { cache, metrics, provider, .. } = &*self.upstream;
        let broken_off = if self.gate.is_sent() { Ended::Uncertain } else { Ended::Unsent };
        let ended = self.ended.unwrap_or(broken_off);
        cache.note(Change { ended, ..self.change.clone() });
        metrics.write(provider, self.method.as_str(), ended.as_str());
        if let Some(told) = self.told.take() {
            told(ended);
        }
    }
}

impl<E: Failure> Upstream<E> {
    /// Sends a write, at most once. `judge` says what the answer means; `told` is told how it ended, also when whoever asked
    /// for it has left. It is described whether or not it went well.
    pub async fn send(
        self: &Arc<Self>,
        write: &Write<'_>,
        budget: &Budget,
        judge: impl FnOnce(&Reply) -> Said<E> + Send + 'static,
        told: impl FnOnce(Ended) + Send + 'static,
    ) -> (Call, Option<String>, Result<Done, E>) {
        let start = Instant::now();
        let flying = self.make_ready(write, budget, start);
        let closing = Closing {
            upstream: self.clone(),
            method: write.method,
            change: self.change(write, &flying.ready),
            gate: flying.gate.clone(),
            ended: None,
            told: Some(told),
        };
        let mut call = Call::of_write(&flying.ready.target, write.method);
        let landing = match budget.take(start) {
            Ok(charge) => self.launch(flying, charge, closing, budget, judge).await,
            Err(error) => self.unsent(error),
        };
        (call.status, call.bytes, call.error) = (landing.status, landing.bytes, landing.error);
        (call.attempts, call.took) = (u32::from(landing.ended != Ended::Unsent), start.elapsed());
        call.verdict = if landing.ended == Ended::Unsent { Verdict::Refused } else { Verdict::Sent };
        call.why = match landing.ended {
            Ended::Unsent => "it was not sent",
            Ended::Uncertain => "sent once; nobody knows whether it is done",
            _ => "sent once",
        };
        (call, landing.note, landing.result)
    }

    fn make_ready(self: &Arc<Self>, write: &Write<'_>, budget: &Budget, now: Instant) -> Flying<E> {
        let Write { path, query, credential, reader, .. } = *write;
        let mut ready = self.prepare::<()>(&Read { path, query, masked: false, credential, reader }, now);
        if let Some(token) = write.masked.and_then(|at| path.get(at)) {
            let mask = self.memory.fingerprints.mask(token);
            let path: Vec<&str> = path.iter().map(|part| if part == token { &mask } else { *part }).collect();
            ready.target = address::locate(&self.base, &path, query)[url::Position::BeforePath..].to_owned();
        }
        Flying {
            upstream: self.clone(),
            order: Order { method: write.method, url: ready.url.clone(), body: write.body.carried() },
            own: self.credentials.line(ready.key.credential(), budget.payer()),
            until: Until::new(&self.settings, now, budget.deadline()),
            ready,
            credential: Carried::from(credential),
            trace: budget.trace(),
            gate: Arc::default(),
        }
    }

    /// What it may change, as long as nobody knows how it ends.
    fn change(&self, write: &Write<'_>, ready: &Ready) -> Change {
        let located = |paths: &[&[&str]]| {
            let paths = paths.iter().map(|path| address::locate(&self.base, path, &[]).path().to_owned());
            paths.collect()
        };
        let Shown { own, common, about } = write.shown;
        Change {
            writer: ready.key.whose(),
            own: located(own),
            common: located(common),
            about: about.iter().map(|token| (*token).to_owned()).collect(),
            ended: Ended::Uncertain,
        }
    }

    /// Sends it in a task of its own and waits for that, as long as the operation may.
    async fn launch(
        &self,
        flying: Flying<E>,
        charge: Charge,
        mut closing: Closing<E, impl FnOnce(Ended) + Send + 'static>,
        budget: &Budget,
        judge: impl FnOnce(&Reply) -> Said<E> + Send + 'static,
    ) -> Landing<E> {
        let (gate, change) = (flying.gate.clone(), closing.change.clone());
        let sending = async move {
            let landing = flying.send(charge, judge).await.unwrap_or_else(|error| flying.upstream.unsent(error));
            closing.ended = Some(landing.ended);
            // Whoever reads once this is answered finds nothing from before.
            drop(closing);
            landing
        };
        let task = self.writes.spawn(sending.in_current_span());
        let _waiting = Waiting { gate: gate.clone(), task: task.abort_handle() };
        match budget.wait(task).await {
            Ok(Ok(landing)) => landing,
            // The time is up, or the task broke: what is not sent by now never is.
            _ if gate.pass(IS_GIVEN_UP) => self.unsent(Error::TimedOut),
            _ => {
                // Whoever is told to read again finds nothing from before; how it ends is noted once more.
                self.cache.note(change);
                self.unknown(Error::TimedOut)
            }
        }
    }

    fn unsent(&self, error: Error) -> Landing<E> {
        let result = Err((self.explain)(error));
        Landing { result, ended: Ended::Unsent, error: Some(error), status: None, bytes: 0, note: None }
    }

    fn unknown(&self, error: Error) -> Landing<E> {
        let result = Err((self.explain)(error).uncertain());
        Landing { result, ended: Ended::Uncertain, ..self.unsent(error) }
    }
}

impl<E: Failure> Flying<E> {
    /// The credential's standing, the breaker, a turn, the transport.
    ///
    /// # Errors
    /// Why nothing was sent.
    async fn send(&self, charge: Charge, judge: impl FnOnce(&Reply) -> Said<E>) -> Result<Landing<E>, Error> {
        let Upstream { settings, host, transport, metrics, provider, .. } = &*self.upstream;
        let standing = &self.ready.standing;
        standing.check(Instant::now())?;
        host.check(Instant::now())?;
        let turn = host.turn(&self.own, &self.until).await?;
        // While this waited for its turn, another may have found the host in trouble or the credential shut out.
        standing.check(Instant::now())?;
        let admitted = host.admit(self.ready.key.credential(), None, Instant::now())?;
        if !self.gate.pass(IS_SENT) {
            return Err(Error::TimedOut);
        }
        charge.sent();
        let began = Instant::now();
        host.earn(began);
        let until = began + Duration::from_millis(settings.write_timeout_ms);
        let trace = self.trace.map(|trace| trace.call((self.upstream.dice)()));
        let mut sent = Sent { metrics, provider, began, outcome: "given_up" };
        let reply = timeout_at(until, transport.send(&self.order, self.credential.show(), trace)).await;
        drop(turn);
        let (landing, outcome) = self.judge(reply.unwrap_or(Err(Unanswered::sent(Error::TimedOut))), judge);
        sent.outcome = outcome.as_str();
        drop(sent);
        let now = Instant::now();
        match outcome {
            Outcome::Throttled(wait) => standing.shut_out(wait, now),
            Outcome::Refused => self.upstream.cache.forget(&self.ready.key, standing),
            _ => {}
        }
        admitted.report(outcome, now);
        Ok(landing)
    }

    /// What the answer, or that there is none, says of the write.
    fn judge(&self, reply: Result<Reply, Unanswered>, judge: impl FnOnce(&Reply) -> Said<E>) -> (Landing<E>, Outcome) {
        let reply = match reply {
            Ok(reply) => reply,
            Err(Unanswered { error, sent: false }) => return (self.upstream.unsent(error), Outcome::Lost(error)),
            Err(Unanswered { error, sent: true }) => return (self.upstream.unknown(error), Outcome::Lost(error)),
        };
        let Said { result, note } = judge(&reply);
        let (result, outcome, ended) = match result {
            Ok(Done::Changed) => (Ok(Done::Changed), Outcome::Good, Ended::Done),
            Ok(Done::Absent) => (Ok(Done::Absent), Outcome::Absent, Ended::Absent),
            Err(error) => match error.outcome() {
                outcome if outcome.spares() => (Err(error), outcome, Ended::Refused),
                outcome => (Err(error.uncertain()), outcome, Ended::Uncertain),
            },
        };
        (Landing { result, ended, error: None, status: Some(reply.status), bytes: reply.body.len(), note }, outcome)
    }
}

#[cfg(test)]
mod tests;

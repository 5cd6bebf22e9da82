//! The path of a write: sent at most once, never retried, never shared, never cached.
//!
//! A write passes the same policies as a read. Until it is sent it can be given up, and then nothing was sent. Once sent,
//! it runs to its end in a task of its own, even if the client disconnects: aborting it would leave its result unknown.
//! The write timeout bounds that. However it ends, it is recorded as an invalidation. If no reply says what became of it,
//! the caller learns that the result is uncertain.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout_at};
use tracing::Instrument;
use url::Position;

use crate::upstream::attempt::SentCall;
use crate::upstream::budget::{Budget, CallReservation};
use crate::upstream::cache::invalidation::Invalidation;
use crate::upstream::call::{Call, Verdict};
use crate::upstream::client::{PreparedRead, Upstream};
use crate::upstream::error::{Error, SendError};
use crate::upstream::net::base_url::join_path;
use crate::upstream::outcome::{Failure, Outcome, WriteStatus};
use crate::upstream::policy::deadline::Deadline;
use crate::upstream::policy::queue::Queue;
use crate::upstream::reply::{Interpreted, Reply, WriteReply};
use crate::upstream::request::{AffectedPaths, Method, OutgoingRequest, OwnedCredential, Read, Write};
use crate::upstream::trace::Trace;

/// Whether a write is sent or given up. Sender and waiter race for it, and exactly one wins.
#[derive(Debug, Default)]
struct SendGate(AtomicU8);

const UNDECIDED: u8 = 0;
const SENT: u8 = 1;
const GIVEN_UP: u8 = 2;

impl SendGate {
    /// Decides for `choice`. Returns whether that is the decision.
    fn decide(&self, choice: u8) -> bool {
        let previous = self.0.compare_exchange(UNDECIDED, choice, Ordering::AcqRel, Ordering::Acquire);
        previous.map_or_else(|decided| decided == choice, |_| true)
    }

    fn is_sent(&self) -> bool {
        self.0.load(Ordering::Acquire) == SENT
    }
}

/// Gives up a write that is not sent yet, when its waiter is dropped.
struct CancelOnDrop {
    gate: Arc<SendGate>,
    task: AbortHandle,
}

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        if self.gate.decide(GIVEN_UP) {
            self.task.abort();
        }
    }
}

/// What a write came to.
struct WriteOutcome<E> {
    result: Result<WriteReply, E>,
    status: WriteStatus,
    error: Option<Error>,
    http_status: Option<u16>,
    bytes: usize,
    note: Option<String>,
}

/// A write that is ready to be sent.
struct PendingWrite<E: Clone> {
    upstream: Arc<Upstream<E>>,
    prepared: PreparedRead,
    request: OutgoingRequest,
    credential: OwnedCredential,
    own_queue: Arc<Queue>,
    deadline: Deadline,
    trace: Option<Trace>,
    gate: Arc<SendGate>,
}

/// Runs when a write ends, however it ends: records the invalidation, counts the write, and reports its status.
struct WriteGuard<E: Clone, F: FnOnce(WriteStatus)> {
    upstream: Arc<Upstream<E>>,
    method: Method,
    invalidation: Invalidation,
    gate: Arc<SendGate>,
    status: Option<WriteStatus>,
    on_end: Option<F>,
}

impl<E: Clone, F: FnOnce(WriteStatus)> Drop for WriteGuard<E, F> {
    fn drop(&mut self) {
        let Upstream { cache, metrics, provider, .. } = &*self.upstream;
        let if_aborted = if self.gate.is_sent() { WriteStatus::Uncertain } else { WriteStatus::Unsent };
        let status = self.status.unwrap_or(if_aborted);
        cache.invalidate(Invalidation { status, ..self.invalidation.clone() });
        metrics.write(provider, self.method.as_str(), status.as_str());
        if let Some(on_end) = self.on_end.take() {
            on_end(status);
        }
    }
}

impl<E: Failure> Upstream<E> {
    /// Sends a write, at most once.
    ///
    /// `interpret` says what the reply means. `on_end` receives the final status, also after the client has
    /// disconnected. The [`Call`] and the envelope's note are returned whether or not the write succeeded.
    pub async fn write(
        self: &Arc<Self>,
        write: &Write<'_>,
        budget: &Budget,
        interpret: impl FnOnce(&Reply) -> Interpreted<WriteReply, E> + Send + 'static,
        on_end: impl FnOnce(WriteStatus) + Send + 'static,
    ) -> (Call, Option<String>, Result<WriteReply, E>) {
        let start = Instant::now();
        let pending = self.prepare_write(write, budget, start);
        let guard = WriteGuard {
            upstream: self.clone(),
            method: write.method,
            invalidation: self.invalidation(write, &pending.prepared),
            gate: pending.gate.clone(),
            status: None,
            on_end: Some(on_end),
        };
        let mut call = Call::for_write(&pending.prepared.target, write.method);
        let outcome = match budget.reserve(start) {
            Ok(reservation) => self.send_in_task(pending, reservation, guard, budget, interpret).await,
            Err(error) => self.unsent(error),
        };
        let is_sent = outcome.status != WriteStatus::Unsent;
        call.status = outcome.http_status;
        call.bytes = outcome.bytes;
        call.error = outcome.error;
        call.attempts = u32::from(is_sent);
        call.took = start.elapsed();
        call.verdict = if is_sent { Verdict::Sent } else { Verdict::Refused };
        call.why = match outcome.status {
            WriteStatus::Unsent => "it was not sent",
            WriteStatus::Uncertain => "sent once; the result is unknown",
            _ => "sent once",
        };
        (call, outcome.note, outcome.result)
    }

    fn prepare_write(self: &Arc<Self>, write: &Write<'_>, budget: &Budget, now: Instant) -> PendingWrite<E> {
        let Write { path, query, credential, reader, .. } = *write;
        let mut prepared = self.prepare::<()>(&Read { path, query, masked: false, credential, reader }, now);
        if let Some(token) = write.masked.and_then(|index| path.get(index)) {
            let mask = self.host_state.fingerprinter.mask(token);
            let path: Vec<&str> = path.iter().map(|part| if part == token { &mask } else { *part }).collect();
            prepared.target = join_path(&self.base, &path, query)[Position::BeforePath..].to_owned();
        }
        PendingWrite {
            upstream: self.clone(),
            request: OutgoingRequest { method: write.method, url: prepared.url.clone(), body: write.body.encode() },
            own_queue: self.credentials.queue(prepared.key.credential(), budget.caller()),
            deadline: Deadline::new(&self.settings, now, budget.deadline()),
            prepared,
            credential: OwnedCredential::from(credential),
            trace: budget.trace(),
            gate: Arc::default(),
        }
    }

    /// Returns the invalidation of a write whose result is not known yet.
    fn invalidation(&self, write: &Write<'_>, prepared: &PreparedRead) -> Invalidation {
        let absolute = |paths: &[&[&str]]| {
            let paths = paths.iter().map(|path| join_path(&self.base, path, &[]).path().to_owned());
            paths.collect()
        };
        let AffectedPaths { per_caller, shared, references } = write.affects;
        Invalidation {
            writer: prepared.key.owner(),
            per_caller: absolute(per_caller),
            shared: absolute(shared),
            references: references.iter().map(|token| (*token).to_owned()).collect(),
            status: WriteStatus::Uncertain,
        }
    }

    /// Sends the write in a task of its own, and waits for that until the operation's deadline.
    async fn send_in_task(
        &self,
        pending: PendingWrite<E>,
        reservation: CallReservation,
        mut guard: WriteGuard<E, impl FnOnce(WriteStatus) + Send + 'static>,
        budget: &Budget,
        interpret: impl FnOnce(&Reply) -> Interpreted<WriteReply, E> + Send + 'static,
    ) -> WriteOutcome<E> {
        let gate = pending.gate.clone();
        let invalidation = guard.invalidation.clone();
        let sending = async move {
            let sent = pending.send(reservation, interpret).await;
            let outcome = sent.unwrap_or_else(|error| pending.upstream.unsent(error));
            guard.status = Some(outcome.status);
            // The invalidation is recorded before the caller learns the result, so its next read is not stale.
            drop(guard);
            outcome
        };
        let task = self.writes.spawn(sending.in_current_span());
        let _cancel = CancelOnDrop { gate: gate.clone(), task: task.abort_handle() };
        match budget.run_until_deadline(task).await {
            Ok(Ok(outcome)) => outcome,
            // The deadline passed or the task panicked. If nothing was sent so far, nothing will be.
            _ if gate.decide(GIVEN_UP) => self.unsent(Error::TimedOut),
            _ => {
                // The caller will read again, and must not see older entries. The task records the final status later.
                self.cache.invalidate(invalidation);
                self.uncertain(Error::TimedOut)
            }
        }
    }

    fn unsent(&self, error: Error) -> WriteOutcome<E> {
        let result = Err((self.map_error)(error));
        let status = WriteStatus::Unsent;
        WriteOutcome { result, status, error: Some(error), http_status: None, bytes: 0, note: None }
    }

    fn uncertain(&self, error: Error) -> WriteOutcome<E> {
        let result = Err((self.map_error)(error).uncertain());
        WriteOutcome { result, status: WriteStatus::Uncertain, ..self.unsent(error) }
    }
}

impl<E: Failure> PendingWrite<E> {
    /// Passes throttle, breaker, queues and rate limit, then sends.
    ///
    /// # Errors
    /// Why nothing was sent.
    async fn send(
        &self,
        reservation: CallReservation,
        interpret: impl FnOnce(&Reply) -> Interpreted<WriteReply, E>,
    ) -> Result<WriteOutcome<E>, Error> {
        let Upstream { settings, host, transport, metrics, provider, .. } = &*self.upstream;
        let credential_state = &self.prepared.credential_state;
        credential_state.check(Instant::now())?;
        host.check(Instant::now())?;
        let permit = host.acquire(&self.own_queue, &self.deadline).await?;
        // During the wait, another call may have opened the breaker or been throttled.
        credential_state.check(Instant::now())?;
        let admitted = host.admit(self.prepared.key.credential(), None, Instant::now())?;
        if !self.gate.decide(SENT) {
            return Err(Error::TimedOut);
        }
        reservation.mark_sent();
        let began = Instant::now();
        host.count_first_attempt(began);
        let timeout = began + Duration::from_millis(settings.write_timeout_ms);
        let trace = self.trace.map(|trace| trace.with_span((self.upstream.rng)()));
        let mut sent = SentCall { metrics, provider, began, outcome: "given_up" };
        let reply = timeout_at(timeout, transport.send(&self.request, self.credential.borrow(), trace)).await;
        drop(permit);
        let reply = reply.unwrap_or(Err(SendError::sent(Error::TimedOut)));
        let (written, outcome) = self.interpret(reply, interpret);
        sent.outcome = outcome.as_str();
        drop(sent);
        let now = Instant::now();
        match outcome {
            Outcome::Throttled(wait) => credential_state.throttle(wait, now),
            Outcome::Refused => self.upstream.cache.evict_credential(&self.prepared.key, credential_state),
            _ => {}
        }
        admitted.report(outcome, now);
        Ok(written)
    }

    /// Returns what the reply, or the lack of one, says about the write.
    fn interpret(
        &self,
        reply: Result<Reply, SendError>,
        interpret: impl FnOnce(&Reply) -> Interpreted<WriteReply, E>,
    ) -> (WriteOutcome<E>, Outcome) {
        let reply = match reply {
            Ok(reply) => reply,
            Err(SendError { error, sent: false }) => return (self.upstream.unsent(error), Outcome::Failed(error)),
            Err(SendError { error, sent: true }) => return (self.upstream.uncertain(error), Outcome::Failed(error)),
        };
        let Interpreted { result, note } = interpret(&reply);
        let (result, outcome, status) = match result {
            Ok(WriteReply::Changed) => (Ok(WriteReply::Changed), Outcome::Ok, WriteStatus::Done),
            Ok(WriteReply::Absent) => (Ok(WriteReply::Absent), Outcome::Absent, WriteStatus::Absent),
            Err(error) => match error.outcome() {
                outcome if outcome.proves_unchanged() => (Err(error), outcome, WriteStatus::Refused),
                outcome => (Err(error.uncertain()), outcome, WriteStatus::Uncertain),
            },
        };
        let http_status = Some(reply.status);
        (WriteOutcome { result, status, error: None, http_status, bytes: reply.body.len(), note }, outcome)
    }
}

#[cfg(test)]
mod tests;

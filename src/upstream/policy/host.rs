//! The policies of one host that all calls share: breaker, queues, rate limit and retry budget.
//!
//! Each caller has a few permits and a queue of its own, and enters the host's queue only with one of those permits. So
//! of one caller's hundred reads only a few are in the host's queue, and other callers wait behind those few.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::SemaphorePermit;
use tokio::time::{Instant, sleep};

use crate::upstream::cache::key::Fingerprint;
use crate::upstream::error::Error;
use crate::upstream::outcome::{Health, Outcome};
use crate::upstream::policy::breaker::{Breaker, BreakerPermit, CallerKey, Circuit};
use crate::upstream::policy::deadline::Deadline;
use crate::upstream::policy::queue::Queue;
use crate::upstream::policy::rate::{Rate, RateSlot};
use crate::upstream::policy::retry::RetryBudget;
use crate::upstream::settings::Settings;

/// A call is slow after this fraction of the attempt timeout.
const SLOW_DIVISOR: u32 = 2;

/// The policies of one host, shared by all its callers.
#[derive(Debug)]
pub struct HostPolicies {
    breaker: Arc<Mutex<Breaker>>,
    retry_budget: Mutex<RetryBudget>,
    rate: Mutex<Rate>,
    queue: Queue,
    waiting: AtomicUsize,
    slow: Duration,
}

/// The right to have one call in flight, until it is dropped.
#[derive(Debug)]
pub struct CallPermit<'a> {
    _own: SemaphorePermit<'a>,
    _host: SemaphorePermit<'a>,
}

/// A call that the breaker admitted.
///
/// Dropped without a report, its caller has abandoned it. If it was slow by then, that counts against the host.
#[derive(Debug)]
pub struct AdmittedCall<'a> {
    host: &'a HostPolicies,
    credential: Fingerprint,
    caller: Option<u64>,
    permit: Option<BreakerPermit>,
    since: Instant,
}

impl HostPolicies {
    /// The policies of a host, with a breaker that may be carried over.
    pub fn new(settings: &Settings, breaker: Arc<Mutex<Breaker>>, now: Instant) -> Self {
        Self {
            breaker,
            retry_budget: Mutex::new(RetryBudget::new(now)),
            rate: Mutex::new(Rate::new(settings.calls_per_second_max, settings.calls_burst_max, now)),
            queue: Queue::new(settings.concurrent_max, settings.waiting_max),
            waiting: AtomicUsize::new(0),
            slow: Duration::from_millis(settings.attempt_timeout_ms) / SLOW_DIVISOR,
        }
    }

    /// Returns the state of the breaker.
    pub fn circuit(&self, now: Instant) -> Circuit {
        lock(&self.breaker).circuit(now)
    }

    /// Whether the breaker would admit a call.
    ///
    /// # Errors
    /// [`Error::CircuitOpen`].
    pub fn check(&self, now: Instant) -> Result<(), Error> {
        lock(&self.breaker).check(now).map_err(Error::CircuitOpen)
    }

    /// Admits a call that has its permit.
    ///
    /// # Errors
    /// [`Error::CircuitOpen`].
    pub fn admit(&self, credential: Fingerprint, caller: Option<u64>, now: Instant) -> Result<AdmittedCall<'_>, Error> {
        let permit = lock(&self.breaker).admit(now).map_err(Error::CircuitOpen)?;
        Ok(AdmittedCall { host: self, credential, caller, permit: Some(permit), since: now })
    }

    /// Waits for a permit of the own queue, then one of the host's queue, then a slot of the rate limit.
    ///
    /// # Errors
    /// [`Error::QueueFull`], [`Error::CircuitOpen`], or [`Error::TimedOut`] if it is too late for a call.
    pub async fn acquire<'a>(&'a self, own_queue: &'a Queue, deadline: &Deadline) -> Result<CallPermit<'a>, Error> {
        let _waiting = WaitingGuard::new(self);
        let acquiring = async {
            let own = own_queue.acquire().await?;
            let host = self.queue.acquire().await?;
            // Once the breaker is open, nobody waits for the rate limit.
            self.check(Instant::now())?;
            self.wait_for_slot(deadline).await?;
            Ok(CallPermit { _own: own, _host: host })
        };
        deadline.run_until_last_send(acquiring).await.unwrap_or(Err(Error::TimedOut))
    }

    /// Waits for a slot of the rate limit. If the caller leaves before that, the slot is released.
    async fn wait_for_slot(&self, deadline: &Deadline) -> Result<(), Error> {
        let now = Instant::now();
        let wait_max = deadline.last_send().saturating_duration_since(now);
        let (slot, wait) = lock(&self.rate).reserve(now, wait_max).ok_or(Error::TimedOut)?;
        if !wait.is_zero() {
            let guard = RateSlotGuard { host: self, slot: Some(slot) };
            sleep(wait).await;
            guard.mark_used();
        }
        Ok(())
    }

    /// Counts a first attempt, which earns a share of a retry.
    pub fn count_first_attempt(&self, now: Instant) {
        lock(&self.retry_budget).count_first_attempt(now);
    }

    /// Takes a retry out of the host's retry budget. Returns whether there was one.
    pub fn take_retry(&self, now: Instant) -> bool {
        lock(&self.retry_budget).take_retry(now)
    }

    /// Returns the number of free permits and of waiting calls.
    pub fn load(&self) -> (usize, usize) {
        (self.queue.available(), self.waiting.load(Ordering::Relaxed))
    }
}

impl AdmittedCall<'_> {
    /// Reports what the call came to.
    pub fn report(mut self, outcome: Outcome, now: Instant) {
        match outcome {
            Outcome::Throttled(_) => lock(&self.host.breaker).record_throttled(self.credential, now),
            Outcome::Ok | Outcome::Absent => lock(&self.host.breaker).record_served(self.credential),
            _ => {}
        }
        self.return_permit(outcome.health(), now);
    }

    /// Reports that the deadline cut the call short. If the call was slow by then, that counts against the host.
    pub fn report_cut_short(mut self, now: Instant) {
        let health = if self.is_slow(now) { Health::Bad } else { Health::Unknown };
        self.return_permit(health, now);
    }

    fn is_slow(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.since) >= self.host.slow
    }

    fn return_permit(&mut self, health: Health, now: Instant) {
        if let Some(permit) = self.permit.take() {
            lock(&self.host.breaker).report(permit, health, now);
        }
    }
}

impl Drop for AdmittedCall<'_> {
    fn drop(&mut self) {
        let now = Instant::now();
        if !self.is_slow(now) {
            return self.return_permit(Health::Unknown, now);
        }
        if let Some(permit) = self.permit.take() {
            let caller = self.caller.map_or(CallerKey::Credential(self.credential), CallerKey::Caller);
            lock(&self.host.breaker).report_abandoned(permit, caller, now);
        }
    }
}

/// Counts a waiting call for the metrics.
struct WaitingGuard<'a>(&'a HostPolicies);

impl<'a> WaitingGuard<'a> {
    fn new(host: &'a HostPolicies) -> Self {
        host.waiting.fetch_add(1, Ordering::Relaxed);
        Self(host)
    }
}

impl Drop for WaitingGuard<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Releases a slot of the rate limit that was not used.
struct RateSlotGuard<'a> {
    host: &'a HostPolicies,
    slot: Option<RateSlot>,
}

impl RateSlotGuard<'_> {
    fn mark_used(mut self) {
        self.slot = None;
    }
}

impl Drop for RateSlotGuard<'_> {
    fn drop(&mut self) {
        if let Some(slot) = self.slot {
            lock(&self.host.rate).release(slot);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

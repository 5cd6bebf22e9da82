//! The budget of one operation: how many provider calls it may make, and until when.
//!
//! Each attempt that is sent is charged to the operation that started the read. What a policy refuses, and a read that
//! joins another's, cost nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::time::{Instant, timeout_at};

use crate::upstream::error::Error;
use crate::upstream::trace::Trace;

/// Whether a read may be answered from the cache.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CacheMode {
    /// Cached values may be used.
    #[default]
    Cached,
    /// The value must come from the host. Joining an equal read in flight is allowed.
    Live,
}

/// The budget of one operation. Clones share the count of calls.
#[derive(Clone, Debug)]
pub struct Budget {
    started: Arc<AtomicUsize>,
    /// Calls outside the limit; see [`Budget::auxiliary`].
    auxiliary: Arc<AtomicUsize>,
    max: usize,
    deadline: Option<Instant>,
    cache_mode: CacheMode,
    trace: Option<Trace>,
    caller: Option<u64>,
}

impl Budget {
    /// A budget of at most `max` calls, without a deadline.
    pub fn new(max: usize) -> Self {
        Self {
            started: Arc::default(),
            auxiliary: Arc::default(),
            max,
            deadline: None,
            cache_mode: CacheMode::default(),
            trace: None,
            caller: None,
        }
    }

    /// Sets the deadline.
    pub fn with_deadline(self, deadline: Instant) -> Self {
        Self { deadline: Some(deadline), ..self }
    }

    /// Returns the same budget with another cache mode.
    pub fn with_cache_mode(&self, cache_mode: CacheMode) -> Self {
        Self { cache_mode, ..self.clone() }
    }

    /// Sets the trace that the calls belong to.
    pub fn with_trace(self, trace: Trace) -> Self {
        Self { trace: Some(trace), ..self }
    }

    /// Sets the caller: a number that is the same in all operations of one caller.
    pub fn with_caller(self, caller: u64) -> Self {
        Self { caller: Some(caller), ..self }
    }

    /// Returns the budget for a live read that the gateway itself needs for the operation.
    ///
    /// It is counted in [`calls_started`](Self::calls_started), and is not limited by the operation's maximum.
    pub fn auxiliary(&self) -> Self {
        Self { started: self.auxiliary.clone(), max: usize::MAX, cache_mode: CacheMode::Live, ..self.clone() }
    }

    /// Returns the budget for a background revalidation: no deadline, and no cost for the operation.
    pub(super) fn for_revalidation(&self) -> Self {
        Self { started: Arc::default(), max: usize::MAX, deadline: None, ..self.clone() }
    }

    /// Returns the caller, if known.
    pub(super) fn caller(&self) -> Option<u64> {
        self.caller
    }

    /// Returns the trace that the calls belong to.
    pub fn trace(&self) -> Option<Trace> {
        self.trace
    }

    /// Returns the deadline, if there is one.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Returns whether cached values may be used.
    pub fn cache_mode(&self) -> CacheMode {
        self.cache_mode
    }

    /// Returns the number of calls that were sent or are reserved.
    pub fn calls_started(&self) -> usize {
        self.started.load(Ordering::Relaxed) + self.auxiliary.load(Ordering::Relaxed)
    }

    /// Reserves the first call of a read or write.
    ///
    /// # Errors
    /// If the budget is exhausted or the deadline has passed.
    pub(super) fn reserve(&self, now: Instant) -> Result<CallReservation, Error> {
        if self.deadline.is_some_and(|deadline| deadline <= now) {
            return Err(Error::TimedOut);
        }
        let started = self.started.clone();
        let reservation = CallReservation { started, max: self.max, is_reserved: AtomicBool::new(false) };
        if reservation.reserve() { Ok(reservation) } else { Err(Error::BudgetExhausted) }
    }

    /// Waits for `work` until the deadline.
    pub(super) async fn run_until_deadline<T>(&self, work: impl Future<Output = T>) -> Result<T, Error> {
        match self.deadline {
            Some(deadline) => timeout_at(deadline, work).await.map_err(|_| Error::TimedOut),
            None => Ok(work.await),
        }
    }
}

/// One read's share of a [`Budget`]. It holds at most one call that is not sent yet, and returns that when dropped.
#[derive(Debug)]
pub struct CallReservation {
    started: Arc<AtomicUsize>,
    max: usize,
    is_reserved: AtomicBool,
}

impl CallReservation {
    /// Reserves a call unless one is reserved already. Returns whether one is.
    pub fn reserve(&self) -> bool {
        if self.is_reserved.load(Ordering::Relaxed) {
            return true;
        }
        let has_room = self.started.fetch_add(1, Ordering::Relaxed) < self.max;
        if has_room {
            self.is_reserved.store(true, Ordering::Relaxed);
        } else {
            self.started.fetch_sub(1, Ordering::Relaxed);
        }
        has_room
    }

    /// Marks the reserved call as sent. It is not returned any more.
    pub fn mark_sent(&self) {
        self.is_reserved.store(false, Ordering::Relaxed);
    }
}

impl Drop for CallReservation {
    fn drop(&mut self) {
        if *self.is_reserved.get_mut() {
            self.started.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_budget_bounds_the_calls_and_the_time() {
        let now = Instant::now();
        let budget = Budget::new(2).with_deadline(now + Duration::from_secs(8));
        let live = budget.with_cache_mode(CacheMode::Live);
        let spent = |budget: &Budget| budget.reserve(now).map(|reservation| reservation.mark_sent()).err();
        assert_eq!([spent(&budget), spent(&live), spent(&budget)], [None, None, Some(Error::BudgetExhausted)]);
        let late = Budget::new(2).with_deadline(now);
        assert_eq!(spent(&late), Some(Error::TimedOut));
        assert_eq!(budget.run_until_deadline(std::future::pending::<()>()).await, Err(Error::TimedOut));
        assert_eq!(now.elapsed(), Duration::from_secs(8));
    }

    #[test]
    fn an_unsent_call_is_returned_to_the_budget() {
        let (budget, now) = (Budget::new(1), Instant::now());
        let reservation = budget.reserve(now).unwrap();
        assert!(reservation.reserve() && budget.reserve(now).is_err() && budget.calls_started() == 1);
        drop(reservation);
        let reservation = budget.reserve(now).unwrap();
        reservation.mark_sent();
        assert!(!reservation.reserve() && budget.calls_started() == 1);
        drop(reservation);
        assert_eq!(budget.calls_started(), 1);
    }
}

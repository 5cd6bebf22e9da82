//! What one operation may spend on its reads: how many calls, and until when.
//!
//! Charged is what is sent, each attempt by itself, to the operation that began the read. What is refused on the way to
//! the host, or joins another's read, costs nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::time::{Instant, timeout_at};

use super::{Error, Trace};

/// Whether what was read before will do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Freshness {
    /// What is kept will do, for as long as its kind lives.
    #[default]
    Kept,
    /// Only what the host says now, or is about to say to an equal read that is under way.
    Live,
}

/// What one operation may spend. Its copies share the count.
#[derive(Clone, Debug)]
pub struct Budget {
    begun: Arc<AtomicUsize>,
    /// How many were begun beside these.
    beside: Arc<AtomicUsize>,
    max: usize,
    deadline: Option<Instant>,
    freshness: Freshness,
    trace: Option<Trace>,
    payer: Option<u64>,
}

impl Budget {
    /// So many calls, without a deadline.
    pub fn calls(max: usize) -> Self {
        Self {
            begun: Arc::default(),
            beside: Arc::default(),
            max,
            deadline: None,
            freshness: Freshness::default(),
            trace: None,
            payer: None,
        }
    }

    /// The same, until this instant.
    pub fn until(self, deadline: Instant) -> Self {
        Self { deadline: Some(deadline), ..self }
    }

    /// The same calls until the same instant, with what was read before or without it.
    pub fn with(&self, freshness: Freshness) -> Self {
        Self { freshness, ..self.clone() }
    }

    /// The same, as a part of this trace.
    pub fn traced(self, trace: Trace) -> Self {
        Self { trace: Some(trace), ..self }
    }

    /// The same, for this payer: a number that stands for whoever asks, the same in all of their operations.
    pub fn paid_by(self, payer: u64) -> Self {
        Self { payer: Some(payer), ..self }
    }

    /// For a live read that the operation needs beside those that it asks for: it takes none of their calls, and is counted
    /// with them.
    pub fn beside(&self) -> Self {
        Self { begun: self.beside.clone(), max: usize::MAX, freshness: Freshness::Live, ..self.clone() }
    }

    /// Who pays, if that is known.
    pub(super) fn payer(&self) -> Option<u64> {
        self.payer
    }

    /// The trace that its calls belong to.
    pub fn trace(&self) -> Option<Trace> {
        self.trace
    }

    /// Until when it is to be spent, if there is an end.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// For a read behind an answer that is given already: nobody waits for it, so it has no deadline and costs the
    /// operation nothing.
    pub(super) fn behind(&self) -> Self {
        Self { begun: Arc::default(), max: usize::MAX, deadline: None, ..self.clone() }
    }

    /// Whether what was read before will do.
    pub fn freshness(&self) -> Freshness {
        self.freshness
    }

    /// How many calls were sent, or are about to be.
    pub fn begun(&self) -> usize {
        self.begun.load(Ordering::Relaxed) + self.beside.load(Ordering::Relaxed)
    }

    /// Takes a read's first call out of the budget.
    ///
    /// # Errors
    /// When all are spent, or the time is up.
    pub(super) fn take(&self, now: Instant) -> Result<Charge, Error> {
        if self.deadline.is_some_and(|deadline| deadline <= now) {
            return Err(Error::TimedOut);
        }
        let charge = Charge { begun: self.begun.clone(), max: self.max, held: AtomicBool::new(false) };
        if charge.hold() { Ok(charge) } else { Err(Error::Spent) }
    }

    /// Waits for something until the time is up.
    pub(super) async fn wait<T>(&self, work: impl Future<Output = T>) -> Result<T, Error> {
        match self.deadline {
            Some(deadline) => timeout_at(deadline, work).await.map_err(|_| Error::TimedOut),
            None => Ok(work.await),
        }
    }
}

/// What one read is charged: it holds a call out of the budget until that is sent, and gives back what it did not use.
#[derive(Debug)]
pub struct Charge {
    begun: Arc<AtomicUsize>,
    max: usize,
    held: AtomicBool,
}

impl Charge {
    /// Holds a call, if there is one left or one is held already.
    pub fn hold(&self) -> bool {
        if self.held.load(Ordering::Relaxed) {
            return true;
        }
        let may = self.begun.fetch_add(1, Ordering::Relaxed) < self.max;
        if may {
            self.held.store(true, Ordering::Relaxed);
        } else {
            self.begun.fetch_sub(1, Ordering::Relaxed);
        }
        may
    }

    /// The call that was held is sent.
    pub fn sent(&self) {
        self.held.store(false, Ordering::Relaxed);
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        if *self.held.get_mut() {
            self.begun.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_operation_makes_so_many_calls_until_its_time_is_up() {
        let now = Instant::now();
        let budget = Budget::calls(2).until(now + Duration::from_secs(8));
        let live = budget.with(Freshness::Live);
        let spent = |budget: &Budget| budget.take(now).map(|charge| charge.sent()).err();
        assert_eq!([spent(&budget), spent(&live), spent(&budget)], [None, None, Some(Error::Spent)]);
        let late = Budget::calls(2).until(now);
        assert_eq!(spent(&late), Some(Error::TimedOut));
        assert_eq!(budget.wait(std::future::pending::<()>()).await, Err(Error::TimedOut));
        assert_eq!(now.elapsed(), Duration::from_secs(8));
    }

    #[test]
    fn what_is_not_sent_is_given_back() {
        let (budget, now) = (Budget::calls(1), Instant::now());
        let charge = budget.take(now).unwrap();
        assert!(charge.hold() && budget.take(now).is_err() && budget.begun() == 1);
        drop(charge);
        let charge = budget.take(now).unwrap();
        charge.sent();
        assert!(!charge.hold() && budget.begun() == 1);
        drop(charge);
        assert_eq!(budget.begun(), 1);
    }
}

//! What one operation may spend on its reads: how many calls, and until when.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

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
    max: usize,
    deadline: Option<Instant>,
    freshness: Freshness,
    trace: Option<Trace>,
    payer: Option<u64>,
}

impl Budget {
    /// So many calls, without a deadline.
    pub fn calls(max: usize) -> Self {
        Self { begun: Arc::default(), max, deadline: None, freshness: Freshness::default(), trace: None, payer: None }
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

    /// How many calls were taken out of it.
    pub fn begun(&self) -> usize {
        self.begun.load(Ordering::Relaxed).min(self.max)
    }

    /// Takes a call out of the budget.
    ///
    /// # Errors
    /// When all are spent, or the time is up.
    pub(super) fn take(&self, now: Instant) -> Result<(), Error> {
        if self.deadline.is_some_and(|deadline| deadline <= now) {
            return Err(Error::TimedOut);
        }
        if self.begun.fetch_add(1, Ordering::Relaxed) >= self.max {
            return Err(Error::Spent);
        }
        Ok(())
    }

    /// Waits for something until the time is up.
    pub(super) async fn wait<T>(&self, work: impl Future<Output = T>) -> Result<T, Error> {
        match self.deadline {
            Some(deadline) => timeout_at(deadline, work).await.map_err(|_| Error::TimedOut),
            None => Ok(work.await),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_operation_makes_so_many_calls_until_its_time_is_up() {
        let now = Instant::now();
        let budget = Budget::calls(2).until(now + Duration::from_secs(8));
        let live = budget.with(Freshness::Live);
        assert_eq!([budget.take(now), live.take(now), budget.take(now)], [Ok(()), Ok(()), Err(Error::Spent)]);
        let late = Budget::calls(2).until(now);
        assert_eq!(late.take(now), Err(Error::TimedOut));
        assert_eq!(budget.wait(std::future::pending::<()>()).await, Err(Error::TimedOut));
        assert_eq!(now.elapsed(), Duration::from_secs(8));
    }
}

//! Single flight: equal reads share one call, and a read that nobody waits for any more is cancelled.
//!
//! The map holds only weak references. A read whose last waiter leaves is dropped together with its call, no particular
//! waiter has to stay, and the read removes its own entry however it ends.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared, WeakShared};

use crate::upstream::cache::key::Key;
use crate::upstream::cache::store::Epoch;
use crate::upstream::policy::deadline::Deadline;

/// A read in flight: a future that all waiters share.
pub type InFlight<T> = Shared<BoxFuture<'static, T>>;

/// A read in flight, as one waiter sees it.
pub struct Joined<T: Clone> {
    /// What it comes to.
    pub outcome: InFlight<T>,
    /// How long it may go on.
    pub deadline: Arc<Deadline>,
    /// Whether another waiter started it.
    pub is_shared: bool,
}

/// The reads in flight, by key.
pub struct SingleFlight<T: Clone> {
    in_flight: InFlightMap<T>,
    next_id: AtomicU64,
}

type InFlightMap<T> = Arc<Mutex<HashMap<Key, InFlightEntry<T>>>>;

struct InFlightEntry<T: Clone> {
    id: u64,
    epoch: Epoch,
    outcome: WeakShared<BoxFuture<'static, T>>,
    deadline: Arc<Deadline>,
}

impl<T: Clone> Default for SingleFlight<T> {
    fn default() -> Self {
        Self { in_flight: Arc::default(), next_id: AtomicU64::new(0) }
    }
}

impl<T: Clone + Send + Sync + 'static> SingleFlight<T> {
    /// Joins the read in flight for `key`, or starts one with `start` if there is none or it predates an invalidation.
    ///
    /// `is_current` says whether a read of an earlier epoch is still valid. Joining extends the read to `deadline`.
    pub fn join<F>(
        &self,
        key: &Key,
        epoch: Epoch,
        is_current: impl FnOnce(Epoch) -> bool,
        deadline: Deadline,
        start: impl FnOnce(Arc<Deadline>) -> F,
    ) -> Joined<T>
    where
        F: Future<Output = T> + Send + 'static,
    {
        let mut in_flight = self.in_flight.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = in_flight.get(key).filter(|entry| is_current(entry.epoch));
        let entry = entry.and_then(|entry| Some((entry, entry.outcome.upgrade()?)));
        if let Some((entry, outcome)) = entry {
            entry.deadline.extend(&deadline);
            return Joined { outcome, deadline: entry.deadline.clone(), is_shared: true };
        }
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let guard = InFlightGuard { in_flight: self.in_flight.clone(), key: key.clone(), id };
        let deadline = Arc::new(deadline);
        let reading = start(deadline.clone());
        let outcome = async move {
            let _guard = guard;
            reading.await
        };
        let outcome = outcome.boxed().shared();
        if let Some(weak) = outcome.downgrade() {
            let entry = InFlightEntry { id, epoch, outcome: weak, deadline: deadline.clone() };
            in_flight.insert(key.clone(), entry);
        }
        Joined { outcome, deadline, is_shared: false }
    }

    /// Returns the number of reads in flight.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.in_flight.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

/// Removes a read from the map when it ends or is cancelled. A later read of the same key stays.
struct InFlightGuard<T: Clone> {
    in_flight: InFlightMap<T>,
    key: Key,
    id: u64,
}

impl<T: Clone> Drop for InFlightGuard<T> {
    fn drop(&mut self) {
        let mut in_flight = self.in_flight.lock().unwrap_or_else(PoisonError::into_inner);
        if in_flight.get(&self.key).is_some_and(|entry| entry.id == self.id) {
            in_flight.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::future::pending;
    use std::time::Duration;

    use secrecy::SecretString;
    use tokio::sync::oneshot;
    use tokio::time::{Instant, timeout};

    use super::*;
    use crate::upstream::cache::key::Fingerprinter;
    use crate::upstream::{Credential, Settings};

    fn keys() -> [Key; 2] {
        let fingerprinter = Fingerprinter::new().unwrap();
        ["a", "b"].map(|token| {
            let fingerprint = fingerprinter.credential(Credential::Bearer(&SecretString::from(token)));
            Key::new::<u32>("provider", "origin".into(), "/".into(), fingerprint, None)
        })
    }

    fn join<F>(single_flight: &SingleFlight<u32>, key: &Key, read: F) -> (InFlight<u32>, bool)
    where
        F: Future<Output = u32> + Send + 'static,
    {
        let Joined { outcome: read, is_shared, .. } =
            single_flight.join(key, Epoch::default(), |_| true, deadline(), |_| read);
        (read, is_shared)
    }

    fn deadline() -> Deadline {
        Deadline::new(&Settings::default(), Instant::now(), None)
    }

    #[tokio::test(start_paused = true)]
    async fn joiners_get_the_result_after_the_starter_leaves() {
        let (single_flight, [key, _]) = (SingleFlight::<u32>::default(), keys());
        let (sender, receiver) = oneshot::channel();
        let (first, joined) = join(&single_flight, &key, async { receiver.await.unwrap() });
        assert!(!joined);
        let (second, joined) = join(&single_flight, &key, pending());
        assert!(joined);
        assert!(timeout(Duration::from_secs(1), first).await.is_err(), "the starter is polled, then dropped");
        sender.send(7).unwrap();
        assert_eq!((second.await, single_flight.len()), (7, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_read_without_waiters_is_dropped_with_its_entry() {
        let (single_flight, [key, other]) = (SingleFlight::<u32>::default(), keys());
        let (alive, mut dropped) = oneshot::channel::<()>();
        let reading = |alive: Option<oneshot::Sender<()>>| async move {
            let _alive = alive;
            pending().await
        };
        let (one, _) = join(&single_flight, &key, reading(Some(alive)));
        let (two, _) = join(&single_flight, &key, reading(None));
        drop(one);
        assert!(dropped.try_recv().is_err_and(|error| error == oneshot::error::TryRecvError::Empty));
        drop(two);
        assert!(dropped.try_recv().is_err_and(|error| error == oneshot::error::TryRecvError::Closed));
        assert_eq!(single_flight.len(), 0);
        let (_one, joined) = join(&single_flight, &key, async { 1 });
        let (_other, joined_other) = join(&single_flight, &other, async { 2 });
        assert!(!joined && !joined_other);
    }

    #[tokio::test(start_paused = true)]
    async fn an_outdated_read_is_not_joined_and_continues_for_its_waiters() {
        let (single_flight, [key, _]) = (SingleFlight::<u32>::default(), keys());
        let (previous, _) = join(&single_flight, &key, async { 1 });
        let after = single_flight.join(&key, Epoch::default(), |_| false, deadline(), |_| async { 2 });
        assert!(!after.is_shared);
        assert_eq!((previous.await, single_flight.len()), (1, 1), "the later read stays in the map");
        let (third, joined) = join(&single_flight, &key, pending());
        assert!(joined);
        drop(after);
        assert_eq!((third.await, single_flight.len()), (2, 0));
    }
}

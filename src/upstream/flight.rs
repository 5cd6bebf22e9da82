//! Equal reads under way share one: whoever comes while it lasts gets its answer, and the last who leaves ends it.
//!
//! The map holds no flight, only the way to one that somebody holds. So a flight that nobody waits for is dropped with
//! its call, nobody in particular has to stay for it to go on, and it takes its entry out of the map however it ends.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared, WeakShared};

use super::cache::Era;
use super::key::Key;
use super::until::Until;

/// A read under way.
pub type Flight<L> = Shared<BoxFuture<'static, L>>;

/// A read under way that is waited for.
pub struct Joined<L: Clone> {
    /// What it comes to.
    pub flight: Flight<L>,
    /// Until when it goes on.
    pub until: Arc<Until>,
    /// Whether it was begun by another.
    pub is_anothers: bool,
}

/// The reads under way.
pub struct Flights<L: Clone> {
    under_way: Arc<Mutex<HashMap<Key, Entry<L>>>>,
    count: AtomicU64,
}

struct Entry<L: Clone> {
    number: u64,
    era: Era,
    flight: WeakShared<BoxFuture<'static, L>>,
    until: Arc<Until>,
}

impl<L: Clone> Default for Flights<L> {
    fn default() -> Self {
        Self { under_way: Arc::default(), count: AtomicU64::new(0) }
    }
}

impl<L: Clone + Send + Sync + 'static> Flights<L> {
    /// The flight that reads this; if there is none, or if what is read in its era does not count, it is what `begin` makes in
    /// this era. It goes on until then, for whoever joins it too.
    pub fn join<F>(
        &self,
        key: &Key,
        era: Era,
        counts: impl FnOnce(Era) -> bool,
        until: Until,
        begin: impl FnOnce(Arc<Until>) -> F,
    ) -> Joined<L>
    where
        F: Future<Output = L> + Send + 'static,
    {
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = under_way.get(key).filter(|entry| counts(entry.era));
        let entry = entry.and_then(|entry| Some((entry, entry.flight.upgrade()?)));
        if let Some((entry, flight)) = entry {
            entry.until.extend(&until);
            return Joined { flight, until: entry.until.clone(), is_anothers: true };
        }
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        let leaving = Leaving { under_way: self.under_way.clone(), key: key.clone(), number };
        let until = Arc::new(until);
        let reading = begin(until.clone());
        let flight = async move {
            let _leaving = leaving;
            reading.await
        };
        let flight = flight.boxed().shared();
        if let Some(weak) = flight.downgrade() {
            under_way.insert(key.clone(), Entry { number, era, flight: weak, until: until.clone() });
        }
        Joined { flight, until, is_anothers: false }
    }

    /// How many are under way.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

/// Takes a flight out of the map when it ends or is given up; a later one that reads the same stays.
struct Leaving<L: Clone> {
    under_way: Arc<Mutex<HashMap<Key, Entry<L>>>>,
    key: Key,
    number: u64,
}

impl<L: Clone> Drop for Leaving<L> {
    fn drop(&mut self) {
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        if under_way.get(&self.key).is_some_and(|entry| entry.number == self.number) {
            under_way.remove(&self.key);
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

    use super::super::key::Fingerprints;
    use super::super::{Credential, Settings};
    use super::*;

    fn keys() -> [Key; 2] {
        let prints = Fingerprints::random().unwrap();
        ["a", "b"].map(|token| {
            let print = prints.of(Credential::Bearer(&SecretString::from(token)));
            Key::new::<u32>("provider", "origin".into(), "/".into(), print, None)
        })
    }

    fn join<F>(flights: &Flights<u32>, key: &Key, read: F) -> (Flight<u32>, bool)
    where
        F: Future<Output = u32> + Send + 'static,
    {
        let Joined { flight, is_anothers, .. } = flights.join(key, Era::default(), |_| true, until(), |_| read);
        (flight, is_anothers)
    }

    fn until() -> Until {
        Until::new(&Settings::default(), Instant::now(), None)
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_began_it_may_leave_and_the_others_get_the_answer() {
        let (flights, [key, _]) = (Flights::<u32>::default(), keys());
        let (tell, told) = oneshot::channel();
        let (first, joined) = join(&flights, &key, async { told.await.unwrap() });
        assert!(!joined);
        let (second, joined) = join(&flights, &key, pending());
        assert!(joined);
        assert!(timeout(Duration::from_secs(1), first).await.is_err(), "polled, and dropped");
        tell.send(7).unwrap();
        assert_eq!((second.await, flights.len()), (7, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn what_nobody_waits_for_is_dropped_and_leaves_no_entry() {
        let (flights, [key, other]) = (Flights::<u32>::default(), keys());
        let (alive, mut dropped) = oneshot::channel::<()>();
        let reading = |alive: Option<oneshot::Sender<()>>| async move {
            let _alive = alive;
            pending().await
        };
        let (one, _) = join(&flights, &key, reading(Some(alive)));
        let (two, _) = join(&flights, &key, reading(None));
        drop(one);
        assert!(dropped.try_recv().is_err_and(|error| error == oneshot::error::TryRecvError::Empty));
        drop(two);
        assert!(dropped.try_recv().is_err_and(|error| error == oneshot::error::TryRecvError::Closed));
        assert_eq!(flights.len(), 0);
        let (_one, joined) = join(&flights, &key, async { 1 });
        let (_other, joined_other) = join(&flights, &other, async { 2 });
        assert!(!joined && !joined_other);
    }

    #[tokio::test(start_paused = true)]
    async fn what_counts_no_more_is_joined_by_nobody_and_goes_on_for_those_who_wait() {
        let (flights, [key, _]) = (Flights::<u32>::default(), keys());
        let (before, _) = join(&flights, &key, async { 1 });
        let after = flights.join(&key, Era::default(), |_| false, until(), |_| async { 2 });
        assert!(!after.is_anothers);
        assert_eq!((before.await, flights.len()), (1, 1), "the later one stays");
        let (third, joined) = join(&flights, &key, pending());
        assert!(joined);
        drop(after);
        assert_eq!((third.await, flights.len()), (2, 0));
    }
}

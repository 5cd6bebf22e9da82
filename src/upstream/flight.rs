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

/// Which flight: what is read, and in which era.
type Name = (Key, Era);

/// The reads under way.
pub struct Flights<L: Clone> {
    under_way: Arc<Mutex<HashMap<Name, Entry<L>>>>,
    count: AtomicU64,
}

struct Entry<L: Clone> {
    number: u64,
    flight: WeakShared<BoxFuture<'static, L>>,
    until: Arc<Until>,
}

impl<L: Clone> Default for Flights<L> {
    fn default() -> Self {
        Self { under_way: Arc::default(), count: AtomicU64::new(0) }
    }
}

impl<L: Clone + Send + Sync + 'static> Flights<L> {
    /// The flight of this name, and whether it was under way; if not, it is what `begin` makes. It goes on until then, for
    /// whoever joins it too.
    pub fn join<F>(&self, name: Name, until: Until, begin: impl FnOnce(Arc<Until>) -> F) -> (Flight<L>, bool)
    where
        F: Future<Output = L> + Send + 'static,
    {
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = under_way.get(&name).and_then(|entry| Some((entry, entry.flight.upgrade()?)));
        if let Some((entry, flight)) = entry {
            entry.until.extend(&until);
            return (flight, true);
        }
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        let leaving = Leaving { under_way: self.under_way.clone(), name: name.clone(), number };
        let until = Arc::new(until);
        let reading = begin(until.clone());
        let flight = async move {
            let _leaving = leaving;
            reading.await
        };
        let flight = flight.boxed().shared();
        if let Some(weak) = flight.downgrade() {
            under_way.insert(name, Entry { number, flight: weak, until });
        }
        (flight, false)
    }

    /// How many are under way.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

/// Takes a flight out of the map when it ends or is given up; a later one of the same name stays.
struct Leaving<L: Clone> {
    under_way: Arc<Mutex<HashMap<Name, Entry<L>>>>,
    name: Name,
    number: u64,
}

impl<L: Clone> Drop for Leaving<L> {
    fn drop(&mut self) {
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        if under_way.get(&self.name).is_some_and(|entry| entry.number == self.number) {
            under_way.remove(&self.name);
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

    fn names() -> [Name; 2] {
        let prints = Fingerprints::random().unwrap();
        ["a", "b"].map(|token| {
            let print = prints.of(Credential::Bearer(&SecretString::from(token)));
            (Key::new::<u32>("provider", "origin".into(), "/".into(), print, None), Era::default())
        })
    }

    fn until() -> Until {
        Until::new(&Settings::default(), Instant::now(), None)
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_began_it_may_leave_and_the_others_get_the_answer() {
        let (flights, [name, _]) = (Flights::<u32>::default(), names());
        let (tell, told) = oneshot::channel();
        let (first, joined) = flights.join(name.clone(), until(), |_| async { told.await.unwrap() });
        assert!(!joined);
        let (second, joined) = flights.join(name, until(), |_| pending());
        assert!(joined);
        assert!(timeout(Duration::from_secs(1), first).await.is_err(), "polled, and dropped");
        tell.send(7).unwrap();
        assert_eq!((second.await, flights.len()), (7, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn what_nobody_waits_for_is_dropped_and_leaves_no_entry() {
        let (flights, [name, other]) = (Flights::<u32>::default(), names());
        let (alive, mut dropped) = oneshot::channel::<()>();
        let reading = |alive: Option<oneshot::Sender<()>>| async move {
            let _alive = alive;
            pending().await
        };
        let (one, _) = flights.join(name.clone(), until(), |_| reading(Some(alive)));
        let (two, _) = flights.join(name.clone(), until(), |_| reading(None));
        drop(one);
        assert!(dropped.try_recv().is_err_and(|error| error == oneshot::error::TryRecvError::Empty));
        drop(two);
        assert!(dropped.try_recv().is_err_and(|error| error == oneshot::error::TryRecvError::Closed));
        assert_eq!(flights.len(), 0);
        let (_, joined) = flights.join(name, until(), |_| async { 1 });
        let (_, joined_other) = flights.join(other, until(), |_| async { 2 });
        assert!(!joined && !joined_other);
    }
}

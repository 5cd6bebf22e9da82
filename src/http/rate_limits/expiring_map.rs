//! A bounded map whose entries expire.
//!
//! Any caller can make new keys, so the map is swept of expired entries once a minute, and also when it is full. If all
//! entries of a full map are still valid, a few are compared and the one that expires first is evicted. Its caller has a
//! full budget again, which is the least harmful choice.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The longest time between two sweeps.
const SWEEP_EVERY: Duration = Duration::from_secs(60);

/// The shortest time between two sweeps of a full map: a sweep visits every entry.
const SWEEP_FULL_EVERY: Duration = Duration::from_secs(1);

/// The number of entries of which one is evicted.
const EVICTION_CANDIDATES: usize = 8;

/// An entry that expires.
pub(super) trait Expires: Copy {
    /// The time at which it expires, since the start of the clock.
    fn expires_at(&self) -> Duration;
}

/// A bounded map of entries that expire.
pub(super) struct ExpiringMap<K, V> {
    entries: Mutex<Entries<K, V>>,
    max: usize,
}

struct Entries<K, V> {
    by_key: HashMap<K, V>,
    swept_at: Duration,
}

impl<K: Clone + Eq + Hash, V: Expires> ExpiringMap<K, V> {
    /// Creates an empty map for at most `max` entries, and at least one.
    pub(super) fn new(max: usize) -> Self {
        let entries = Entries { by_key: HashMap::new(), swept_at: Duration::ZERO };
        Self { entries: Mutex::new(entries), max: max.max(1) }
    }

    /// Returns the entry of a key.
    pub(super) fn get(&self, key: &K) -> Option<V> {
        self.lock().by_key.get(key).copied()
    }

    /// Updates the entry of a key, or leaves it as it is if `update` returns an error.
    pub(super) fn update<T, E>(&self, key: &K, update: impl FnOnce(Option<V>) -> Result<(T, V), E>) -> Result<T, E> {
        let entries = &mut self.lock().by_key;
        if let Some(entry) = entries.get_mut(key) {
            let (result, new) = update(Some(*entry))?;
            *entry = new;
            return Ok(result);
        }
        let (result, new) = update(None)?;
        if entries.len() >= self.max {
            let first = entries.iter().take(EVICTION_CANDIDATES).min_by_key(|(_, entry)| entry.expires_at());
            if let Some(first) = first.map(|(key, _)| key.clone()) {
                entries.remove(&first);
            }
        }
        entries.insert(key.clone(), new);
        Ok(result)
    }

    /// Removes expired entries, if a sweep is due.
    pub(super) fn sweep(&self, now: Duration) {
        let mut entries = self.lock();
        let since = now.saturating_sub(entries.swept_at);
        if since >= SWEEP_EVERY || (entries.by_key.len() >= self.max && since >= SWEEP_FULL_EVERY) {
            entries.by_key.retain(|_, entry| entry.expires_at() > now);
            entries.swept_at = now;
        }
    }

    /// Returns the number of entries.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.lock().by_key.len()
    }

    fn lock(&self) -> MutexGuard<'_, Entries<K, V>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    impl Expires for u64 {
        fn expires_at(&self) -> Duration {
            Duration::from_secs(*self)
        }
    }

    fn put(map: &ExpiringMap<u64, u64>, key: u64, expires_at: u64) {
        map.update(&key, |_| Ok::<_, ()>(((), expires_at))).unwrap();
    }

    #[test]
    fn it_never_exceeds_its_maximum() {
        let map = ExpiringMap::new(100);
        (0..10_000).for_each(|key| put(&map, key, 1 + key));
        assert_eq!((map.len(), map.get(&9_999)), (100, Some(10_000)));
    }

    #[test]
    fn the_entry_that_expires_first_is_evicted() {
        let map = ExpiringMap::new(3);
        [(1, 50), (2, 40), (3, 60), (4, 10)].into_iter().for_each(|(key, expires_at)| put(&map, key, expires_at));
        assert_eq!([1, 2, 3, 4].map(|key| map.get(&key)), [Some(50), None, Some(60), Some(10)]);
    }

    #[test]
    fn expired_entries_are_removed_within_a_minute_and_sooner_from_a_full_map() {
        let (wide, full) = (ExpiringMap::new(10), ExpiringMap::new(2));
        for map in [&wide, &full] {
            put(map, 1, 5);
            put(map, 2, 500);
            map.sweep(Duration::from_secs(6));
        }
        assert_eq!((wide.len(), full.len()), (2, 1));
        wide.sweep(Duration::from_secs(60));
        assert_eq!((wide.get(&1), wide.get(&2)), (None, Some(500)));
    }

    #[test]
    fn an_update_that_fails_changes_nothing() {
        let map = ExpiringMap::new(2);
        put(&map, 1, 5);
        for key in [1, 2] {
            assert_eq!(map.update(&key, |_| Err::<((), u64), _>("no")), Err("no"));
        }
        assert_eq!((map.get(&1), map.len()), (Some(5), 1));
    }
}

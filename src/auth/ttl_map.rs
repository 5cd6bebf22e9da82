//! A map whose entries expire, with a bounded number of entries.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// The maximum number of entries. A full map is cleared, which costs one call for each entry that is needed again.
pub(super) const ENTRIES_MAX: usize = 10_000;

/// A map whose entries expire after a fixed time.
pub(super) struct TtlMap<K, V> {
    ttl: Duration,
    entries: Mutex<HashMap<K, (Instant, V)>>,
}

impl<K: Eq + Hash, V: Copy> TtlMap<K, V> {
    /// Makes an empty map whose entries expire after `ttl`.
    pub(super) fn new(ttl: Duration) -> Self {
        Self { ttl, entries: Mutex::default() }
    }

    /// Returns the value of a key, unless it has expired.
    pub(super) fn get(&self, key: &K) -> Option<V> {
        self.lock().get(key).filter(|(at, _)| at.elapsed() < self.ttl).map(|(_, value)| *value)
    }

    /// Inserts a value, or replaces it and its expiry.
    pub(super) fn insert(&self, key: K, value: V) {
        let mut entries = self.lock();
        if entries.len() >= ENTRIES_MAX {
            entries.retain(|_, (at, _)| at.elapsed() < self.ttl);
        }
        if entries.len() >= ENTRIES_MAX {
            entries.clear();
        }
        entries.insert(key, (Instant::now(), value));
    }

    /// Removes a key.
    pub(super) fn remove(&self, key: &K) {
        self.lock().remove(key);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<K, (Instant, V)>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn entries_expire_and_their_number_is_bounded() {
        let map = TtlMap::new(Duration::from_secs(60));
        map.insert(0, 'a');
        tokio::time::advance(Duration::from_secs(59)).await;
        assert_eq!(map.get(&0), Some('a'));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(map.get(&0), None);
        (0..=ENTRIES_MAX).for_each(|key| map.insert(key, 'b'));
        assert!(map.lock().len() <= ENTRIES_MAX);
        map.remove(&ENTRIES_MAX);
        assert_eq!(map.get(&ENTRIES_MAX), None);
    }
}

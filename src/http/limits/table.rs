//! What is remembered of callers, each row for as long as it means something, within a bound.
//!
//! Whoever asks can make new keys, so the table is swept of what has faded once a minute, and when it is full, before
//! anything is put out. Should all of it still mean something, the row of a few that fades first makes room: its caller
//! has a whole budget again, which is the least harm that a full table can do.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How often the table is swept, at least.
const SWEPT_EVERY: Duration = Duration::from_secs(60);

/// How often a full table is swept, at most: a sweep looks at every row.
const SWEPT_AT_MOST_EVERY: Duration = Duration::from_secs(1);

/// How many rows are looked at for the one that makes room.
const LOOKED_AT: usize = 8;

/// A row that means nothing any more from some instant on.
pub(super) trait Fading: Copy {
    /// That instant, since the clock's beginning.
    fn fades_at(&self) -> Duration;
}

/// A bounded table.
pub(super) struct Table<K, V> {
    rows: Mutex<Rows<K, V>>,
    max: usize,
}

struct Rows<K, V> {
    by_key: HashMap<K, V>,
    swept_at: Duration,
}

impl<K: Clone + Eq + Hash, V: Fading> Table<K, V> {
    /// A table of at most so many rows, and of one at least.
    pub(super) fn new(max: usize) -> Self {
        let rows = Rows { by_key: HashMap::new(), swept_at: Duration::ZERO };
        Self { rows: Mutex::new(rows), max: max.max(1) }
    }

    /// The row of this key.
    pub(super) fn get(&self, key: &K) -> Option<V> {
        self.lock().by_key.get(key).copied()
    }

    /// Changes the row of this key, or leaves it as it is and says why.
    pub(super) fn change<T, E>(&self, key: &K, change: impl FnOnce(Option<V>) -> Result<(T, V), E>) -> Result<T, E> {
        let rows = &mut self.lock().by_key;
        if let Some(row) = rows.get_mut(key) {
            let (told, new) = change(Some(*row))?;
            *row = new;
            return Ok(told);
        }
        let (told, new) = change(None)?;
        if rows.len() >= self.max {
            let first = rows.iter().take(LOOKED_AT).min_by_key(|(_, row)| row.fades_at());
            if let Some(first) = first.map(|(key, _)| key.clone()) {
                rows.remove(&first);
            }
        }
        rows.insert(key.clone(), new);
        Ok(told)
    }

    /// Forgets what has faded, if it is time to.
    pub(super) fn sweep(&self, now: Duration) {
        let mut rows = self.lock();
        let since = now.saturating_sub(rows.swept_at);
        if since >= SWEPT_EVERY || (rows.by_key.len() >= self.max && since >= SWEPT_AT_MOST_EVERY) {
            rows.by_key.retain(|_, row| row.fades_at() > now);
            rows.swept_at = now;
        }
    }

    /// How many rows there are.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.lock().by_key.len()
    }

    fn lock(&self) -> MutexGuard<'_, Rows<K, V>> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    impl Fading for u64 {
        fn fades_at(&self) -> Duration {
            Duration::from_secs(*self)
        }
    }

    fn put(table: &Table<u64, u64>, key: u64, fades_at: u64) {
        table.change(&key, |_| Ok::<_, ()>(((), fades_at))).unwrap();
    }

    #[test]
    fn it_never_has_more_rows_than_it_may() {
        let table = Table::new(100);
        (0..10_000).for_each(|key| put(&table, key, 1 + key));
        assert_eq!((table.len(), table.get(&9_999)), (100, Some(10_000)));
    }

    #[test]
    fn the_row_that_fades_first_makes_room() {
        let table = Table::new(3);
        [(1, 50), (2, 40), (3, 60), (4, 10)].into_iter().for_each(|(key, fades_at)| put(&table, key, fades_at));
        assert_eq!([1, 2, 3, 4].map(|key| table.get(&key)), [Some(50), None, Some(60), Some(10)]);
    }

    #[test]
    fn what_has_faded_is_forgotten_within_a_minute_and_sooner_if_the_table_is_full() {
        let (wide, full) = (Table::new(10), Table::new(2));
        for table in [&wide, &full] {
            put(table, 1, 5);
            put(table, 2, 500);
            table.sweep(Duration::from_secs(6));
        }
        assert_eq!((wide.len(), full.len()), (2, 1));
        wide.sweep(Duration::from_secs(60));
        assert_eq!((wide.get(&1), wide.get(&2)), (None, Some(500)));
    }

    #[test]
    fn a_change_that_is_refused_changes_nothing() {
        let table = Table::new(2);
        put(&table, 1, 5);
        for key in [1, 2] {
            assert_eq!(table.change(&key, |_| Err::<((), u64), _>("no")), Err("no"));
        }
        assert_eq!((table.get(&1), table.len()), (Some(5), 1));
    }
}

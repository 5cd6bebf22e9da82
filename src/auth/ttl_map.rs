//! What was told of secrets, by their marks, for a bounded time and of a bounded number.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::token_hash::TokenHash;

/// How many are remembered; with more, all are forgotten.
pub(super) const KEPT_MAX: usize = 10_000;

/// What was told of each of some secrets.
pub(super) struct TtlMap<V> {
    lasts: Duration,
    rows: Mutex<HashMap<TokenHash, (Instant, V)>>,
}

impl<V: Copy> TtlMap<V> {
    /// Nothing yet; what comes is remembered for so long.
    pub(super) fn new(lasts: Duration) -> Self {
        Self { lasts, rows: Mutex::default() }
    }

    /// What was told of this one, if that is not too long ago.
    pub(super) fn get(&self, mark: TokenHash) -> Option<V> {
        self.lock().get(&mark).filter(|(at, _)| at.elapsed() < self.lasts).map(|(_, told)| *told)
    }

    /// Remembers what was told of this one.
    pub(super) fn put(&self, mark: TokenHash, told: V) {
        let mut rows = self.lock();
        if rows.len() >= KEPT_MAX {
            rows.retain(|_, (at, _)| at.elapsed() < self.lasts);
        }
        if rows.len() >= KEPT_MAX {
            rows.clear();
        }
        rows.insert(mark, (Instant::now(), told));
    }

    /// Forgets what was told of this one.
    pub(super) fn forget(&self, mark: TokenHash) {
        self.lock().remove(&mark);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<TokenHash, (Instant, V)>> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use secrecy::SecretString;

    use super::*;
    use crate::auth::token_hash::TokenHasher;

    #[tokio::test(start_paused = true)]
    async fn what_is_kept_is_bounded_in_time_and_number() {
        let (kept, marker) = (TtlMap::new(Duration::from_secs(60)), TokenHasher::build().unwrap());
        let mark = |number: usize| marker.mark(&SecretString::from(number.to_string()));
        kept.put(mark(0), 'a');
        tokio::time::advance(Duration::from_secs(59)).await;
        assert_eq!(kept.get(mark(0)), Some('a'));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(kept.get(mark(0)), None);
        (0..=KEPT_MAX).for_each(|number| kept.put(mark(number), 'b'));
        assert!(kept.lock().len() <= KEPT_MAX);
        kept.forget(mark(KEPT_MAX));
        assert_eq!(kept.get(mark(KEPT_MAX)), None);
    }
}

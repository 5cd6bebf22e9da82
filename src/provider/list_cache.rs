//! A list that an operation reads at most once, and the entities that it contains by key.
//!
//! Entities that are cached on their own are not read again. Among the other keys, a single one is read on its own, and
//! several are read as their list. If the operation reads the list anyway, every key uses it.
//!
//! The choice never changes a result: a key that is missing from the list, or that the list fails for, is read on its
//! own.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::StreamExt;
use futures_util::stream;
use tokio::sync::OnceCell;

use super::{EntityResult, Error, List, Reason};

/// The maximum number of concurrent reads of single entities per batch of keys.
pub const SINGLE_READS_MAX: usize = 16;

/// A list that is read at most once per operation, even while the first read is still running.
#[derive(Debug)]
pub struct ListCache<T> {
    is_preferred: AtomicBool,
    list: OnceCell<Result<Arc<List<T>>, Error>>,
}

impl<T> Default for ListCache<T> {
    fn default() -> Self {
        Self { is_preferred: AtomicBool::new(false), list: OnceCell::new() }
    }
}

impl<T> ListCache<T> {
    /// Returns the list. The first call reads it with `read`.
    pub async fn read(&self, read: impl Future<Output = Result<Arc<List<T>>, Error>>) -> Result<Arc<List<T>>, Error> {
        self.prefer_list();
        self.list.get_or_init(|| read).await.clone()
    }

    /// Whether the list has been read and contains such a row.
    pub fn contains(&self, is_it: impl Fn(&T) -> bool) -> bool {
        self.list.get().is_some_and(|list| list.as_ref().is_ok_and(|list| list.rows.iter().any(|row| is_it(row))))
    }

    /// Makes later calls of [`resolve`](Self::resolve) read the list even for a single key.
    ///
    /// For callers that know that several keys will be requested, although not together.
    pub fn prefer_list(&self) {
        self.is_preferred.store(true, Ordering::Relaxed);
    }

    /// Whether the list has been read successfully.
    pub fn is_loaded(&self) -> bool {
        self.list.get().is_some_and(Result::is_ok)
    }

    /// Returns a result for each key, with as few reads as possible.
    ///
    /// `cached` holds the results that need no read. `list` reads this list, and `read_one` reads a single entity.
    pub async fn resolve<K, F>(
        &self,
        keys: &[K],
        cached: HashMap<K, EntityResult<T>>,
        list: impl Future<Output = Result<Arc<List<T>>, Error>>,
        key_of: impl Fn(&T) -> Option<K>,
        read_one: impl Fn(K) -> F,
    ) -> HashMap<K, EntityResult<T>>
    where
        K: Eq + Hash + Clone,
        F: Future<Output = EntityResult<T>>,
    {
        let mut results = cached;
        let mut unresolved = unresolved_keys(keys, &results);
        if unresolved.len() > 1 || (unresolved.len() == 1 && self.is_preferred.load(Ordering::Relaxed)) {
            match list.await {
                Ok(list) => {
                    let wanted: HashSet<&K> = unresolved.iter().collect();
                    let rows = list.rows.iter().filter_map(|row| Some((key_of(row)?, Ok(Some(row.clone())))));
                    results.extend(rows.filter(|(key, _)| wanted.contains(key)));
                }
                Err(error) if applies_to_each_key(&error) => {
                    results.extend(unresolved.iter().map(|key| (key.clone(), Err(error.clone()))));
                }
                Err(_) => {}
            }
            unresolved = unresolved_keys(keys, &results);
        }
        results.extend(read_each(&unresolved, read_one).await);
        results
    }
}

/// Returns the keys without a result.
fn unresolved_keys<K: Eq + Hash + Clone, T>(keys: &[K], results: &HashMap<K, EntityResult<T>>) -> Vec<K> {
    keys.iter().filter(|key| !results.contains_key(key)).cloned().collect()
}

/// Reads each key on its own, up to [`SINGLE_READS_MAX`] at a time.
pub async fn read_each<K, T, F>(keys: &[K], read_one: impl Fn(K) -> F) -> HashMap<K, EntityResult<T>>
where
    K: Eq + Hash + Clone,
    F: Future<Output = EntityResult<T>>,
{
    let reads: Vec<_> = keys.iter().map(|key| with_key(key.clone(), read_one(key.clone()))).collect();
    stream::iter(reads).buffer_unordered(SINGLE_READS_MAX).collect().await
}

async fn with_key<K, T>(key: K, read: impl Future<Output = EntityResult<T>>) -> (K, EntityResult<T>) {
    (key, read.await)
}

/// Whether an error of the list applies to the read of a single entity too.
///
/// An unreachable host or a rejected token affects both. An error in the response to the list, such as 403 or 500, says
/// nothing about a single entity.
fn applies_to_each_key(error: &Error) -> bool {
    match error.reason {
        Reason::NotAuthenticated
        | Reason::Throttled
        | Reason::Overloaded
        | Reason::TimedOut
        | Reason::NotConfigured
        | Reason::OverBudget
        | Reason::Denied(_) => true,
        Reason::Unavailable => error.status.is_none(),
        Reason::Expired
        | Reason::NotAllowed
        | Reason::OwnedByAnother
        | Reason::Malformed
        | Reason::Unsupported
        | Reason::Refused
        | Reason::Uncertain
        | Reason::TooLarge => false,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::model::Provider;

    fn list(rows: &[u64]) -> Arc<List<u64>> {
        Arc::new(List { rows: rows.iter().copied().map(Arc::new).collect(), skipped: Vec::new() })
    }

    async fn answers(listed: Result<Arc<List<u64>>, Error>) -> Vec<(u64, EntityResult<u64>)> {
        let read_one = |key: u64| async move { Ok((key == 9).then(|| Arc::new(9))) };
        let cache = ListCache::default();
        let answers = cache.resolve(&[1, 9, 7], HashMap::new(), async { listed }, |row| Some(*row), read_one).await;
        let mut answers: Vec<_> = answers.into_iter().collect();
        answers.sort_by_key(|(key, _)| *key);
        answers
    }

    #[tokio::test]
    async fn a_key_that_is_missing_from_the_list_is_read_on_its_own() {
        let found = |key: u64| (key, Ok(Some(Arc::new(key))));
        assert_eq!(answers(Ok(list(&[1, 2]))).await, [found(1), (7, Ok(None)), found(9)]);
    }

    #[tokio::test]
    async fn only_uncached_keys_decide_whether_the_list_is_read() {
        let entities =
            |keys: &[u64]| keys.iter().map(|key| (*key, Ok(Some(Arc::new(*key))))).collect::<HashMap<_, _>>();
        for (has, expected, lists, singles) in [
            (vec![1, 2, 3], false, 0, 0),
            (vec![1, 2, 3], true, 0, 0),
            (vec![1, 3], false, 0, 1),
            (vec![1, 3], true, 1, 0),
            (vec![3], false, 1, 0),
        ] {
            let cache = ListCache::default();
            let reads = std::cell::Cell::new((0, 0));
            if expected {
                cache.prefer_list();
            }
            let read = async {
                reads.set((reads.get().0 + 1, reads.get().1));
                Ok(list(&[1, 2, 3]))
            };
            let read_one = async |key: u64| {
                reads.set((reads.get().0, reads.get().1 + 1));
                Ok(Some(Arc::new(key)))
            };
            let answers = cache.resolve(&[1, 2, 3], entities(&has), read, |row| Some(*row), read_one).await;
            assert_eq!((answers, reads.get()), (entities(&[1, 2, 3]), (lists, singles)), "{has:?} {expected}");
        }
    }

    #[tokio::test]
    async fn an_error_of_the_list_itself_does_not_fail_its_keys() {
        for (reason, status) in [
            (Reason::Unavailable, Some(500)),
            (Reason::Expired, Some(403)),
            (Reason::NotAllowed, Some(403)),
            (Reason::Malformed, Some(200)),
            (Reason::Unsupported, Some(404)),
            (Reason::Refused, Some(400)),
            (Reason::TooLarge, None),
        ] {
            let error = Error { status, ..Error::new(Provider::WordPress, reason, "") };
            assert_eq!(answers(Err(error)).await[2], (9, Ok(Some(Arc::new(9)))), "{reason:?}");
        }
    }

    #[tokio::test]
    async fn an_error_of_the_host_or_the_token_fails_all_keys_at_once() {
        for (reason, status) in [
            (Reason::Unavailable, None),
            (Reason::Overloaded, None),
            (Reason::TimedOut, None),
            (Reason::NotAuthenticated, Some(401)),
            (Reason::Throttled, Some(429)),
            (Reason::NotConfigured, None),
        ] {
            let error = Error { status, ..Error::new(Provider::WordPress, reason, "") };
            assert!(answers(Err(error)).await.iter().all(|(_, answer)| answer.is_err()), "{reason:?}");
        }
    }
}

//! One list, read at most once in an operation, and the keys that it can answer.
//!
//! What was read lately by itself is not read again. Of the other keys of one kind, several are one read of their list; a
//! single one is one read of itself, unless the list is being read anyway. What a key is answered does not depend on which
//! of the two happened: a key that the list does not hold, or that the list cannot answer for, is read by itself.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::StreamExt;
use futures_util::stream;
use tokio::sync::OnceCell;

use super::{EntityResult, Error, List, Reason};

/// How many single reads one batch of keys has under way at once.
pub const SINGLE_READS_MAX: usize = 16;

/// One list, read at most once however often it is asked for, also while the first read is under way.
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
    /// The list, by `read` if nobody has read it yet.
    pub async fn read(&self, read: impl Future<Output = Result<Arc<List<T>>, Error>>) -> Result<Arc<List<T>>, Error> {
        self.prefer_list();
        self.list.get_or_init(|| read).await.clone()
    }

    /// Whether the list is at hand and has such a row.
    pub fn contains(&self, is_it: impl Fn(&T) -> bool) -> bool {
        self.list.get().is_some_and(|list| list.as_ref().is_ok_and(|list| list.rows.iter().any(|row| is_it(row))))
    }

    /// Says that several of its keys will be asked for, though perhaps not together.
    pub fn prefer_list(&self) {
        self.is_preferred.store(true, Ordering::Relaxed);
    }

    /// Whether the list is at hand.
    pub fn is_loaded(&self) -> bool {
        self.list.get().is_some_and(Result::is_ok)
    }

    /// Answers keys in the cheapest way. Those that are `known` by themselves cost nothing; of the others a single one is
    /// read by itself, several from the list, and any from a list that is read anyway. `list` is the read of this list.
    pub async fn resolve<K, F>(
        &self,
        keys: &[K],
        known: HashMap<K, EntityResult<T>>,
        list: impl Future<Output = Result<Arc<List<T>>, Error>>,
        key_of: impl Fn(&T) -> Option<K>,
        read_one: impl Fn(K) -> F,
    ) -> HashMap<K, EntityResult<T>>
    where
        K: Eq + Hash + Clone,
        F: Future<Output = EntityResult<T>>,
    {
        let mut answers = known;
        let mut unresolved = unresolved_keys(keys, &answers);
        if unresolved.len() > 1 || (unresolved.len() == 1 && self.is_preferred.load(Ordering::Relaxed)) {
            match list.await {
                Ok(list) => {
                    let wanted: HashSet<&K> = unresolved.iter().collect();
                    let rows = list.rows.iter().filter_map(|row| Some((key_of(row)?, Ok(Some(row.clone())))));
                    answers.extend(rows.filter(|(key, _)| wanted.contains(key)));
                }
                Err(error) if applies_to_each_key(&error) => {
                    answers.extend(unresolved.iter().map(|key| (key.clone(), Err(error.clone()))));
                }
                Err(_) => {}
            }
            unresolved = unresolved_keys(keys, &answers);
        }
        answers.extend(read_each(&unresolved, read_one).await);
        answers
    }
}

/// The keys that are not answered.
fn unresolved_keys<K: Eq + Hash + Clone, T>(keys: &[K], answers: &HashMap<K, EntityResult<T>>) -> Vec<K> {
    keys.iter().filter(|key| !answers.contains_key(key)).cloned().collect()
}

/// Answers each key by a read of its own, some at a time.
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

/// Whether a list's error says what a single read would meet too. A host that gives no answer and a token that is not
/// accepted are the same for both; a list that is out of order, not allowed or not understood says nothing of a single
/// thing.
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
    async fn a_key_that_the_list_leaves_open_is_read_by_itself() {
        let found = |key: u64| (key, Ok(Some(Arc::new(key))));
        assert_eq!(answers(Ok(list(&[1, 2]))).await, [found(1), (7, Ok(None)), found(9)]);
    }

    #[tokio::test]
    async fn only_what_is_not_known_decides_whether_the_list_is_read() {
        let known = |keys: &[u64]| keys.iter().map(|key| (*key, Ok(Some(Arc::new(*key))))).collect::<HashMap<_, _>>();
        for (has, expected, lists, singles) in [
            (vec![1, 2, 3], false, 0, 0),
            (vec![1, 2, 3], true, 0, 0),
            (vec![1, 3], false, 0, 1),
            (vec![1, 3], true, 1, 0),
            (vec![3], false, 1, 0),
        ] {
            let (cache, asked) = (ListCache::default(), std::cell::Cell::new((0, 0)));
            if expected {
                cache.prefer_list();
            }
            let read = async {
                asked.set((asked.get().0 + 1, asked.get().1));
                Ok(list(&[1, 2, 3]))
            };
            let read_one = async |key: u64| {
                asked.set((asked.get().0, asked.get().1 + 1));
                Ok(Some(Arc::new(key)))
            };
            let answers = cache.resolve(&[1, 2, 3], known(&has), read, |row| Some(*row), read_one).await;
            assert_eq!((answers, asked.get()), (known(&[1, 2, 3]), (lists, singles)), "{has:?} {expected}");
        }
    }

    #[tokio::test]
    async fn an_error_of_the_list_itself_costs_no_key_its_answer() {
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
    async fn an_error_of_the_host_or_the_credential_is_met_once_for_all_keys() {
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

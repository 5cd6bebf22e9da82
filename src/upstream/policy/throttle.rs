//! The state of each credential: whether it is throttled, and which of its cache entries are valid; and the queues.
//!
//! If a host throttles one credential, nothing is sent with it until the time is up, because asking earlier prolongs a
//! ban. Other credentials are not affected.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::upstream::cache::key::Fingerprint;
use crate::upstream::error::Error;
use crate::upstream::policy::queue::Queue;

/// The longest time for which a credential is throttled, whatever the host asks for.
///
/// A read that the host asks to wait at least this long is never retried.
pub const THROTTLE_MAX: Duration = Duration::from_secs(60);

/// How long a credential is throttled if the host does not say.
pub const THROTTLE_DEFAULT: Duration = Duration::from_secs(1);

/// How many entries a map may have before those that nobody uses are removed.
const SWEEP_MIN: usize = 4_096;

/// The concurrent calls that each credential or caller may make. Further calls wait in a queue of their own.
#[derive(Clone, Copy, Debug)]
pub enum ConcurrencyScope {
    /// For each credential.
    Credential(usize),
    /// For each caller, at a host where all callers share one credential.
    Caller(usize),
}

/// The state of one credential.
#[derive(Debug, Default)]
pub struct CredentialState {
    /// How many entries were cached under it since the last eviction.
    cached_entries: AtomicUsize,
    generation: AtomicU64,
    throttled_until: Mutex<Option<Instant>>,
}

impl CredentialState {
    /// Returns the generation of the credential's cache entries. Older entries are invalid.
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Counts an entry that is cached under the credential.
    pub fn count_cached_entry(&self) {
        self.cached_entries.fetch_add(1, Ordering::Relaxed);
    }

    /// Invalidates all entries read with the credential. Returns whether any was cached.
    pub fn invalidate_entries(&self) -> bool {
        self.generation.fetch_add(1, Ordering::AcqRel);
        self.cached_entries.swap(0, Ordering::Relaxed) > 0
    }

    /// Whether the credential may be used.
    ///
    /// # Errors
    /// [`Error::Throttled`].
    pub fn check(&self, now: Instant) -> Result<(), Error> {
        let until = *self.throttled_until.lock().unwrap_or_else(PoisonError::into_inner);
        match until.filter(|until| *until > now) {
            Some(until) => Err(Error::Throttled(until - now)),
            None => Ok(()),
        }
    }

    /// Throttles the credential for as long as the host asks, at most [`THROTTLE_MAX`].
    pub fn throttle(&self, wait: Option<Duration>, now: Instant) {
        let until = now + wait.unwrap_or(THROTTLE_DEFAULT).min(THROTTLE_MAX);
        let mut throttled = self.throttled_until.lock().unwrap_or_else(PoisonError::into_inner);
        *throttled = Some(throttled.map_or(until, |previous| previous.max(until)));
    }
}

/// The state of each credential in use, and the queue of each credential or caller.
#[derive(Debug)]
pub struct CredentialRegistry {
    scope: ConcurrencyScope,
    waiting_max: usize,
    states: CredentialStates,
    queues: Mutex<SweptMap<(Fingerprint, Option<u64>), Queue>>,
}

/// The state of each credential. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct CredentialStates(Arc<Mutex<SweptMap<Fingerprint, CredentialState>>>);

impl CredentialRegistry {
    /// A registry with these states, and at most `waiting_max` waiting calls in each queue.
    pub fn new(scope: ConcurrencyScope, waiting_max: usize, states: CredentialStates) -> Self {
        Self { scope, waiting_max, states, queues: Mutex::default() }
    }

    /// Returns the state of a credential.
    pub fn state(&self, credential: Fingerprint, now: Instant) -> Arc<CredentialState> {
        // A call or a cache entry keeps a state alive. A throttled one must stay without either.
        let must_stay = |state: &CredentialState| state.check(now).is_err();
        let mut states = self.states.0.lock().unwrap_or_else(PoisonError::into_inner);
        states.get_or_insert(credential, CredentialState::default, must_stay)
    }

    /// Returns the queue for a call of this caller with this credential.
    pub fn queue(&self, credential: Fingerprint, caller: Option<u64>) -> Arc<Queue> {
        let (caller, permits) = match self.scope {
            ConcurrencyScope::Credential(permits) => (None, permits),
            ConcurrencyScope::Caller(permits) => (caller, permits),
        };
        let mut queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        queues.get_or_insert((credential, caller), || Queue::new(permits, self.waiting_max), |_| false)
    }
}

/// A map of shared values. Values that nobody uses are removed once the map has grown.
#[derive(Debug)]
struct SweptMap<K, T> {
    values: HashMap<K, Arc<T>>,
    /// The size at which unused values are removed. It is twice what the last sweep left, so a sweep over all values is
    /// paid for by as many new ones.
    sweep_at: usize,
}

impl<K, T> Default for SweptMap<K, T> {
    fn default() -> Self {
        Self { values: HashMap::new(), sweep_at: SWEEP_MIN }
    }
}

impl<K: Eq + Hash, T> SweptMap<K, T> {
    /// Returns the value under `key`, or inserts one. `must_stay` says which unused values are not removed.
    fn get_or_insert(&mut self, key: K, make: impl FnOnce() -> T, must_stay: impl Fn(&T) -> bool) -> Arc<T> {
        if let Some(value) = self.values.get(&key) {
            return value.clone();
        }
        if self.values.len() >= self.sweep_at {
            self.values.retain(|_, value| Arc::strong_count(value) > 1 || must_stay(value));
            self.sweep_at = SWEEP_MIN.max(self.values.len() * 2);
        }
        let value = Arc::new(make());
        self.values.insert(key, value.clone());
        value
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::cell::Cell;

    use secrecy::SecretString;

    use super::*;
    use crate::upstream::Credential;
    use crate::upstream::cache::key::Fingerprinter;

    #[test]
    fn a_credential_is_throttled_as_asked_within_the_maximum() {
        let (state, now) = (CredentialState::default(), Instant::now());
        assert_eq!(state.check(now), Ok(()));
        state.throttle(Some(Duration::from_secs(7)), now);
        state.throttle(None, now);
        assert_eq!(state.check(now), Err(Error::Throttled(Duration::from_secs(7))));
        assert_eq!(state.check(now + Duration::from_secs(7)), Ok(()));
        state.throttle(Some(Duration::from_secs(999_999)), now);
        assert_eq!(state.check(now), Err(Error::Throttled(THROTTLE_MAX)));
    }

    #[test]
    fn unused_states_are_removed() {
        let (credentials, now) =
            (CredentialRegistry::new(ConcurrencyScope::Credential(1), 1, CredentialStates::default()), Instant::now());
        let fingerprinter = Fingerprinter::new().unwrap();
        let fingerprint =
            |number: usize| fingerprinter.credential(Credential::Bearer(&SecretString::from(number.to_string())));
        let used = credentials.state(fingerprint(0), now);
        credentials.state(fingerprint(1), now).throttle(Some(THROTTLE_MAX), now);
        (2..3 * SWEEP_MIN).for_each(|number| drop(credentials.state(fingerprint(number), now)));
        assert!(Arc::ptr_eq(&used, &credentials.state(fingerprint(0), now)));
        assert!(credentials.state(fingerprint(1), now).check(now).is_err());
        assert!(credentials.states.0.lock().unwrap().values.len() <= SWEEP_MIN);
    }

    #[test]
    fn sweeps_are_amortized_over_new_entries() {
        let (mut map, checks) = (SweptMap::default(), Cell::new(0));
        for number in 0..8 * SWEEP_MIN {
            let must_stay = |_: &()| {
                checks.set(checks.get() + 1);
                true
            };
            map.get_or_insert(number, || (), must_stay);
        }
        assert!(checks.get() <= 8 * SWEEP_MIN, "{}", checks.get());
    }
}

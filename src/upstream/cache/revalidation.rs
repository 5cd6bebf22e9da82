//! The limit on background revalidations: a total, and a share of it per caller.
//!
//! Nobody waits for a permit. Without one the entry stays stale, and the next read of it tries again.

use std::sync::{Arc, Mutex, PoisonError};

use crate::upstream::cache::key::Fingerprint;

/// How many revalidations run at once.
const REFRESHES_MAX: usize = 16;

/// How many callers can share them at least.
const CALLERS_MIN: usize = 4;

/// Who causes a revalidation: the credential, and the caller if known.
pub type Refresher = (Fingerprint, Option<u64>);

/// Limits revalidations. Clones share the limit.
#[derive(Clone, Debug, Default)]
pub struct RefreshLimit(Arc<Mutex<Vec<Refresher>>>);

/// The right to run one revalidation, until it is dropped.
#[derive(Debug)]
pub struct RefreshPermit {
    limit: RefreshLimit,
    refresher: Refresher,
}

impl RefreshLimit {
    /// Returns a permit, or `None` if the total or the caller's share is used up.
    pub fn try_acquire(&self, refresher: Refresher) -> Option<RefreshPermit> {
        let mut running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let own = running.iter().filter(|other| **other == refresher).count();
        if running.len() >= REFRESHES_MAX || own >= REFRESHES_MAX / CALLERS_MIN {
            return None;
        }
        running.push(refresher);
        Some(RefreshPermit { limit: self.clone(), refresher })
    }
}

impl Drop for RefreshPermit {
    fn drop(&mut self) {
        let mut running = self.limit.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(index) = running.iter().position(|refresher| *refresher == self.refresher) {
            running.swap_remove(index);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use secrecy::SecretString;

    use super::*;
    use crate::upstream::Credential;
    use crate::upstream::cache::key::Fingerprinter;

    #[test]
    fn one_caller_gets_a_quarter_of_the_permits() {
        let (limit, fingerprinter) = (RefreshLimit::default(), Fingerprinter::new().unwrap());
        let fingerprint = |token: &str| fingerprinter.credential(Credential::Bearer(&SecretString::from(token)));
        let take =
            |refresher: Refresher| (0..REFRESHES_MAX).map_while(|_| limit.try_acquire(refresher)).collect::<Vec<_>>();
        let (one, paid) = (take((fingerprint("a"), None)), take((fingerprint("a"), Some(1))));
        let (other, last) = (take((fingerprint("b"), None)), take((fingerprint("c"), None)));
        assert_eq!([&one, &paid, &other, &last].map(Vec::len), [4; 4]);
        assert!(limit.try_acquire((fingerprint("d"), None)).is_none());
        drop(one);
        assert!(
            limit.try_acquire((fingerprint("b"), None)).is_none()
                && limit.try_acquire((fingerprint("d"), None)).is_some()
        );
        drop((paid, other, last));
        assert!(limit.0.lock().unwrap().is_empty());
    }
}

//! Places for reads behind stale answers: so many at once, and of these so many for one caller, so that whoever is given
//! many stale answers leaves places to others.
//!
//! Who finds none waits for none: the answer stays stale, and whoever asks for it next tries again.

use std::sync::{Arc, Mutex, PoisonError};

use super::key::Fingerprint;

/// How many are read anew at once.
const MAX: usize = 16;

/// How many callers share these at least.
const SHARES: usize = 4;

/// Who reads: with which credential, and who pays, if that is known.
pub type Caller = (Fingerprint, Option<u64>);

/// The places that are taken, by who took them.
#[derive(Clone, Debug, Default)]
pub struct Places(Arc<Mutex<Vec<Caller>>>);

/// A place, as long as it is held.
#[derive(Debug)]
pub struct Place {
    places: Places,
    caller: Caller,
}

impl Places {
    /// A place, if there is one for this caller.
    pub fn take(&self, caller: Caller) -> Option<Place> {
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let own = taken.iter().filter(|other| **other == caller).count();
        if taken.len() >= MAX || own >= MAX / SHARES {
            return None;
        }
        taken.push(caller);
        Some(Place { places: self.clone(), caller })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = taken.iter().position(|caller| *caller == self.caller) {
            taken.swap_remove(at);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use secrecy::SecretString;

    use super::super::Credential;
    use super::super::key::Fingerprints;
    use super::*;

    #[test]
    fn one_caller_has_a_quarter_and_all_together_no_more_than_there_are() {
        let (places, prints) = (Places::default(), Fingerprints::random().unwrap());
        let print = |token: &str| prints.of(Credential::Bearer(&SecretString::from(token)));
        let take = |caller: Caller| (0..MAX).map_while(|_| places.take(caller)).collect::<Vec<_>>();
        let (one, paid) = (take((print("a"), None)), take((print("a"), Some(1))));
        let (other, last) = (take((print("b"), None)), take((print("c"), None)));
        assert_eq!([&one, &paid, &other, &last].map(Vec::len), [4; 4]);
        assert!(places.take((print("d"), None)).is_none());
        drop(one);
        assert!(places.take((print("b"), None)).is_none() && places.take((print("d"), None)).is_some());
        drop((paid, other, last));
        assert!(places.0.lock().unwrap().is_empty());
    }
}

//! How one credential stands with a host: its own turns, whether it is shut out, and which of its answers still count.
//!
//! A host that asks one credential to slow down is obeyed for that credential alone: until the time is up nothing is
//! sent with it, since asking earlier prolongs a ban, and everybody else goes on.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::Error;
use super::key::Fingerprint;

/// The longest time for which a credential is shut out, whatever the host asks for.
pub const SHUT_OUT_MAX: Duration = Duration::from_secs(60);

/// For how long it is shut out if the host does not say.
pub const SHUT_OUT_UNSAID: Duration = Duration::from_secs(1);

/// How many credentials are remembered before those are forgotten of which there is nothing to remember.
const REMEMBERED: usize = 4_096;

/// How one credential stands.
#[derive(Debug)]
pub struct Standing {
    /// How many of its calls may be under way.
    pub turns: Semaphore,
    /// How many answers are kept under it, those that were put out since among them.
    pub kept: AtomicUsize,
    generation: AtomicU64,
    shut_until: Mutex<Option<Instant>>,
}

impl Standing {
    fn new(concurrent_max: usize) -> Self {
        Self {
            turns: Semaphore::new(concurrent_max),
            kept: AtomicUsize::new(0),
            generation: AtomicU64::new(0),
            shut_until: Mutex::default(),
        }
    }

    /// Counts up whenever all that was read with it stops counting.
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// All that was read with it so far counts no more.
    pub fn renew(&self) {
        self.generation.fetch_add(1, Ordering::AcqRel);
    }

    /// Whether anything may be sent with it.
    ///
    /// # Errors
    /// For how long nothing may.
    pub fn check(&self, now: Instant) -> Result<(), Error> {
        let until = *self.shut_until.lock().unwrap_or_else(PoisonError::into_inner);
        match until.filter(|until| *until > now) {
            Some(until) => Err(Error::ShutOut(until - now)),
            None => Ok(()),
        }
    }

    /// Shuts it out: for as long as the host asked, within bounds.
    pub fn shut_out(&self, wait: Option<Duration>, now: Instant) {
        let until = now + wait.unwrap_or(SHUT_OUT_UNSAID).min(SHUT_OUT_MAX);
        let mut shut = self.shut_until.lock().unwrap_or_else(PoisonError::into_inner);
        *shut = Some(shut.map_or(until, |before| before.max(until)));
    }
}

/// How each credential stands that was used lately.
#[derive(Debug)]
pub struct Credentials {
    concurrent_max: usize,
    standings: Mutex<HashMap<Fingerprint, Arc<Standing>>>,
}

impl Credentials {
    /// Nobody yet; each may have so many calls under way.
    pub fn new(concurrent_max: usize) -> Self {
        Self { concurrent_max, standings: Mutex::default() }
    }

    /// How this credential stands.
    pub fn of(&self, credential: Fingerprint, now: Instant) -> Arc<Standing> {
        let mut standings = self.standings.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(standing) = standings.get(&credential) {
            return standing.clone();
        }
        if standings.len() >= REMEMBERED {
            // One that is used or under which something is kept is held by that; one that is shut out is remembered here.
            standings.retain(|_, standing| Arc::strong_count(standing) > 1 || standing.check(now).is_err());
        }
        let standing = Arc::new(Standing::new(self.concurrent_max));
        standings.insert(credential, standing.clone());
        standing
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
    fn a_credential_is_shut_out_for_as_long_as_was_asked_but_not_for_ever() {
        let (standing, now) = (Standing::new(1), Instant::now());
        assert_eq!(standing.check(now), Ok(()));
        standing.shut_out(Some(Duration::from_secs(7)), now);
        standing.shut_out(None, now);
        assert_eq!(standing.check(now), Err(Error::ShutOut(Duration::from_secs(7))));
        assert_eq!(standing.check(now + Duration::from_secs(7)), Ok(()));
        standing.shut_out(Some(Duration::from_secs(999_999)), now);
        assert_eq!(standing.check(now), Err(Error::ShutOut(SHUT_OUT_MAX)));
    }

    #[test]
    fn what_there_is_nothing_to_remember_of_is_forgotten() {
        let (credentials, now) = (Credentials::new(1), Instant::now());
        let prints = Fingerprints::random().unwrap();
        let print = |number: usize| prints.of(Credential::Bearer(&SecretString::from(number.to_string())));
        let used = credentials.of(print(0), now);
        credentials.of(print(1), now).shut_out(Some(SHUT_OUT_MAX), now);
        (2..3 * REMEMBERED).for_each(|number| drop(credentials.of(print(number), now)));
        assert!(Arc::ptr_eq(&used, &credentials.of(print(0), now)));
        assert!(credentials.of(print(1), now).check(now).is_err());
        assert!(credentials.standings.lock().unwrap().len() <= REMEMBERED);
    }
}

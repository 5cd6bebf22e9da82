//! How one credential stands with a host: whether it is shut out, and which of its answers still count; and the turns
//! that each credential, or each payer, has for their own.
//!
//! A host that asks one credential to slow down is obeyed for that credential alone: until the time is up nothing is
//! sent with it, since asking earlier prolongs a ban, and everybody else goes on.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::key::Fingerprint;
use super::line::Line;
use super::{Error, Own};

/// The longest time for which a credential is shut out, whatever the host asks for. A read that is told to wait so long
/// is never tried again.
pub const SHUT_OUT_MAX: Duration = Duration::from_secs(60);

/// For how long it is shut out if the host does not say.
pub const SHUT_OUT_UNSAID: Duration = Duration::from_secs(1);

/// How many credentials, or lines, are remembered before those are forgotten of which there is nothing to remember.
const REMEMBERED: usize = 4_096;

/// How one credential stands.
#[derive(Debug, Default)]
pub struct Standing {
    /// How many answers are kept under it, those that were put out since among them.
    pub kept: AtomicUsize,
    generation: AtomicU64,
    shut_until: Mutex<Option<Instant>>,
}

impl Standing {
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

/// How each credential stands that was used lately, and the lines that somebody stands in.
#[derive(Debug)]
pub struct Credentials {
    own: Own,
    waiting_max: usize,
    standings: Standings,
    lines: Mutex<Remembered<(Fingerprint, Option<u64>), Line>>,
}

/// How each credential stands. Its copies share it.
#[derive(Clone, Debug, Default)]
pub struct Standings(Arc<Mutex<Remembered<Fingerprint, Standing>>>);

impl Credentials {
    /// Those that stand so; of those who wait for a turn of their own, so many may do so in each line.
    pub fn new(own: Own, waiting_max: usize, standings: Standings) -> Self {
        Self { own, waiting_max, standings, lines: Mutex::default() }
    }

    /// How this credential stands.
    pub fn of(&self, credential: Fingerprint, now: Instant) -> Arc<Standing> {
        // One that is used or under which something is kept is held by that; one that is shut out is remembered here.
        let counts = |standing: &Standing| standing.check(now).is_err();
        let mut standings = self.standings.0.lock().unwrap_or_else(PoisonError::into_inner);
        standings.of(credential, Standing::default, counts)
    }

    /// Where this payer stands for a call with this credential.
    pub fn line(&self, credential: Fingerprint, payer: Option<u64>) -> Arc<Line> {
        let (payer, turns) = match self.own {
            Own::OfCredential(turns) => (None, turns),
            Own::OfPayer(turns) => (payer, turns),
        };
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.of((credential, payer), || Line::new(turns, self.waiting_max), |_| false)
    }
}

/// Things by name; those that nobody holds are forgotten when they have become many.
#[derive(Debug)]
struct Remembered<K, T> {
    things: HashMap<K, Arc<T>>,
    /// How many there may be before it is looked for those to forget. Twice as many as were left by the last look, so
    /// that a look at all of them is paid by as many newcomers.
    look_at: usize,
}

impl<K, T> Default for Remembered<K, T> {
    fn default() -> Self {
        Self { things: HashMap::new(), look_at: REMEMBERED }
    }
}

impl<K: Eq + Hash, T> Remembered<K, T> {
    /// The thing of this name, made if there is none. `counts` says what must not be forgotten though nobody holds it.
    fn of(&mut self, name: K, make: impl FnOnce() -> T, counts: impl Fn(&T) -> bool) -> Arc<T> {
        if let Some(thing) = self.things.get(&name) {
            return thing.clone();
        }
        if self.things.len() >= self.look_at {
            self.things.retain(|_, thing| Arc::strong_count(thing) > 1 || counts(thing));
            self.look_at = REMEMBERED.max(self.things.len() * 2);
        }
        let thing = Arc::new(make());
        self.things.insert(name, thing.clone());
        thing
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::cell::Cell;

    use secrecy::SecretString;

    use super::super::Credential;
    use super::super::key::Fingerprints;
    use super::*;

    #[test]
    fn a_credential_is_shut_out_for_as_long_as_was_asked_but_not_for_ever() {
        let (standing, now) = (Standing::default(), Instant::now());
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
        let (credentials, now) = (Credentials::new(Own::OfCredential(1), 1, Standings::default()), Instant::now());
        let prints = Fingerprints::random().unwrap();
        let print = |number: usize| prints.of(Credential::Bearer(&SecretString::from(number.to_string())));
        let used = credentials.of(print(0), now);
        credentials.of(print(1), now).shut_out(Some(SHUT_OUT_MAX), now);
        (2..3 * REMEMBERED).for_each(|number| drop(credentials.of(print(number), now)));
        assert!(Arc::ptr_eq(&used, &credentials.of(print(0), now)));
        assert!(credentials.of(print(1), now).check(now).is_err());
        assert!(credentials.standings.0.lock().unwrap().things.len() <= REMEMBERED);
    }

    #[test]
    fn those_that_must_be_remembered_are_looked_through_once_in_a_while_and_not_for_each_newcomer() {
        let (mut remembered, looks) = (Remembered::default(), Cell::new(0));
        for number in 0..8 * REMEMBERED {
            let counts = |_: &()| {
                looks.set(looks.get() + 1);
                true
            };
            remembered.of(number, || (), counts);
        }
        assert!(looks.get() <= 8 * REMEMBERED, "{}", looks.get());
    }
}

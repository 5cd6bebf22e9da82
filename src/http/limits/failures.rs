//! Slows down who tries credentials: after so many that were not good, an address has to wait before the next one is tried.
//!
//! The wait doubles with each further one, to a minute at most, and is forgotten when the address has been quiet for a
//! minute or two. It holds for that address alone, and there for bad credentials and for what somebody outside would have to be
//! asked about: many can share an address, and who of them is known goes on. As long as it is not known what a try came to, it
//! is taken for one that failed, so that a thousand at once are no more than those that are free.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use governor::clock::Clock;

use super::budget::TokioClock;
use super::table::{Fading, Table};
use crate::auth::token_hash::TokenHash;

/// The first wait.
const WAIT_MIN: Duration = Duration::from_secs(1);

/// The longest wait.
const WAIT_MAX: Duration = Duration::from_secs(60);

/// How long so many failures as are free are remembered.
const WINDOW: Duration = Duration::from_secs(60);

/// How much is held against an address at most.
const HELD_MAX: Duration = Duration::from_secs(120);

/// What is held against an address; instants are counted from the clock's beginning.
#[derive(Clone, Copy, Debug, Default)]
struct Held {
    /// When all its failures will be forgotten.
    until: Duration,
    /// Until when no credential of it is tried.
    shut_until: Duration,
    /// The last wait.
    wait: Duration,
}

impl Fading for Held {
    fn fades_at(&self) -> Duration {
        self.until.max(self.shut_until)
    }
}

/// Which credentials of an address are being tried, each by how many requests; no more addresses than there are requests.
type Tries = HashMap<IpAddr, Vec<(TokenHash, u32)>>;

/// The failures of all addresses.
pub(super) struct Failures {
    clock: TokioClock,
    table: Table<IpAddr, Held>,
    each: Duration,
    tries: Mutex<Tries>,
}

/// A try of a credential that is under way, until it is dropped; if it failed, that is noted before.
pub(in crate::http) struct Try<'a> {
    failures: &'a Failures,
    address: IpAddr,
    credential: TokenHash,
    is_first: bool,
}

impl Try<'_> {
    /// Whether nobody else was trying the same.
    pub(super) fn is_first(&self) -> bool {
        self.is_first
    }
}

impl Drop for Try<'_> {
    fn drop(&mut self) {
        let mut tries = self.failures.tries();
        let Some(of_address) = tries.get_mut(&self.address) else { return };
        of_address.retain_mut(|(credential, times)| {
            *times -= u32::from(*credential == self.credential);
            *times > 0
        });
        if of_address.is_empty() {
            tries.remove(&self.address);
        }
    }
}

impl Failures {
    /// So many are free a minute; at most so many addresses are remembered.
    pub(super) fn new(per_minute: u32, addresses_max: usize) -> Self {
        let each = WINDOW / per_minute.max(1);
        Self { clock: TokioClock::default(), table: Table::new(addresses_max), each, tries: Mutex::default() }
    }

    /// Whether a credential from this address may be tried.
    ///
    /// # Errors
    /// How long it may not.
    pub(super) fn check(&self, address: IpAddr) -> Result<(), Duration> {
        let now = self.clock.now();
        let wait = self.table.get(&address).map_or(Duration::ZERO, |held| held.shut_until.saturating_sub(now));
        if wait.is_zero() { Ok(()) } else { Err(wait) }
    }

    /// Begins a try of a credential from this address.
    ///
    /// # Errors
    /// How long none may be tried: too many failed, or would have if all those under way did.
    pub(super) fn begin(&self, address: IpAddr, credential: TokenHash) -> Result<Try<'_>, Duration> {
        // Held all the while: a try that ends meanwhile is counted here or stands in the table.
        let mut tries = self.tries();
        self.check(address)?;
        let of_address = tries.entry(address).or_default();
        let under_way = of_address.len();
        let same = of_address.iter_mut().find(|(other, _)| *other == credential);
        let is_first = same.is_none();
        match same {
            Some((_, times)) => *times += 1,
            None if !self.is_free(address, under_way) => return Err(WAIT_MIN),
            None => of_address.push((credential, 1)),
        }
        Ok(Try { failures: self, address, credential, is_first })
    }

    /// Whether one more is free if all those under way fail; one always is.
    fn is_free(&self, address: IpAddr, under_way: usize) -> bool {
        let now = self.clock.now();
        let held = self.table.get(&address).unwrap_or_default();
        let more = u32::try_from(under_way + 1).unwrap_or(u32::MAX);
        under_way == 0 || held.until.max(now) + self.each.saturating_mul(more) <= now + WINDOW
    }

    fn tries(&self) -> MutexGuard<'_, Tries> {
        self.tries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that a credential from this address was not good.
    pub(super) fn note(&self, address: IpAddr) {
        let now = self.clock.now();
        self.table.sweep(now);
        let Ok(()) = self.table.change(&address, |held| Ok::<_, Infallible>(((), self.hold(held, now))));
    }

    fn hold(&self, held: Option<Held>, now: Duration) -> Held {
        let held = held.filter(|held| held.fades_at() > now).unwrap_or_default();
        let until = (held.until.max(now) + self.each).min(now + HELD_MAX);
        // Of several that were under way together only the first lengthens the wait.
        if until <= now + WINDOW || held.shut_until > now {
            return Held { until, ..held };
        }
        let wait = (held.wait * 2).clamp(WAIT_MIN, WAIT_MAX);
        Held { until, shut_until: now + wait, wait }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use proptest::prelude::*;
    use tokio::time::{Instant, advance};

    use super::*;

    const ATTACKER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
    const OTHER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2));

    /// Fails as soon as it is let; gives the waits.
    async fn waits(failures: &Failures, tries: usize) -> Vec<u64> {
        let mut waits = Vec::new();
        for _ in 0..tries {
            if let Err(wait) = failures.check(ATTACKER) {
                waits.push(wait.as_secs());
                advance(wait).await;
            }
            failures.note(ATTACKER);
        }
        waits
    }

    #[tokio::test(start_paused = true)]
    async fn some_are_free_and_then_the_wait_doubles_to_a_minute() {
        let failures = Failures::new(10, 100);
        assert_eq!(waits(&failures, 10).await, [0; 0]);
        let slower = waits(&failures, 40).await;
        assert_eq!(slower[..6], [1, 2, 4, 8, 16, 32]);
        assert!(slower[6..].iter().all(|wait| *wait == 60), "{slower:?}");
        assert!(failures.check(OTHER).is_ok(), "it holds for that address alone");
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_long_ago_is_forgotten() {
        let failures = Failures::new(10, 100);
        waits(&failures, 60).await;
        advance(HELD_MAX).await;
        assert_eq!(waits(&failures, 10).await, [0; 0]);
        assert_eq!(waits(&failures, 2).await, [1]);
    }

    #[tokio::test(start_paused = true)]
    async fn several_at_once_lengthen_the_wait_once() {
        let failures = Failures::new(10, 100);
        (0..1_000).for_each(|_| failures.note(ATTACKER));
        assert_eq!(failures.check(ATTACKER), Err(WAIT_MIN));
    }

    #[tokio::test(start_paused = true)]
    async fn as_many_may_be_under_way_as_would_be_free_if_all_failed_and_one_always() {
        let failures = Failures::new(10, 100);
        let begin = |number| failures.begin(ATTACKER, TokenHash::for_test(number)).ok();
        let begin_20 = || (0..20).filter_map(begin).collect::<Vec<_>>();
        let (all, failed) = (begin_20(), 4);
        assert_eq!(all.len(), 10);
        assert!(all.iter().all(Try::is_first));
        assert!(begin(3).is_some_and(|again| !again.is_first()), "who tries the same tries no more");
        assert!(failures.begin(OTHER, TokenHash::for_test(0)).is_ok());
        drop(all);
        (0..failed).for_each(|_| failures.note(ATTACKER));
        assert_eq!(begin_20().len(), 6, "those that were good are not held against it");
        assert!(failures.tries().is_empty());
        (0..20).for_each(|_| failures.note(ATTACKER));
        assert!(begin(0).is_none());
        advance(WAIT_MIN).await;
        assert_eq!([begin(0), begin(1)].iter().flatten().count(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_addresses_are_remembered_than_may_be() {
        let failures = Failures::new(1, 10);
        for last in 0..=255 {
            failures.note(IpAddr::V4(Ipv4Addr::new(198, 51, 100, last)));
        }
        assert_eq!(failures.table.len(), 10);
    }

    proptest! {
        #[test]
        fn whatever_the_rhythm_no_more_are_looked_at_than_are_free(pauses in prop::collection::vec(0_u64..20_000, 1..300)) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
            let runtime = runtime.map_err(|error| TestCaseError::fail(error.to_string()))?;
            runtime.block_on(async {
                let (failures, began) = (Failures::new(10, 100), Instant::now());
                let mut looked_at = 0;
                for pause in pauses {
                    advance(Duration::from_millis(pause)).await;
                    if failures.check(ATTACKER).is_ok() {
                        failures.note(ATTACKER);
                        looked_at += 1;
                    }
                }
                // Ten at once and ten a minute, and as many more as the first short waits let through.
                prop_assert!(looked_at <= 10 + 6 + began.elapsed().as_secs().div_ceil(6), "{looked_at}");
                Ok(())
            })?;
        }
    }
}

//! Slows down guessing of credentials: after too many failures, an address must wait before the next check.
//!
//! The wait doubles with each further failure, up to a minute. It is forgotten after one or two minutes without a failure.
//! It applies to that address alone, and there only to invalid credentials and to those that need a provider call. Many
//! people can share an address, and a credential that is known to be valid keeps working.
//!
//! A pending check counts as failed, so a thousand checks at once are no more than the free ones.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use governor::clock::Clock;

use super::budget::TokioClock;
use super::expiring_map::{Expires, ExpiringMap};
use crate::auth::token_hash::TokenHash;

/// The first wait.
const WAIT_MIN: Duration = Duration::from_secs(1);

/// The longest wait.
const WAIT_MAX: Duration = Duration::from_secs(60);

/// The time in which the free failures of an address are forgotten.
const WINDOW: Duration = Duration::from_secs(60);

/// The longest time that failures are remembered.
const REMEMBERED_MAX: Duration = Duration::from_secs(120);

/// The failures of an address. Times are since the start of the clock.
#[derive(Clone, Copy, Debug, Default)]
struct Record {
    /// When all its failures are forgotten.
    forgotten_at: Duration,
    /// When credentials from it are checked again.
    blocked_until: Duration,
    /// The last wait.
    wait: Duration,
}

impl Expires for Record {
    fn expires_at(&self) -> Duration {
        self.forgotten_at.max(self.blocked_until)
    }
}

/// The credentials of each address that are being checked, and the number of requests that wait for each. There are no more
/// addresses than requests.
type PendingChecks = HashMap<IpAddr, Vec<(TokenHash, u32)>>;

/// The failures of all addresses.
pub(super) struct CredentialFailures {
    clock: TokioClock,
    records: ExpiringMap<IpAddr, Record>,
    /// The time in which one failure is forgotten.
    per_failure: Duration,
    pending: Mutex<PendingChecks>,
}

/// A check of a credential, pending until this is dropped. A failure must be recorded before.
pub(in crate::http) struct CredentialCheck<'a> {
    failures: &'a CredentialFailures,
    address: IpAddr,
    credential: TokenHash,
    is_first: bool,
}

impl CredentialCheck<'_> {
    /// Returns whether no other request was checking the same credential.
    pub(super) fn is_first(&self) -> bool {
        self.is_first
    }
}

impl Drop for CredentialCheck<'_> {
    fn drop(&mut self) {
        let mut pending = self.failures.pending();
        let Some(checks) = pending.get_mut(&self.address) else { return };
        checks.retain_mut(|(credential, requests)| {
            *requests -= u32::from(*credential == self.credential);
            *requests > 0
        });
        if checks.is_empty() {
            pending.remove(&self.address);
        }
    }
}

impl CredentialFailures {
    /// Allows `per_minute` failures without a wait. At most `addresses_max` addresses are stored.
    pub(super) fn new(per_minute: u32, addresses_max: usize) -> Self {
        let per_failure = WINDOW / per_minute.max(1);
        let records = ExpiringMap::new(addresses_max);
        Self { clock: TokioClock::default(), records, per_failure, pending: Mutex::default() }
    }

    /// Checks that credentials from this address are not blocked.
    ///
    /// # Errors
    /// The time until they are checked again.
    pub(super) fn check(&self, address: IpAddr) -> Result<(), Duration> {
        let now = self.clock.now();
        let wait = self.records.get(&address).map_or(Duration::ZERO, |record| record.blocked_until.saturating_sub(now));
        if wait.is_zero() { Ok(()) } else { Err(wait) }
    }

    /// Starts a check of a credential from this address.
    ///
    /// # Errors
    /// The time to wait, if too many failed or would have failed if all pending checks failed.
    pub(super) fn start_check(&self, address: IpAddr, credential: TokenHash) -> Result<CredentialCheck<'_>, Duration> {
        // Locked throughout: a check that ends meanwhile counts either as pending or as recorded.
        let mut pending = self.pending();
        self.check(address)?;
        let checks = pending.entry(address).or_default();
        let count = checks.len();
        let same = checks.iter_mut().find(|(other, _)| *other == credential);
        let is_first = same.is_none();
        match same {
            Some((_, requests)) => *requests += 1,
            None if !self.is_free(address, count) => return Err(WAIT_MIN),
            None => checks.push((credential, 1)),
        }
        Ok(CredentialCheck { failures: self, address, credential, is_first })
    }

    /// Returns whether one more failure is free if all pending checks fail. One check at a time always is.
    fn is_free(&self, address: IpAddr, pending: usize) -> bool {
        let now = self.clock.now();
        let record = self.records.get(&address).unwrap_or_default();
        let failures = u32::try_from(pending + 1).unwrap_or(u32::MAX);
        pending == 0 || record.forgotten_at.max(now) + self.per_failure.saturating_mul(failures) <= now + WINDOW
    }

    fn pending(&self) -> MutexGuard<'_, PendingChecks> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records a failed credential from this address.
    pub(super) fn record(&self, address: IpAddr) {
        let now = self.clock.now();
        self.records.sweep(now);
        let add = |record| Ok::<_, Infallible>(((), self.with_failure(record, now)));
        let Ok(()) = self.records.update(&address, add);
    }

    fn with_failure(&self, record: Option<Record>, now: Duration) -> Record {
        let record = record.filter(|record| record.expires_at() > now).unwrap_or_default();
        let forgotten_at = (record.forgotten_at.max(now) + self.per_failure).min(now + REMEMBERED_MAX);
        // Of several checks that were pending together, only the first failure lengthens the wait.
        if forgotten_at <= now + WINDOW || record.blocked_until > now {
            return Record { forgotten_at, ..record };
        }
        let wait = (record.wait * 2).clamp(WAIT_MIN, WAIT_MAX);
        Record { forgotten_at, blocked_until: now + wait, wait }
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

    /// Fails as soon as it is allowed, `count` times. Returns the waits.
    async fn waits(failures: &CredentialFailures, count: usize) -> Vec<u64> {
        let mut waits = Vec::new();
        for _ in 0..count {
            if let Err(wait) = failures.check(ATTACKER) {
                waits.push(wait.as_secs());
                advance(wait).await;
            }
            failures.record(ATTACKER);
        }
        waits
    }

    #[tokio::test(start_paused = true)]
    async fn some_failures_are_free_and_then_the_wait_doubles_to_a_minute() {
        let failures = CredentialFailures::new(10, 100);
        assert_eq!(waits(&failures, 10).await, [0; 0]);
        let slower = waits(&failures, 40).await;
        assert_eq!(slower[..6], [1, 2, 4, 8, 16, 32]);
        assert!(slower[6..].iter().all(|wait| *wait == 60), "{slower:?}");
        assert!(failures.check(OTHER).is_ok(), "only that address is blocked");
    }

    #[tokio::test(start_paused = true)]
    async fn old_failures_are_forgotten() {
        let failures = CredentialFailures::new(10, 100);
        waits(&failures, 60).await;
        advance(REMEMBERED_MAX).await;
        assert_eq!(waits(&failures, 10).await, [0; 0]);
        assert_eq!(waits(&failures, 2).await, [1]);
    }

    #[tokio::test(start_paused = true)]
    async fn failures_at_once_lengthen_the_wait_once() {
        let failures = CredentialFailures::new(10, 100);
        (0..1_000).for_each(|_| failures.record(ATTACKER));
        assert_eq!(failures.check(ATTACKER), Err(WAIT_MIN));
    }

    #[tokio::test(start_paused = true)]
    async fn as_many_checks_may_be_pending_as_failures_are_free_and_always_one() {
        let failures = CredentialFailures::new(10, 100);
        let start = |number| failures.start_check(ATTACKER, TokenHash::for_test(number)).ok();
        let start_20 = || (0..20).filter_map(start).collect::<Vec<_>>();
        let failed = 4;
        let all = start_20();
        assert_eq!(all.len(), 10);
        assert!(all.iter().all(CredentialCheck::is_first));
        assert!(start(3).is_some_and(|again| !again.is_first()), "a check of the same credential is not another one");
        assert!(failures.start_check(OTHER, TokenHash::for_test(0)).is_ok());
        drop(all);
        (0..failed).for_each(|_| failures.record(ATTACKER));
        assert_eq!(start_20().len(), 6, "valid credentials do not count");
        assert!(failures.pending().is_empty());
        (0..20).for_each(|_| failures.record(ATTACKER));
        assert!(start(0).is_none());
        advance(WAIT_MIN).await;
        assert_eq!([start(0), start(1)].iter().flatten().count(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn the_number_of_stored_addresses_is_bounded() {
        let failures = CredentialFailures::new(1, 10);
        for last in 0..=255 {
            failures.record(IpAddr::V4(Ipv4Addr::new(198, 51, 100, last)));
        }
        assert_eq!(failures.records.len(), 10);
    }

    proptest! {
        #[test]
        fn no_rhythm_gets_more_checks_than_are_free(pauses in prop::collection::vec(0_u64..20_000, 1..300)) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
            let runtime = runtime.map_err(|error| TestCaseError::fail(error.to_string()))?;
            runtime.block_on(async {
                let (failures, started) = (CredentialFailures::new(10, 100), Instant::now());
                let mut checked = 0;
                for pause in pauses {
                    advance(Duration::from_millis(pause)).await;
                    if failures.check(ATTACKER).is_ok() {
                        failures.record(ATTACKER);
                        checked += 1;
                    }
                }
                // Ten at once, ten per minute, and the few that the first short waits allow.
                prop_assert!(checked <= 10 + 6 + started.elapsed().as_secs().div_ceil(6), "{checked}");
                Ok(())
            })?;
        }
    }
}

//! Slows down who tries credentials: after so many that were not good, an address has to wait before the next one is tried.
//!
//! The wait doubles with each further one, to a minute at most, and is forgotten when the address has been quiet for a
//! minute or two. It holds for that address alone, and there for bad credentials and for what somebody outside would have to be
//! asked about: many can share an address, and who of them is known goes on.

use std::convert::Infallible;
use std::net::IpAddr;
use std::time::Duration;

use governor::clock::Clock;

use super::budget::TokioClock;
use super::table::{Fading, Table};

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

/// The failures of all addresses.
pub(super) struct Failures {
    clock: TokioClock,
    table: Table<IpAddr, Held>,
    each: Duration,
}

impl Failures {
    /// So many are free a minute; at most so many addresses are remembered.
    pub(super) fn new(per_minute: u32, addresses_max: usize) -> Self {
        let each = WINDOW / per_minute.max(1);
        Self { clock: TokioClock::default(), table: Table::new(addresses_max), each }
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
        assert_eq!(failures.check(OTHER), Ok(()), "it holds for that address alone");
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

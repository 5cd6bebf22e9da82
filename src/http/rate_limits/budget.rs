//! A budget per key that refills at a steady rate, by the generic cell rate algorithm (GCRA).
//!
//! governor decides whether a request is within a budget. Two things that governor lacks are needed here: to charge the
//! real cost after an operation has run, even if the budget cannot pay for it; and to read what remains. So its state is in
//! an [`ExpiringMap`], which is also bounded. Time is Tokio's, so tests can pause it.

use std::hash::Hash;
use std::num::NonZeroU32;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::StateStore;
use governor::{Quota, RateLimiter};
use tokio::time::Instant;

use super::expiring_map::{Expires, ExpiringMap};

/// The part of the amount per minute that a full budget has: one fifth.
const BURST_DIVISOR: u32 = 5;

const MINUTE: Duration = Duration::from_secs(60);

/// Tokio's clock, since its first use.
#[derive(Clone, Debug, Default)]
pub(super) struct TokioClock(Arc<OnceLock<Instant>>);

impl Clock for TokioClock {
    type Instant = Duration;

    fn now(&self) -> Duration {
        let now = Instant::now();
        now.saturating_duration_since(*self.0.get_or_init(|| now))
    }
}

/// The rate at which a budget refills, and its size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rate {
    per_minute: NonZeroU32,
    burst: NonZeroU32,
}

impl Rate {
    /// Creates a rate. The burst is a fifth of the amount per minute, or `burst_min` if that is more.
    pub(super) fn new(per_minute: u32, burst_min: u32) -> Self {
        let burst = NonZeroU32::new((per_minute / BURST_DIVISOR).max(burst_min)).unwrap_or(NonZeroU32::MIN);
        Self { per_minute: NonZeroU32::new(per_minute).unwrap_or(NonZeroU32::MIN), burst }
    }

    /// Returns the size of a full budget.
    pub(super) fn burst(self) -> u32 {
        self.burst.get()
    }

    /// Returns the time in which an empty budget refills.
    pub(super) fn window(self) -> Duration {
        self.per_unit() * self.burst.get()
    }

    /// Returns the time in which one unit refills.
    fn per_unit(self) -> Duration {
        MINUTE / self.per_minute.get()
    }

    fn quota(self) -> Option<Quota> {
        Some(Quota::with_period(self.per_unit())?.allow_burst(self.burst))
    }
}

/// What remains of a budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Remaining {
    /// The number of units.
    pub(super) count: u32,
    /// The time until the budget is full.
    pub(super) full_in: Duration,
}

/// The theoretical arrival time of GCRA: when the budget of a key is full again, since the start of the clock.
#[derive(Clone, Copy, Debug)]
struct ArrivalTime(Duration);

impl Expires for ArrivalTime {
    fn expires_at(&self) -> Duration {
        self.0
    }
}

/// The map as governor's state store.
struct GovernorStore<K>(Arc<ExpiringMap<K, ArrivalTime>>);

impl<K: Clone + Eq + Hash> StateStore for GovernorStore<K> {
    type Key = K;

    fn measure_and_replace<T, F, E>(&self, key: &K, change: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        self.0.update(key, |time| {
            let (result, new) = change(time.map(|ArrivalTime(at)| at.into()))?;
            Ok((result, ArrivalTime(new.into())))
        })
    }
}

/// The budgets of many keys, all with one rate.
pub(super) struct Budget<K: Clone + Eq + Hash> {
    rate: Rate,
    clock: TokioClock,
    times: Arc<ExpiringMap<K, ArrivalTime>>,
    limiter: Option<RateLimiter<K, GovernorStore<K>, TokioClock, NoOpMiddleware<Duration>>>,
}

impl<K: Clone + Eq + Hash> Budget<K> {
    /// Creates full budgets with this rate. At most `keys_max` keys are stored.
    pub(super) fn new(rate: Rate, keys_max: usize) -> Self {
        let clock = TokioClock::default();
        let times = Arc::new(ExpiringMap::new(keys_max));
        // The limiter reads the clock when it is created, so both count from the same instant.
        let limiter = rate.quota().map(|quota| RateLimiter::new(quota, GovernorStore(times.clone()), clock.clone()));
        Self { rate, clock, times, limiter }
    }

    /// Returns the rate.
    pub(super) fn rate(&self) -> Rate {
        self.rate
    }

    /// Takes one unit.
    ///
    /// # Errors
    /// The time until one is available.
    pub(super) fn take(&self, key: &K) -> Result<(), Duration> {
        let now = self.clock.now();
        self.times.sweep(now);
        let Some(limiter) = &self.limiter else { return Err(MINUTE) };
        limiter.check_key(key).map_err(|denied| denied.wait_time_from(now))
    }

    /// Takes `count` units even if fewer remain. The budget is then overdrawn and must refill first.
    pub(super) fn charge(&self, key: &K, count: usize) {
        if count == 0 {
            return;
        }
        let now = self.clock.now();
        self.times.sweep(now);
        let cost = self.rate.per_unit().saturating_mul(u32::try_from(count).unwrap_or(u32::MAX));
        let charge = |time: Option<ArrivalTime>| {
            let from = time.map_or(now, |ArrivalTime(at)| at.max(now));
            Ok::<_, std::convert::Infallible>(((), ArrivalTime(from.saturating_add(cost))))
        };
        let Ok(()) = self.times.update(key, charge);
    }

    /// Returns what remains.
    pub(super) fn remaining(&self, key: &K) -> Remaining {
        let full_in = self.full_in(key);
        let free = self.rate.window().saturating_sub(full_in);
        let count = free.as_nanos() / self.rate.per_unit().as_nanos().max(1);
        Remaining { count: u32::try_from(count).unwrap_or(u32::MAX), full_in }
    }

    /// Checks that something remains, and takes nothing.
    ///
    /// # Errors
    /// The time until one unit is available.
    pub(super) fn check(&self, key: &K) -> Result<Remaining, Duration> {
        let remaining = self.remaining(key);
        if remaining.count > 0 {
            return Ok(remaining);
        }
        Err(remaining.full_in.saturating_sub(self.rate.window().saturating_sub(self.rate.per_unit())))
    }

    fn full_in(&self, key: &K) -> Duration {
        self.times.get(key).map_or(Duration::ZERO, |ArrivalTime(at)| at.saturating_sub(self.clock.now()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tokio::time::advance;

    use super::*;

    fn budget(per_second: u32, burst_min: u32) -> Budget<&'static str> {
        Budget::new(Rate::new(per_second * 60, burst_min), 100)
    }

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn the_burst_is_a_fifth_of_a_minute_or_the_minimum() {
        assert_eq!((Rate::new(600, 1).burst(), Rate::new(600, 1).window()), (120, seconds(12)));
        assert_eq!((Rate::new(60, 150).burst(), Rate::new(60, 150).window()), (150, seconds(150)));
        assert_eq!((Rate::new(1, 1).burst(), Rate::new(1, 1).window()), (1, seconds(60)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_budget_is_available_at_once_and_then_refills() {
        let budget = budget(1, 1);
        assert_eq!(budget.remaining(&"ada"), Remaining { count: 12, full_in: seconds(0) });
        for taken in 1..=12 {
            assert_eq!(budget.take(&"ada"), Ok(()));
            assert_eq!(budget.remaining(&"ada"), Remaining { count: 12 - taken, full_in: seconds(taken.into()) });
        }
        assert_eq!(budget.take(&"ada"), Err(seconds(1)));
        assert_eq!(budget.take(&"ben"), Ok(()), "the budget of another key is full");
        advance(Duration::from_millis(600)).await;
        assert_eq!(budget.take(&"ada"), Err(Duration::from_millis(400)));
        advance(Duration::from_millis(400)).await;
        assert_eq!((budget.take(&"ada"), budget.take(&"ada")), (Ok(()), Err(seconds(1))));
        advance(seconds(12)).await;
        assert_eq!(budget.remaining(&"ada"), Remaining { count: 12, full_in: seconds(0) });
    }

    #[tokio::test(start_paused = true)]
    async fn an_overdrawn_budget_must_refill_first() {
        let budget = budget(10, 150);
        assert_eq!(budget.check(&"ada"), Ok(Remaining { count: 150, full_in: seconds(0) }));
        budget.charge(&"ada", 100);
        budget.charge(&"ada", 100);
        assert_eq!(budget.remaining(&"ada"), Remaining { count: 0, full_in: seconds(20) });
        assert_eq!(budget.check(&"ada"), Err(Duration::from_millis(5_100)));
        advance(seconds(5)).await;
        assert_eq!(budget.check(&"ada"), Err(Duration::from_millis(100)));
        advance(Duration::from_millis(100)).await;
        assert_eq!(budget.check(&"ada").map(|remaining| remaining.count), Ok(1));
        budget.charge(&"ben", 0);
        assert_eq!(budget.times.len(), 1, "a charge of nothing stores nothing");
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_budget_is_not_stored() {
        let budget = budget(1, 1);
        for key in ["ada", "ben"] {
            budget.charge(&key, 3);
        }
        advance(seconds(61)).await;
        assert_eq!(budget.take(&"cleo"), Ok(()));
        assert_eq!(budget.times.len(), 1);
    }

    proptest! {
        #[test]
        fn no_key_gets_more_than_the_burst_and_what_refills(steps in prop::collection::vec((0_u64..3_000, 0_usize..4), 1..200)) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
            let runtime = runtime.map_err(|error| TestCaseError::fail(error.to_string()))?;
            runtime.block_on(async {
                let (budget, began) = (budget(2, 1), Instant::now());
                let mut taken = 0_u64;
                for (wait, wanted) in steps {
                    advance(Duration::from_millis(wait)).await;
                    taken += (0..wanted).filter(|_| budget.take(&"ada").is_ok()).count() as u64;
                    let remaining = budget.remaining(&"ada");
                    prop_assert!(remaining.count <= budget.rate().burst());
                    prop_assert_eq!(remaining.count == 0, budget.check(&"ada").is_err());
                }
                let refilled = began.elapsed().as_millis() as u64 * 2 / 1_000;
                prop_assert!(taken <= u64::from(budget.rate().burst()) + refilled);
                Ok(())
            })?;
        }
    }
}

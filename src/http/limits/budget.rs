//! A budget that fills up steadily: so many a minute, of which a part can be saved up. One for each key, by GCRA.
//!
//! governor decides whether something is still within a budget. What an operation really cost is only known when it has
//! run, and must then be paid even if the budget does not hold so much; and answers tell what is left. governor has
//! neither, so its state lies in a table of ours (`table`), which is bounded besides. Time is tokio's.

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

use super::table::{Fading, Table};

/// How many times a minute's amount is more than what can be saved up.
const SAVED_PART: u32 = 5;

const MINUTE: Duration = Duration::from_secs(60);

/// Tokio's clock, counted from when it is first asked.
#[derive(Clone, Debug, Default)]
pub(super) struct TokioClock(Arc<OnceLock<Instant>>);

impl Clock for TokioClock {
    type Instant = Duration;

    fn now(&self) -> Duration {
        let now = Instant::now();
        now.saturating_duration_since(*self.0.get_or_init(|| now))
    }
}

/// How fast a budget fills, and how far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rate {
    per_minute: NonZeroU32,
    burst: NonZeroU32,
}

impl Rate {
    /// So many a minute, of which a fifth can be saved up; or more, so that `at_once` fit.
    pub(super) fn new(per_minute: u32, at_once: u32) -> Self {
        let burst = NonZeroU32::new((per_minute / SAVED_PART).max(at_once)).unwrap_or(NonZeroU32::MIN);
        Self { per_minute: NonZeroU32::new(per_minute).unwrap_or(NonZeroU32::MIN), burst }
    }

    /// The most that can be saved up.
    pub(super) fn burst(self) -> u32 {
        self.burst.get()
    }

    /// How long an empty budget takes to be whole.
    pub(super) fn window(self) -> Duration {
        self.each() * self.burst.get()
    }

    /// How long one takes to come back.
    fn each(self) -> Duration {
        MINUTE / self.per_minute.get()
    }

    fn quota(self) -> Option<Quota> {
        Some(Quota::with_period(self.each())?.allow_burst(self.burst))
    }
}

/// What a key has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Left {
    /// How much.
    pub(super) remaining: u32,
    /// How long until it has all it can have.
    pub(super) whole_in: Duration,
}

/// When a key has paid for all that it took: its theoretical arrival time, since the clock's beginning.
#[derive(Clone, Copy, Debug)]
struct Paid(Duration);

impl Fading for Paid {
    fn fades_at(&self) -> Duration {
        self.0
    }
}

/// The table as governor sees it.
struct Ledger<K>(Arc<Table<K, Paid>>);

impl<K: Clone + Eq + Hash> StateStore for Ledger<K> {
    type Key = K;

    fn measure_and_replace<T, F, E>(&self, key: &K, change: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        self.0.change(key, |paid| {
            let (told, new) = change(paid.map(|Paid(at)| at.into()))?;
            Ok((told, Paid(new.into())))
        })
    }
}

/// The budgets of many keys, all of one rate.
pub(super) struct Budget<K: Clone + Eq + Hash> {
    rate: Rate,
    clock: TokioClock,
    table: Arc<Table<K, Paid>>,
    limiter: Option<RateLimiter<K, Ledger<K>, TokioClock, NoOpMiddleware<Duration>>>,
}

impl<K: Clone + Eq + Hash> Budget<K> {
    /// Budgets of this rate; at most so many keys are remembered.
    pub(super) fn new(rate: Rate, keys_max: usize) -> Self {
        let (clock, table) = (TokioClock::default(), Arc::new(Table::new(keys_max)));
        // The limiter asks the clock first, so both count from the same instant.
        let limiter = rate.quota().map(|quota| RateLimiter::new(quota, Ledger(table.clone()), clock.clone()));
        Self { rate, clock, table, limiter }
    }

    /// Its rate.
    pub(super) fn rate(&self) -> Rate {
        self.rate
    }

    /// Takes one.
    ///
    /// # Errors
    /// How long until there is one.
    pub(super) fn take(&self, key: &K) -> Result<(), Duration> {
        let now = self.clock.now();
        self.table.sweep(now);
        let Some(limiter) = &self.limiter else { return Err(MINUTE) };
        limiter.check_key(key).map_err(|not| not.wait_time_from(now))
    }

    /// Takes so many, whether there are so many or not: what is missing has to come back first.
    pub(super) fn charge(&self, key: &K, count: usize) {
        if count == 0 {
            return;
        }
        let now = self.clock.now();
        self.table.sweep(now);
        let price = self.rate.each().saturating_mul(u32::try_from(count).unwrap_or(u32::MAX));
        let pay = |paid: Option<Paid>| {
            let from = paid.map_or(now, |Paid(at)| at.max(now));
            Ok::<_, std::convert::Infallible>(((), Paid(from.saturating_add(price))))
        };
        let Ok(()) = self.table.change(key, pay);
    }

    /// What is left.
    pub(super) fn left(&self, key: &K) -> Left {
        let owed = self.owed(key);
        let free = self.rate.window().saturating_sub(owed);
        let remaining = free.as_nanos() / self.rate.each().as_nanos().max(1);
        Left { remaining: u32::try_from(remaining).unwrap_or(u32::MAX), whole_in: owed }
    }

    /// Whether there is anything left.
    ///
    /// # Errors
    /// How long until there is.
    pub(super) fn check(&self, key: &K) -> Result<Left, Duration> {
        let left = self.left(key);
        if left.remaining > 0 {
            return Ok(left);
        }
        Err(left.whole_in.saturating_sub(self.rate.window().saturating_sub(self.rate.each())))
    }

    fn owed(&self, key: &K) -> Duration {
        self.table.get(key).map_or(Duration::ZERO, |Paid(at)| at.saturating_sub(self.clock.now()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tokio::time::advance;

    use super::*;

    /// So many a second.
    fn budget(per_second: u32, at_once: u32) -> Budget<&'static str> {
        Budget::new(Rate::new(per_second * 60, at_once), 100)
    }

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_fifth_of_a_minute_can_be_saved_up_and_one_operation_always_fits() {
        assert_eq!((Rate::new(600, 1).burst(), Rate::new(600, 1).window()), (120, seconds(12)));
        assert_eq!((Rate::new(60, 150).burst(), Rate::new(60, 150).window()), (150, seconds(150)));
        assert_eq!((Rate::new(1, 1).burst(), Rate::new(1, 1).window()), (1, seconds(60)));
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_saved_up_is_given_at_once_and_then_as_it_comes_back() {
        let budget = budget(1, 1);
        assert_eq!(budget.left(&"ada"), Left { remaining: 12, whole_in: seconds(0) });
        for taken in 1..=12 {
            assert_eq!(budget.take(&"ada"), Ok(()));
            assert_eq!(budget.left(&"ada"), Left { remaining: 12 - taken, whole_in: seconds(taken.into()) });
        }
        assert_eq!(budget.take(&"ada"), Err(seconds(1)));
        assert_eq!(budget.take(&"ben"), Ok(()), "another's budget is whole");
        advance(Duration::from_millis(600)).await;
        assert_eq!(budget.take(&"ada"), Err(Duration::from_millis(400)));
        advance(Duration::from_millis(400)).await;
        assert_eq!((budget.take(&"ada"), budget.take(&"ada")), (Ok(()), Err(seconds(1))));
        advance(seconds(12)).await;
        assert_eq!(budget.left(&"ada"), Left { remaining: 12, whole_in: seconds(0) });
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_overdrawn_has_to_come_back_first() {
        let budget = budget(10, 150);
        assert_eq!(budget.check(&"ada"), Ok(Left { remaining: 150, whole_in: seconds(0) }));
        budget.charge(&"ada", 100);
        budget.charge(&"ada", 100);
        assert_eq!(budget.left(&"ada"), Left { remaining: 0, whole_in: seconds(20) });
        assert_eq!(budget.check(&"ada"), Err(Duration::from_millis(5_100)));
        advance(seconds(5)).await;
        assert_eq!(budget.check(&"ada"), Err(Duration::from_millis(100)));
        advance(Duration::from_millis(100)).await;
        assert_eq!(budget.check(&"ada").map(|left| left.remaining), Ok(1));
        budget.charge(&"ben", 0);
        assert_eq!(budget.table.len(), 1, "what costs nothing leaves no trace");
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_has_been_quiet_is_forgotten() {
        let budget = budget(1, 1);
        for key in ["ada", "ben"] {
            budget.charge(&key, 3);
        }
        advance(seconds(61)).await;
        assert_eq!(budget.take(&"cleo"), Ok(()));
        assert_eq!(budget.table.len(), 1);
    }

    proptest! {
        #[test]
        fn nobody_gets_more_than_what_was_saved_up_and_what_came_back(steps in prop::collection::vec((0_u64..3_000, 0_usize..4), 1..200)) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
            let runtime = runtime.map_err(|error| TestCaseError::fail(error.to_string()))?;
            runtime.block_on(async {
                let (budget, began) = (budget(2, 1), Instant::now());
                let mut taken = 0_u64;
                for (wait, wanted) in steps {
                    advance(Duration::from_millis(wait)).await;
                    taken += (0..wanted).filter(|_| budget.take(&"ada").is_ok()).count() as u64;
                    let left = budget.left(&"ada");
                    prop_assert!(left.remaining <= budget.rate().burst());
                    prop_assert_eq!(left.remaining == 0, budget.check(&"ada").is_err());
                }
                let came_back = began.elapsed().as_millis() as u64 * 2 / 1_000;
                prop_assert!(taken <= u64::from(budget.rate().burst()) + came_back);
                Ok(())
            })?;
        }
    }
}

//! Whether and when a read is retried: pure decisions over an attempt, its outcome and an instant.
//!
//! Only reads are retried, and only after a failure that may pass: no connection, a lost connection, or 502, 503, 504.
//! After a 429 a read is retried only if the host said when, and that is before the deadline. All retries together are a
//! small share of all calls, so that a host in trouble is not loaded more than a healthy one.

use std::time::Duration;

use tokio::time::Instant;

use crate::upstream::error::Error;
use crate::upstream::outcome::Outcome;
use crate::upstream::policy::sliding_window::{Counts, SlidingWindow, WINDOW};
use crate::upstream::policy::throttle::THROTTLE_MAX;

/// The shortest backoff.
pub const BACKOFF_MIN: Duration = Duration::from_millis(50);

/// The longest backoff that the gateway chooses itself.
pub const BACKOFF_MAX: Duration = Duration::from_secs(1);

/// The factor by which the longest backoff grows with each attempt.
const GROWTH: u32 = 4;

/// One call in this many may be a retry.
const RETRY_SHARE: u32 = 5;

/// An attempt that has ended.
#[derive(Clone, Copy, Debug)]
pub struct FinishedAttempt {
    /// Its number, from 1.
    pub number: u32,
    /// What it came to.
    pub outcome: Outcome,
    /// When it ended.
    pub now: Instant,
    /// The last instant at which another may be sent.
    pub last_send: Instant,
}

/// Returns the wait before the next attempt, or `None` if this was the last. `random` is uniformly distributed.
pub fn backoff(attempt: FinishedAttempt, retries_max: u32, random: u64) -> Option<Duration> {
    if attempt.number > retries_max {
        return None;
    }
    let wait_min = match attempt.outcome {
        Outcome::Failed(Error::Unreachable | Error::ConnectionLost) => Duration::ZERO,
        Outcome::Unavailable { transient: true, wait } => wait.unwrap_or_default(),
        // A wait as long as the longest throttling is a ban, which a retry would prolong.
        Outcome::Throttled(Some(wait)) if wait < THROTTLE_MAX => wait,
        _ => return None,
    };
    let wait = wait_min.saturating_add(jitter(attempt.number, random));
    let left = attempt.last_send.saturating_duration_since(attempt.now);
    (wait < left).then_some(wait)
}

/// Returns a random wait below a bound that grows with each attempt, so that clients do not retry all at once.
fn jitter(number: u32, random: u64) -> Duration {
    let bound = BACKOFF_MIN.saturating_mul(GROWTH.saturating_pow(number)).min(BACKOFF_MAX);
    let span = u64::try_from((bound - BACKOFF_MIN).as_micros()).unwrap_or(u64::MAX);
    BACKOFF_MIN + Duration::from_micros(random % (span + 1))
}

/// The retry budget of one host: a share of its calls, and one retry per second.
#[derive(Clone, Debug)]
pub struct RetryBudget(SlidingWindow);

impl RetryBudget {
    /// The budget before the first call.
    pub fn new(now: Instant) -> Self {
        Self(SlidingWindow::new(now))
    }

    /// Counts a first attempt.
    pub fn count_first_attempt(&mut self, now: Instant) {
        self.0.add(Counts { all: 1, marked: 0 }, now);
    }

    /// Takes a retry. Returns whether there was one.
    pub fn take_retry(&mut self, now: Instant) -> bool {
        let Counts { all: calls, marked: retries } = self.0.total(now);
        let retries_max = u32::try_from(WINDOW.as_secs()).unwrap_or(u32::MAX).saturating_add(calls / RETRY_SHARE);
        let may_retry = retries < retries_max;
        if may_retry {
            self.0.add(Counts { all: 0, marked: 1 }, now);
        }
        may_retry
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn after(number: u32, outcome: Outcome, left: Duration) -> FinishedAttempt {
        let now = Instant::now();
        FinishedAttempt { number, outcome, now, last_send: now + left }
    }

    const LEFT: Duration = Duration::from_secs(5);

    #[test]
    fn only_transient_failures_are_retried() {
        let second = Some(Duration::from_secs(1));
        for (outcome, again) in [
            (Outcome::Failed(Error::Unreachable), true),
            (Outcome::Failed(Error::ConnectionLost), true),
            (Outcome::Failed(Error::Untrusted), false),
            (Outcome::Failed(Error::TimedOut), false),
            (Outcome::Failed(Error::TooLarge), false),
            (Outcome::Failed(Error::QueueFull), false),
            (Outcome::Failed(Error::OutOfResources), false),
            (Outcome::Failed(Error::CircuitOpen(Duration::ZERO)), false),
            (Outcome::Failed(Error::Throttled(Duration::ZERO)), false),
            (Outcome::Unavailable { transient: true, wait: None }, true),
            (Outcome::Unavailable { transient: true, wait: second }, true),
            (Outcome::Unavailable { transient: true, wait: Some(LEFT) }, false),
            (Outcome::Unavailable { transient: false, wait: None }, false),
            (Outcome::Throttled(second), true),
            (Outcome::Throttled(None), false),
            (Outcome::Throttled(Some(Duration::from_secs(60))), false),
            (Outcome::Refused, false),
            (Outcome::Denied, false),
            (Outcome::Malformed, false),
            (Outcome::Absent, false),
            (Outcome::Ok, false),
        ] {
            assert_eq!(backoff(after(1, outcome, LEFT), 2, 7).is_some(), again, "{outcome:?}");
            assert_eq!(backoff(after(3, outcome, LEFT), 2, 7), None, "{outcome:?} on the third attempt");
        }
    }

    #[test]
    fn a_ban_is_never_awaited() {
        let hour = Duration::from_secs(3_600);
        for (wait, again) in [(THROTTLE_MAX, false), (THROTTLE_MAX - BACKOFF_MIN, true)] {
            assert_eq!(backoff(after(1, Outcome::Throttled(Some(wait)), hour), 2, 7).is_some(), again, "{wait:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

        #[test]
        fn backoff_is_bounded_and_within_the_deadline(number in 1u32..6, rng: u64, left in 0u64..4_000) {
            let left = Duration::from_millis(left);
            let wait = backoff(after(number, Outcome::Failed(Error::ConnectionLost), left), 9, rng);
            prop_assert!(wait.is_none_or(|wait| (BACKOFF_MIN..=BACKOFF_MAX).contains(&wait) && wait < left));
            prop_assert!(wait.is_some() || left <= BACKOFF_MAX);
        }

        #[test]
        fn retry_after_is_a_lower_bound(asked in 0u64..4_000, rng: u64) {
            let asked = Duration::from_millis(asked);
            let wait = backoff(after(1, Outcome::Throttled(Some(asked)), LEFT), 2, rng);
            prop_assert!(wait.is_none_or(|wait| wait >= asked));
        }

        #[test]
        fn retries_are_a_share_of_all_calls_and_one_per_second(calls in 0u32..500, asked in 0u32..300) {
            let now = Instant::now();
            let mut budget = RetryBudget::new(now);
            (0..calls).for_each(|_| budget.count_first_attempt(now));
            let given = (0..asked).filter(|_| budget.take_retry(now)).count() as u32;
            prop_assert_eq!(given, asked.min(10 + calls / RETRY_SHARE));
            prop_assert!(budget.take_retry(now + WINDOW));
        }
    }
}

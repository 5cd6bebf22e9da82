//! Whether a read is tried again, and when: pure decisions over an attempt, its outcome and an instant.
//!
//! Only reads come here, and only those that may go better: the host was not reached, the answer broke off, or it says
//! 502, 503 or 504. A host that asks to slow down is obeyed, and asked again only if it said when and that is in time.
//! All retries together are a small share of all calls, so that a host in trouble is not pressed harder than in health.

use std::time::Duration;

use tokio::time::Instant;

use super::standing::SHUT_OUT_MAX;
use super::window::{Counts, WIDTH, Window};
use super::{Error, Outcome};

/// The shortest wait before another attempt.
pub const WAIT_MIN: Duration = Duration::from_millis(50);

/// The longest wait that the gateway chooses itself.
pub const WAIT_MAX: Duration = Duration::from_secs(1);

/// How much longer the wait may be after each attempt.
const GROWTH: u32 = 4;

/// One call in so many may be a retry.
const SHARE: u32 = 5;

/// An attempt that is over.
#[derive(Clone, Copy, Debug)]
pub struct Attempt {
    /// Its number, from 1.
    pub number: u32,
    /// What it came to.
    pub outcome: Outcome,
    /// When it was over.
    pub now: Instant,
    /// The last instant at which another may be sent.
    pub last_call: Instant,
}

/// How long to wait before the next attempt; none if this was the last. `dice` is a random number, all of whose values
/// are equally likely.
pub fn next(attempt: Attempt, retries_max: u32, dice: u64) -> Option<Duration> {
    if attempt.number > retries_max {
        return None;
    }
    let asked = match attempt.outcome {
        Outcome::Lost(Error::Unreachable | Error::Broken) => Duration::ZERO,
        Outcome::Down { passing: true, wait } => wait.unwrap_or_default(),
        // Who is to stay away for as long as a credential is shut out at most is banned: asking again prolongs that.
        Outcome::Throttled(Some(wait)) if wait < SHUT_OUT_MAX => wait,
        _ => return None,
    };
    let wait = asked.saturating_add(jitter(attempt.number, dice));
    let left = attempt.last_call.saturating_duration_since(attempt.now);
    (wait < left).then_some(wait)
}

/// A random wait up to a bound that grows with each attempt, so that those who failed together do not come back
/// together.
fn jitter(number: u32, dice: u64) -> Duration {
    let most = WAIT_MIN.saturating_mul(GROWTH.saturating_pow(number)).min(WAIT_MAX);
    let span = u64::try_from((most - WAIT_MIN).as_micros()).unwrap_or(u64::MAX);
    WAIT_MIN + Duration::from_micros(dice % (span + 1))
}

/// The retries that a host may still be burdened with: a share of its calls, and one a second.
#[derive(Clone, Debug)]
pub struct Tokens(Window);

impl Tokens {
    /// Nothing was called yet.
    pub fn new(now: Instant) -> Self {
        Self(Window::new(now))
    }

    /// Counts a first attempt.
    pub fn earn(&mut self, now: Instant) {
        self.0.add(Counts { all: 1, marked: 0 }, now);
    }

    /// Takes a retry, if there is one left.
    pub fn take(&mut self, now: Instant) -> bool {
        let Counts { all: calls, marked: retries } = self.0.total(now);
        let most = u32::try_from(WIDTH.as_secs()).unwrap_or(u32::MAX).saturating_add(calls / SHARE);
        let may = retries < most;
        if may {
            self.0.add(Counts { all: 0, marked: 1 }, now);
        }
        may
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn after(number: u32, outcome: Outcome, left: Duration) -> Attempt {
        let now = Instant::now();
        Attempt { number, outcome, now, last_call: now + left }
    }

    const LEFT: Duration = Duration::from_secs(5);

    #[test]
    fn only_what_may_go_better_is_tried_again() {
        let second = Some(Duration::from_secs(1));
        for (outcome, again) in [
            (Outcome::Lost(Error::Unreachable), true),
            (Outcome::Lost(Error::Broken), true),
            (Outcome::Lost(Error::Untrusted), false),
            (Outcome::Lost(Error::TimedOut), false),
            (Outcome::Lost(Error::TooLarge), false),
            (Outcome::Lost(Error::Crowded), false),
            (Outcome::Lost(Error::OutOfResources), false),
            (Outcome::Lost(Error::Open(Duration::ZERO)), false),
            (Outcome::Lost(Error::ShutOut(Duration::ZERO)), false),
            (Outcome::Down { passing: true, wait: None }, true),
            (Outcome::Down { passing: true, wait: second }, true),
            (Outcome::Down { passing: true, wait: Some(LEFT) }, false),
            (Outcome::Down { passing: false, wait: None }, false),
            (Outcome::Throttled(second), true),
            (Outcome::Throttled(None), false),
            (Outcome::Throttled(Some(Duration::from_secs(60))), false),
            (Outcome::Refused, false),
            (Outcome::Denied, false),
            (Outcome::Garbled, false),
            (Outcome::Absent, false),
            (Outcome::Good, false),
        ] {
            assert_eq!(next(after(1, outcome, LEFT), 2, 7).is_some(), again, "{outcome:?}");
            assert_eq!(next(after(3, outcome, LEFT), 2, 7), None, "{outcome:?} for the third time");
        }
    }

    #[test]
    fn a_ban_is_not_waited_for_however_much_time_there_is() {
        let hour = Duration::from_secs(3_600);
        for (wait, again) in [(SHUT_OUT_MAX, false), (SHUT_OUT_MAX - WAIT_MIN, true)] {
            assert_eq!(next(after(1, Outcome::Throttled(Some(wait)), hour), 2, 7).is_some(), again, "{wait:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

        #[test]
        fn a_wait_is_short_random_and_within_the_deadline(number in 1u32..6, dice: u64, left in 0u64..4_000) {
            let left = Duration::from_millis(left);
            let wait = next(after(number, Outcome::Lost(Error::Broken), left), 9, dice);
            prop_assert!(wait.is_none_or(|wait| (WAIT_MIN..=WAIT_MAX).contains(&wait) && wait < left));
            prop_assert!(wait.is_some() || left <= WAIT_MAX);
        }

        #[test]
        fn what_the_host_asks_for_is_a_lower_bound(asked in 0u64..4_000, dice: u64) {
            let asked = Duration::from_millis(asked);
            let wait = next(after(1, Outcome::Throttled(Some(asked)), LEFT), 2, dice);
            prop_assert!(wait.is_none_or(|wait| wait >= asked));
        }

        #[test]
        fn retries_are_a_share_of_all_calls_and_one_a_second(calls in 0u32..500, asked in 0u32..300) {
            let now = Instant::now();
            let mut tokens = Tokens::new(now);
            (0..calls).for_each(|_| tokens.earn(now));
            let given = (0..asked).filter(|_| tokens.take(now)).count() as u32;
            prop_assert_eq!(given, asked.min(10 + calls / SHARE));
            prop_assert!(tokens.take(now + WIDTH));
        }
    }
}

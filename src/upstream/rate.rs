//! How many calls a second: a pure count of the instant at which the next call is due.
//!
//! The crate that counts callers' requests reads a clock of its own, which no test can pause; this needs one number.

use std::time::Duration;

use tokio::time::Instant;

/// A rate with some room for a burst.
#[derive(Clone, Debug)]
pub struct Rate {
    /// The time that one call takes up.
    each: Duration,
    /// How far ahead of time calls may go.
    room: Duration,
    /// When the next call would be due if none ever went ahead of time.
    due: Instant,
}

impl Rate {
    /// So many calls a second in the long run, and so many at once after a quiet time.
    pub fn new(per_second: u32, burst: u32, now: Instant) -> Self {
        let each = Duration::from_secs(1) / per_second.max(1);
        Self { each, room: each * burst.max(1).saturating_sub(1), due: now }
    }

    /// How long the next call has to wait.
    pub fn wait(&self, now: Instant) -> Duration {
        self.due.saturating_duration_since(now).saturating_sub(self.room)
    }

    /// Counts a call that goes now, when it need not wait any more.
    pub fn go(&mut self, now: Instant) {
        self.due = self.due.max(now) + self.each;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

        #[test]
        fn no_second_has_more_than_the_burst_and_the_rate(
            per_second in 1u32..50, burst in 1u32..50, waits in proptest::collection::vec(0u64..300, 1..200)
        ) {
            let start = Instant::now();
            let (mut rate, mut now) = (Rate::new(per_second, burst, start), start);
            let mut went = Vec::new();
            for wait in waits {
                now += Duration::from_millis(wait) + rate.wait(now);
                rate.go(now);
                went.push(now);
            }
            for from in &went {
                let within = went.iter().filter(|at| **at >= *from && **at - *from < Duration::from_secs(1)).count();
                prop_assert!(within as u32 <= per_second + burst + 1, "{within} in a second");
            }
        }
    }

    #[test]
    fn a_burst_goes_at_once_and_then_one_after_the_other() {
        let start = Instant::now();
        let (mut rate, mut now) = (Rate::new(10, 3, start), start);
        let mut went = |later: u64| {
            now += Duration::from_millis(later);
            now += rate.wait(now);
            rate.go(now);
            (now - start).as_millis()
        };
        assert_eq!([0; 5].map(&mut went), [0, 0, 0, 100, 200]);
        assert_eq!([10_000, 0, 0, 0].map(&mut went), [10_200, 10_200, 10_200, 10_300]);
    }
}

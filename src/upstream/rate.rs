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

    /// Takes the next place: how long to wait for it. None, and no place is taken, if that is longer than `most`.
    pub fn take(&mut self, now: Instant, most: Duration) -> Option<Duration> {
        let due = self.due.max(now);
        let wait = (due - now).saturating_sub(self.room);
        if wait > most {
            return None;
        }
        self.due = due + self.each;
        Some(wait)
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
                now += Duration::from_millis(wait);
                if let Some(wait) = rate.take(now, Duration::from_secs(2)) {
                    prop_assert!(wait <= Duration::from_secs(2));
                    went.push(now + wait);
                }
            }
            for from in &went {
                let within = went.iter().filter(|at| **at >= *from && **at - *from < Duration::from_secs(1)).count();
                prop_assert!(within as u32 <= per_second + burst + 1, "{within} in a second");
            }
        }
    }

    #[test]
    fn a_burst_goes_at_once_and_what_does_not_fit_takes_no_place() {
        let now = Instant::now();
        let mut rate = Rate::new(10, 3, now);
        let take = |rate: &mut Rate| rate.take(now, Duration::from_millis(150)).map(|wait| wait.as_millis());
        let waits: Vec<_> = (0..6).map(|_| take(&mut rate)).collect();
        assert_eq!(waits, [Some(0), Some(0), Some(0), Some(100), None, None]);
        assert_eq!(rate.take(now + Duration::from_secs(1), Duration::ZERO), Some(Duration::ZERO));
    }
}

//! How many calls a second: a pure count of the instant at which the next call is due.
//!
//! The crate that counts callers' requests reads a clock of its own, which no test can pause; this needs one number.

use std::collections::BTreeSet;
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
    /// Places that were given back before their time; each serves one other call at that time, and then none.
    free: BTreeSet<Instant>,
}

/// A place in a rate: when its call would be due if none ever went ahead of time.
#[derive(Clone, Copy, Debug)]
pub struct Place(Instant);

impl Rate {
    /// So many calls a second in the long run, and so many at once after a quiet time.
    pub fn new(per_second: u32, burst: u32, now: Instant) -> Self {
        let each = Duration::from_secs(1) / per_second.max(1);
        Self { each, room: each * burst.max(1).saturating_sub(1), due: now, free: BTreeSet::new() }
    }

    /// Takes the next place: which, and how long to wait for it. None, and no place is taken, if that is longer than
    /// `most`.
    pub fn take(&mut self, now: Instant, most: Duration) -> Option<(Place, Duration)> {
        self.free = self.free.split_off(&(now + self.room));
        let due = self.free.first().copied().unwrap_or(self.due.max(now));
        let wait = (due - now).saturating_sub(self.room);
        if wait > most {
            return None;
        }
        if !self.free.remove(&due) {
            self.due = due + self.each;
        }
        Some((Place(due), wait))
    }

    /// Takes a place back whose call did not go.
    pub fn give_back(&mut self, place: Place) {
        self.free.insert(place.0);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

        #[test]
        fn no_second_has_more_than_the_burst_and_the_rate_whoever_leaves(
            per_second in 1u32..50, burst in 1u32..50, steps in proptest::collection::vec((0u64..300, 0usize..4), 1..200)
        ) {
            let start = Instant::now();
            let (mut rate, mut now) = (Rate::new(per_second, burst, start), start);
            let (mut went, mut waiting) = (Vec::new(), Vec::new());
            for (wait, leaves) in steps {
                now += Duration::from_millis(wait);
                if let Some((place, wait)) = rate.take(now, Duration::from_secs(2)) {
                    prop_assert!(wait <= Duration::from_secs(2));
                    waiting.push((now + wait, place));
                }
                let gone: Vec<_> = waiting.extract_if(.., |(at, _)| *at <= now).map(|(at, _)| at).collect();
                went.extend(gone);
                if leaves < waiting.len() {
                    rate.give_back(waiting.remove(leaves).1);
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
        let take = |rate: &mut Rate| rate.take(now, Duration::from_millis(150)).map(|(_, wait)| wait.as_millis());
        let waits: Vec<_> = (0..6).map(|_| take(&mut rate)).collect();
        assert_eq!(waits, [Some(0), Some(0), Some(0), Some(100), None, None]);
        let later = rate.take(now + Duration::from_secs(1), Duration::ZERO);
        assert!(later.is_some_and(|(_, wait)| wait.is_zero()));
    }

    #[test]
    fn a_place_that_is_given_back_goes_to_the_next_until_its_time_has_come() {
        let now = Instant::now();
        let mut rate = Rate::new(10, 1, now);
        let hour = Duration::from_secs(3_600);
        let places: Vec<_> = (0..4).filter_map(|_| rate.take(now, hour)).collect();
        places[1..3].iter().for_each(|(place, _)| rate.give_back(*place));
        let mut wait = |after| rate.take(now + Duration::from_millis(after), hour).map(|(_, wait)| wait.as_millis());
        assert_eq!([wait(50), wait(250), wait(250)], [Some(50), Some(150), Some(250)]);
    }
}

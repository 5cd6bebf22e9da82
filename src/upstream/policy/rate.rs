//! The rate limit of calls to one host (GCRA): one instant, at which the next call is due.
//!
//! The crate that limits the requests of callers gives no slot back; here a caller that leaves returns its slot.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::Instant;

/// A rate with a burst.
#[derive(Clone, Debug)]
pub struct Rate {
    /// The time between two calls at the steady rate.
    interval: Duration,
    /// How far calls may run ahead of the steady rate.
    burst: Duration,
    /// When the next call is due at the steady rate.
    due: Instant,
    /// Slots that were released before they were due. Each serves one other call.
    released: BTreeSet<Instant>,
}

/// A slot of a rate: when its call is due at the steady rate.
#[derive(Clone, Copy, Debug)]
pub struct RateSlot(Instant);

impl Rate {
    /// A rate of `per_second` calls on average, and `burst` calls at once after a quiet time.
    pub fn new(per_second: u32, burst: u32, now: Instant) -> Self {
        let interval = Duration::from_secs(1) / per_second.max(1);
        let burst = interval * burst.max(1).saturating_sub(1);
        Self { interval, burst, due: now, released: BTreeSet::new() }
    }

    /// Reserves the next slot, and returns it with the wait for it. `None` if the wait exceeds `wait_max`.
    pub fn reserve(&mut self, now: Instant, wait_max: Duration) -> Option<(RateSlot, Duration)> {
        self.released = self.released.split_off(&(now + self.burst));
        let due = self.released.first().copied().unwrap_or(self.due.max(now));
        let wait = (due - now).saturating_sub(self.burst);
        if wait > wait_max {
            return None;
        }
        if !self.released.remove(&due) {
            self.due = due + self.interval;
        }
        Some((RateSlot(due), wait))
    }

    /// Releases a slot whose call was not sent.
    pub fn release(&mut self, slot: RateSlot) {
        self.released.insert(slot.0);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

        #[test]
        fn no_second_exceeds_the_burst_and_the_rate(
            per_second in 1u32..50, burst in 1u32..50, steps in proptest::collection::vec((0u64..300, 0usize..4), 1..200)
        ) {
            let start = Instant::now();
            let (mut rate, mut now) = (Rate::new(per_second, burst, start), start);
            let (mut went, mut waiting) = (Vec::new(), Vec::new());
            for (wait, leaves) in steps {
                now += Duration::from_millis(wait);
                if let Some((slot, wait)) = rate.reserve(now, Duration::from_secs(2)) {
                    prop_assert!(wait <= Duration::from_secs(2));
                    waiting.push((now + wait, slot));
                }
                let gone: Vec<_> = waiting.extract_if(.., |(at, _)| *at <= now).map(|(at, _)| at).collect();
                went.extend(gone);
                if leaves < waiting.len() {
                    rate.release(waiting.remove(leaves).1);
                }
            }
            for from in &went {
                let within = went.iter().filter(|at| **at >= *from && **at - *from < Duration::from_secs(1)).count();
                prop_assert!(within as u32 <= per_second + burst + 1, "{within} in a second");
            }
        }
    }

    #[test]
    fn a_burst_passes_at_once_and_a_refusal_takes_no_slot() {
        let now = Instant::now();
        let mut rate = Rate::new(10, 3, now);
        let take = |rate: &mut Rate| rate.reserve(now, Duration::from_millis(150)).map(|(_, wait)| wait.as_millis());
        let waits: Vec<_> = (0..6).map(|_| take(&mut rate)).collect();
        assert_eq!(waits, [Some(0), Some(0), Some(0), Some(100), None, None]);
        let later = rate.reserve(now + Duration::from_secs(1), Duration::ZERO);
        assert!(later.is_some_and(|(_, wait)| wait.is_zero()));
    }

    #[test]
    fn a_released_slot_serves_the_next_call_until_it_is_due() {
        let now = Instant::now();
        let mut rate = Rate::new(10, 1, now);
        let hour = Duration::from_secs(3_600);
        let slots: Vec<_> = (0..4).filter_map(|_| rate.reserve(now, hour)).collect();
        slots[1..3].iter().for_each(|(slot, _)| rate.release(*slot));
        let mut wait = |after| rate.reserve(now + Duration::from_millis(after), hour).map(|(_, wait)| wait.as_millis());
        assert_eq!([wait(50), wait(250), wait(250)], [Some(50), Some(150), Some(250)]);
    }
}

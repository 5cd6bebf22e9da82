//! Counts over the last ten seconds, in ten buckets of one second. Pure, over instants that it is given.

use std::time::Duration;

use tokio::time::Instant;

const BUCKETS: usize = 10;

/// The length of the window.
pub const WINDOW: Duration = Duration::from_secs(BUCKETS as u64);

/// Counts of calls, and of those among them that are marked.
#[derive(Clone, Debug)]
pub struct SlidingWindow {
    start: Instant,
    /// The second since `start` to which the newest bucket belongs.
    second: u64,
    buckets: [Counts; BUCKETS],
}

/// A number of calls, and how many of them are marked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// All calls.
    pub all: u32,
    /// The marked ones.
    pub marked: u32,
}

impl SlidingWindow {
    /// An empty window.
    pub fn new(now: Instant) -> Self {
        Self { start: now, second: 0, buckets: [Counts::default(); BUCKETS] }
    }

    /// Adds counts.
    pub fn add(&mut self, counts: Counts, now: Instant) {
        self.advance(now);
        let bucket = &mut self.buckets[(self.second % BUCKETS as u64) as usize];
        bucket.all = bucket.all.saturating_add(counts.all);
        bucket.marked = bucket.marked.saturating_add(counts.marked);
    }

    /// Returns the counts of the last ten seconds.
    pub fn total(&mut self, now: Instant) -> Counts {
        self.advance(now);
        let sum = |count: fn(&Counts) -> u32| self.buckets.iter().map(count).fold(0, u32::saturating_add);
        Counts { all: sum(|counts| counts.all), marked: sum(|counts| counts.marked) }
    }

    fn advance(&mut self, now: Instant) {
        let second = now.saturating_duration_since(self.start).as_secs();
        let passed = second.saturating_sub(self.second).min(BUCKETS as u64);
        for step in 1..=passed {
            self.buckets[((self.second + step) % BUCKETS as u64) as usize] = Counts::default();
        }
        // After ten quiet seconds every bucket is empty, so any may be the newest.
        self.second = self.second.max(second);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

        #[test]
        fn it_counts_the_last_ten_seconds(steps in proptest::collection::vec((0u64..4_000, any::<bool>()), 0..60)) {
            let start = Instant::now();
            let mut window = SlidingWindow::new(start);
            let (mut now, mut came) = (start, Vec::new());
            for (wait, marked) in steps {
                now += Duration::from_millis(wait);
                window.add(Counts { all: 1, marked: marked.into() }, now);
                came.push(((now - start).as_secs(), marked));
            }
            let second = (now - start).as_secs();
            let recent: Vec<_> = came.iter().filter(|(at, _)| at + BUCKETS as u64 > second).collect();
            let expected = Counts {
                all: recent.len() as u32,
                marked: recent.iter().filter(|(_, marked)| *marked).count() as u32,
            };
            prop_assert_eq!(window.total(now), expected);
            prop_assert_eq!(window.total(now + WINDOW), Counts::default());
        }
    }
}

//! The deadline of a read in flight: as long as anybody waits for it, within the read timeout.
//!
//! A joiner may wait longer than those before it, so the end can move while the read is in flight. It never moves past
//! the read timeout of the starter. A call is sent only if there is time left for a reply: a call that is cut off at once
//! costs the host work, helps nobody, and says nothing about the host.

use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use crate::upstream::settings::Settings;

/// A call is sent only if this fraction of the attempt timeout is left.
const MARGIN_DIVISOR: u32 = 10;

/// The largest time that must be left.
const MARGIN_MAX: Duration = Duration::from_millis(250);

/// The deadline of a read or write, which later joiners can extend.
#[derive(Debug)]
pub struct Deadline {
    end: Mutex<Instant>,
    end_max: Instant,
    margin: Duration,
    calls: AtomicU32,
}

impl Deadline {
    /// The deadline of a read that starts now, for a caller that waits until `wanted`, or for as long as it takes.
    pub fn new(settings: &Settings, now: Instant, wanted: Option<Instant>) -> Self {
        let end_max = now + Duration::from_millis(settings.timeout_ms);
        let attempt = Duration::from_millis(settings.attempt_timeout_ms);
        let end = Mutex::new(wanted.map_or(end_max, |wanted| wanted.min(end_max)));
        Self { end, end_max, margin: (attempt / MARGIN_DIVISOR).min(MARGIN_MAX), calls: AtomicU32::new(0) }
    }

    /// Extends the deadline for a joiner.
    pub fn extend(&self, other: &Self) {
        let wanted = other.end().min(self.end_max);
        let mut end = self.end.lock().unwrap_or_else(PoisonError::into_inner);
        *end = wanted.max(*end);
    }

    /// Returns the current end.
    pub fn end(&self) -> Instant {
        *self.end.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the last instant at which a call may be sent.
    pub fn last_send(&self) -> Instant {
        let end = self.end();
        end.checked_sub(self.margin).unwrap_or(end)
    }

    /// Whether it is too late for a call.
    pub fn is_over(&self, now: Instant) -> bool {
        now >= self.last_send()
    }

    /// Counts a call that is sent.
    pub fn count_call(&self) {
        self.calls.fetch_add(1, Ordering::Relaxed);
    }

    /// Returns the number of calls that were sent.
    pub fn calls(&self) -> u32 {
        self.calls.load(Ordering::Relaxed)
    }

    /// Runs `work` until the end. `None` if it is not done by then.
    pub async fn run_until_end<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        run_until(|| self.end(), work).await
    }

    /// Runs `work` until the last instant at which a call may be sent. `None` if it is not done by then.
    pub async fn run_until_last_send<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        run_until(|| self.last_send(), work).await
    }
}

/// Runs `work` until an instant that may move later while it runs.
async fn run_until<T>(instant: impl Fn() -> Instant, work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    loop {
        let by = instant();
        match timeout_at(by, work.as_mut()).await {
            Ok(done) => return Some(done),
            Err(_) if instant() > by => {}
            Err(_) => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use tokio::time::sleep;

    use super::*;

    fn deadline(now: Instant, seconds: Option<u64>) -> Deadline {
        Deadline::new(&Settings::default(), now, seconds.map(|seconds| now + Duration::from_secs(seconds)))
    }

    #[tokio::test(start_paused = true)]
    async fn the_longest_waiter_decides_within_the_read_timeout() {
        let start = Instant::now();
        let read = deadline(start, Some(2));
        let more = async {
            sleep(Duration::from_secs(1)).await;
            read.extend(&deadline(Instant::now(), Some(2)));
            read.extend(&deadline(Instant::now(), Some(1)));
        };
        let (done, ()) = tokio::join!(read.run_until_end(pending::<()>()), more);
        assert_eq!((done, start.elapsed()), (None, Duration::from_secs(3)));
        read.extend(&deadline(Instant::now(), None));
        assert_eq!(read.run_until_end(pending::<()>()).await, None);
        assert_eq!(start.elapsed(), Duration::from_secs(5));
        assert_eq!(read.run_until_end(async { 7 }).await, Some(7), "work that is done is returned");
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_is_sent_only_while_there_is_time_for_a_reply() {
        let start = Instant::now();
        assert_eq!(deadline(start, Some(2)).run_until_last_send(pending::<()>()).await, None);
        assert_eq!(start.elapsed(), Duration::from_millis(1_750));
        let hasty = Settings { attempt_timeout_ms: 100, ..Settings::default() };
        let short = Deadline::new(&hasty, start, None);
        assert_eq!(short.end() - short.last_send(), Duration::from_millis(10));
    }
}

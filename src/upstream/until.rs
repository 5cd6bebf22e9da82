//! Until when a flight goes on, and how often it has called: for as long as anybody waits for it, within the time that a
//! read may take.
//!
//! Whoever joins it may wait longer than those before, so the end can move while the flight is under way; it never moves
//! past the time of the read that began it, though whoever joined late may have more. A call is sent only while there is time left for an answer: one that is sent to be cut
//! off costs the host a call, brings nobody anything, and says nothing of the host.

use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::Settings;

/// Which part of an attempt's time has to be left when it is sent.
const SPARE_PART: u32 = 10;

/// The most that has to be left.
const SPARE_MAX: Duration = Duration::from_millis(250);

/// Until when a flight goes on.
#[derive(Debug)]
pub struct Until {
    wanted: Mutex<Instant>,
    most: Instant,
    spare: Duration,
    calls: AtomicU32,
}

impl Until {
    /// Of a flight that begins now, for one who waits until this instant, or for as long as it takes.
    pub fn new(settings: &Settings, now: Instant, wanted: Option<Instant>) -> Self {
        let most = now + Duration::from_millis(settings.timeout_ms);
        let attempt = Duration::from_millis(settings.attempt_timeout_ms);
        let wanted = Mutex::new(wanted.map_or(most, |wanted| wanted.min(most)));
        Self { wanted, most, spare: (attempt / SPARE_PART).min(SPARE_MAX), calls: AtomicU32::new(0) }
    }

    /// Goes on for one more, who waits until then.
    pub fn extend(&self, other: &Self) {
        let wanted = other.end().min(self.most);
        let mut own = self.wanted.lock().unwrap_or_else(PoisonError::into_inner);
        *own = wanted.max(*own);
    }

    /// When it ends, as far as is known by now.
    pub fn end(&self) -> Instant {
        *self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The last instant at which a call may be sent.
    pub fn last_call(&self) -> Instant {
        let end = self.end();
        end.checked_sub(self.spare).unwrap_or(end)
    }

    /// Whether it is too late for a call.
    pub fn is_over(&self, now: Instant) -> bool {
        now >= self.last_call()
    }

    /// Counts a call that is sent.
    pub fn called(&self) {
        self.calls.fetch_add(1, Ordering::Relaxed);
    }

    /// How many calls were sent.
    pub fn calls(&self) -> u32 {
        self.calls.load(Ordering::Relaxed)
    }

    /// What this work comes to before the end; none if it is not done by then.
    pub async fn before_end<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        before(|| self.end(), work).await
    }

    /// What this work comes to as long as a call may be sent; none if it is not done by then.
    pub async fn before_last_call<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        before(|| self.last_call(), work).await
    }
}

/// Works until an instant that may have moved when it comes.
async fn before<T>(instant: impl Fn() -> Instant, work: impl Future<Output = T>) -> Option<T> {
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

    fn until(now: Instant, seconds: Option<u64>) -> Until {
        Until::new(&Settings::default(), now, seconds.map(|seconds| now + Duration::from_secs(seconds)))
    }

    #[tokio::test(start_paused = true)]
    async fn it_goes_on_for_whoever_waits_longest_and_not_beyond_its_own_time() {
        let start = Instant::now();
        let flight = until(start, Some(2));
        let more = async {
            sleep(Duration::from_secs(1)).await;
            flight.extend(&until(Instant::now(), Some(2)));
            flight.extend(&until(Instant::now(), Some(1)));
        };
        let (done, ()) = tokio::join!(flight.before_end(pending::<()>()), more);
        assert_eq!((done, start.elapsed()), (None, Duration::from_secs(3)));
        flight.extend(&until(Instant::now(), None));
        assert_eq!(flight.before_end(pending::<()>()).await, None);
        assert_eq!(start.elapsed(), Duration::from_secs(5));
        assert_eq!(flight.before_end(async { 7 }).await, Some(7), "what is done is done");
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_is_sent_only_while_there_is_time_for_an_answer() {
        let start = Instant::now();
        assert_eq!(until(start, Some(2)).before_last_call(pending::<()>()).await, None);
        assert_eq!(start.elapsed(), Duration::from_millis(1_750));
        let hasty = Settings { attempt_timeout_ms: 100, ..Settings::default() };
        let until = Until::new(&hasty, start, None);
        assert_eq!(until.end() - until.last_call(), Duration::from_millis(10));
    }
}

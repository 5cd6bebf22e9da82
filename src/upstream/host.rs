//! The way in to one host: its breaker, its turns and its rate, shared by all who call it.
//!
//! Each has turns of their own, with a line before them, and only who has one of those stands in the common line: so of
//! one caller's hundred reads only a few stand there, and the next caller stands behind those few.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::SemaphorePermit;
use tokio::time::{Instant, sleep};

use super::breaker::{Breaker, Caller, Circuit, Health, Pass};
use super::key::Fingerprint;
use super::line::Line;
use super::rate::{Place, Rate};
use super::retry::Tokens;
use super::until::Until;
use super::{Error, Outcome, Settings};

/// Which part of an attempt's time makes a call slow.
const SLOW_PART: u32 = 2;

/// One host, as all its callers share it.
#[derive(Debug)]
pub struct Host {
    breaker: Arc<Mutex<Breaker>>,
    tokens: Mutex<Tokens>,
    rate: Mutex<Rate>,
    common: Line,
    waiting: AtomicUsize,
    slow: Duration,
}

/// The right to have one call under way, as long as it is held.
#[derive(Debug)]
pub struct Turn<'a> {
    _own: SemaphorePermit<'a>,
    _common: SemaphorePermit<'a>,
}

/// A call that was let through. Dropped without a word its caller has left: that the host is in trouble, if it had been slow
/// by then, and else nothing.
#[derive(Debug)]
pub struct Admitted<'a> {
    host: &'a Host,
    credential: Fingerprint,
    payer: Option<u64>,
    pass: Option<Pass>,
    since: Instant,
}

impl Host {
    /// A host about which this breaker knows.
    pub fn new(settings: &Settings, breaker: Arc<Mutex<Breaker>>, now: Instant) -> Self {
        Self {
            breaker,
            tokens: Mutex::new(Tokens::new(now)),
            rate: Mutex::new(Rate::new(settings.calls_per_second_max, settings.calls_burst_max, now)),
            common: Line::new(settings.concurrent_max, settings.waiting_max),
            waiting: AtomicUsize::new(0),
            slow: Duration::from_millis(settings.attempt_timeout_ms) / SLOW_PART,
        }
    }

    /// Whether it is called.
    pub fn circuit(&self, now: Instant) -> Circuit {
        lock(&self.breaker).circuit(now)
    }

    /// Whether a call would be let through, before it waits for its turn.
    ///
    /// # Errors
    /// How long the host is left alone.
    pub fn check(&self, now: Instant) -> Result<(), Error> {
        lock(&self.breaker).check(now).map_err(Error::Open)
    }

    /// Lets a call with this credential through whose turn it is, for whoever pays, if that is known.
    ///
    /// # Errors
    /// How long the host is left alone.
    pub fn admit(&self, credential: Fingerprint, payer: Option<u64>, now: Instant) -> Result<Admitted<'_>, Error> {
        let pass = lock(&self.breaker).admit(now).map_err(Error::Open)?;
        Ok(Admitted { host: self, credential, payer, pass: Some(pass), since: now })
    }

    /// Waits for a turn: one's own, the host's, and a place in its rate.
    ///
    /// # Errors
    /// Crowded, if too many wait already; that the time is up, if the turn does not come while a call may be sent.
    pub async fn turn<'a>(&'a self, own: &'a Line, until: &Until) -> Result<Turn<'a>, Error> {
        let _waiting = Waiting::of(self);
        let turn = async {
            let own = own.turn().await?;
            let common = self.common.turn().await?;
            // A host that was found in trouble meanwhile is not waited for any more.
            self.check(Instant::now())?;
            self.place(until).await?;
            Ok(Turn { _own: own, _common: common })
        };
        until.before_last_call(turn).await.unwrap_or(Err(Error::TimedOut))
    }

    /// Waits for a place in the rate. Whoever leaves before it is due gives it back.
    async fn place(&self, until: &Until) -> Result<(), Error> {
        let now = Instant::now();
        let most = until.last_call().saturating_duration_since(now);
        let (place, wait) = lock(&self.rate).take(now, most).ok_or(Error::TimedOut)?;
        if !wait.is_zero() {
            let waiting = GiveBack { host: self, place: Some(place) };
            sleep(wait).await;
            waiting.used();
        }
        Ok(())
    }

    /// Counts a first attempt, of which later ones are a share.
    pub fn earn(&self, now: Instant) {
        lock(&self.tokens).earn(now);
    }

    /// Takes another attempt out of the host's budget.
    pub fn spend(&self, now: Instant) -> bool {
        lock(&self.tokens).take(now)
    }

    /// How many calls could begin at this moment, and how many reads wait.
    pub fn room(&self) -> (usize, usize) {
        (self.common.free(), self.waiting.load(Ordering::Relaxed))
    }
}

impl Admitted<'_> {
    /// Gives the pass back with what the call came to.
    pub fn report(mut self, outcome: Outcome, now: Instant) {
        match outcome {
            Outcome::Throttled(_) => lock(&self.host.breaker).throttled(self.credential, now),
            Outcome::Good | Outcome::Absent => lock(&self.host.breaker).served(self.credential),
            _ => {}
        }
        self.give_back(outcome.health(), now);
    }

    /// Gives the pass back of a call whose time was up: the host is in trouble, if it had been slow by then.
    pub fn cut_short(mut self, now: Instant) {
        let health = if self.is_slow(now) { Health::Bad } else { Health::Unknown };
        self.give_back(health, now);
    }

    fn is_slow(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.since) >= self.host.slow
    }

    fn give_back(&mut self, health: Health, now: Instant) {
        if let Some(pass) = self.pass.take() {
            lock(&self.host.breaker).report(pass, health, now);
        }
    }
}

impl Drop for Admitted<'_> {
    fn drop(&mut self) {
        let now = Instant::now();
        if !self.is_slow(now) {
            return self.give_back(Health::Unknown, now);
        }
        if let Some(pass) = self.pass.take() {
            let caller = self.payer.map_or(Caller::Credential(self.credential), Caller::Payer);
            lock(&self.host.breaker).left(pass, caller, now);
        }
    }
}

/// A read that waits, as the metrics count it.
struct Waiting<'a>(&'a Host);

impl<'a> Waiting<'a> {
    fn of(host: &'a Host) -> Self {
        host.waiting.fetch_add(1, Ordering::Relaxed);
        Self(host)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A place in the rate that is not due yet.
struct GiveBack<'a> {
    host: &'a Host,
    place: Option<Place>,
}

impl GiveBack<'_> {
    fn used(mut self) {
        self.place = None;
    }
}

impl Drop for GiveBack<'_> {
    fn drop(&mut self) {
        if let Some(place) = self.place {
            lock(&self.host.rate).give_back(place);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

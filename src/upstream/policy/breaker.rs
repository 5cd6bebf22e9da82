//! The circuit breaker of one host: a pure state over outcomes and instants.
//!
//! Closed, it counts. It opens when half of at least `breaker_calls_min` calls within ten seconds have failed, and then
//! refuses every call. After [`OPEN_FOR`] it is half-open: a few probes pass, and their outcomes decide.
//!
//! Throttling is a matter between the host and one credential. Only if several credentials are throttled, and no other is
//! served meanwhile, the host itself is overloaded, and the breaker opens.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::upstream::cache::key::Fingerprint;
use crate::upstream::outcome::Health;
use crate::upstream::policy::sliding_window::{Counts, SlidingWindow, WINDOW};

/// How long the breaker stays open.
pub const OPEN_FOR: Duration = Duration::from_secs(5);

/// How many probes must succeed before the breaker closes.
pub const PROBES: u32 = 3;

/// The suggested wait while all probes are in flight.
const PROBING: Duration = Duration::from_secs(1);

/// How many credentials must be throttled within ten seconds, with no other served, to open the breaker.
pub const THROTTLED_MAX: usize = 3;

/// The state of a circuit breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Circuit {
    /// Calls pass.
    Closed,
    /// Calls are refused for a while.
    Open,
    /// A few probes pass.
    HalfOpen,
}

impl Circuit {
    /// Returns the state's name in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Circuit::Closed => "closed",
            Circuit::Open => "open",
            Circuit::HalfOpen => "half_open",
        }
    }
}

/// The circuit breaker of one host.
#[derive(Debug)]
pub struct Breaker {
    calls_min: u32,
    window: SlidingWindow,
    phase: Phase,
    /// Counts the changes of phase. The report of a call that an earlier phase admitted is ignored.
    phase_number: u64,
    throttled: Vec<(Fingerprint, Instant)>,
    /// Who abandoned a slow call within ten seconds, and when. At most as many as there are calls in that time.
    abandoned: HashMap<CallerKey, Instant>,
}

/// On whose behalf a call is made: the caller, or the credential if the caller is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CallerKey {
    /// The caller.
    Caller(u64),
    /// The credential.
    Credential(Fingerprint),
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    Closed,
    Open { until: Instant },
    HalfOpen { started: u32, succeeded: u32 },
}

/// The right to make one call. It is returned with the call's health.
#[derive(Clone, Copy, Debug)]
pub struct BreakerPermit(u64);

impl Breaker {
    /// A closed breaker.
    pub fn new(calls_min: u32, now: Instant) -> Self {
        Self {
            calls_min,
            window: SlidingWindow::new(now),
            phase: Phase::Closed,
            phase_number: 0,
            throttled: Vec::new(),
            abandoned: HashMap::new(),
        }
    }

    /// Returns the state.
    pub fn circuit(&self, now: Instant) -> Circuit {
        match self.phase {
            Phase::Closed => Circuit::Closed,
            Phase::Open { until } if now < until => Circuit::Open,
            Phase::Open { .. } | Phase::HalfOpen { .. } => Circuit::HalfOpen,
        }
    }

    /// Whether a call would be admitted.
    ///
    /// # Errors
    /// How long to wait before the next try.
    pub fn check(&self, now: Instant) -> Result<(), Duration> {
        match self.phase {
            Phase::Open { until } if now < until => Err(until - now),
            Phase::HalfOpen { started, .. } if started >= PROBES => Err(PROBING),
            _ => Ok(()),
        }
    }

    /// Admits a call.
    ///
    /// # Errors
    /// How long to wait before the next try.
    pub fn admit(&mut self, now: Instant) -> Result<BreakerPermit, Duration> {
        self.check(now)?;
        if let Phase::Open { .. } = self.phase {
            self.change(Phase::HalfOpen { started: 0, succeeded: 0 });
        }
        if let Phase::HalfOpen { started, .. } = &mut self.phase {
            *started += 1;
        }
        Ok(BreakerPermit(self.phase_number))
    }

    /// Returns a permit with what the call says about the host.
    pub fn report(&mut self, permit: BreakerPermit, health: Health, now: Instant) {
        if permit.0 != self.phase_number {
            return;
        }
        match (&mut self.phase, health) {
            (Phase::Closed, Health::Good | Health::Bad) => {
                self.window.add(Counts { all: 1, marked: u32::from(health == Health::Bad) }, now);
                let Counts { all, marked } = self.window.total(now);
                if all >= self.calls_min && marked.saturating_mul(2) >= all {
                    self.open(now);
                }
            }
            (Phase::HalfOpen { .. }, Health::Bad) => self.open(now),
            (Phase::HalfOpen { succeeded, .. }, Health::Good) => {
                *succeeded += 1;
                if *succeeded >= PROBES {
                    self.window = SlidingWindow::new(now);
                    self.change(Phase::Closed);
                }
            }
            (Phase::HalfOpen { started, .. }, Health::Unknown) => *started -= 1,
            (Phase::Open { .. }, _) | (Phase::Closed, Health::Unknown) => {}
        }
    }

    /// Returns the permit of a slow call that its caller abandoned.
    ///
    /// It counts as a failure, but once per caller within ten seconds: how long a caller waits is its own choice.
    pub fn report_abandoned(&mut self, permit: BreakerPermit, caller: CallerKey, now: Instant) {
        self.abandoned.retain(|_, at| now.saturating_duration_since(*at) < WINDOW);
        let health = if self.abandoned.contains_key(&caller) { Health::Unknown } else { Health::Bad };
        self.abandoned.entry(caller).or_insert(now);
        self.report(permit, health, now);
    }

    /// Records that the host throttled a credential.
    pub fn record_throttled(&mut self, credential: Fingerprint, now: Instant) {
        self.throttled.retain(|(other, at)| *other != credential && now.saturating_duration_since(*at) < WINDOW);
        self.throttled.push((credential, now));
        if self.throttled.len() >= THROTTLED_MAX {
            self.throttled.clear();
            self.open(now);
        }
    }

    /// Records that the host served a credential, so it is not overloaded: only this one's throttling still counts.
    pub fn record_served(&mut self, credential: Fingerprint) {
        self.throttled.retain(|(other, _)| *other == credential);
    }

    fn open(&mut self, now: Instant) {
        self.change(Phase::Open { until: now + OPEN_FOR });
    }

    fn change(&mut self, phase: Phase) {
        self.phase = phase;
        self.phase_number += 1;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;
    use secrecy::SecretString;

    use super::*;
    use crate::upstream::Credential;
    use crate::upstream::cache::key::Fingerprinter;

    fn call(breaker: &mut Breaker, health: Health, now: Instant) -> bool {
        match breaker.admit(now) {
            Ok(permit) => {
                breaker.report(permit, health, now);
                true
            }
            Err(_) => false,
        }
    }

    fn opened(now: Instant) -> Breaker {
        let mut breaker = Breaker::new(20, now);
        (0..20).for_each(|_| assert!(call(&mut breaker, Health::Bad, now)));
        breaker
    }

    #[test]
    fn it_opens_when_half_of_twenty_calls_failed() {
        let now = Instant::now();
        let mut breaker = Breaker::new(20, now);
        (0..10).for_each(|_| assert!(call(&mut breaker, Health::Good, now)));
        (0..9).for_each(|_| assert!(call(&mut breaker, Health::Bad, now)));
        assert_eq!(breaker.circuit(now), Circuit::Closed);
        assert!(call(&mut breaker, Health::Bad, now));
        assert_eq!((breaker.circuit(now), breaker.check(now)), (Circuit::Open, Err(OPEN_FOR)));
        assert_eq!(breaker.admit(now + Duration::from_secs(2)).unwrap_err(), Duration::from_secs(3));
    }

    #[test]
    fn rare_failures_do_not_open_it() {
        let start = Instant::now();
        let mut breaker = Breaker::new(20, start);
        for second in 0..300 {
            assert!(call(&mut breaker, Health::Bad, start + Duration::from_secs(second)));
        }
    }

    #[test]
    fn three_good_probes_close_it_and_a_bad_one_reopens_it() {
        let start = Instant::now();
        let mut breaker = opened(start);
        let later = start + OPEN_FOR;
        assert_eq!(breaker.circuit(later), Circuit::HalfOpen);
        let permits: Vec<_> = (0..PROBES).map(|_| breaker.admit(later).unwrap()).collect();
        assert_eq!(breaker.admit(later).unwrap_err(), PROBING);
        breaker.report(permits[0], Health::Unknown, later);
        let replaced = breaker.admit(later).unwrap();
        for permit in [permits[1], permits[2], replaced] {
            breaker.report(permit, Health::Good, later);
        }
        assert_eq!(breaker.circuit(later), Circuit::Closed);

        let mut breaker = opened(start);
        let (one, two) = (breaker.admit(later).unwrap(), breaker.admit(later).unwrap());
        breaker.report(one, Health::Bad, later);
        breaker.report(two, Health::Good, later);
        assert_eq!((breaker.circuit(later), breaker.check(later)), (Circuit::Open, Err(OPEN_FOR)));
    }

    #[test]
    fn it_opens_when_several_credentials_are_throttled() {
        let now = Instant::now();
        let fingerprinter = Fingerprinter::new().unwrap();
        let fingerprint = |name: &str| fingerprinter.credential(Credential::Bearer(&SecretString::from(name)));
        let mut breaker = Breaker::new(20, now);
        (0..100).for_each(|_| breaker.record_throttled(fingerprint("a"), now));
        breaker.record_throttled(fingerprint("b"), now);
        breaker.record_throttled(fingerprint("c"), now + WINDOW);
        assert_eq!(breaker.circuit(now), Circuit::Closed);
        breaker.record_throttled(fingerprint("d"), now + WINDOW);
        breaker.record_throttled(fingerprint("e"), now + WINDOW);
        assert_eq!(breaker.circuit(now + WINDOW), Circuit::Open);
    }

    #[test]
    fn abandoned_calls_count_once_per_caller_in_ten_seconds() {
        let now = Instant::now();
        let mut breaker = Breaker::new(2, now);
        let leave = |breaker: &mut Breaker, caller, now| {
            let permit = breaker.admit(now).unwrap();
            breaker.report_abandoned(permit, CallerKey::Caller(caller), now);
            breaker.circuit(now)
        };
        for _ in 0..100 {
            assert_eq!(leave(&mut breaker, 1, now), Circuit::Closed);
        }
        assert_eq!(leave(&mut breaker, 1, now + WINDOW), Circuit::Closed, "it is the only caller again");
        assert_eq!(leave(&mut breaker, 2, now + WINDOW), Circuit::Open);
        let later = now + WINDOW + OPEN_FOR;
        assert_eq!(leave(&mut breaker, 2, later), Circuit::HalfOpen, "an abandoned probe is repeated");
        assert_eq!(leave(&mut breaker, 3, later), Circuit::Open);
    }

    #[test]
    fn throttling_does_not_open_it_while_others_are_served() {
        let now = Instant::now();
        let fingerprinter = Fingerprinter::new().unwrap();
        let fingerprint = |name: &str| fingerprinter.credential(Credential::Bearer(&SecretString::from(name)));
        let mut breaker = Breaker::new(20, now);
        for guess in ["a", "b", "c", "d"] {
            breaker.record_throttled(fingerprint(guess), now);
            breaker.record_served(fingerprint("well"));
        }
        for guess in ["a", "b"] {
            breaker.record_throttled(fingerprint(guess), now);
        }
        assert_eq!(breaker.circuit(now), Circuit::Closed);
        breaker.record_served(fingerprint("b"));
        breaker.record_throttled(fingerprint("c"), now);
        assert_eq!(breaker.circuit(now), Circuit::Closed, "the throttling of a no longer counts");
        breaker.record_throttled(fingerprint("d"), now);
        assert_eq!(breaker.circuit(now), Circuit::Open);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

        #[test]
        fn it_always_recovers_once_the_host_does(steps in proptest::collection::vec((0u64..3_000, 0u8..3), 0..200)) {
            let start = Instant::now();
            let (mut breaker, mut now) = (Breaker::new(20, start), start);
            for (wait, health) in steps {
                now += Duration::from_millis(wait);
                let health = [Health::Good, Health::Bad, Health::Unknown][usize::from(health)];
                let was = breaker.check(now);
                prop_assert_eq!(call(&mut breaker, health, now), was.is_ok());
                prop_assert!(was.is_ok_and(|()| true) || was.is_err_and(|wait| wait <= OPEN_FOR));
            }
            now += OPEN_FOR;
            (0..PROBES).for_each(|_| { call(&mut breaker, Health::Good, now); });
            prop_assert_eq!(breaker.circuit(now), Circuit::Closed);
        }
    }
}

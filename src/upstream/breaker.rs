//! Whether a host in trouble is left alone: a pure state over outcomes and instants.
//!
//! Closed, it counts; when half of enough calls within ten seconds have failed, it opens and every read is refused at
//! once; after a while it lets a few probes through, and what they bring decides. Being asked to slow down is a matter
//! between the host and one credential; only when several credentials are asked, and no other is served meanwhile, the host
//! itself is short of breath.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use super::key::Fingerprint;
use super::window::{Counts, WIDTH, Window};

/// How long a host in trouble is left alone.
pub const OPEN_FOR: Duration = Duration::from_secs(5);

/// How many probes have to go well before it is trusted again.
pub const PROBES: u32 = 3;

/// How long a read should wait that comes while the probes are under way.
const PROBING: Duration = Duration::from_secs(1);

/// How many credentials have to be asked to slow down within ten seconds in which no other is served.
pub const THROTTLED_MAX: usize = 3;

/// Whether a host is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Circuit {
    /// It is.
    Closed,
    /// It is not, for a while.
    Open,
    /// A few probes are.
    HalfOpen,
}

impl Circuit {
    /// The word for it in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Circuit::Closed => "closed",
            Circuit::Open => "open",
            Circuit::HalfOpen => "half_open",
        }
    }
}

/// The state of one host.
#[derive(Debug)]
pub struct Breaker {
    calls_min: u32,
    window: Window,
    phase: Phase,
    /// How often the phase has changed: what a pass of an earlier phase brings says nothing of this one.
    turn: u64,
    throttled: Vec<(Fingerprint, Instant)>,
    /// Who has left a slow call within ten seconds, and when; no more than there are calls in that time.
    left: HashMap<Caller, Instant>,
}

/// For whom a call is made: whoever pays for it, or where that is not known, whose credential it shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Caller {
    /// Who pays.
    Payer(u64),
    /// Whose credential is shown.
    Credential(Fingerprint),
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    Closed,
    Open { until: Instant },
    HalfOpen { begun: u32, good: u32 },
}

/// The right to make one call; to be given back with what the call came to.
#[derive(Clone, Copy, Debug)]
pub struct Pass(u64);

/// What a call says of its host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// It answers.
    Good,
    /// It is in trouble.
    Bad,
    /// Nothing: the call was given up, or the gateway itself could not make it.
    Unknown,
}

impl Breaker {
    /// A host about which nothing is known.
    pub fn new(calls_min: u32, now: Instant) -> Self {
        Self {
            calls_min,
            window: Window::new(now),
            phase: Phase::Closed,
            turn: 0,
            throttled: Vec::new(),
            left: HashMap::new(),
        }
    }

    /// Whether the host is called.
    pub fn circuit(&self, now: Instant) -> Circuit {
        match self.phase {
            Phase::Closed => Circuit::Closed,
            Phase::Open { until } if now < until => Circuit::Open,
            Phase::Open { .. } | Phase::HalfOpen { .. } => Circuit::HalfOpen,
        }
    }

    /// Whether a call would be let through.
    ///
    /// # Errors
    /// How long to wait before asking again.
    pub fn check(&self, now: Instant) -> Result<(), Duration> {
        match self.phase {
            Phase::Open { until } if now < until => Err(until - now),
            Phase::HalfOpen { begun, .. } if begun >= PROBES => Err(PROBING),
            _ => Ok(()),
        }
    }

    /// Lets a call through.
    ///
    /// # Errors
    /// How long to wait before asking again.
    pub fn admit(&mut self, now: Instant) -> Result<Pass, Duration> {
        self.check(now)?;
        if let Phase::Open { .. } = self.phase {
            self.change(Phase::HalfOpen { begun: 0, good: 0 });
        }
        if let Phase::HalfOpen { begun, .. } = &mut self.phase {
            *begun += 1;
        }
        Ok(Pass(self.turn))
    }

    /// Takes a pass back.
    pub fn report(&mut self, pass: Pass, health: Health, now: Instant) {
        if pass.0 != self.turn {
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
            (Phase::HalfOpen { good, .. }, Health::Good) => {
                *good += 1;
                if *good >= PROBES {
                    self.window = Window::new(now);
                    self.change(Phase::Closed);
                }
            }
            (Phase::HalfOpen { begun, .. }, Health::Unknown) => *begun -= 1,
            (Phase::Open { .. }, _) | (Phase::Closed, Health::Unknown) => {}
        }
    }

    /// Takes back the pass of a call that was slow when its caller left: trouble, but of each caller once in ten seconds, for
    /// how long one waits is their own matter.
    pub fn left(&mut self, pass: Pass, caller: Caller, now: Instant) {
        self.left.retain(|_, at| now.saturating_duration_since(*at) < WIDTH);
        let health = if self.left.contains_key(&caller) { Health::Unknown } else { Health::Bad };
        self.left.entry(caller).or_insert(now);
        self.report(pass, health, now);
    }

    /// Notes that a credential was asked to slow down.
    pub fn throttled(&mut self, credential: Fingerprint, now: Instant) {
        self.throttled.retain(|(other, at)| *other != credential && now.saturating_duration_since(*at) < WIDTH);
        self.throttled.push((credential, now));
        if self.throttled.len() >= THROTTLED_MAX {
            self.throttled.clear();
            self.open(now);
        }
    }

    /// Notes that a credential was given what it asked for: the host has breath for others than those it asked to slow down.
    pub fn served(&mut self, credential: Fingerprint) {
        self.throttled.retain(|(other, _)| *other == credential);
    }

    fn open(&mut self, now: Instant) {
        self.change(Phase::Open { until: now + OPEN_FOR });
    }

    fn change(&mut self, phase: Phase) {
        self.phase = phase;
        self.turn += 1;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;
    use secrecy::SecretString;

    use super::super::Credential;
    use super::super::key::Fingerprints;
    use super::*;

    fn call(breaker: &mut Breaker, health: Health, now: Instant) -> bool {
        match breaker.admit(now) {
            Ok(pass) => {
                breaker.report(pass, health, now);
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
    fn it_opens_at_half_of_twenty_calls_and_says_for_how_long() {
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
    fn failures_that_lie_apart_do_not_open_it() {
        let start = Instant::now();
        let mut breaker = Breaker::new(20, start);
        for second in 0..300 {
            assert!(call(&mut breaker, Health::Bad, start + Duration::from_secs(second)));
        }
    }

    #[test]
    fn three_good_probes_close_it_and_a_bad_one_opens_it_again() {
        let start = Instant::now();
        let mut breaker = opened(start);
        let later = start + OPEN_FOR;
        assert_eq!(breaker.circuit(later), Circuit::HalfOpen);
        let passes: Vec<_> = (0..PROBES).map(|_| breaker.admit(later).unwrap()).collect();
        assert_eq!(breaker.admit(later).unwrap_err(), PROBING);
        breaker.report(passes[0], Health::Unknown, later);
        let replaced = breaker.admit(later).unwrap();
        for pass in [passes[1], passes[2], replaced] {
            breaker.report(pass, Health::Good, later);
        }
        assert_eq!(breaker.circuit(later), Circuit::Closed);

        let mut breaker = opened(start);
        let (one, two) = (breaker.admit(later).unwrap(), breaker.admit(later).unwrap());
        breaker.report(one, Health::Bad, later);
        breaker.report(two, Health::Good, later);
        assert_eq!((breaker.circuit(later), breaker.check(later)), (Circuit::Open, Err(OPEN_FOR)));
    }

    #[test]
    fn it_opens_when_several_credentials_are_asked_to_slow_down_and_not_for_one() {
        let now = Instant::now();
        let prints = Fingerprints::random().unwrap();
        let print = |name: &str| prints.of(Credential::Bearer(&SecretString::from(name)));
        let mut breaker = Breaker::new(20, now);
        (0..100).for_each(|_| breaker.throttled(print("a"), now));
        breaker.throttled(print("b"), now);
        breaker.throttled(print("c"), now + WIDTH);
        assert_eq!(breaker.circuit(now), Circuit::Closed);
        breaker.throttled(print("d"), now + WIDTH);
        breaker.throttled(print("e"), now + WIDTH);
        assert_eq!(breaker.circuit(now + WIDTH), Circuit::Open);
    }

    #[test]
    fn however_often_one_caller_leaves_that_counts_once_in_ten_seconds() {
        let now = Instant::now();
        let mut breaker = Breaker::new(2, now);
        let leave = |breaker: &mut Breaker, caller, now| {
            let pass = breaker.admit(now).unwrap();
            breaker.left(pass, Caller::Payer(caller), now);
            breaker.circuit(now)
        };
        for _ in 0..100 {
            assert_eq!(leave(&mut breaker, 1, now), Circuit::Closed);
        }
        assert_eq!(leave(&mut breaker, 1, now + WIDTH), Circuit::Closed, "it is the only one again");
        assert_eq!(leave(&mut breaker, 2, now + WIDTH), Circuit::Open);
        let later = now + WIDTH + OPEN_FOR;
        assert_eq!(leave(&mut breaker, 2, later), Circuit::HalfOpen, "a probe that is left is made again");
        assert_eq!(leave(&mut breaker, 3, later), Circuit::Open);
    }

    #[test]
    fn as_long_as_it_serves_others_those_who_are_asked_to_slow_down_do_not_open_it() {
        let now = Instant::now();
        let prints = Fingerprints::random().unwrap();
        let print = |name: &str| prints.of(Credential::Bearer(&SecretString::from(name)));
        let mut breaker = Breaker::new(20, now);
        for guess in ["a", "b", "c", "d"] {
            breaker.throttled(print(guess), now);
            breaker.served(print("well"));
        }
        for guess in ["a", "b"] {
            breaker.throttled(print(guess), now);
        }
        assert_eq!(breaker.circuit(now), Circuit::Closed);
        breaker.served(print("b"));
        breaker.throttled(print("c"), now);
        assert_eq!(breaker.circuit(now), Circuit::Closed, "a is no longer held against it");
        breaker.throttled(print("d"), now);
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

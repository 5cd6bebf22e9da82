//! A simulation of an unreliable host and many callers, over many seeds on a paused clock: the invariants of all runs.
//!
//! A run depends on its seed alone. A failing seed is printed. Setting COMMONGRAPH_SEED at build time replays it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::join_all;
use tokio::time::{Instant, sleep, timeout};

use super::*;
use crate::upstream::tests::fake_host::{Act, TestError, TestUpstream, operation};

const SEEDS: u64 = 300;
const CALLERS: u64 = 4;
const READS: u64 = 60;

/// The longest that a healthy host takes for a reply, in milliseconds.
const HEALTHY_MS: u64 = 200;

/// The seed to replay, if one was set at build time.
const REPLAYED_SEED: Option<&str> = option_env!("COMMONGRAPH_SEED");

/// Runs `count` seeds, or the one to replay. Prints the seed of a failing run.
async fn for_each_seed(count: u64, mut play: impl AsyncFnMut(u64)) {
    let replayed = REPLAYED_SEED.map(|seed| seed.parse::<u64>().expect("a seed is a number"));
    for seed in replayed.map_or(0..count, |seed| seed..seed + 1) {
        let played = AssertUnwindSafe(play(seed)).catch_unwind().await;
        assert!(played.is_ok(), "COMMONGRAPH_SEED={seed} replays it");
    }
}

/// Pseudo-random numbers (SplitMix64), the same in every run of a seed.
struct SeededRng(u64);

impl SeededRng {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }

    fn wait(&mut self, most_ms: u64) -> Duration {
        Duration::from_millis(self.below(most_ms))
    }
}

/// What the host does next, if `bad` calls out of ten fail.
fn act(rng: &mut SeededRng, bad: u64) -> Act {
    if rng.below(10) >= bad {
        return Act::Answer(rng.wait(200), 200, None);
    }
    let seconds = Duration::from_secs(rng.below(90));
    match rng.below(12) {
        0 => Act::Hang,
        1 => Act::Fail(rng.wait(1_000), Error::Unreachable),
        2 => Act::Fail(rng.wait(3_000), Error::ConnectionLost),
        3 => Act::Answer(rng.wait(3_000), 500, None),
        4 => Act::Answer(rng.wait(3_000), 503, None),
        5 => Act::Answer(rng.wait(100), 503, Some(seconds)),
        6 => Act::Answer(rng.wait(100), 429, None),
        7 => Act::Answer(rng.wait(100), 429, Some(seconds)),
        8 => Act::Answer(rng.wait(100), 401, None),
        9 => Act::Answer(rng.wait(100), 403, None),
        10 => Act::Answer(rng.wait(100), 404, None),
        _ => Act::Answer(rng.wait(100), 299, None),
    }
}

/// One caller reads at random times, and sometimes cancels. Every response must be its own and in time.
async fn call(host: &TestUpstream, mut rng: SeededRng) -> Vec<(String, Instant, Duration)> {
    let token = format!("token-{}", rng.below(CALLERS));
    let mut throttle = Vec::new();
    for _ in 0..READS {
        sleep(rng.wait(2_000)).await;
        let (path, start, budget) = (rng.below(6).to_string(), Instant::now(), operation());
        let reading = host.read(&token, &path, &budget);
        let answer = match rng.below(8) {
            0 => timeout(rng.wait(300), reading).await.ok(),
            _ => Some(reading.await),
        };
        assert!(start.elapsed() <= Duration::from_secs(5), "{:?} for one read", start.elapsed());
        let Some((call, answer)) = answer else { continue };
        assert!(call.attempts <= 3, "{call:?}");
        match answer {
            Ok(Some(page)) => assert_eq!(page.token, token, "a response of another caller"),
            Err(TestError::Status(429, wait)) if call.verdict.is_call() => {
                throttle.push((token.clone(), Instant::now(), wait.unwrap_or(policy::throttle::THROTTLE_DEFAULT)));
            }
            Ok(None) | Err(_) => {}
        }
    }
    throttle
}

async fn play(seed: u64) {
    let mut rng = SeededRng(seed);
    let host = TestUpstream::new(|_, _| {}, rng.below(u64::MAX));
    let bad = rng.below(10);
    host.script.play((0..CALLERS * 3 * READS * 3).map(|_| act(&mut rng, bad)));
    let callers = (0..CALLERS * 3).map(|number| call(&host, SeededRng(seed ^ (number << 32))));
    let throttle: Vec<_> = join_all(callers).await.into_iter().flatten().collect();

    // Background revalidations may still be in flight.
    sleep(Duration::from_secs(6)).await;
    assert!(host.is_at_rest(), "something is held");
    let called = host.script.called.lock().unwrap().clone();
    for (token, since, wait) in throttle {
        let until = since + wait.min(THROTTLE_MAX);
        let early = called.iter().find(|(other, at)| *other == token && *at > since && *at < until);
        assert!(early.is_none(), "{token} was used while it was throttled");
    }

    // The host is healthy again. Once the longest throttling is over, the circuit closes.
    host.script.clear();
    sleep(THROTTLE_MAX).await;
    for number in 0..policy::breaker::PROBES {
        let (_, answer) = host.read("new", &format!("probe-{number}"), &operation()).await;
        assert!(answer.is_ok(), "{answer:?}");
    }
    assert_eq!(host.upstream.circuit(), Circuit::Closed);
    assert!(host.is_at_rest(), "something is held at the end");
}

#[tokio::test(start_paused = true)]
async fn every_response_is_the_callers_own_and_in_time_and_all_is_released() {
    for_each_seed(SEEDS, play).await;
}

/// A host with few permits. One caller repeatedly sends more reads than may wait; the others send one at a time.
struct Crowd {
    host: TestUpstream,
    scope: ConcurrencyScope,
    callers: u64,
    permits: u64,
    own_permits: u64,
    /// Whether all calls with an own permit fit into the host's queue.
    has_room: bool,
    is_healthy: bool,
}

impl Crowd {
    fn new(rng: &mut SeededRng) -> Self {
        let (callers, permits, own_permits) = (2 + rng.below(5), 1 + rng.below(6), 1 + rng.below(3));
        let (has_room, is_healthy) = (rng.below(2) == 0, rng.below(2) == 0);
        let scope =
            [ConcurrencyScope::Credential, ConcurrencyScope::Caller][rng.below(2) as usize](own_permits as usize);
        let waiting = if has_room { callers * own_permits } else { 1 };
        let change = |settings: &mut Settings, cache: &mut CacheSettings| {
            (settings.concurrent_max, settings.waiting_max) = (permits as usize, waiting as usize);
            (settings.breaker_calls_min, settings.retries_max, cache.max_bytes) = (1_000_000, 0, 0);
        };
        let host = TestUpstream::with(scope, change, rng.below(u64::MAX));
        let bad = if is_healthy { 0 } else { rng.below(5) };
        host.script.play((0..3_000).map(|_| match act(rng, bad) {
            // A throttled credential would prove nothing about permits.
            Act::Answer(wait, 429, _) => Act::Answer(wait, 500, None),
            act => act,
        }));
        Self { host, scope, callers, permits, own_permits, has_room, is_healthy }
    }

    /// The token and the budget of a caller.
    fn identity(&self, caller: u64) -> (String, Budget) {
        let token = match self.scope {
            ConcurrencyScope::Credential(_) => format!("token-{caller}"),
            ConcurrencyScope::Caller(_) => "site".to_owned(),
        };
        (token, Budget::new(1_000).with_caller(caller))
    }

    /// Fan-outs of one caller, some of them cancelled. Returns how many reads were refused.
    async fn fan_outs(&self, mut rng: SeededRng) -> usize {
        let (token, budget) = self.identity(0);
        let mut refused = 0;
        for round in 0..5 {
            let paths: Vec<_> = (0..40).map(|number| format!("many-{round}-{number}")).collect();
            let reads = join_all(paths.iter().map(|path| self.host.read(&token, path, &budget)));
            let answers = match rng.below(3) {
                0 => timeout(rng.wait(2_000), reads).await.unwrap_or_default(),
                _ => reads.await,
            };
            refused += answers.iter().filter(|(call, _)| call.error == Some(Error::QueueFull)).count();
        }
        refused
    }

    /// Reads one at a time; each waits only for those before it. Returns how many were refused.
    async fn one_at_a_time(&self, caller: u64, mut rng: SeededRng) -> usize {
        let (token, budget) = self.identity(caller);
        // The own permits of all callers, in rounds of the host's permits, and then its own call.
        let rounds = (self.callers * self.own_permits).div_ceil(self.permits) + 1;
        let most = Duration::from_millis(HEALTHY_MS + 1) * rounds as u32;
        let mut refused = 0;
        for number in 0..20 {
            sleep(rng.wait(200)).await;
            let start = Instant::now();
            let (call, _) = self.host.read(&token, &format!("{caller}-{number}"), &budget).await;
            let waited = start.elapsed();
            if call.error == Some(Error::QueueFull) {
                assert!(
                    !self.has_room && waited < Duration::from_millis(HEALTHY_MS),
                    "{waited:?} in a queue that was not full"
                );
                refused += 1;
            }
            assert!(!self.is_healthy || waited <= most, "{waited:?} behind {} callers", self.callers);
        }
        refused
    }
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_one_caller_leaves_permits_for_all_others() {
    let (mut own_queue_was_full, mut host_queue_was_full) = (false, false);
    for_each_seed(SEEDS, async |seed| {
        let mut rng = SeededRng(seed);
        let crowd = Crowd::new(&mut rng);
        let others = (1..crowd.callers).map(|caller| crowd.one_at_a_time(caller, SeededRng(seed ^ (caller << 32))));
        let (many, others) = tokio::join!(crowd.fan_outs(SeededRng(!seed)), join_all(others));
        own_queue_was_full |= many > 0;
        host_queue_was_full |= others.iter().sum::<usize>() > 0;
        assert!(*crowd.host.script.most.lock().unwrap() as u64 <= crowd.permits);
        assert!(crowd.host.is_at_rest(), "something is held");
    })
    .await;
    assert!(REPLAYED_SEED.is_some() || own_queue_was_full && host_queue_was_full, "no queue was ever full");
}

#[tokio::test(start_paused = true)]
async fn retries_add_a_fifth_of_the_calls_and_one_per_second() {
    for_each_seed(20, async |seed| {
        let mut rng = SeededRng(seed);
        let host =
            TestUpstream::new(|settings, cache| (settings.breaker_calls_min, cache.max_bytes) = (1_000_000, 0), seed);
        host.script.play(vec![Act::Answer(Duration::from_millis(5), 503, None); 20_000]);
        let start = Instant::now();
        let mut reads = 0;
        while start.elapsed() < Duration::from_secs(30) {
            let paths: Vec<_> = (0..rng.below(40)).map(|number| number.to_string()).collect();
            reads += paths.len();
            let budget = operation();
            join_all(paths.iter().map(|path| host.read("a", path, &budget))).await;
            sleep(rng.wait(100)).await;
        }
        let extra = host.script.calls() - reads;
        // The budget of three windows of ten seconds, and that of the last window at the end.
        assert!(extra <= reads / 5 + 30 + 10, "{extra} more than {reads}");
    })
    .await;
}

/// Random reads and writes. A read never returns a state from before a write that ended before the read began.
///
/// There is one exception: if the host fails, others may be served what a caller changed of their own.
#[tokio::test(start_paused = true)]
async fn no_read_returns_a_state_from_before_a_write_that_preceded_it() {
    for seed in 0..SEEDS {
        let host = TestUpstream::new(|_, cache| cache.stale_while_revalidate_seconds = 600, seed);
        let mut rng = SeededRng(seed);
        host.script.play((0..4_000).map(|_| Act::Answer(rng.wait(4_000), 200, None)));
        let changed = std::sync::Mutex::new([[0; 2]; 3]);
        let writer = async {
            let mut rng = SeededRng(!seed);
            for _ in 0..60 {
                sleep(rng.wait(5_000)).await;
                let (path, is_common) = (rng.below(3), rng.below(2) == 0);
                let version = {
                    let mut version = host.script.version.lock().unwrap();
                    *version += 1;
                    *version
                };
                // The host's data has changed, and its reply is on the way.
                sleep(rng.wait(1_000)).await;
                match (is_common, &*path.to_string()) {
                    (true, place) => host.change("somebody", &[], &[place]),
                    (false, place) => host.change("token-0", &[place], &[]),
                }
                changed.lock().unwrap()[path as usize][usize::from(is_common)] = version;
            }
        };
        let readers = (0..8u64).map(async |number| {
            let mut rng = SeededRng(seed ^ (number << 32));
            for _ in 0..60 {
                sleep(rng.wait(5_000)).await;
                let path = rng.below(3);
                let [own, common] = changed.lock().unwrap()[path as usize];
                let (call, answer) = host.ask(&format!("token-{}", number % 3), &path.to_string()).await;
                let may_be_older = call.verdict == Verdict::StaleIfError && number % 3 > 0;
                let least = if may_be_older { common } else { common.max(own) };
                let version = answer.ok().flatten().map(|page| page.version);
                assert!(version.is_none_or(|version| version >= least), "seed {seed}: {version:?} after {least}");
            }
        });
        tokio::join!(writer, join_all(readers));
    }
}

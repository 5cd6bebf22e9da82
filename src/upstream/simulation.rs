//! A host of moods and a crowd of callers, played over many seeds with a clock that nothing waits for: what must hold
//! however they meet.
//!
//! Every run is told by its seed alone, so a seed that fails fails again: it is printed, and COMMONGRAPH_SEED plays it.

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

/// The longest that a calm host takes for an answer, in milliseconds.
const CALM_MS: u64 = 200;

/// The one seed to be played, if it was named when this was built.
const ASKED: Option<&str> = option_env!("COMMONGRAPH_SEED");

/// Plays so many seeds from the first, or the one that is asked for; says which it was if a play fails.
async fn for_each_seed(count: u64, mut play: impl AsyncFnMut(u64)) {
    let asked = ASKED.map(|seed| seed.parse::<u64>().expect("a seed is a number"));
    for seed in asked.map_or(0..count, |seed| seed..seed + 1) {
        let played = AssertUnwindSafe(play(seed)).catch_unwind().await;
        assert!(played.is_ok(), "COMMONGRAPH_SEED={seed} plays it again");
    }
}

/// Numbers that look random and are the same in every run (splitmix64).
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

/// What the host does next, in a mood of so many bad calls out of ten.
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

/// One caller reads now and then; sometimes it leaves before the answer. What it is told must be its own and in time.
async fn call(bench: &TestUpstream, mut rng: SeededRng) -> Vec<(String, Instant, Duration)> {
    let token = format!("token-{}", rng.below(CALLERS));
    let mut throttle = Vec::new();
    for _ in 0..READS {
        sleep(rng.wait(2_000)).await;
        let (path, start, budget) = (rng.below(6).to_string(), Instant::now(), operation());
        let reading = bench.read(&token, &path, &budget);
        let answer = match rng.below(8) {
            0 => timeout(rng.wait(300), reading).await.ok(),
            _ => Some(reading.await),
        };
        assert!(start.elapsed() <= Duration::from_secs(5), "{:?} for one read", start.elapsed());
        let Some((call, answer)) = answer else { continue };
        assert!(call.attempts <= 3, "{call:?}");
        match answer {
            Ok(Some(page)) => assert_eq!(page.says, token, "an answer to somebody else"),
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
    let bench = TestUpstream::new(|_, _| {}, rng.below(u64::MAX));
    let bad = rng.below(10);
    bench.script.play((0..CALLERS * 3 * READS * 3).map(|_| act(&mut rng, bad)));
    let callers = (0..CALLERS * 3).map(|number| call(&bench, SeededRng(seed ^ (number << 32))));
    let throttle: Vec<_> = join_all(callers).await.into_iter().flatten().collect();

    // What stands behind stale answers may still be under way.
    sleep(Duration::from_secs(6)).await;
    assert!(bench.is_at_rest(), "something is held");
    let called = bench.script.called.lock().unwrap().clone();
    for (token, since, wait) in throttle {
        let until = since + wait.min(THROTTLE_MAX);
        let early = called.iter().find(|(other, at)| *other == token && *at > since && *at < until);
        assert!(early.is_none(), "{token} was used while it was shut out");
    }

    // The host is well again: so is the way to it, once the longest ban is over.
    bench.script.clear();
    sleep(THROTTLE_MAX).await;
    for number in 0..policy::breaker::PROBES {
        let (_, answer) = bench.read("new", &format!("probe-{number}"), &operation()).await;
        assert!(answer.is_ok(), "{answer:?}");
    }
    assert_eq!(bench.upstream.circuit(), Circuit::Closed);
    assert!(bench.is_at_rest(), "something is held at the end");
}

#[tokio::test(start_paused = true)]
async fn whatever_the_host_does_every_answer_is_ones_own_and_in_time_and_nothing_stays_held() {
    for_each_seed(SEEDS, play).await;
}

/// A host with few turns, and who wants them: one caller asks for more than may wait, again and again; the others for one
/// thing at a time.
struct Crowd {
    bench: TestUpstream,
    own: ConcurrencyScope,
    callers: u64,
    turns: u64,
    own_turns: u64,
    /// Whether all who have a turn of their own may wait for one of the host's.
    is_roomy: bool,
    is_calm: bool,
}

impl Crowd {
    fn gather(rng: &mut SeededRng) -> Self {
        let (callers, turns, own_turns) = (2 + rng.below(5), 1 + rng.below(6), 1 + rng.below(3));
        let (is_roomy, is_calm) = (rng.below(2) == 0, rng.below(2) == 0);
        let own = [ConcurrencyScope::Credential, ConcurrencyScope::Caller][rng.below(2) as usize](own_turns as usize);
        let waiting = if is_roomy { callers * own_turns } else { 1 };
        let change = |settings: &mut Settings, cache: &mut CacheSettings| {
            (settings.concurrent_max, settings.waiting_max) = (turns as usize, waiting as usize);
            (settings.breaker_calls_min, settings.retries_max, cache.max_bytes) = (1_000_000, 0, 0);
        };
        let bench = TestUpstream::with(own, change, rng.below(u64::MAX));
        let bad = if is_calm { 0 } else { rng.below(5) };
        bench.script.play((0..3_000).map(|_| match act(rng, bad) {
            // One credential that is shut out tells nothing of turns.
            Act::Answer(wait, 429, _) => Act::Answer(wait, 500, None),
            act => act,
        }));
        Self { bench, own, callers, turns, own_turns, is_roomy, is_calm }
    }

    /// With what a caller reads, and what they pay from.
    fn person(&self, caller: u64) -> (String, Budget) {
        let token = match self.own {
            ConcurrencyScope::Credential(_) => format!("token-{caller}"),
            ConcurrencyScope::Caller(_) => "site".to_owned(),
        };
        (token, Budget::new(1_000).with_caller(caller))
    }

    /// Fan-outs of one caller, some of them given up. How many of their reads were refused.
    async fn many(&self, mut rng: SeededRng) -> usize {
        let (token, budget) = self.person(0);
        let mut refused = 0;
        for round in 0..5 {
            let paths: Vec<_> = (0..40).map(|number| format!("many-{round}-{number}")).collect();
            let reads = join_all(paths.iter().map(|path| self.bench.read(&token, path, &budget)));
            let answers = match rng.below(3) {
                0 => timeout(rng.wait(2_000), reads).await.unwrap_or_default(),
                _ => reads.await,
            };
            refused += answers.iter().filter(|(call, _)| call.error == Some(Error::QueueFull)).count();
        }
        refused
    }

    /// One read after the other; each waits for no more than stand before it. How many were refused.
    async fn modest(&self, caller: u64, mut rng: SeededRng) -> usize {
        let (token, budget) = self.person(caller);
        // Everybody else's own turns, one round of the host's after the other, and then its own call.
        let rounds = (self.callers * self.own_turns).div_ceil(self.turns) + 1;
        let most = Duration::from_millis(CALM_MS + 1) * rounds as u32;
        let mut refused = 0;
        for number in 0..20 {
            sleep(rng.wait(200)).await;
            let start = Instant::now();
            let (call, _) = self.bench.read(&token, &format!("{caller}-{number}"), &budget).await;
            let waited = start.elapsed();
            if call.error == Some(Error::QueueFull) {
                assert!(!self.is_roomy && waited < Duration::from_millis(CALM_MS), "{waited:?} and no place");
                refused += 1;
            }
            assert!(!self.is_calm || waited <= most, "{waited:?} behind {} callers", self.callers);
        }
        refused
    }
}

#[tokio::test(start_paused = true)]
async fn however_much_one_caller_asks_for_all_others_get_their_turns() {
    let (mut own_line_was_full, mut common_line_was_full) = (false, false);
    for_each_seed(SEEDS, async |seed| {
        let mut rng = SeededRng(seed);
        let crowd = Crowd::gather(&mut rng);
        let others = (1..crowd.callers).map(|caller| crowd.modest(caller, SeededRng(seed ^ (caller << 32))));
        let (many, others) = tokio::join!(crowd.many(SeededRng(!seed)), join_all(others));
        own_line_was_full |= many > 0;
        common_line_was_full |= others.iter().sum::<usize>() > 0;
        assert!(*crowd.bench.script.most.lock().unwrap() as u64 <= crowd.turns);
        assert!(crowd.bench.is_at_rest(), "something is held");
    })
    .await;
    assert!(ASKED.is_some() || own_line_was_full && common_line_was_full, "no line was ever full");
}

#[tokio::test(start_paused = true)]
async fn a_storm_costs_the_host_a_fifth_more_and_one_call_a_second() {
    for_each_seed(20, async |seed| {
        let mut rng = SeededRng(seed);
        let bench =
            TestUpstream::new(|settings, cache| (settings.breaker_calls_min, cache.max_bytes) = (1_000_000, 0), seed);
        bench.script.play(vec![Act::Answer(Duration::from_millis(5), 503, None); 20_000]);
        let start = Instant::now();
        let mut reads = 0;
        while start.elapsed() < Duration::from_secs(30) {
            let paths: Vec<_> = (0..rng.below(40)).map(|number| number.to_string()).collect();
            reads += paths.len();
            let budget = operation();
            join_all(paths.iter().map(|path| bench.read("a", path, &budget))).await;
            sleep(rng.wait(100)).await;
        }
        let extra = bench.script.calls() - reads;
        // What is allowed in any ten seconds, and the allowance of the last ten at the end.
        assert!(extra <= reads / 5 + 30 + 10, "{extra} more than {reads}");
    })
    .await;
}

/// Reads and changes at random: what is told of a path is never older than its last change before the read began, but that
/// of what one has changed of their own, others are told when the host cannot answer.
#[tokio::test(start_paused = true)]
async fn however_reads_and_changes_meet_no_read_is_told_of_what_was_before_it() {
    for seed in 0..SEEDS {
        let bench = TestUpstream::new(|_, cache| cache.stale_while_revalidate_seconds = 600, seed);
        let mut rng = SeededRng(seed);
        bench.script.play((0..4_000).map(|_| Act::Answer(rng.wait(4_000), 200, None)));
        let changed = std::sync::Mutex::new([[0; 2]; 3]);
        let writer = async {
            let mut rng = SeededRng(!seed);
            for _ in 0..60 {
                sleep(rng.wait(5_000)).await;
                let (path, is_common) = (rng.below(3), rng.below(2) == 0);
                let world = {
                    let mut world = bench.script.world.lock().unwrap();
                    *world += 1;
                    *world
                };
                // The host has changed, and its answer is on the way.
                sleep(rng.wait(1_000)).await;
                match (is_common, &*path.to_string()) {
                    (true, place) => bench.change("somebody", &[], &[place]),
                    (false, place) => bench.change("token-0", &[place], &[]),
                }
                changed.lock().unwrap()[path as usize][usize::from(is_common)] = world;
            }
        };
        let readers = (0..8u64).map(async |number| {
            let mut rng = SeededRng(seed ^ (number << 32));
            for _ in 0..60 {
                sleep(rng.wait(5_000)).await;
                let path = rng.below(3);
                let [own, common] = changed.lock().unwrap()[path as usize];
                let (call, answer) = bench.ask(&format!("token-{}", number % 3), &path.to_string()).await;
                let spares_others = call.verdict == Verdict::StaleIfError && number % 3 > 0;
                let least = if spares_others { common } else { common.max(own) };
                let world = answer.ok().flatten().map(|page| page.world);
                assert!(world.is_none_or(|world| world >= least), "seed {seed}: {world:?} after {least}");
            }
        });
        tokio::join!(writer, join_all(readers));
    }
}

//! A host of moods and a crowd of callers, played over many seeds with a clock that nothing waits for: what must hold
//! however they meet.
//!
//! Every run is told by its seed alone, so a seed that fails fails again.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::{Instant, sleep, timeout};

use super::tests::bench::{Act, Bench, Trouble, operation};
use super::*;

const SEEDS: u64 = 300;
const CALLERS: u64 = 4;
const READS: u64 = 60;

/// Numbers that look random and are the same in every run (splitmix64).
struct Dice(u64);

impl Dice {
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
fn act(dice: &mut Dice, bad: u64) -> Act {
    if dice.below(10) >= bad {
        return Act::Answer(dice.wait(200), 200, None);
    }
    let seconds = Duration::from_secs(dice.below(90));
    match dice.below(12) {
        0 => Act::Hang,
        1 => Act::Fail(dice.wait(1_000), Error::Unreachable),
        2 => Act::Fail(dice.wait(3_000), Error::Broken),
        3 => Act::Answer(dice.wait(3_000), 500, None),
        4 => Act::Answer(dice.wait(3_000), 503, None),
        5 => Act::Answer(dice.wait(100), 503, Some(seconds)),
        6 => Act::Answer(dice.wait(100), 429, None),
        7 => Act::Answer(dice.wait(100), 429, Some(seconds)),
        8 => Act::Answer(dice.wait(100), 401, None),
        9 => Act::Answer(dice.wait(100), 403, None),
        10 => Act::Answer(dice.wait(100), 404, None),
        _ => Act::Answer(dice.wait(100), 299, None),
    }
}

/// One caller reads now and then; sometimes it leaves before the answer. What it is told must be its own and in time.
async fn call(bench: &Bench, mut dice: Dice) -> Vec<(String, Instant, Duration)> {
    let token = format!("token-{}", dice.below(CALLERS));
    let mut shut_out = Vec::new();
    for _ in 0..READS {
        sleep(dice.wait(2_000)).await;
        let (path, start, budget) = (dice.below(6).to_string(), Instant::now(), operation());
        let reading = bench.read(&token, &path, &budget);
        let answer = match dice.below(8) {
            0 => timeout(dice.wait(300), reading).await.ok(),
            _ => Some(reading.await),
        };
        assert!(start.elapsed() <= Duration::from_secs(5), "{:?} for one read", start.elapsed());
        let Some((call, answer)) = answer else { continue };
        assert!(call.attempts <= 3, "{call:?}");
        match answer {
            Ok(Some(page)) => assert_eq!(page.says, token, "an answer to somebody else"),
            Err(Trouble::Status(429, wait)) if call.verdict.is_call() => {
                shut_out.push((token.clone(), Instant::now(), wait.unwrap_or(standing::SHUT_OUT_UNSAID)));
            }
            Ok(None) | Err(_) => {}
        }
    }
    shut_out
}

async fn play(seed: u64) {
    let mut dice = Dice(seed);
    let bench = Bench::new(|_, _| {}, dice.below(u64::MAX));
    let bad = dice.below(10);
    bench.script.play((0..CALLERS * 3 * READS * 3).map(|_| act(&mut dice, bad)));
    let callers = (0..CALLERS * 3).map(|number| call(&bench, Dice(seed ^ (number << 32))));
    let shut_out: Vec<_> = join_all(callers).await.into_iter().flatten().collect();

    // What stands behind stale answers may still be under way.
    sleep(Duration::from_secs(6)).await;
    assert!(bench.is_at_rest(), "seed {seed}: something is held");
    let called = bench.script.called.lock().unwrap().clone();
    for (token, since, wait) in shut_out {
        let until = since + wait.min(SHUT_OUT_MAX);
        let early = called.iter().find(|(other, at)| *other == token && *at > since && *at < until);
        assert!(early.is_none(), "seed {seed}: {token} was used while it was shut out");
    }

    // The host is well again: so is the way to it, once the longest ban is over.
    bench.script.clear();
    sleep(SHUT_OUT_MAX).await;
    for number in 0..breaker::PROBES {
        let (_, answer) = bench.read("new", &format!("probe-{number}"), &operation()).await;
        assert!(answer.is_ok(), "seed {seed}: {answer:?}");
    }
    assert_eq!(bench.upstream.circuit(), Circuit::Closed, "seed {seed}");
    assert!(bench.is_at_rest(), "seed {seed}: something is held at the end");
}

#[tokio::test(start_paused = true)]
async fn whatever_the_host_does_every_answer_is_ones_own_and_in_time_and_nothing_stays_held() {
    for seed in 0..SEEDS {
        play(seed).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_storm_costs_the_host_a_fifth_more_and_one_call_a_second() {
    for seed in 0..20 {
        let mut dice = Dice(seed);
        let bench = Bench::new(|settings, cache| (settings.breaker_calls_min, cache.max_bytes) = (1_000_000, 0), seed);
        bench.script.play(vec![Act::Answer(Duration::from_millis(5), 503, None); 20_000]);
        let start = Instant::now();
        let mut reads = 0;
        while start.elapsed() < Duration::from_secs(30) {
            let paths: Vec<_> = (0..dice.below(40)).map(|number| number.to_string()).collect();
            reads += paths.len();
            let budget = operation();
            join_all(paths.iter().map(|path| bench.read("a", path, &budget))).await;
            sleep(dice.wait(100)).await;
        }
        let extra = bench.script.calls() - reads;
        // What is allowed in any ten seconds, and the allowance of the last ten at the end.
        assert!(extra <= reads / 5 + 30 + 10, "seed {seed}: {extra} more than {reads}");
    }
}

/// Reads and changes at random: what is told of a path is never older than its last change before the read began.
#[tokio::test(start_paused = true)]
async fn however_reads_and_changes_meet_no_read_is_told_of_what_was_before_it() {
    for seed in 0..SEEDS {
        let bench = Bench::new(|_, cache| cache.stale_while_revalidate_seconds = 600, seed);
        let mut dice = Dice(seed);
        bench.script.play((0..4_000).map(|_| Act::Answer(dice.wait(4_000), 200, None)));
        let changed = std::sync::Mutex::new([0; 3]);
        let writer = async {
            let mut dice = Dice(!seed);
            for _ in 0..60 {
                sleep(dice.wait(5_000)).await;
                let path = dice.below(3);
                let world = {
                    let mut world = bench.script.world.lock().unwrap();
                    *world += 1;
                    *world
                };
                // The host has changed, and its answer is on the way.
                sleep(dice.wait(1_000)).await;
                bench.upstream.forget(&[&[&path.to_string()]]);
                changed.lock().unwrap()[path as usize] = world;
            }
        };
        let readers = (0..8u64).map(async |number| {
            let mut dice = Dice(seed ^ (number << 32));
            for _ in 0..60 {
                sleep(dice.wait(5_000)).await;
                let path = dice.below(3);
                let least = changed.lock().unwrap()[path as usize];
                let (_, answer) = bench.ask(&format!("token-{}", number % 3), &path.to_string()).await;
                let world = answer.ok().flatten().map(|page| page.world);
                assert!(world.is_none_or(|world| world >= least), "seed {seed}: {world:?} after {least}");
            }
        });
        tokio::join!(writer, join_all(readers));
    }
}

//! Isolation under load: many callers send requests at once, and no response holds another caller's data.
//!
//! Run it with `cargo bench --bench crowd -- --requests 200000 --callers 1000 --seed 1`. Every option is optional. The
//! run prints its progress every few seconds. It fails if a response holds another caller's marker. It also fails if the
//! run proves nothing, for example because no response came from the cache.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark prints its results and stops at an error")]

#[path = "../tests/gateway/crowd/cast.rs"]
mod cast;
#[path = "../tests/gateway/crowd/play.rs"]
mod play;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use play::{Plan, Tally, play};

/// The interval between progress lines.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(3);

/// The number after a command-line flag, or the default.
fn number(flag: &str, default: u64) -> u64 {
    let mut arguments = std::env::args().skip_while(|argument| argument != flag).skip(1);
    arguments.next().map_or(default, |text| text.parse().unwrap())
}

fn progress(tally: &Tally, began: Instant) -> String {
    let Tally { sent, left, broken, answered, whole, own, nothing, errors, mismatches, met: _ } = tally;
    format!(
        "{:>4} s: {sent} requests, {answered} responses ({whole} without errors, {own} with the caller's own marker, \
         {nothing} empty for another caller's object), {left} canceled by the client, {broken} connections lost; \
         errors {errors:?}; {} mismatches",
        began.elapsed().as_secs(),
        mismatches.len()
    )
}

#[tokio::main]
async fn main() -> ExitCode {
    let callers = usize::try_from(number("--callers", 1_000)).unwrap();
    let plan = Plan { requests: number("--requests", 20_000), callers, seed: number("--seed", 1), swapped: false };
    println!("{} requests from {} callers, seed {}", plan.requests, plan.callers, plan.seed);
    let (began, mut printed) = (Instant::now(), Instant::now());
    let tally = play(plan, |tally| {
        if printed.elapsed() >= PROGRESS_INTERVAL {
            printed = Instant::now();
            println!("{}", progress(tally, began));
        }
    })
    .await;
    println!("{}", progress(&tally, began));
    println!("{:?}", tally.met);
    tally.mismatches.iter().take(20).for_each(|mismatch| println!("{mismatch}"));
    let why = tally.idle(plan);
    if let Some(why) = why {
        println!("failed: the run proves nothing: {why}");
    }
    if tally.mismatches.is_empty() && why.is_none() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

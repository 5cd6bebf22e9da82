//! A large crowd asks at once, and nobody is shown what is another's.
//!
//! `cargo bench --bench crowd -- --requests 200000 --callers 1000 --seed 1`, each of which can be left out. It prints how
//! far it is every few seconds, and ends with a failure if an answer holds another's marker or the run shows nothing.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark talks to its terminal and must not go on")]

#[path = "../tests/gateway/crowd/cast.rs"]
mod cast;
#[path = "../tests/gateway/crowd/play.rs"]
mod play;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use play::{Plan, Tally, play};

/// How often it says how far it is.
const TOLD_EVERY: Duration = Duration::from_secs(3);

/// The number behind a flag, or what stands for it.
fn number(flag: &str, otherwise: u64) -> u64 {
    let mut arguments = std::env::args().skip_while(|argument| argument != flag).skip(1);
    arguments.next().map_or(otherwise, |text| text.parse().unwrap())
}

fn line(tally: &Tally, began: Instant) -> String {
    let Tally { sent, left, broken, answered, whole, own, nothing, errors, mismatches, met: _ } = tally;
    format!(
        "{:>4} s: {sent} requests, {answered} answered ({whole} without an error, {own} with their own marker, {nothing} \
         nothing of another's), {left} left, {broken} broken off; errors {errors:?}; {} mismatches",
        began.elapsed().as_secs(),
        mismatches.len()
    )
}

#[tokio::main]
async fn main() -> ExitCode {
    let callers = usize::try_from(number("--callers", 1_000)).unwrap();
    let plan = Plan { requests: number("--requests", 20_000), callers, seed: number("--seed", 1), swapped: false };
    println!("{} requests of {} callers, seed {}", plan.requests, plan.callers, plan.seed);
    let (began, mut told) = (Instant::now(), Instant::now());
    let tally = play(plan, |tally| {
        if told.elapsed() >= TOLD_EVERY {
            told = Instant::now();
            println!("{}", line(tally, began));
        }
    })
    .await;
    println!("{}", line(&tally, began));
    println!("{:?}", tally.met);
    tally.mismatches.iter().take(20).for_each(|mismatch| println!("{mismatch}"));
    let why = tally.idle(plan);
    if let Some(why) = why {
        println!("this shows nothing: {why}");
    }
    if tally.mismatches.is_empty() && why.is_none() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

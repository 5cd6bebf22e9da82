//! What a document costs before it runs: microseconds of the thread's CPU, the best of several rounds.
//!
//! `cargo bench --bench document`. It ends with a failure if a document takes more than any may.
#![allow(clippy::print_stdout, clippy::expect_used, reason = "a benchmark talks to its terminal")]

use std::hint::black_box;
use std::process::ExitCode;

use async_graphql::Request;
use commongraph::app::{self, sample_operations};
use commongraph::auth::Caller;
use commongraph::config::Settings;
use commongraph::graph::Graph;
use commongraph::graph::operation::AllowedOperations;
use commongraph::metrics::Metrics;
use cpu_time::ThreadTime;
use futures_util::FutureExt;

const ROUNDS: usize = 40;
const TIMES: u32 = 4;

/// What no document may take, however hostile it is.
const MOST_MICROS: f64 = 5_000.0;

/// The least microseconds that one check took, on average within its round.
fn least(graph: &Graph, text: &str) -> f64 {
    let round = |round: usize| {
        let begin = ThreadTime::now();
        for time in 0..TIMES {
            // A comment makes each text a new one.
            check(graph, format!("{text}#{round}.{time}"));
        }
        begin.elapsed().as_secs_f64() * 1e6 / f64::from(TIMES)
    };
    (0..ROUNDS).map(round).fold(f64::MAX, f64::min)
}

/// The whole stage; it never waits.
fn check(graph: &Graph, text: String) {
    let caller = &Caller::operator(None, None);
    let checked =
        graph.check(Request::new(text), caller, AllowedOperations::All).now_or_never().expect("a check does not wait");
    black_box(checked.is_ok());
}

fn chain(levels: usize) -> String {
    let one = |n: usize| format!("fragment F{n} on Query {{ ...F{0} ...F{0} }} ", n + 1);
    format!("{{ ...F0 }} {}fragment F{levels} on Query {{ __typename }}", (0..levels).map(one).collect::<String>())
}

fn documents() -> Vec<(&'static str, String)> {
    let many = |count: usize, one: &dyn Fn(usize) -> String| (0..count).map(one).collect::<String>();
    let circle = |n: usize| format!("fragment F{n} on Query {{ ...F{} }} ", (n + 1) % 200);
    vec![
        ("accounts page", sample_operations::ACCOUNTS.to_owned()),
        ("fragments, 24 levels", chain(24)),
        ("fragments, 31 levels", chain(31)),
        ("fragments, 200 levels", chain(200)),
        ("circular fragments", format!("{{ ...F0 }} {}", many(200, &circle))),
        ("20,000 directives", format!("{{ __typename {} }}", "@a".repeat(20_000))),
        ("900 directives", format!("{{ __typename {} }}", "@a".repeat(900))),
        ("10,000 aliases", format!("{{ {} }}", many(10_000, &|n| format!("a{n}:__typename ")))),
        ("600 aliases", format!("{{ {} }}", many(600, &|n| format!("a{n}:__typename ")))),
        ("string of 10 MB", format!("{{ service(key: \"{}\") {{ id }} }}", "x".repeat(10 << 20))),
        ("lists, 1,000 deep", format!("{{ nodes(ids: {}{}) {{ id }} }}", "[".repeat(1_000), "]".repeat(1_000))),
        (
            "deep introspection",
            format!("{{ __schema {{ types {{ {}name{} }} }} }}", "fields{type{".repeat(8), "}}".repeat(8)),
        ),
        ("1,900 unknown fields", format!("{{ {} }}", many(1_900, &|n| format!("x{n} ")))),
        ("one field, 190 times, nested", format!("{{ {} }}", "viewer { connections { nodes { id } } } ".repeat(190))),
        ("170 conflicts", format!("{{ {} }}", many(170, &|n| format!("a: service(key: \"{n}\") {{ id }} ")))),
        ("1,200 copies of 27,000 bytes", {
            let aliases = many(20, &|n| format!("a{n}:service(key:\"a\"){{...F}}"));
            let operations = many(60, &|n| format!("query A{n}{{...R}}"));
            let argument = "x".repeat(27_000);
            format!(
                "fragment R on Query{{{aliases}}}{operations}\
                 fragment F on Service{{connections(after:\"{argument}\"){{totalCount}}}}"
            )
        }),
        ("230 nested fragments, all used", {
            let one = |n: usize| format!("fragment F{n} on Connection {{ id kind label }} ");
            let spreads = many(200, &|n| format!("...F{} ", n % 150));
            format!("{{ connections {{ nodes {{ {spreads} }} }} }} {}", many(150, &one))
        }),
    ]
}

/// The microseconds that the accounts page takes once it is known.
fn known(graph: &Graph) -> f64 {
    let ask = || check(graph, sample_operations::ACCOUNTS.to_owned());
    ask();
    let begin = ThreadTime::now();
    (0..10_000).for_each(|_| ask());
    begin.elapsed().as_secs_f64() * 1e2
}

fn main() -> ExitCode {
    let graph = app::graph(&Settings::default(), &Metrics::default()).expect("the defaults are settings");
    let documents = documents();
    let of_page = ("accounts page, known", sample_operations::ACCOUNTS.len(), known(&graph));
    let others = documents.iter().map(|(name, text)| (*name, text.len(), least(&graph, text)));
    println!("{:<34} {:>9} {:>12}", "document", "bytes", "CPU µs");
    let mut slow = 0;
    for (name, bytes, micros) in others.chain([of_page]) {
        let is_slow = micros > MOST_MICROS;
        slow += usize::from(is_slow);
        println!("{name:<34} {bytes:>9} {micros:>12.1}{}", if is_slow { "  too slow" } else { "" });
    }
    println!("{} documents, {slow} above {MOST_MICROS} µs", documents.len() + 1);
    if slow == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

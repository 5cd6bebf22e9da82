//! The CPU time that a document costs before it executes, in microseconds: the best of several rounds.
//!
//! Run it with `cargo bench --bench document`. It fails if a document takes more than [`MICROS_MAX`].
#![allow(clippy::print_stdout, clippy::expect_used, reason = "a benchmark prints its results")]

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
const DOCUMENTS_PER_ROUND: u32 = 4;

/// The most that any document may take, in microseconds, even a hostile one.
const MICROS_MAX: f64 = 5_000.0;

/// The lowest mean of one round, in microseconds per document.
fn best_round(graph: &Graph, text: &str) -> f64 {
    let round = |round: usize| {
        let begin = ThreadTime::now();
        for document in 0..DOCUMENTS_PER_ROUND {
            // A comment makes each document new, so that no cache knows it.
            check(graph, format!("{text}#{round}.{document}"));
        }
        begin.elapsed().as_secs_f64() * 1e6 / f64::from(DOCUMENTS_PER_ROUND)
    };
    (0..ROUNDS).map(round).fold(f64::MAX, f64::min)
}

/// Parses, measures and validates one document. This never waits.
fn check(graph: &Graph, text: String) {
    let caller = &Caller::operator(None, None);
    let checked = graph
        .check(Request::new(text), caller, AllowedOperations::All)
        .now_or_never()
        .expect("the document stage does not wait");
    black_box(checked.is_ok());
}

fn chain(levels: usize) -> String {
    let nth = |n: usize| format!("fragment F{n} on Query {{ ...F{0} ...F{0} }} ", n + 1);
    format!("{{ ...F0 }} {}fragment F{levels} on Query {{ __typename }}", (0..levels).map(nth).collect::<String>())
}

fn documents() -> Vec<(&'static str, String)> {
    let repeat = |count: usize, item: &dyn Fn(usize) -> String| (0..count).map(item).collect::<String>();
    let circle = |n: usize| format!("fragment F{n} on Query {{ ...F{} }} ", (n + 1) % 200);
    vec![
        ("accounts page", sample_operations::ACCOUNTS.to_owned()),
        ("fragments, 24 levels", chain(24)),
        ("fragments, 31 levels", chain(31)),
        ("fragments, 200 levels", chain(200)),
        ("circular fragments", format!("{{ ...F0 }} {}", repeat(200, &circle))),
        ("20,000 directives", format!("{{ __typename {} }}", "@a".repeat(20_000))),
        ("900 directives", format!("{{ __typename {} }}", "@a".repeat(900))),
        ("10,000 aliases", format!("{{ {} }}", repeat(10_000, &|n| format!("a{n}:__typename ")))),
        ("600 aliases", format!("{{ {} }}", repeat(600, &|n| format!("a{n}:__typename ")))),
        ("string of 10 MB", format!("{{ service(key: \"{}\") {{ id }} }}", "x".repeat(10 << 20))),
        ("lists, 1,000 deep", format!("{{ nodes(ids: {}{}) {{ id }} }}", "[".repeat(1_000), "]".repeat(1_000))),
        (
            "deep introspection",
            format!("{{ __schema {{ types {{ {}name{} }} }} }}", "fields{type{".repeat(8), "}}".repeat(8)),
        ),
        ("1,900 unknown fields", format!("{{ {} }}", repeat(1_900, &|n| format!("x{n} ")))),
        ("one field, 190 times, nested", format!("{{ {} }}", "viewer { connections { nodes { id } } } ".repeat(190))),
        ("170 conflicts", format!("{{ {} }}", repeat(170, &|n| format!("a: service(key: \"{n}\") {{ id }} ")))),
        ("1,200 copies of 27,000 bytes", {
            let aliases = repeat(20, &|n| format!("a{n}:service(key:\"a\"){{...F}}"));
            let operations = repeat(60, &|n| format!("query A{n}{{...R}}"));
            let argument = "x".repeat(27_000);
            format!(
                "fragment R on Query{{{aliases}}}{operations}\
                 fragment F on Service{{connections(after:\"{argument}\"){{totalCount}}}}"
            )
        }),
        ("230 nested fragments, all used", {
            let nth = |n: usize| format!("fragment F{n} on Connection {{ id kind label }} ");
            let spreads = repeat(200, &|n| format!("...F{} ", n % 150));
            format!("{{ connections {{ nodes {{ {spreads} }} }} }} {}", repeat(150, &nth))
        }),
    ]
}

/// The CPU time of the accounts page once its document is cached, in microseconds.
fn cached(graph: &Graph) -> f64 {
    let ask = || check(graph, sample_operations::ACCOUNTS.to_owned());
    ask();
    let begin = ThreadTime::now();
    (0..10_000).for_each(|_| ask());
    begin.elapsed().as_secs_f64() * 1e2
}

fn main() -> ExitCode {
    let graph = app::graph(&Settings::default(), &Metrics::default()).expect("the default settings are valid");
    let documents = documents();
    let cached_page = ("accounts page, cached", sample_operations::ACCOUNTS.len(), cached(&graph));
    let others = documents.iter().map(|(name, text)| (*name, text.len(), best_round(&graph, text)));
    println!("{:<34} {:>9} {:>12}", "document", "bytes", "CPU µs");
    let mut slow = 0;
    for (name, bytes, micros) in others.chain([cached_page]) {
        let is_slow = micros > MICROS_MAX;
        slow += usize::from(is_slow);
        println!("{name:<34} {bytes:>9} {micros:>12.1}{}", if is_slow { "  too slow" } else { "" });
    }
    println!("{} documents, {slow} above {MICROS_MAX} µs", documents.len() + 1);
    if slow == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

//! A small crowd, at once: nobody is shown what is another's. `cargo bench --bench crowd` plays it with a large one.

mod cast;
mod play;

use cast::markers;
use play::{Plan, play};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_in_a_crowd_is_shown_what_is_anothers() {
    let plan = Plan { requests: 3_000, callers: 40, seed: 1, swapped: false };
    let tally = play(plan, |_| {}).await;
    assert!(tally.mismatches.is_empty(), "{:#?}", tally.mismatches);
    assert_eq!((tally.sent, tally.answered + tally.left + tally.broken), (plan.requests, plan.requests));
    assert_eq!(tally.idle(plan), None, "{tally:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_shows_anothers_credentials_is_seen_to_have_anothers_answers() {
    let plan = Plan { requests: 200, callers: 40, seed: 1, swapped: true };
    let tally = play(plan, |_| {}).await;
    assert!(tally.mismatches.len() as u64 > tally.answered / 3, "{tally:?}");
    assert!(tally.own < tally.answered / 20, "{tally:?}");
}

#[test]
fn a_marker_is_seen_wherever_it_stands() {
    let text =
        r#"{"a":"Person crowd-0042","b":"https://crowd-0007.example/?n=crowd-00x1","c":"scrowd-12345 crowd-123"}"#;
    assert_eq!(markers(text), ["crowd-0042", "crowd-0007", "crowd-1234"]);
}

//! Equal operations at once cost what one costs, and those of another person cost their own.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use serde_json::Value;

use crate::harness::{World, as_shipped};

const PAGE: &str = "{ viewer { wordpressUser { displayName } connections(first: 5) { totalCount nodes { id label } } }
    applications(first: 3) { nodes { name } } }";

/// Sends the same operation a hundred times at once, in turns as each of these; what came back and what it cost.
async fn crowd(people: &[&str]) -> (Vec<Value>, BTreeMap<String, u64>) {
    let world = World::with(Default::default(), as_shipped).await;
    // So that they meet; those who come too late find what is kept.
    world.fault(serde_json::json!({ "latency_ms": 100 })).await;
    let answers = join_all((0..100).map(|number| world.ask(people[number % people.len()], PAGE))).await;
    (answers, world.counts().await)
}

#[tokio::test]
async fn a_hundred_equal_operations_cost_what_one_costs() {
    let (answers, counts) = crowd(&["ada"]).await;
    assert!(answers[0]["errors"].is_null() && answers.iter().all(|answer| *answer == answers[0]));
    assert!(counts.len() == 4 && counts.values().all(|count| *count == 1), "{counts:?}");
}

#[tokio::test]
async fn those_of_two_people_cost_twice_that_and_each_sees_their_own() {
    let (answers, counts) = crowd(&["ada", "ben"]).await;
    assert_ne!(answers[0], answers[1]);
    assert!(answers.iter().enumerate().all(|(number, answer)| *answer == answers[number % 2]));
    assert!(counts.len() == 4 && counts.values().all(|count| *count == 2), "{counts:?}");
}

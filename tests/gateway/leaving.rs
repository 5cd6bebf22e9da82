//! A client that goes away takes its calls with it.

use commongraph::sandbox;
use serde_json::json;

use crate::harness::{Asker, World, until};
use crate::metrics;

/// Asks the providers how many calls are open until there are as many as wanted.
async fn until_open(world: &World, wanted: impl Fn(u64) -> bool) {
    until("as many calls are open", async || wanted(world.open_calls().await)).await;
}

async fn world_without_haste() -> World {
    World::with(sandbox::Settings::default(), |settings| {
        settings.graph.deadline_ms = 600_000;
        for upstream in [&mut settings.wordpress.upstream, &mut settings.oneall.upstream] {
            (upstream.timeout_ms, upstream.attempt_timeout_ms, upstream.read_timeout_ms) = (600_000, 600_000, 600_000);
        }
    })
    .await
}

#[tokio::test]
async fn a_client_that_leaves_ends_the_calls_made_for_it() {
    let world = world_without_haste().await;
    let query = "{ connections(first: 50) { nodes { identity { displayName } } } applications { nodes { name } } }";
    for (hang, path, calls) in [("head", "*", 4), ("body", "*", 4), ("head", "/connections/*", 10)] {
        world.fault(json!({ "hang": hang, "path": path })).await;
        let request = world.gateway.request(&Asker::person("olga"), query, json!({})).send();
        let asking = tokio::spawn(request);
        until_open(&world, |open| open >= calls).await;
        asking.abort();
        until_open(&world, |open| open == 0).await;
        world.fault(json!([])).await;
    }
    let after = world.ask("olga", query).await;
    assert_eq!(after["errors"], json!(null));
    assert_eq!(world.open_calls().await, 0);
    let told = metrics::scrape(&world.gateway).await;
    assert!(told.contains("commongraph_operations_total{kind=\"query\",outcome=\"given_up\"} 3\n"), "{told}");
    assert!(told.contains("commongraph_upstream_calls_in_flight{provider=\"oneall\"} 0\n"), "{told}");
    let given_up = "commongraph_upstream_calls_total{provider=\"oneall\",outcome=\"given_up\"} ";
    let count: u64 = told.split(given_up).nth(1).and_then(|rest| rest.lines().next()).unwrap().parse().unwrap();
    assert!(count >= 12, "{count} calls to OneAll were given up");
}

#[tokio::test]
async fn a_client_that_leaves_costs_the_others_nothing() {
    let world = world_without_haste().await;
    let query =
        "{ connection(by: { connectionToken: \"5a4d0000-0000-4000-8000-000000000002\" }) { id identity { id } } }";
    let alone = world.ask("ada", query).await;
    assert!(alone["data"]["connection"]["identity"].is_object());
    world.fault(json!({ "hang": "head", "path": "/rest/v1.1/me", "times": 1 })).await;
    let hanging = "{ viewer { wordpressUser { userId } } }";
    let leaving = tokio::spawn(world.gateway.request(&Asker::person("ada"), hanging, json!({})).send());
    until_open(&world, |open| open == 1).await;
    let together = world.ask("ada", query).await;
    leaving.abort();
    assert_eq!(together, alone);
    until_open(&world, |open| open == 0).await;
    assert_eq!(world.ask("ada", query).await, alone);
}

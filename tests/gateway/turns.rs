//! Whose turn it is where all share one credential: what one caller waits for costs another nothing.

use std::time::Duration;

use commongraph::sandbox;
use serde_json::json;
use tokio::time::timeout;

use crate::harness::{Asker, World};

/// Long enough for any machine; a caller who stood behind another would wait for longer.
const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test]
async fn a_caller_whose_turns_at_oneall_are_all_taken_keeps_none_from_another() {
    let world = World::with(sandbox::Settings::default(), |settings| {
        (settings.graph.deadline_ms, settings.http.timeouts.request_ms) = (290_000, 300_000);
        let upstream = &mut settings.oneall.upstream;
        (upstream.concurrent_max, upstream.waiting_max) = (4, 100);
        (upstream.timeout_ms, upstream.attempt_timeout_ms, upstream.read_timeout_ms) = (600_000, 600_000, 600_000);
    })
    .await;
    let many = "{ connections(first: 50, filter: {provider: [ONEALL]}) { nodes { identity { displayName } } } }";
    let one = "{ connection(by: { connectionToken: \"5a4d0000-0000-4000-8000-000000000002\" }) { id } }";
    world.fault(json!({ "hang": "head", "path": "/connections/*", "times": 1 })).await;
    let waiting = tokio::spawn(world.gateway.request(&Asker::person("olga"), many, json!({})).send());
    let hangs = async {
        while world.open_calls().await == 0 {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, hangs).await.expect("no call was made");
    let answer = timeout(PATIENCE, world.ask("ada", one)).await.expect("it waits behind another's reads");
    assert!(answer["data"]["connection"]["id"].is_string(), "{answer}");
    assert!(!waiting.is_finished());
    waiting.abort();
}

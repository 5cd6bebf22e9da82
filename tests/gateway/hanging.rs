//! A provider that never answers costs its own fields, at the operation's deadline, and nothing else.

use serde_json::json;

use crate::harness::{World, as_shipped, codes};

const PAGE: &str =
    "{ connections(first: 60) { nodes { provider identity { displayName } } } applications { nodes { name } } }";

#[tokio::test]
async fn at_the_deadline_everything_that_is_there_is_delivered() {
    let world = World::with(Default::default(), |settings| {
        as_shipped(settings);
        settings.graph.deadline_ms = 3_000;
        let upstream = &mut settings.oneall.upstream;
        (upstream.timeout_ms, upstream.attempt_timeout_ms, upstream.read_timeout_ms) = (60_000, 60_000, 60_000);
    })
    .await;
    world.fault(json!({ "path": "/connections/*", "hang": "head" })).await;
    let answer = world.ask("olga", PAGE).await;
    let rows = answer["data"]["connections"]["nodes"].as_array().unwrap();
    let (sign_ins, others): (Vec<_>, Vec<_>) = rows.iter().partition(|row| row["provider"] == "ONEALL");
    assert!(sign_ins.len() > 32 && sign_ins.iter().all(|row| row["identity"].is_null()));
    assert!(others.len() > 5 && others.iter().any(|row| row["identity"].is_object()));
    assert!(!answer["data"]["applications"]["nodes"].as_array().unwrap().is_empty());
    let told = codes(&answer);
    assert!(told.iter().all(|(code, _)| code == "PROVIDER_TIMEOUT"), "{told:?}");
    assert_eq!(told.len() as u64 + answer["extensions"]["errorsOmitted"].as_u64().unwrap(), sign_ins.len() as u64);

    // Those whose turn had not come by then were not read at all.
    let counts = world.counts().await;
    assert_eq!(counts.keys().filter(|path| path.starts_with("GET /connections/")).count(), 16, "{counts:?}");
    while world.open_calls().await > 0 {
        tokio::task::yield_now().await;
    }
}

//! A provider that never answers costs its own fields, at the operation's deadline, and nothing else.

use serde_json::{Value, json};

use crate::harness::{Asker, World, as_shipped, codes};

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

/// A world whose providers never answer, where operations have so long.
async fn hanging(deadline_ms: u64) -> World {
    let world = World::with(Default::default(), |settings| {
        settings.graph.deadline_ms = deadline_ms;
        settings.http.timeouts.request_ms = 5_000;
        for upstream in [&mut settings.wordpress.upstream, &mut settings.oneall.upstream] {
            (upstream.timeout_ms, upstream.attempt_timeout_ms, upstream.read_timeout_ms) = (60_000, 60_000, 60_000);
        }
    })
    .await;
    world.fault(json!({ "hang": "head" })).await;
    world
}

const ASKED: &str = "{ viewer { wordpressUser { displayName } } __typename }";

#[tokio::test]
async fn a_caller_may_shorten_the_time_of_an_operation_and_not_prolong_it() {
    for (deadline_ms, asked) in [(600_000, "400"), (400, "600000"), (400, "99999999999999999999999")] {
        let world = hanging(deadline_ms).await;
        let asker = Asker::person("olga").with("X-Commongraph-Deadline", asked);
        let answer = world.gateway.ask(&asker, ASKED, json!({})).await;
        assert_eq!(codes(&answer)[0].0, "PROVIDER_TIMEOUT", "{asked}: {answer}");
        assert_eq!(answer["data"]["__typename"], "Query", "what is there is delivered");
    }
}

#[tokio::test]
async fn a_deadline_that_cannot_be_read_is_refused_before_anything_runs() {
    let world = hanging(600_000).await;
    let olga = || Asker::person("olga");
    let deadlines = ["", "0", "-1", "+5", "1.5", "1s", "5 5", "١"];
    let each = deadlines.map(|deadline| olga().with("X-Commongraph-Deadline", deadline));
    let twice = olga().with("X-Commongraph-Deadline", "50").with("X-Commongraph-Deadline", "50");
    for asker in each.iter().chain([&twice]) {
        let response = world.gateway.request(asker, ASKED, json!({})).send().await.unwrap();
        assert_eq!(response.status(), 400, "{asker:?}");
        let answer: Value = response.json().await.unwrap();
        assert!(codes(&answer)[0].0 == "BAD_INPUT" && answer.get("data").is_none(), "{answer}");
    }
    assert!(world.counts().await.is_empty());
}

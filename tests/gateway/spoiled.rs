//! A record of somebody else's that cannot be read is, to a person, like one that does not exist: it costs what that costs,
//! and nothing says that it is there.

use std::collections::BTreeMap;

use commongraph::upstream::CacheSettings;
use serde_json::{Value, json};

use crate::harness::{Asker, World, codes};
use crate::log::Log;

const ADA: &str = "5a4d0000-0000-4000-8001-000000000002";

/// What each is asked by, where OneAll has it, one of somebody else's, and one that there is not.
const THINGS: [(&str, &str, &str, &str); 4] = [
    (
        "it: connection(by: { connectionToken: \"KEY\" }) { id }",
        "/connections/KEY.json",
        "5a4d0000-0000-4000-8000-000000000001",
        "5a4d0000-0000-4000-8000-000000000999",
    ),
    (
        "it: connection(by: { connectionToken: \"KEY\" }) { id identity { emails { value } } }",
        "/connections/KEY.json",
        "5a4d0000-0000-4000-8000-000000000005",
        "5a4d0000-0000-4000-8000-000000000998",
    ),
    (
        "it: identity(by: { identityToken: \"KEY\" }) { id }",
        "/identities/KEY.json",
        "5a4d0000-0000-4000-8002-000000000001",
        "5a4d0000-0000-4000-8002-000000000999",
    ),
    (
        "it: identity(by: { identityToken: \"KEY\" }) { id connections { totalCount } }",
        "/identities/KEY.json",
        "5a4d0000-0000-4000-8002-000000000002",
        "5a4d0000-0000-4000-8002-000000000998",
    ),
];

/// An envelope in which the request and the operation ended so, around this content.
fn envelope(request: u16, result: u16, data: &Value) -> Value {
    let status = |code: u16| json!({ "flag": if code < 400 { "success" } else { "error" }, "code": code, "info": "-" });
    json!({ "response": {
        "request": { "date": "Tue, 02 Jun 2026 08:00:00 +0000", "resource": "/", "status": status(request) },
        "result": { "status": status(result), "data": data },
    } })
}

/// What OneAll may make of one record, that is the record's own fault: the HTTP status and the body.
fn spoils() -> Vec<(u16, Value)> {
    let other = json!({
        "connection": { "connection_token": "another" }, "identity": { "identity_token": "another" },
        "user": { "user_token": "another" },
    });
    vec![
        (200, envelope(200, 200, &json!({ "connection": 7, "identity": 7, "user": 7 }))),
        (200, envelope(200, 200, &other)),
        (200, envelope(200, 400, &json!({}))),
        (200, envelope(200, 403, &other)),
        (200, envelope(400, 400, &json!({}))),
        (400, envelope(400, 400, &json!({}))),
        (403, envelope(403, 403, &json!({}))),
        (409, envelope(409, 409, &json!({}))),
    ]
}

/// What one asks, and what the providers are asked for it, without what names the thing.
async fn ask(world: &World, asker: &Asker, query: &str, key: &str) -> (u16, String, BTreeMap<String, u64>) {
    let query = format!("{{ {} }}", query.replace("KEY", key));
    let response = world.gateway.request(asker, &query, json!({})).send().await.unwrap();
    let (status, text) = (response.status().as_u16(), response.text().await.unwrap());
    let counts = world.counts().await.into_iter().map(|(path, count)| (path.replace(key, "KEY"), count)).collect();
    (status, text, counts)
}

#[tokio::test]
async fn somebody_elses_record_that_cannot_be_read_is_like_one_that_does_not_exist() {
    let world = World::start().await;
    world.counts().await;
    let faults = spoils().into_iter().map(|(status, body)| json!({ "status": status, "body": body }));
    for fault in faults {
        for (query, path, foreign, absent) in THINGS {
            let mut here = fault.clone();
            here["path"] = json!(path.replace("KEY", foreign));
            world.fault(here).await;
            let nothing = ask(&world, &Asker::user(ADA), query, absent).await;
            assert_eq!(nothing.1, "{\"data\":{\"it\":null}}", "{query}");
            assert_eq!(ask(&world, &Asker::user(ADA), query, foreign).await, nothing, "{fault} {query}");
        }
    }
}

#[tokio::test]
async fn that_there_is_nothing_is_kept_alike_of_what_cannot_be_read_and_of_what_does_not_exist() {
    let world = World::with(Default::default(), |settings| {
        settings.oneall.cache = CacheSettings { absent_seconds: 3_600, ..CacheSettings::default() };
    })
    .await;
    world.counts().await;
    for (query, path, foreign, absent) in THINGS {
        let path = path.replace("KEY", foreign);
        world.fault(json!({ "status": 400, "body": envelope(400, 400, &json!({})), "path": path })).await;
        for is_new in [true, false] {
            let nothing = ask(&world, &Asker::user(ADA), query, absent).await;
            assert_eq!(nothing.2.is_empty(), !is_new, "{query} {nothing:?}");
            assert_eq!(ask(&world, &Asker::user(ADA), query, foreign).await, nothing, "{query}");
        }
    }
}

#[tokio::test]
async fn a_host_that_says_too_much_makes_nothing_of_ones_own_disappear() {
    let few = 64 << 10;
    let world = World::with(Default::default(), |settings| settings.oneall.upstream.body_max_bytes = few).await;
    world.fault(json!({ "provider": "oneall", "big": few + 1 })).await;
    let own = "{ connection(by: { connectionToken: \"5a4d0000-0000-4000-8000-000000000002\" }) { id } }";
    let told: Value = world.gateway.ask(&Asker::user(ADA), own, json!({})).await;
    assert_eq!(codes(&told)[0].0, "LIMIT_EXCEEDED", "{told}");
}

#[tokio::test]
async fn the_log_is_told_that_a_record_cannot_be_read_and_of_none_that_does_not_exist() {
    let (log, world) = (Log::default(), World::start().await);
    let _guard = log.listen();
    for (query, path, foreign, absent) in THINGS {
        world
            .fault(
                json!({ "status": 400, "body": envelope(400, 400, &json!({})), "path": path.replace("KEY", foreign) }),
            )
            .await;
        log.clear();
        ask(&world, &Asker::user(ADA), query, absent).await;
        assert!(!log.text().contains("treated an unreadable record as absent"), "{query}");
        ask(&world, &Asker::user(ADA), query, foreign).await;
        assert!(log.text().contains("treated an unreadable record as absent"), "{query}");
    }
}

#[tokio::test]
async fn a_service_is_told_that_a_record_cannot_be_read() {
    let world = World::start().await;
    for (query, path, key, _) in THINGS {
        world
            .fault(json!({ "status": 400, "body": envelope(400, 400, &json!({})), "path": path.replace("KEY", key) }))
            .await;
        let query = format!("{{ {} }}", query.replace("KEY", key));
        let told: Value = world.gateway.ask(&Asker::service("shop"), &query, json!({})).await;
        assert_eq!(codes(&told).len(), 1, "{told}");
    }
}

#[tokio::test]
async fn a_person_is_told_that_their_own_user_cannot_be_read_and_that_the_site_is_out_of_order() {
    let world = World::start().await;
    let path = format!("/users/{ADA}.json");
    world.fault(json!({ "status": 400, "body": envelope(400, 400, &json!({})), "path": path })).await;
    let told = world.gateway.ask(&Asker::user(ADA), "{ viewer { oneallUser { loginCount } } }", json!({})).await;
    assert_eq!(codes(&told).len(), 1, "{told}");
    for (query, ..) in THINGS {
        let (status, page) = (503, envelope(503, 503, &json!({})));
        for fault in [json!({ "status": status, "body": page, "path": "*" }), json!({ "shape": "html", "path": "*" })] {
            world.fault(fault).await;
            let query = format!("{{ {} }}", query.replace("KEY", "5a4d0000-0000-4000-8000-000000000002"));
            let told = world.gateway.ask(&Asker::user(ADA), &query, json!({})).await;
            assert_eq!(codes(&told).len(), 1, "{told}");
        }
    }
}

//! What an operation tells of itself: its reads to whoever may know, its line in the log, its trace to the providers.

use std::time::Duration;

use commongraph::sandbox::{JWT_AUDIENCE, JWT_ISSUER, JWT_ONEALL_USER_CLAIM};
use serde_json::{Value, json};

use crate::harness::{Asker, Canned, Gateway, World, as_shipped, codes, signed};
use crate::log::Log;

const ME: &str = "query Me { viewer { wordpressUser { displayName } } }";
const SIGN_IN: &str = "query ($token: String!) { connection(by: { connectionToken: $token }) { id } }";
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const SPAN: &str = "b7ad6b7169203331";

/// Long enough for any machine.
const PATIENCE: Duration = Duration::from_secs(30);

fn explaining(asker: Asker) -> Asker {
    asker.with("X-Commongraph-Explain", "1")
}

/// A person with these scopes, who is this user at OneAll.
fn person(user: &str, scope: &str) -> Asker {
    let claims = json!({
        "iss": JWT_ISSUER, "aud": JWT_AUDIENCE, "sub": user, "exp": 4_102_444_800_u64, JWT_ONEALL_USER_CLAIM: user,
        "scope": scope,
    });
    Asker::default().with("Authorization", &format!("Bearer {}", signed(&claims)))
}

async fn cached() -> World {
    World::with(Default::default(), as_shipped).await
}

#[tokio::test]
async fn a_caller_who_may_is_told_each_read() {
    let world = cached().await;
    let asker = explaining(Asker::person("olga")).with("traceparent", &format!("00-{TRACE}-{SPAN}-01"));
    let ask = async || world.gateway.ask(&asker, ME, json!({})).await["extensions"]["gateway"].clone();
    let first = ask().await;
    assert_eq!(first["traceId"], TRACE);
    let call = &first["calls"][0];
    assert_eq!(first["calls"].as_array().unwrap().len(), 1, "{first}");
    assert_eq!((&call["provider"], &call["verdict"]), (&json!("WORDPRESS"), &json!("MISS")));
    assert_eq!((&call["attempts"], &call["status"]), (&json!(1), &json!(200)));
    assert!(call["path"].as_str().unwrap().starts_with("/rest/v1.1/me?"), "{call}");
    assert!(call["milliseconds"].is_u64() && call["bytes"].as_u64().unwrap() > 0, "{call}");
    assert_eq!(call["why"], "no response was cached");
    let second = ask().await;
    assert_eq!((&second["calls"][0]["verdict"], &second["calls"][0]["ageSeconds"]), (&json!("HIT"), &json!(0)));
}

#[tokio::test]
async fn tokens_in_paths_are_masked() {
    let world = cached().await;
    let token = "5a4d0000-0000-4000-8000-000000000001";
    let answer = world.gateway.ask(&explaining(Asker::service("shop")), SIGN_IN, json!({ "token": token })).await;
    let calls = &answer["extensions"]["gateway"]["calls"];
    assert!(calls[0]["path"].as_str().unwrap().starts_with("/connections/~"), "{calls}");
    assert!(!answer["extensions"].to_string().contains(token), "{answer}");
}

#[tokio::test]
async fn a_caller_who_may_not_is_answered_and_told_why_not_more() {
    let world = cached().await;
    for asker in [Asker::person("ada"), Asker::service("report")] {
        let answer = world.gateway.ask(&explaining(asker), "{ __typename }", json!({})).await;
        assert_eq!(answer["data"]["__typename"], "Query");
        assert_eq!(answer["errors"], Value::Null);
        let told = &answer["extensions"]["gateway"];
        assert_eq!(told["explain"], json!({ "code": "FORBIDDEN", "scope": "gateway:explain" }));
        assert_eq!((&told["calls"], &told["traceId"]), (&Value::Null, &Value::Null));
    }
    let unasked = world.gateway.ask(&Asker::person("olga"), ME, json!({})).await;
    assert_eq!(unasked["extensions"], Value::Null);
}

#[tokio::test]
async fn to_a_person_a_strangers_record_is_explained_like_one_that_does_not_exist() {
    let world = cached().await;
    let asker = explaining(person("some-user", "gateway:explain oneall:connections:read"));
    let explain = async |token: &str| {
        let answer = world.gateway.ask(&asker, SIGN_IN, json!({ "token": token })).await;
        assert_eq!(answer["data"]["connection"], Value::Null);
        let mut calls = answer["extensions"]["gateway"]["calls"].clone();
        assert_eq!(calls.as_array().unwrap().len(), 1, "{answer}");
        // The mask of a token differs as the tokens do.
        assert!(calls[0].as_object_mut().unwrap().remove("path").is_some());
        calls
    };
    for _ in 0..2 {
        let stranger = explain("5a4d0000-0000-4000-8000-000000000001").await;
        assert_eq!(stranger, explain("5a4d0000-0000-4000-8000-999999999999").await);
        let names: Vec<_> = stranger[0].as_object().unwrap().keys().cloned().collect();
        assert_eq!(names, ["attempts", "method", "provider", "verdict", "why"]);
    }
}

#[tokio::test]
async fn a_caller_who_may_reads_past_the_cache_and_nobody_else() {
    let world = cached().await;
    let verdict = async |asker: Asker, cache_control: &str| {
        world.counts().await;
        let answer = world.gateway.ask(&asker.with("Cache-Control", cache_control), ME, json!({})).await;
        assert_eq!(answer["errors"], Value::Null);
        (answer["extensions"]["gateway"]["calls"][0]["verdict"].clone(), world.counts().await.values().sum::<u64>())
    };
    let olga = || explaining(Asker::person("olga"));
    assert_eq!(verdict(olga(), "max-age=0").await, (json!("MISS"), 1));
    assert_eq!(verdict(olga(), "max-age=0").await, (json!("HIT"), 0));
    assert_eq!(verdict(olga(), "no-cache").await, (json!("LIVE"), 1));
    assert_eq!(verdict(olga(), "max-age=0, No-Cache").await, (json!("LIVE"), 1));
    assert_eq!(verdict(olga(), "no-cachet").await, (json!("HIT"), 0));
    world.ask("ada", ME).await;
    assert_eq!(verdict(Asker::person("ada"), "no-cache").await.1, 0, "ignored without the scope");
}

#[tokio::test]
async fn answers_vary_by_what_is_to_be_explained() {
    let world = World::start().await;
    let response = world.gateway.request(&Asker::nobody(), "{ __typename }", json!({})).send().await.unwrap();
    let vary: Vec<_> = response.headers().get_all("vary").iter().map(|value| value.to_str().unwrap()).collect();
    assert!(vary.join(", ").contains("X-Commongraph-Explain"), "{vary:?}");
}

#[tokio::test]
async fn a_trace_is_passed_on_under_a_span_of_its_own_and_made_if_there_is_none() {
    let canned = Canned::start(vec![Canned::json("/rest/v1.1/me", json!({ "ID": 1, "display_name": "Ada" }))]).await;
    let gateway = canned.gateway().await;
    let good = format!("00-{TRACE}-{SPAN}-01");
    let bad = format!("00-{TRACE}-{SPAN}");
    for given in [&[good.as_str()] as &[&str], &[&bad], &[], &[&good, &good]] {
        let asker = given.iter().fold(Asker::token("a-token"), |asker, value| asker.with("traceparent", value));
        gateway.ask(&asker.with("tracestate", "vendor=canary"), ME, json!({})).await;
    }
    let heads = canned.heads();
    let sent: Vec<_> = heads.iter().map(|head| head["traceparent"].to_str().unwrap()).collect();
    let (ids, spans): (Vec<_>, Vec<_>) = sent.iter().map(|value| (&value[3..35], &value[36..52])).unzip();
    assert_eq!(ids.iter().map(|id| *id == TRACE).collect::<Vec<_>>(), [true, false, false, false]);
    assert!(spans.iter().all(|span| *span != SPAN) && sent[0].ends_with("-01") && sent[1].ends_with("-00"), "{sent:?}");
    assert!(
        heads.iter().all(|head| !head.contains_key("tracestate") && head.get_all("traceparent").iter().count() == 1)
    );
}

#[tokio::test]
async fn what_is_read_behind_a_stale_answer_is_logged_under_the_request_that_was_given_it() {
    let log = Log::default();
    let _guard = log.listen();
    let rows = json!({ "connected_applications": [{ "ID": "1", "title": "One" }, "no row"] });
    let canned = Canned::start(vec![Canned::json("/rest/v1.1/me/connected-applications", rows)]).await;
    let gateway = Gateway::start(|settings| {
        as_shipped(settings);
        canned.play(settings);
        settings.wordpress.fresh.lists_seconds = 0;
    })
    .await;
    let ask = async |trace: &str| {
        let asker = Asker::token("a-token").with("traceparent", &format!("00-{trace}-{SPAN}-01"));
        let list = "{ viewer { applications(first: 1) { nodes { id } } } }";
        gateway.ask(&asker, list, json!({})).await["extensions"]["gateway"]["stale"][0]["verdict"].clone()
    };
    let (first, second) = (TRACE, "1af7651916cd43dd8448eb211c80319c");
    assert_eq!((ask(first).await, ask(second).await), (json!(null), json!("STALE")));
    let left_out = || -> Vec<String> {
        log.text().lines().filter(|line| line.contains("skipped unreadable rows")).map(str::to_owned).collect()
    };
    let logged = async {
        while left_out().len() < 2 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, logged).await.unwrap();
    let lines = left_out();
    assert!(lines[0].contains(first) && lines[1].contains(second), "{lines:?}");
}

#[tokio::test]
async fn an_operation_leaves_one_line_that_says_how_it_went() {
    let world = cached().await;
    let log = Log::default();
    let _guard = log.listen_to_operations();
    let traced =
        |asker: Asker| asker.with("traceparent", &format!("00-{TRACE}-{SPAN}-00")).with("X-Request-Id", "the-id");
    world.gateway.ask(&traced(Asker::person("olga")), ME, json!({})).await;
    world.gateway.ask(&traced(Asker::nobody()), "{ applications { totalCount } }", json!({})).await;
    world.gateway.ask(&traced(Asker::nobody()), "query Wrong { canary }", json!({})).await;
    let lines = log.records();
    assert_eq!(lines.len(), 3, "{lines:?}");
    let good = &lines[0];
    for (name, value) in [
        ("operation", json!("Me")),
        ("kind", json!("query")),
        ("outcome", json!("good")),
        ("caller", json!("service")),
        ("status", json!(200)),
        ("expected", json!(1)),
        ("calls", json!(1)),
        ("reads", json!("MISS=1")),
        ("errors", Value::Null),
        ("request", json!("the-id")),
        ("trace", json!(TRACE)),
    ] {
        assert_eq!(good[name], value, "{name} in {good}");
    }
    assert!(good["milliseconds"].is_u64(), "{good}");
    assert_eq!((&lines[1]["outcome"], &lines[1]["caller"]), (&json!("partial"), &json!("anonymous")));
    assert_eq!(lines[1]["errors"], "UNAUTHENTICATED=1");
    assert_eq!((&lines[2]["outcome"], &lines[2]["errors"]), (&json!("refused"), &json!("BAD_INPUT=1")));
}

#[tokio::test]
async fn an_operations_line_holds_nothing_of_the_client_but_a_plain_name() {
    let world = World::with(Default::default(), |settings| settings.http.batch_max = 2).await;
    let log = Log::default();
    let guard = log.listen_to_operations();
    let name = "canary\n{\"forged\": \"line\"}";
    let body = json!([
        { "query": "{ __typename }", "operationName": name },
        { "query": "query Plain($x: String) { __typename @include(if: true) }", "variables": { "x": "canary" } },
    ]);
    let request = world.gateway.request(&Asker::person("olga"), "", json!({})).json(&body);
    let answers: Value = request.send().await.unwrap().json().await.unwrap();
    assert_eq!(answers.as_array().unwrap().len(), 2, "{answers}");
    drop(guard);
    assert_eq!(codes(&answers[0]).len(), 1);
    let (lines, text) = (log.records(), log.text());
    assert_eq!(lines.len(), 2, "{text}");
    assert!(lines[0]["operation"].as_str().unwrap().starts_with("sha256:"), "{text}");
    assert_eq!(lines[0]["status"], 200);
    for word in ["canary", "forged", "sandbox-wpcom", "cg_", "127.0.0.1", "__typename", "Olga"] {
        assert!(!text.contains(word), "{word} in {text}");
    }
}

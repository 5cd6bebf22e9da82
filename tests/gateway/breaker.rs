//! A provider in trouble is left alone, one that asks to slow down is obeyed, and what may pass is tried again.

use serde_json::{Value, json};

use crate::harness::{World, as_shipped, codes};

const ME: &str = "{ viewer { wordpressUser { displayName } } providers { provider circuit } }";

/// The circuit of a provider, as an answer tells it.
fn circuit<'a>(answer: &'a Value, provider: &str) -> &'a Value {
    let providers = answer["data"]["providers"].as_array().unwrap();
    &providers.iter().find(|row| row["provider"] == provider).unwrap()["circuit"]
}

#[tokio::test]
async fn a_provider_in_trouble_is_left_alone_and_the_other_is_whole() {
    let world = World::with(Default::default(), as_shipped).await;
    world.fault(json!({ "provider": "wordpress", "status": 500 })).await;
    for _ in 0..20 {
        assert_eq!(codes(&world.ask("ada", ME).await)[0].0, "PROVIDER_UNAVAILABLE");
    }
    assert_eq!(world.counts().await["GET /rest/v1.1/me"], 20);
    let answer = world.ask("ada", &ME.replace("viewer {", "viewer { oneallUser { loginCount }")).await;
    assert_eq!((circuit(&answer, "WORDPRESS"), circuit(&answer, "ONEALL")), (&json!("OPEN"), &json!("CLOSED")));
    assert!(answer["data"]["viewer"]["oneallUser"]["loginCount"].is_number(), "{answer}");
    let error = &answer["errors"][0]["extensions"];
    assert_eq!((&error["code"], &error["retryable"]), (&json!("PROVIDER_UNAVAILABLE"), &json!(true)));
    assert!((1..=5).contains(&error["retryAfterSeconds"].as_u64().unwrap()), "{error}");
    assert!(!world.counts().await.contains_key("GET /rest/v1.1/me"));
}

#[tokio::test]
async fn a_person_who_was_asked_to_slow_down_is_answered_without_a_call_and_others_go_on() {
    let world = World::with(Default::default(), as_shipped).await;
    world.fault(json!({ "provider": "wordpress", "throttle": true, "times": 1 })).await;
    for calls in [1, 0, 0] {
        let answer = world.ask("ada", ME).await;
        let error = &answer["errors"][0]["extensions"];
        assert_eq!((&error["code"], circuit(&answer, "WORDPRESS")), (&json!("RATE_LIMITED"), &json!("CLOSED")));
        assert!((30..=60).contains(&error["retryAfterSeconds"].as_u64().unwrap()), "{error}");
        assert_eq!(world.counts().await.values().sum::<u64>(), calls);
    }
    assert_eq!(world.ask("ben", ME).await["errors"], json!(null));
}

#[tokio::test]
async fn what_may_pass_is_tried_again_and_nothing_else() {
    let error = |code: &str| json!({ "error": code, "message": "no" });
    for (fault, good, calls) in [
        (json!({ "status": 503, "times": 1 }), true, 2),
        (json!({ "status": 502, "times": 2 }), true, 3),
        (json!({ "status": 504, "times": 3 }), false, 3),
        (json!({ "refuse": true, "times": 1 }), true, 2),
        (json!({ "cut": true, "times": 1 }), true, 2),
        (json!({ "status": 500, "times": 1 }), false, 1),
        (json!({ "status": 429, "times": 1 }), false, 1),
        (json!({ "status": 503, "headers": { "Retry-After": "30" }, "times": 1 }), false, 1),
        (json!({ "status": 403, "body": error("reauthorization_required"), "times": 1 }), false, 1),
        (json!({ "throttle": true, "times": 1 }), false, 1),
    ] {
        let world = World::with(Default::default(), as_shipped).await;
        let mut fault = fault;
        fault["provider"] = json!("wordpress");
        world.fault(fault.clone()).await;
        assert_eq!(world.ask("ada", ME).await["errors"].is_null(), good, "{fault}");
        assert_eq!(json!(world.counts().await), json!({ "GET /rest/v1.1/me": calls }), "{fault}");
    }
}

#[tokio::test]
async fn an_outage_that_stands_within_a_good_answer_is_tried_again_as_one_outside() {
    for (code, good, calls) in [(503, true, 2), (500, false, 1), (429, false, 1)] {
        let world = World::with(Default::default(), as_shipped).await;
        let status = json!({ "flag": "error", "code": code, "info": "no" });
        let body = json!({ "response": { "request": { "status": status } } }).to_string();
        world.fault(json!({ "provider": "oneall", "status": 200, "body": body, "times": 1 })).await;
        let answer = world.ask("ada", "{ viewer { oneallUser { loginCount } } }").await;
        assert_eq!(answer["errors"].is_null(), good, "{code}: {answer}");
        assert_eq!(world.counts().await.values().sum::<u64>(), calls, "{code}");
    }
}

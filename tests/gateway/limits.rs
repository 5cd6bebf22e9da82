//! What callers may take: who is counted with whom, what a refusal says, and what it costs nobody.
//!
//! The clock of these budgets is tried where they are made. Here they are so small that what comes back within a minute
//! does not matter.

use std::time::Duration;

use commongraph::http::rate_limits;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};

use crate::harness::{Asker, World, codes};

const CHEAP: &str = "{ providers { provider } }";

/// The person's name: one call.
const NAME: &str = "{ viewer { wordpressUser { displayName } } }";

/// Two calls.
const TWO: &str = "{ viewer { wordpressUser { displayName } applications { totalCount } } }";

/// A sandbox whose gateway has these limits.
async fn world(change: impl FnOnce(&mut rate_limits::Settings)) -> World {
    World::with(Default::default(), |settings| change(&mut settings.limits)).await
}

async fn send(world: &World, asker: &Asker, query: &str) -> Response {
    world.gateway.request(asker, query, json!({})).send().await.unwrap()
}

async fn status(world: &World, asker: &Asker, query: &str) -> u16 {
    send(world, asker, query).await.status().as_u16()
}

fn header(response: &Response, name: &str) -> String {
    response.headers()[name].to_str().unwrap().to_owned()
}

/// What the refusal says, and that it is one and holds together.
async fn refusal(response: Response) -> String {
    assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
    let after: u64 = header(&response, "retry-after").parse().unwrap();
    assert!((1..=600).contains(&after), "{after}");
    let answer: Value = response.json().await.unwrap();
    assert!(answer.get("data").is_none(), "{answer}");
    let extensions = &answer["errors"][0]["extensions"];
    assert_eq!(extensions["code"], "RATE_LIMITED");
    assert_eq!((&extensions["retryable"], &extensions["retryAfterSeconds"]), (&json!(true), &json!(after)));
    assert!(extensions.get("provider").is_none(), "{answer}");
    answer["errors"][0]["message"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_caller_whose_requests_are_spent_is_told_when_to_come_back_and_costs_no_call() {
    let world = world(|limits| limits.user_requests_per_minute = 1).await;
    let first = send(&world, &Asker::person("ada"), NAME).await;
    assert_eq!(first.status(), StatusCode::OK);
    assert!(header(&first, "ratelimit-policy").starts_with("\"requests\";q=1;w=60, \"calls\";q="));
    assert!(header(&first, "ratelimit").starts_with("\"requests\";r=0;t="), "{first:?}");
    world.counts().await;
    let second = send(&world, &Asker::person("ada"), NAME).await;
    assert!(header(&second, "ratelimit").starts_with("\"requests\";r=0;t="), "{second:?}");
    assert!(refusal(second).await.contains("requests are spent"));
    assert!(world.counts().await.is_empty());
    for other in [Asker::person("ben"), Asker::service("shop"), Asker::nobody()] {
        assert_eq!(status(&world, &other, CHEAP).await, 200, "{other:?}");
    }
}

#[tokio::test]
async fn a_person_is_one_caller_whatever_token_lies_beside_their_own() {
    let world = world(|limits| limits.user_requests_per_minute = 1).await;
    let ada = Asker::user("5a4d0000-0000-4000-8001-000000000002");
    assert_eq!(status(&world, &ada, CHEAP).await, 200);
    assert_eq!(status(&world, &ada.with("X-WordPress-Token", "sandbox-wpcom-ben"), CHEAP).await, 429);
    let alone = Asker::alone("sandbox-wpcom-ben");
    assert_eq!(status(&world, &alone, NAME).await, 200, "it is counted by its address until it is known");
    assert_eq!([status(&world, &alone, CHEAP).await, status(&world, &alone, CHEAP).await], [200, 429]);
    assert_eq!(status(&world, &Asker::alone("sandbox-wpcom-ada"), CHEAP).await, 200);
}

#[tokio::test]
async fn a_token_that_nobody_has_accepted_brings_no_budget_of_its_own() {
    for alone in [true, false] {
        let world = World::with(Default::default(), |settings| {
            settings.limits.anonymous_requests_per_minute = 1;
            settings.access.wordpress_alone = alone;
        })
        .await;
        let first = send(&world, &Asker::alone("made-up-1"), CHEAP).await;
        assert_eq!(first.status(), StatusCode::OK);
        assert!(header(&first, "ratelimit-policy").starts_with("\"requests\";q=1;w=60"), "{first:?}");
        for other in [Asker::alone("made-up-2"), Asker::alone("sandbox-wpcom-ada"), Asker::nobody()] {
            assert_eq!(status(&world, &other, CHEAP).await, 429, "{other:?}");
        }
        assert_eq!(status(&world, &Asker::person("ada"), CHEAP).await, 200);
    }
}

#[tokio::test]
async fn a_token_is_a_caller_of_its_own_once_wordpress_has_answered_it_what_is_its_persons() {
    let world = world(|limits| limits.anonymous_requests_per_minute = 10).await;
    let (ada, ben) = (Asker::alone("sandbox-wpcom-ada"), Asker::alone("sandbox-wpcom-ben"));
    assert_eq!(status(&world, &ada, NAME).await, 200);
    assert_eq!([status(&world, &ben, CHEAP).await, status(&world, &ben, CHEAP).await], [200, 429]);
    for _ in 0..5 {
        assert_eq!(status(&world, &ada, CHEAP).await, 200);
    }
}

#[tokio::test]
async fn what_wordpress_shows_to_anybody_proves_no_token() {
    let services = ("/rest/v1.1/meta/external-services", 200, "application/json", r#"{"services":{}}"#.to_owned());
    let canned = crate::harness::Canned::start(vec![services]).await;
    let gateway = crate::harness::Gateway::start(|settings| {
        canned.play(settings);
        settings.limits.anonymous_requests_per_minute = 10;
    })
    .await;
    let asker = Asker::alone("made-up");
    let ask = async || {
        let query = "{ services(first: 1) { nodes { description } } }";
        gateway.request(&asker, query, json!({})).send().await.unwrap().status().as_u16()
    };
    assert_eq!([ask().await, ask().await, ask().await], [200, 200, 429]);
    assert!(!canned.asked().is_empty());
}

#[tokio::test]
async fn tokens_that_wordpress_refuses_are_tries_of_credentials() {
    let world = World::with(Default::default(), |settings| {
        settings.limits.failures_per_minute = 2;
        settings.limits.user_requests_per_minute = 1_000;
    })
    .await;
    for number in 0..3 {
        assert_eq!(status(&world, &Asker::alone(&format!("made-up-{number}")), NAME).await, 200, "{number}");
    }
    let refused = send(&world, &Asker::alone("made-up-3"), NAME).await;
    assert!(refusal(refused).await.contains("Too many credentials"));
}

#[tokio::test]
async fn a_token_that_wordpress_refuses_beside_a_known_caller_is_no_try() {
    let world = world(|limits| limits.failures_per_minute = 1).await;
    for number in 0..4 {
        let token = Asker::token(&format!("stale-{number}"));
        assert_eq!(status(&world, &token, NAME).await, 200, "{number}");
    }
    assert_eq!(status(&world, &Asker::person("ada"), NAME).await, 200);
}

#[tokio::test]
async fn the_schema_is_not_told_to_a_token_that_nobody_has_accepted() {
    let world = World::with(Default::default(), |settings| {
        settings.graph.introspection = commongraph::graph::Introspection::Callers;
    })
    .await;
    let told = async |asker: &Asker| world.gateway.ask(asker, "{ __schema { queryType { name } } }", json!({})).await;
    let ada = Asker::alone("sandbox-wpcom-ada");
    assert!(told(&ada).await.get("data").is_none() && told(&Asker::alone("made-up")).await.get("data").is_none());
    assert_eq!(status(&world, &ada, NAME).await, 200);
    assert_eq!(told(&ada).await["data"]["__schema"]["queryType"]["name"], "Query");
}

#[tokio::test]
async fn whoever_says_nothing_is_counted_by_address_apart_from_whoever_does() {
    let world = world(|limits| limits.anonymous_requests_per_minute = 1).await;
    assert_eq!(status(&world, &Asker::nobody(), CHEAP).await, 200);
    assert_eq!(status(&world, &Asker::nobody(), CHEAP).await, 429);
    assert_eq!(status(&world, &Asker::person("ada"), CHEAP).await, 200);
}

#[tokio::test]
async fn an_address_is_counted_beside_all_who_ask_from_it() {
    let world = world(|limits| limits.address_requests_per_minute = 1).await;
    assert_eq!(status(&world, &Asker::person("ada"), CHEAP).await, 200);
    for other in [Asker::service("shop"), Asker::nobody(), Asker::alone("no-such-token")] {
        let refused = send(&world, &other, CHEAP).await;
        assert_eq!(header(&refused, "ratelimit-policy"), "\"address\";q=1;w=60");
        assert!(refusal(refused).await.contains("from this address"));
    }
}

#[tokio::test]
async fn what_is_asked_beside_the_graph_counts_for_its_address_and_whether_it_lives_is_always_told() {
    let world = world(|limits| limits.address_requests_per_minute = 1).await;
    let get = async |path: &str| {
        let url = world.gateway.url().replace("/graphql", path);
        world.gateway.client.get(url).send().await.unwrap()
    };
    assert_eq!(get("/schema.graphql").await.status(), StatusCode::OK);
    for path in ["/schema.graphql", "/", "/explorer/app.js", "/nothing", "/metrics"] {
        let refused = get(path).await;
        assert_eq!(header(&refused, "ratelimit-policy"), "\"address\";q=1;w=60", "{path}");
        assert!(refusal(refused).await.contains("from this address"), "{path}");
    }
    assert_eq!(status(&world, &Asker::service("shop"), CHEAP).await, 429);
    assert_eq!(get("/health/ready").await.status(), StatusCode::OK);
    let refused = get("/health/ready").await;
    assert_eq!(header(&refused, "ratelimit-policy"), "\"probes\";q=1;w=60");
    assert!(refusal(refused).await.contains("probes"));
    for _ in 0..5 {
        assert_eq!(get("/health/live").await.status(), StatusCode::OK);
    }
}

#[tokio::test]
async fn who_is_refused_for_the_calls_of_their_address_is_told_of_these() {
    let world = World::with(Default::default(), |settings| {
        settings.graph.limits.calls_max = 2;
        settings.limits.address_calls_per_minute = 1;
    })
    .await;
    assert_eq!(status(&world, &Asker::person("ada"), TWO).await, 200);
    let refused = send(&world, &Asker::person("ben"), NAME).await;
    assert_eq!(header(&refused, "ratelimit-policy"), "\"address-calls\";q=2;w=120");
    assert!(header(&refused, "ratelimit").starts_with("\"address-calls\";r=0;"), "{refused:?}");
    assert!(refusal(refused).await.contains("calls to the providers from this address"));
}

#[tokio::test]
async fn who_reads_the_metrics_too_often_is_told_of_no_budget_that_is_not_spent() {
    let world = world(|limits| limits.service_requests_per_minute = 1).await;
    let (url, asker) = (world.gateway.url().replace("/graphql", "/metrics"), Asker::service("shop"));
    let get = async || {
        let request = world.gateway.client.get(&url);
        asker.0.iter().fold(request, |request, (name, value)| request.header(*name, value)).send().await.unwrap()
    };
    assert_eq!(get().await.status(), StatusCode::OK);
    let refused = get().await;
    assert!(!refused.headers().contains_key("ratelimit"), "{refused:?}");
    assert!(refusal(refused).await.contains("requests are spent"));
}

#[tokio::test]
async fn calls_are_paid_for_as_they_were_made_and_what_needs_none_runs_on() {
    let world = World::with(Default::default(), |settings| {
        settings.graph.limits.calls_max = 2;
        settings.limits.user_calls_per_minute = 1;
    })
    .await;
    let ada = Asker::person("ada");
    let whole = send(&world, &ada, "{ rateLimit { limit cost remaining } }").await;
    assert!(header(&whole, "ratelimit-policy").ends_with("\"calls\";q=2;w=120"));
    assert!(header(&whole, "ratelimit").ends_with("\"calls\";r=2;t=0"), "{whole:?}");
    let whole: Value = whole.json().await.unwrap();
    assert_eq!(whole["data"]["rateLimit"], json!({ "limit": 2, "cost": 0, "remaining": 2 }));
    let two = send(&world, &ada, TWO).await;
    assert!(header(&two, "ratelimit").contains("\"calls\";r=0;"), "{two:?}");
    assert_eq!(codes(&two.json().await.unwrap()), []);
    world.counts().await;
    assert!(refusal(send(&world, &ada, NAME).await).await.contains("calls to the providers are spent"));
    assert!(world.counts().await.is_empty());
    let spent = world.ask("ada", "{ rateLimit { remaining } providers { provider } }").await;
    assert_eq!(spent["data"]["rateLimit"]["remaining"], 0, "{spent}");
    assert_eq!(status(&world, &Asker::person("ben"), NAME).await, 200);
}

#[tokio::test]
async fn a_client_that_leaves_pays_for_the_calls_that_were_begun() {
    let world = World::with(Default::default(), |settings| {
        settings.graph.limits.calls_max = 10;
        settings.limits.user_calls_per_minute = 1;
        settings.wordpress.upstream.timeout_ms = 600_000;
    })
    .await;
    let until = async |open: u64| {
        let waiting = async {
            while world.open_calls().await != open {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), waiting).await.expect("the calls stayed as they were");
    };
    world.fault(json!({ "hang": "head", "path": "*" })).await;
    let asking = tokio::spawn(world.gateway.request(&Asker::person("ada"), TWO, json!({})).send());
    until(2).await;
    asking.abort();
    until(0).await;
    let left = world.ask("ada", "{ rateLimit { remaining } }").await;
    assert_eq!(left["data"]["rateLimit"]["remaining"], 8, "{left}");
}

#[tokio::test]
async fn the_graph_tells_what_an_operation_costs_and_when_the_budget_is_whole() {
    let world = World::with(Default::default(), |settings| settings.limits = rate_limits::Settings::default()).await;
    let query = "{ rateLimit { limit cost remaining resetAt } viewer { wordpressUser { displayName } } }";
    let before = chrono::DateTime::<chrono::Utc>::from(std::time::SystemTime::now());
    let told = world.ask("ada", query).await["data"]["rateLimit"].clone();
    assert_eq!((&told["limit"], &told["cost"], &told["remaining"]), (&json!(600), &json!(1), &json!(600)));
    let reset: chrono::DateTime<chrono::Utc> = told["resetAt"].as_str().unwrap().parse().unwrap();
    assert!(reset >= before - chrono::TimeDelta::seconds(1), "{told}");
    let nobody = world.gateway.ask(&Asker::nobody(), "{ rateLimit { limit remaining } }", json!({})).await;
    assert_eq!(nobody["data"]["rateLimit"], json!({ "limit": 150, "remaining": 150 }));
}

#[tokio::test]
async fn each_operation_of_a_list_counts() {
    let world = World::with(Default::default(), |settings| {
        settings.http.batch_max = 3;
        settings.limits.user_requests_per_minute = 10;
    })
    .await;
    let operation = json!({ "query": CHEAP });
    let request = world.gateway.request(&Asker::person("ada"), CHEAP, json!({}));
    let answer = request.json(&json!([operation, operation, operation])).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert!(header(&answer, "ratelimit").starts_with("\"requests\";r=0;"), "{answer:?}");
    let answers: Vec<Value> = answer.json().await.unwrap();
    assert_eq!(answers.iter().map(|one| codes(one).len()).collect::<Vec<_>>(), [0, 0, 1]);
    assert_eq!(answers[2]["errors"][0]["extensions"]["code"], "RATE_LIMITED");
}

/// A gateway that asks whose a token is, and whose budgets of calls hold two.
async fn world_of_proofs(change: impl FnOnce(&mut rate_limits::Settings)) -> World {
    World::with(Default::default(), |settings| {
        settings.wordpress.client_id = Some(commongraph::sandbox::WORDPRESS_CLIENT_ID.to_owned());
        settings.graph.limits.calls_max = 2;
        change(&mut settings.limits);
    })
    .await
}

#[tokio::test]
async fn a_known_caller_pays_for_the_question_whose_the_token_beside_is() {
    let world = world_of_proofs(|limits| limits.user_calls_per_minute = 1).await;
    let ada = |token: &str| Asker::user("5a4d0000-0000-4000-8001-000000000002").with("X-WordPress-Token", token);
    for number in 0..2 {
        let answer: Value = send(&world, &ada(&format!("made-up-{number}")), NAME).await.json().await.unwrap();
        assert_eq!(codes(&answer), [("UNAUTHENTICATED".to_owned(), "viewer.wordpressUser".to_owned())]);
    }
    let refused = send(&world, &ada("made-up-2"), NAME).await;
    assert!(refusal(refused).await.contains("This caller's calls"));
    assert_eq!(json!(world.counts().await), json!({ "GET /oauth2/token-info": 2 }));
    assert_eq!(status(&world, &Asker::alone("sandbox-wpcom-ada"), NAME).await, 200);
}

#[tokio::test]
async fn a_question_that_is_not_asked_costs_nothing_and_who_cannot_pay_for_one_is_told_of_calls() {
    let world = world_of_proofs(|limits| limits.address_calls_per_minute = 1).await;
    let guess = "Bearer cg_shop_0123456789012345678901234567890123456789012";
    for _ in 0..5 {
        let guess = Asker::alone("sandbox-wpcom-ada").with("Authorization", guess);
        assert_eq!(status(&world, &guess, CHEAP).await, 401);
    }
    assert!(world.counts().await.is_empty());
    assert_eq!(status(&world, &Asker::alone("sandbox-wpcom-ada"), NAME).await, 200);
    let refused = send(&world, &Asker::alone("sandbox-wpcom-ben"), CHEAP).await;
    assert_eq!(header(&refused, "ratelimit-policy"), "\"address-calls\";q=2;w=120");
    assert!(refusal(refused).await.contains("calls to the providers from this address"));
}

#[tokio::test]
async fn of_a_crowd_of_guesses_no_more_are_asked_about_than_may_fail() {
    let world = World::with(Default::default(), |settings| {
        settings.wordpress.client_id = Some(commongraph::sandbox::WORDPRESS_CLIENT_ID.to_owned());
        let upstream = &mut settings.wordpress.upstream;
        (upstream.timeout_ms, upstream.attempt_timeout_ms, upstream.read_timeout_ms) = (600_000, 600_000, 600_000);
        settings.limits.failures_per_minute = 10;
    })
    .await;
    let known = Asker::alone("sandbox-wpcom-ada");
    assert_eq!(status(&world, &known, NAME).await, 200);
    world.counts().await;
    world.fault(json!({ "path": "/oauth2/token-info", "hang": "head" })).await;
    let guesses: Vec<_> = (0..100).map(|number| Asker::alone(&format!("made-up-{number}"))).collect();
    let mut asking: FuturesUnordered<_> = guesses.iter().map(|guess| send(&world, guess, CHEAP)).collect();
    for _ in 0..90 {
        assert!(refusal(asking.next().await.unwrap()).await.contains("Too many credentials"));
    }
    while world.open_calls().await < 10 {
        tokio::task::yield_now().await;
    }
    assert_eq!(json!(world.counts().await), json!({ "GET /oauth2/token-info": 10 }));
    for good in [Asker::service("shop"), Asker::user("5a4d0000-0000-4000-8001-000000000002"), known] {
        assert_eq!(status(&world, &good, CHEAP).await, 200, "{good:?}");
    }
}

/// A world whose gateway believes its callers about where they are, and shuts an address after two bad credentials.
async fn world_of_addresses() -> World {
    World::with(Default::default(), |settings| {
        settings.limits.failures_per_minute = 2;
        settings.http.trusted_proxies = commongraph::http::TrustedProxies(vec!["127.0.0.1".to_owned()]);
    })
    .await
}

fn from(address: &str, asker: Asker) -> Asker {
    asker.with("X-Forwarded-For", address)
}

/// Tries bad credentials from there until they are not looked at any more.
async fn shut(world: &World, address: &str) {
    let guess = Asker::nobody().with("Authorization", "Bearer cg_shop_0123456789012345678901234567890123456789012");
    for _ in 0..50 {
        let answer = send(world, &from(address, guess.clone()), CHEAP).await;
        if answer.status() == StatusCode::TOO_MANY_REQUESTS {
            assert!(refusal(answer).await.contains("Too many credentials"));
            return;
        }
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    }
    panic!("{address} is never shut");
}

#[tokio::test]
async fn an_address_that_tries_credentials_has_to_wait_and_no_good_one_has() {
    let world = world_of_addresses().await;
    let known = Asker::alone("sandbox-wpcom-ada");
    assert_eq!(status(&world, &from("192.0.2.1", known.clone()), NAME).await, 200);
    // The first waits may be over before the next request is here; each further one is twice as long.
    for _ in 0..5 {
        shut(&world, "192.0.2.1").await;
        for good in [Asker::service("shop"), Asker::person("ada"), Asker::nobody(), known.clone()] {
            assert_eq!(status(&world, &from("192.0.2.1", good.clone()), CHEAP).await, 200, "{good:?}");
        }
    }
    let unknown = send(&world, &from("192.0.2.1", Asker::alone("sandbox-wpcom-ben")), NAME).await;
    assert!(refusal(unknown).await.contains("Too many credentials"));
    assert_eq!(status(&world, &from("192.0.2.2", Asker::alone("sandbox-wpcom-ben")), NAME).await, 200);
}

#[tokio::test]
async fn a_credential_that_has_run_out_is_nobodys_guess() {
    let world = world(|limits| limits.failures_per_minute = 1).await;
    let claims = json!({
        "iss": commongraph::sandbox::JWT_ISSUER, "aud": commongraph::sandbox::JWT_AUDIENCE, "sub": "ada", "exp": 1_000,
    });
    let expired = Asker::nobody().with("Authorization", &format!("Bearer {}", crate::harness::signed(&claims)));
    for _ in 0..5 {
        assert_eq!(status(&world, &expired, CHEAP).await, 401);
    }
    assert_eq!(status(&world, &Asker::alone("sandbox-wpcom-ada"), CHEAP).await, 200);
    let world = world_of_addresses().await;
    shut(&world, "192.0.2.1").await;
    assert_eq!(status(&world, &from("192.0.2.1", expired), CHEAP).await, 401, "it is to be renewed, not shown again");
}

#[test]
fn no_address_and_no_service_may_take_all_that_a_host_is_called() {
    let limits = rate_limits::Settings::default();
    let host_calls_per_minute = commongraph::upstream::Settings::default().calls_per_second_max * 60;
    for calls_per_minute in [
        limits.anonymous_calls_per_minute,
        limits.user_calls_per_minute,
        limits.service_calls_per_minute,
        limits.address_calls_per_minute,
    ] {
        assert!(calls_per_minute * 4 <= host_calls_per_minute * 3, "{calls_per_minute} of {host_calls_per_minute}");
    }
}

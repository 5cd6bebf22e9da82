//! Each mutation while its provider fails in each way: it is delivered once at the most, what was delivered and not said to
//! be done is UNCERTAIN and nothing else, and whoever reads afterwards sees what is.

use commongraph::sandbox;
use serde_json::{Value, json};

use super::{DELETE, DISCONNECT, OF_ADA, OF_ANOTHER, RELINK, REVOKE, SHARE, SYNCHRONIZE, identity};
use crate::harness::{Asker, Gateway, World, as_shipped, codes, id};
use crate::log::Log;
use crate::matrix::host::{Host, Trouble};

/// The time given to a provider that hangs, in milliseconds.
const PATIENCE_MS: u64 = 150;

/// The largest answer taken, in bytes.
const BODY_MAX: usize = 1 << 16;

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum At {
    WordPress,
    OneAll,
}

/// A mutation, who asks for it, and of what; and a question that shows what it changes.
pub struct Case {
    pub name: &'static str,
    pub method: &'static str,
    pub at: At,
    pub asker: fn() -> Asker,
    pub mutation: &'static str,
    pub id: String,
    probe: String,
    /// Whether that there is no such thing is as good as done.
    ends: bool,
}

pub fn cases() -> Vec<Case> {
    // A service that may read past what is kept, with Ada's token beside.
    let ada: fn() -> Asker = || Asker::token("sandbox-wpcom-ada");
    let shop: fn() -> Asker = || Asker::service("shop");
    let mine = |field: &str| format!("{{ viewer {{ {field}(first: 50) {{ nodes {{ id }} }} }} }}");
    let by_id = |id: &str| {
        format!(
            "{{ identity(by: {{ id: \"{id}\" }}) {{ updatedAt oneallUser {{ userToken state identities {{ id }} }} }} }}"
        )
    };
    let shared = "{ viewer { connections(first: 50) { nodes { id shared } } } }".to_owned();
    let case = |(name, method), at, asker, mutation, id: String, probe, ends| Case {
        name,
        method,
        at,
        asker,
        mutation,
        id,
        probe,
        ends,
    };
    let (own, other) = (identity(OF_ADA), identity(OF_ANOTHER));
    vec![
        case(("revoke", "POST"), At::WordPress, ada, REVOKE, id("application:620001"), mine("applications"), true),
        case(("disconnect", "POST"), At::WordPress, ada, DISCONNECT, id("keyring:51003"), mine("connections"), true),
        case(("share", "POST"), At::WordPress, ada, SHARE, id("publicize:7700123/72001"), shared, false),
        case(("synchronize", "PUT"), At::OneAll, shop, SYNCHRONIZE, own.clone(), by_id(&own), false),
        case(("relink", "PUT"), At::OneAll, shop, RELINK, own.clone(), by_id(&own), false),
        case(("delete", "DELETE"), At::OneAll, shop, DELETE, other.clone(), by_id(&other), true),
    ]
}

/// What a person is told in the end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Told {
    Done,
    /// An error of the field.
    Code(&'static str),
    /// Something to correct.
    User(&'static str),
}

use Told::{Code, Done, User};

pub const UNCERTAIN: Told = Code("UNCERTAIN");

/// How a provider says an error of its own.
fn error(at: At, status: u16, word: &str, when: &str) -> Value {
    let body = match at {
        At::WordPress => json!({ "error": word, "message": "canary" }).to_string(),
        At::OneAll => {
            let status = json!({ "flag": "error", "code": status, "info": "canary" });
            json!({ "response": { "request": { "status": status } } }).to_string()
        }
    };
    json!({ "status": status, "body": body, "when": when })
}

/// Every fault, and what a case is told of it.
fn faults(case: &Case) -> Vec<(Value, Told)> {
    let at = case.at;
    let page = |status: u16, when: &str| json!({ "status": status, "content_type": "text/html", "body": "<h1>canary</h1>", "when": when });
    let redirect = |status: u16, when: &str| json!({ "status": status, "headers": { "location": "http://127.0.0.1:9/canary" }, "when": when });
    let at_wordpress = |told, otherwise| if at == At::WordPress { told } else { otherwise };
    let absent = if case.ends { Done } else { User("NOT_FOUND") };
    let mut all = vec![
        (json!({ "refuse": true, "when": "before" }), UNCERTAIN),
        (json!({ "refuse": true, "when": "after" }), UNCERTAIN),
        (json!({ "hang": "head", "when": "before" }), UNCERTAIN),
        (json!({ "hang": "head", "when": "after" }), UNCERTAIN),
        (json!({ "hang": "body" }), UNCERTAIN),
        (json!({ "cut": true, "when": "before" }), UNCERTAIN),
        (json!({ "cut": true, "when": "after" }), UNCERTAIN),
        (json!({ "big": 1 << 20, "when": "after" }), UNCERTAIN),
        (error(at, 429, "too_many_requests", "before"), Code("RATE_LIMITED")),
        (json!({ "throttle": true }), at_wordpress(Code("RATE_LIMITED"), UNCERTAIN)),
        (error(at, 400, "deletion_error", "before"), User("REFUSED")),
        (error(at, 401, "authorization_required", "before"), Code("UNAUTHENTICATED")),
        (error(at, 403, "unauthorized", "before"), Code("FORBIDDEN")),
        (error(at, 404, "not_found", "before"), absent),
        (
            json!({ "status": 404, "content_type": "text/plain" }),
            at_wordpress(Code("UNSUPPORTED_BY_PROVIDER"), UNCERTAIN),
        ),
        (page(403, "before"), at_wordpress(Code("PROVIDER_UNAVAILABLE"), Code("FORBIDDEN"))),
    ];
    for when in ["before", "after"] {
        all.extend([500, 503, 504].map(|status| (error(at, status, "boom", when), UNCERTAIN)));
        all.extend([200, 500, 502, 503].map(|status| (page(status, when), UNCERTAIN)));
        all.extend([302, 303, 307].map(|status| (redirect(status, when), UNCERTAIN)));
    }
    for shape in ["empty", "html", "array", "null", "xml", "garbage"] {
        all.push((json!({ "shape": shape }), UNCERTAIN));
    }
    // What WordPress.com documents for one of its deletions says as much of the other, and nothing of what is shared.
    all.push((json!({ "shape": "success_true" }), if case.ends { at_wordpress(Done, UNCERTAIN) } else { UNCERTAIN }));
    all
}

pub async fn impatient() -> World {
    World::with(sandbox::Settings::default(), |settings| {
        as_shipped(settings);
        for upstream in [&mut settings.wordpress.upstream, &mut settings.oneall.upstream] {
            (upstream.write_timeout_ms, upstream.body_max_bytes) = (2 * PATIENCE_MS, BODY_MAX);
            upstream.breaker_calls_min = 1_000_000;
        }
    })
    .await
}

/// What an answer tells of the field `it`.
pub fn told(answer: &Value) -> Told {
    let word = |text: &str| -> &'static str { Box::leak(text.to_owned().into_boxed_str()) };
    match (&*codes(answer), &answer["data"]["it"]["userErrors"]) {
        ([], Value::Array(errors)) if errors.is_empty() => Done,
        ([], Value::Array(errors)) => User(word(errors[0]["code"].as_str().unwrap())),
        ([(code, path)], _) if path == "it" => Code(word(code)),
        _ => panic!("{answer}"),
    }
}

/// One mutation under one fault; tells how often it took effect.
async fn play(world: &World, case: &Case, mut fault: Value, expected: Told) -> u64 {
    let (asker, context) = ((case.asker)(), format!("{} under {fault}", case.name));
    let before = world.gateway.ask(&asker, &case.probe, json!({})).await;
    assert_eq!(codes(&before), [], "{context}: {before}");
    fault["method"] = json!(case.method);
    world.fault(fault).await;
    let answer = world.gateway.ask(&asker, case.mutation, json!({ "id": case.id })).await;
    assert_eq!(told(&answer), expected, "{context}: {answer}");
    let text = answer.to_string();
    assert!(!text.contains("canary") && !text.contains("<h1>"), "{context}: {text}");
    if expected == UNCERTAIN {
        assert_eq!(answer["errors"][0]["extensions"]["retryable"], false, "{context}");
        assert!(answer["errors"][0]["message"].as_str().unwrap().contains("Read the object"), "{context}");
    }

    let writes = world.take_writes().await;
    let [(_, _, delivered, effects)] = writes[..] else { panic!("{context}: {writes:?}") };
    assert_eq!(delivered, 1, "{context}");
    assert!(effects == 0 || [Done, UNCERTAIN].contains(&expected), "{context}: it took effect and that is lost");

    // Whatever it was, whoever reads now is shown what is.
    world.fault(json!([])).await;
    if expected != Code("RATE_LIMITED") {
        let kept = world.gateway.ask(&asker, &case.probe, json!({})).await;
        let fresh = asker.with("Cache-Control", "no-cache");
        assert_eq!(kept, world.gateway.ask(&fresh, &case.probe, json!({})).await, "{context}");
        assert_eq!(effects == 1, kept != before, "{context}: {kept}");
    }
    effects
}

async fn play_all(name: &str) {
    let case = cases().into_iter().find(|case| case.name == name).unwrap();
    let log = Log::default();
    let _guard = log.listen();
    let mut world = None;
    for (fault, expected) in faults(&case) {
        let current = match world.take() {
            Some(world) => world,
            None => impatient().await,
        };
        let effects = play(&current, &case, fault, expected).await;
        // One in which nothing has changed will do for the next, too.
        world = Some(current).filter(|_| effects == 0 && expected != Code("RATE_LIMITED"));
    }
    let log = log.text();
    for secret in ["sandbox-wpcom", sandbox::ONEALL_PRIVATE_KEY, "sandbox-key", "canary", "<h1>"] {
        assert!(!log.contains(secret), "{secret}");
    }
}

#[tokio::test]
async fn a_revocation_is_sent_once_and_never_lost_silently() {
    play_all("revoke").await;
}

#[tokio::test]
async fn a_disconnection_is_sent_once_and_never_lost_silently() {
    play_all("disconnect").await;
}

#[tokio::test]
async fn sharing_is_sent_once_and_never_lost_silently() {
    play_all("share").await;
}

#[tokio::test]
async fn a_synchronization_is_sent_once_and_never_lost_silently() {
    play_all("synchronize").await;
}

#[tokio::test]
async fn a_relink_is_sent_once_and_never_lost_silently() {
    play_all("relink").await;
}

#[tokio::test]
async fn a_deletion_is_sent_once_and_never_lost_silently() {
    play_all("delete").await;
}

/// What each mutation is told by hosts in this kind of trouble, and how many requests reached them.
async fn before(trouble: &Trouble) -> (Vec<Value>, usize) {
    let (wordpress, oneall) = (Host::start(trouble, "").await, Host::start(trouble, "").await);
    let gateway = Gateway::start(|settings| {
        as_shipped(settings);
        settings.wordpress.base_url = wordpress.url.clone();
        settings.oneall.base_url = Some(oneall.url.clone());
        settings.oneall.public_key = Some("public".into());
        settings.oneall.private_key = Some("private".into());
        for upstream in [&mut settings.wordpress.upstream, &mut settings.oneall.upstream] {
            (upstream.connect_timeout_ms, upstream.write_timeout_ms) = (PATIENCE_MS, 4 * PATIENCE_MS);
        }
    })
    .await;
    let mut answers = Vec::new();
    for case in cases() {
        answers.push(gateway.ask(&(case.asker)(), case.mutation, json!({ "id": case.id })).await);
    }
    (answers, wordpress.requests() + oneall.requests())
}

#[tokio::test]
async fn what_is_certain_not_to_be_sent_is_told_as_for_a_read() {
    for trouble in [Trouble::Closed, Trouble::Nameless, Trouble::Untrusted, Trouble::Deaf] {
        let (answers, requests) = before(&trouble).await;
        for answer in answers {
            let Code("PROVIDER_UNAVAILABLE" | "PROVIDER_TIMEOUT") = told(&answer) else { panic!("{answer}") };
            assert_eq!(answer["errors"][0]["extensions"]["retryable"], true, "{answer}");
        }
        assert_eq!(requests, 0);
    }
}

#[tokio::test]
async fn what_may_have_reached_a_host_that_breaks_off_is_uncertain() {
    for trouble in [Trouble::Resets, Trouble::Silent, Trouble::Halts, Trouble::Breaks, Trouble::Drips] {
        let (answers, requests) = before(&trouble).await;
        for answer in answers {
            assert_eq!(told(&answer), UNCERTAIN, "{answer}");
        }
        assert_eq!(requests, cases().len(), "each once");
    }
}

#[tokio::test]
async fn a_credential_that_is_shut_out_sends_nothing() {
    let world = impatient().await;
    for case in cases() {
        let method = case.method;
        let mut asked_to_wait = error(case.at, 429, "too_many_requests", "before");
        asked_to_wait["headers"] = json!({ "retry-after": "60" });
        (asked_to_wait["method"], asked_to_wait["times"]) = (json!(method), json!(1));
        world.fault(asked_to_wait).await;
        for _ in 0..2 {
            let answer = world.gateway.ask(&(case.asker)(), case.mutation, json!({ "id": case.id })).await;
            assert_eq!(told(&answer), Code("RATE_LIMITED"), "{}: {answer}", case.name);
            assert!(answer["errors"][0]["extensions"]["retryAfterSeconds"].as_u64().unwrap() > 50, "{answer}");
        }
    }
    // One of each provider's was delivered, and told to wait; no other was sent.
    let delivered: u64 = world.writes().await.iter().map(|row| row.2).sum();
    assert_eq!(delivered, 2);
}

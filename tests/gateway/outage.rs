//! One provider is down, in each way in which a host can be: the other's fields are whole, its own say why.

use commongraph::config::Settings;
use commongraph::upstream;
use serde_json::{Value, json};
use tokio::net::TcpSocket;

use crate::harness::{Asker, Gateway, World, codes};

/// What a provider in trouble says of itself; no client may read it.
const WORDS: &str = "upstream-words";

/// The time given to a provider that hangs, in milliseconds; the other one keeps its own.
const PATIENCE_MS: u64 = 300;

/// The largest body taken from a provider that floods, in bytes.
const BODY_MAX: usize = 64 << 10;

/// The ways that shut the credential out for a while.
const SHUT_OUT: [&str; 2] = ["asks to slow down", "the throttling page"];

/// Both providers by their lists, and each by fields of its own.
const EVERYTHING: &str = "{
    connections(first: 100) { totalCount nodes { id provider } incomplete { provider code } }
    applications { totalCount nodes { id name } }
    viewer { wordpressUser { userId displayName } }
    connection(by: { connectionToken: \"5a4d0000-0000-4000-8000-000000000001\" }) { id identity { displayName } } }";

/// A way of being down, and the codes by which it is told at WordPress.com and at OneAll.
struct Way {
    name: &'static str,
    trouble: Trouble,
    codes: [&'static str; 2],
}

enum Trouble {
    /// Nobody listens.
    Closed,
    /// The sandbox has this fault.
    Fault(Value),
    /// The same, and the gateway's patience is short.
    Hang(Value),
    /// The same, and the gateway takes small bodies only.
    Flood(Value),
}

/// Which provider is down.
#[derive(Clone, Copy, PartialEq)]
enum Down {
    WordPress,
    OneAll,
}

fn ways() -> Vec<Way> {
    use Trouble::{Closed, Fault, Flood, Hang};
    const UNAVAILABLE: [&str; 2] = ["PROVIDER_UNAVAILABLE"; 2];
    const MALFORMED: [&str; 2] = ["PROVIDER_MALFORMED"; 2];
    let way = |name, trouble, codes| Way { name, trouble, codes };
    let shape = |name: &'static str| way(name, Fault(json!({ "shape": name })), MALFORMED);
    let html = |status: u16| {
        let body = format!("<!DOCTYPE html><html><body><h1>{WORDS}</h1></body></html>");
        Fault(json!({ "status": status, "content_type": "text/html; charset=utf-8", "body": body }))
    };
    let error = json!({ "error": "boom", "message": WORDS });
    let head = json!({ "X-Padding": "x".repeat(100_000) });
    let slow = json!({ "status": 429, "headers": { "Retry-After": "7" }, "body": error });
    vec![
        way("nobody listens", Closed, UNAVAILABLE),
        way("closes without an answer", Fault(json!({ "refuse": true })), UNAVAILABLE),
        way("hangs before its answer", Hang(json!({ "hang": "head" })), ["PROVIDER_TIMEOUT"; 2]),
        way("hangs within its answer", Hang(json!({ "hang": "body" })), ["PROVIDER_TIMEOUT"; 2]),
        way("status 500", Fault(json!({ "status": 500, "body": error })), UNAVAILABLE),
        way("status 503 and nothing", Fault(json!({ "status": 503 })), UNAVAILABLE),
        way("a page with status 200", html(200), MALFORMED),
        way("a page with status 502", html(502), UNAVAILABLE),
        way("breaks off", Fault(json!({ "cut": true })), UNAVAILABLE),
        way("a head that is too large", Fault(json!({ "status": 500, "headers": head })), ["LIMIT_EXCEEDED"; 2]),
        way("floods", Flood(json!({ "big": 4 << 20 })), ["LIMIT_EXCEEDED"; 2]),
        way("asks to slow down", Fault(slow), ["RATE_LIMITED"; 2]),
        way("the throttling page", Fault(json!({ "throttle": true })), ["RATE_LIMITED", "PROVIDER_UNAVAILABLE"]),
        shape("garbage"),
        shape("empty"),
        shape("html"),
        shape("array"),
        shape("null"),
        shape("success_true"),
        shape("xml"),
    ]
}

#[tokio::test]
async fn wordpress_down_in_any_way_costs_its_own_fields_and_nothing_else() {
    for_each_way(Down::WordPress).await;
}

#[tokio::test]
async fn oneall_down_in_any_way_costs_its_own_fields_and_nothing_else() {
    for_each_way(Down::OneAll).await;
}

async fn for_each_way(down: Down) {
    let world = World::start().await;
    let healthy = world.ask("olga", EVERYTHING).await;
    assert_eq!(healthy["errors"], json!(null));
    assert!(healthy["data"]["connections"]["nodes"].as_array().unwrap().len() > 60, "the page holds both lists whole");
    for way in ways() {
        // A port that is taken but not listened on stays closed for as long as the socket lives.
        let closed = TcpSocket::new_v4().unwrap();
        closed.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let nowhere = format!("http://{}", closed.local_addr().unwrap());
        let gateway = Gateway::start(|settings| {
            commongraph::app::point_at(settings, &world.sandbox);
            spoil(settings, down, &way.trouble, &nowhere);
        })
        .await;
        if let Trouble::Fault(fault) | Trouble::Hang(fault) | Trouble::Flood(fault) = &way.trouble {
            let mut fault = fault.clone();
            fault["provider"] = json!(if down == Down::WordPress { "wordpress" } else { "oneall" });
            world.fault(fault).await;
        }
        let answer = gateway.ask(&Asker::person("olga"), EVERYTHING, json!({})).await;
        check(&way, down, &healthy, &answer);

        world.fault(json!([])).await;
        if let Trouble::Fault(_) = way.trouble {
            world.counts().await;
            let again = gateway.ask(&Asker::person("olga"), EVERYTHING, json!({})).await;
            if SHUT_OUT.contains(&way.name) && codes(&answer).iter().any(|(code, _)| code == "RATE_LIMITED") {
                // It is over and the gateway cannot know: it was asked to stay away, and does.
                check(&way, down, &healthy, &again);
                let base = if down == Down::WordPress { "/rest/" } else { "/connections" };
                let counts = world.counts().await;
                assert!(!counts.keys().any(|path| path.contains(base)), "{}: {counts:?}", way.name);
            } else {
                assert_eq!(again, healthy, "{}: once it is over", way.name);
            }
        }
    }
}

fn spoil(settings: &mut Settings, down: Down, trouble: &Trouble, nowhere: &str) {
    let upstream: &mut upstream::Settings = match down {
        Down::WordPress => &mut settings.wordpress.upstream,
        Down::OneAll => &mut settings.oneall.upstream,
    };
    match (trouble, down) {
        (Trouble::Closed, Down::WordPress) => settings.wordpress.base_url = nowhere.to_owned(),
        (Trouble::Closed, Down::OneAll) => settings.oneall.base_url = Some(nowhere.to_owned()),
        (Trouble::Hang(_), _) => upstream.timeout_ms = PATIENCE_MS,
        (Trouble::Flood(_), _) => upstream.body_max_bytes = BODY_MAX,
        (Trouble::Fault(_), _) => {}
    }
}

/// The answer is the healthy one but for what the provider that is down would have given.
fn check(way: &Way, down: Down, healthy: &Value, answer: &Value) {
    let (gone, code, fields) = match down {
        Down::WordPress => ("WORDPRESS", way.codes[0], vec!["applications", "connections", "viewer.wordpressUser"]),
        Down::OneAll => ("ONEALL", way.codes[1], vec!["connection", "connections"]),
    };
    let mut expected = healthy["data"].clone();
    expected["connections"]["totalCount"] = json!(null);
    expected["connections"]["incomplete"] = json!([{ "provider": gone, "code": code }]);
    expected["connections"]["nodes"].as_array_mut().unwrap().retain(|row| row["provider"] != gone);
    match down {
        Down::WordPress => {
            expected["applications"] = json!(null);
            expected["viewer"]["wordpressUser"] = json!(null);
        }
        Down::OneAll => expected["connection"] = json!(null),
    }
    assert_eq!(answer["data"], expected, "{}", way.name);

    let mut told = codes(answer);
    told.sort();
    let wanted: Vec<_> = fields.iter().map(|field| (code.to_owned(), (*field).to_owned())).collect();
    assert_eq!(told, wanted, "{}", way.name);
    let retryable = matches!(code, "PROVIDER_UNAVAILABLE" | "PROVIDER_TIMEOUT" | "RATE_LIMITED");
    for error in answer["errors"].as_array().unwrap() {
        assert_eq!(error["extensions"]["provider"], gone, "{}", way.name);
        assert_eq!(error["extensions"]["retryable"], retryable, "{}", way.name);
        let wait = &error["extensions"]["retryAfterSeconds"];
        match way.name {
            "asks to slow down" => assert_eq!(wait, 7),
            "the throttling page" if down == Down::WordPress => assert_eq!(wait, 60),
            _ => assert_eq!(wait, &json!(null), "{}", way.name),
        }
    }
    for theirs in [WORDS, "<", "padding", "maintenance", "127.0.0.1", "EOF", "line 1"] {
        assert!(!answer["errors"].to_string().contains(theirs), "{}: {answer}", way.name);
    }
}

#[tokio::test]
async fn one_sign_in_that_cannot_be_read_costs_its_own_rows_fields() {
    const ROWS: &str = "{ connections(first: 6) { totalCount nodes { id createdAt service { key } health { state }
        identity { displayName } record { ... on SignInRecord { connectionToken result { code } } } } } }";
    let world = World::start().await;
    let mut expected = world.ask("olga", ROWS).await;
    assert_eq!(expected["errors"], json!(null));
    let row = &mut expected["data"]["connections"]["nodes"][2];
    let token = row["record"]["connectionToken"].as_str().unwrap().to_owned();
    for field in ["service", "identity"] {
        assert!(!row[field].is_null(), "{field} has something to lose");
        row[field] = json!(null);
    }
    row["record"]["result"] = json!(null);

    world.fault(json!({ "path": format!("/connections/{token}.json"), "status": 500 })).await;
    let answer = world.ask("olga", ROWS).await;
    assert_eq!(answer["data"], expected["data"]);
    let mut told = codes(&answer);
    told.sort();
    let lost = ["identity", "record.result", "service"];
    let wanted = lost.map(|field| ("PROVIDER_UNAVAILABLE".to_owned(), format!("connections.nodes.2.{field}")));
    assert_eq!(told, wanted);
}

#[tokio::test]
async fn one_identity_that_cannot_be_read_leaves_a_row_that_says_less() {
    const ROWS: &str = "{ identities(first: 4) { nodes { id providerId createdAt displayName } } }";
    let world = World::start().await;
    let mut expected = world.ask("olga", ROWS).await;
    assert_eq!(expected["errors"], json!(null));
    let row = &mut expected["data"]["identities"]["nodes"][1];
    let token = row["providerId"].as_str().unwrap().to_owned();
    assert!(row["displayName"].is_string());
    row["displayName"] = json!(null);

    world.fault(json!({ "path": format!("/identities/{token}.json"), "cut": true })).await;
    let answer = world.ask("olga", ROWS).await;
    assert_eq!(answer["data"], expected["data"]);
    assert_eq!(codes(&answer), [("PROVIDER_UNAVAILABLE".to_owned(), "identities".to_owned())]);
}

#[tokio::test]
async fn a_row_that_cannot_be_read_is_left_out_and_named() {
    const ROWS: &str =
        "{ connections(first: 100) { nodes { id provider } incomplete { code } } applications { nodes { id } } }";
    let world = World::start().await;
    let healthy = world.ask("olga", ROWS).await;
    let count = |answer: &Value, list: &str| answer["data"][list]["nodes"].as_array().unwrap().len();
    for (fault, list, row) in [
        (json!({ "path": "/connections.json", "shape": "bad_row" }), "connections", "connections[1]"),
        (json!({ "path": "*/me/keyring-connections", "shape": "bad_row" }), "connections", "connections[1]"),
        (
            json!({ "path": "*/me/connected-applications", "shape": "bad_row" }),
            "applications",
            "connected_applications[1]",
        ),
    ] {
        world.fault(fault).await;
        let answer = world.ask("olga", ROWS).await;
        assert_eq!(codes(&answer), [("PROVIDER_MALFORMED".to_owned(), list.to_owned())]);
        let named = answer["errors"][0]["extensions"]["row"].as_str().unwrap();
        assert_eq!(named, row);
        for each in ["connections", "applications"] {
            assert_eq!(count(&answer, each) + usize::from(each == list), count(&healthy, each), "{named}: {each}");
        }
        assert_eq!(answer["data"]["connections"]["incomplete"], json!([]));
    }
}

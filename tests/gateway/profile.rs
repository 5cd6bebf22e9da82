//! GraphQL over HTTP, a table for each profile: how a request comes in, and the status and media type of its answer.

use commongraph::http::Profile;
use reqwest::{Method, header};
use serde_json::{Value, json};

use crate::harness::{Gateway, World};

const GRAPHQL: &str = "application/graphql-response+json";
const JSON: &str = "application/json";

/// What is asked; each row of the tables names one.
enum Way {
    Post(&'static str),
    Get(&'static str),
    Type(&'static str),
    Method(&'static str),
    Accept(&'static str),
}
use Way::{Accept, Get, Method as By, Post, Type};

const GOOD: &str = r#"{"query": "{ __typename }"}"#;
const PARTIAL: &str = r#"{"query": "{ applications { totalCount } __typename }"}"#;
const NAMELESS: &str = r#"{"query": "query A { __typename } query B { __typename }"}"#;
const REQUIRED: &str = r#"{"query": "query Q($by: ConnectionBy!) { connection(by: $by) { id } }"}"#;
const WRONG: &str =
    r#"{"query": "query Q($a: Int) { connections(first: $a) { totalCount } }", "variables": {"a": "x"}}"#;

/// A request, and its status in the stable profile for `graphql-response+json` and `json`, then in the draft for both.
const TABLE: [(Way, [u16; 4]); 37] = [
    (Post(GOOD), [200, 200, 200, 200]),
    (Post(PARTIAL), [200, 200, 294, 200]),
    (Post(r#"{"query": "query Q { __typename }", "operationName": "Q"}"#), [200, 200, 200, 200]),
    (Post(r#"{"query": "{ __typename }", "operationName": ""}"#), [200, 200, 200, 200]),
    (Post(r#"{"query": "{ __typename }", "operation_name": "Q"}"#), [200, 200, 200, 200]),
    (Post(r#"{"query": "{ __typename }", "variables": null, "operationName": null, "extensions": null}"#), [200; 4]),
    (Post(r#"{"query": "{ __typename }", "more": [1]}"#), [200, 200, 200, 200]),
    // The document.
    (Post(r#"{"query": "{"}"#), [400, 200, 400, 400]),
    (Post(r#"{"query": " "}"#), [400, 200, 400, 400]),
    (Post(r#"{"query": "{ nonsense }"}"#), [400, 200, 422, 422]),
    (Post(NAMELESS), [400, 200, 422, 422]),
    (Post(r#"{"query": "{ __typename }", "operationName": "Q"}"#), [400, 200, 422, 422]),
    (Post(REQUIRED), [400, 200, 422, 422]),
    (Post(WRONG), [400, 200, 422, 422]),
    // The parameters.
    (Post(""), [400, 400, 400, 400]),
    (Post("{ \"query"), [400, 400, 400, 400]),
    (Post("7"), [400, 400, 422, 422]),
    (Post("[]"), [400, 400, 422, 422]),
    (Post(r#"[{"query": "{ __typename }"}]"#), [400, 400, 422, 422]),
    (Post("{}"), [400, 400, 422, 422]),
    (Post(r#"{"query": 7}"#), [400, 400, 422, 422]),
    (Post(r#"{"query": "{ __typename }", "variables": "x"}"#), [400, 400, 422, 422]),
    (Post(r#"{"query": "{ __typename }", "variables": [7]}"#), [400, 400, 422, 422]),
    (Post(r#"{"query": "{ __typename }", "operationName": 7}"#), [400, 400, 422, 422]),
    (Post(r#"{"query": "{ __typename }", "extensions": []}"#), [400, 400, 422, 422]),
    (Get("query={__typename}&operationName=&variables=&extensions="), [200, 200, 200, 200]),
    (
        Get("query=query+Q($a:Int){__typename+connections(first:$a){totalCount}}&variables={\"a\":\"x\"}"),
        [400, 200, 422, 422],
    ),
    (Get("query={__typename}&variables=[7]"), [400, 400, 422, 422]),
    (Get("query={__typename}&variables={"), [400, 400, 422, 422]),
    (Get("query={__typename}&query={__typename}"), [400, 400, 422, 422]),
    (Get("query=mutation{__typename}"), [405, 405, 405, 405]),
    // HTTP.
    (Type("text/plain"), [415, 415, 415, 415]),
    (Type("application/json; charset=utf-16"), [415, 415, 415, 415]),
    (Type(""), [415, 415, 415, 415]),
    (By("PUT"), [405, 405, 405, 405]),
    (By("OPTIONS"), [405, 405, 405, 405]),
    (Accept("text/html"), [406, 406, 406, 406]),
];

async fn send(gateway: &Gateway, way: &Way, media: &str) -> reqwest::Response {
    let url = gateway.url();
    let request = match way {
        Post(body) => gateway.client.post(url).header(header::CONTENT_TYPE, JSON).body(*body),
        Get(query) => gateway.client.get(format!("{url}?{query}")),
        Type("") => gateway.client.post(url).body(GOOD),
        Type(name) => gateway.client.post(url).header(header::CONTENT_TYPE, *name).body(GOOD),
        By(name) => gateway.client.request(Method::from_bytes(name.as_bytes()).unwrap(), url),
        Accept(name) => {
            return gateway.client.post(url).header(header::ACCEPT, *name).json(&json!({})).send().await.unwrap();
        }
    };
    request.header(header::ACCEPT, media).send().await.unwrap()
}

fn name(way: &Way) -> String {
    let (Post(text) | Get(text) | Type(text) | By(text) | Accept(text)) = way;
    (*text).to_owned()
}

/// Goes through the table with these two of its columns.
async fn hold(profile: Profile, columns: [usize; 2]) {
    let world = World::with(Default::default(), |settings| settings.http.profile = profile).await;
    for (way, statuses) in &TABLE {
        for (media, column) in [GRAPHQL, JSON].into_iter().zip(columns) {
            let place = format!("{profile:?} {media} {}", name(way));
            let response = send(&world.gateway, way, media).await;
            let status = response.status().as_u16();
            assert_eq!(status, statuses[column], "{place}");
            let headers = response.headers().clone();
            let draft_refusal = profile == Profile::Draft && status >= 300;
            let told = match way {
                Accept(_) => JSON,
                _ if draft_refusal => GRAPHQL,
                _ => media,
            };
            assert_eq!(headers["content-type"], format!("{told}; charset=utf-8"), "{place}");
            assert_eq!(headers["cache-control"], "private, no-store", "{place}");
            assert_eq!(headers.contains_key("allow"), status == 405, "{place}");
            let vary: Vec<_> = headers.get_all("vary").iter().map(|value| value.to_str().unwrap()).collect();
            let wanted = "Accept, Origin, Authorization, X-WordPress-Token, X-Commongraph-Cost";
            assert!(vary.join(", ").contains(wanted), "{place} {vary:?}");
            check_body(response.json().await.unwrap(), status, &place);
        }
    }
}

/// Either data, or errors with codes and without data; and no word of the program's inside.
fn check_body(body: Value, status: u16, place: &str) {
    let errors = body["errors"].as_array().cloned().unwrap_or_default();
    assert!(body.get("data").is_some() || !errors.is_empty(), "{place} {body}");
    assert!(status != 294 || (body.get("data").is_some() && !errors.is_empty()), "{place} {body}");
    assert!(status < 300 || body.get("data").is_none(), "{place} {body}");
    for error in errors {
        assert!(error["extensions"]["code"].is_string(), "{place} {error}");
        let message = error["message"].as_str().unwrap();
        for word in ["::", "expected `", "Error(", " at line 1 column", "-->", "serde", "invalid type"] {
            assert!(!message.contains(word), "{place} {message}");
        }
    }
}

#[tokio::test]
async fn the_stable_profile_answers_as_todays_clients_expect() {
    hold(Profile::Stable, [0, 1]).await;
}

#[tokio::test]
async fn the_draft_profile_answers_as_the_draft_of_august_2026_says() {
    hold(Profile::Draft, [2, 3]).await;
}

#[tokio::test]
async fn without_a_wish_the_stable_profile_speaks_json_and_the_draft_the_newer_type() {
    for (profile, media) in [(Profile::Stable, JSON), (Profile::Draft, GRAPHQL)] {
        let gateway = Gateway::start(|settings| settings.http.profile = profile).await;
        let response = send(&gateway, &Post(GOOD), "*/*").await;
        assert_eq!(response.headers()["content-type"], format!("{media}; charset=utf-8"));
    }
}

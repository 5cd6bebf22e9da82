//! The border: which requests are taken, and how the others are refused.

use std::time::{Duration, Instant};

use reqwest::header::{ACCEPT, ALLOW, CACHE_CONTROL, CONTENT_TYPE, HOST, HeaderMap, VARY, WWW_AUTHENTICATE};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tokio::net::TcpStream;

use crate::harness::{Asker, World};

/// A query that costs a call if it is executed.
const COSTLY: &str = "{ viewer { wordpressUser { displayName } } }";

const JSON: &str = "application/json";
const GRAPHQL: &str = "application/graphql-response+json";

/// An answer as it came, its headers checked.
struct Seen {
    status: u16,
    headers: HeaderMap,
    text: String,
}

async fn send(request: RequestBuilder) -> Seen {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let text = response.text().await.unwrap();
    assert_eq!(headers[CACHE_CONTROL], "private, no-store", "{status} {text}");
    assert_eq!(headers["x-content-type-options"], "nosniff", "{status} {text}");
    let vary: Vec<_> = headers.get_all(VARY).iter().map(|value| value.to_str().unwrap().to_lowercase()).collect();
    for header in ["accept", "origin", "authorization", "x-wordpress-token", "x-commongraph-cost"] {
        assert!(vary.join(",").split(',').any(|name| name.trim() == header), "{header} is not in {vary:?}");
    }
    Seen { status, headers, text }
}

impl Seen {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("{} with {:?}", self.status, self.text))
    }

    fn media(&self) -> &str {
        self.headers[CONTENT_TYPE].to_str().unwrap()
    }

    /// Checks that this is a refusal: this status, errors alone, a code first, and a short sentence for a person.
    fn refuses(&self, status: u16, code: &str) -> String {
        let answer = self.json();
        assert_eq!(self.status, status, "{answer}");
        assert!(answer.get("data").is_none(), "{answer}");
        let error = &answer["errors"][0];
        assert_eq!((&error["extensions"]["code"], &error["extensions"]["retryable"]), (&json!(code), &json!(false)));
        assert!(self.media().ends_with("; charset=utf-8"), "{}", self.media());
        let message = error["message"].as_str().unwrap();
        assert!((10..300).contains(&message.len()), "{message}");
        for rust in ["graphql::", "serde", "Err(", "Error(", "Some(", "None", "{ ", "\n", "Pos"] {
            assert!(!message.contains(rust), "{rust:?} in {message}");
        }
        message.to_owned()
    }
}

/// A POST of this body to the graph, as Ada.
fn post(world: &World, content_type: &str, body: impl Into<reqwest::Body>) -> RequestBuilder {
    as_ada(world.gateway.client.post(world.gateway.url())).header(CONTENT_TYPE, content_type).body(body)
}

fn as_ada(request: RequestBuilder) -> RequestBuilder {
    Asker::person("ada").0.into_iter().fold(request, |request, (name, value)| request.header(name, value))
}

fn get(world: &World, parameters: &[(&str, &str)]) -> RequestBuilder {
    let mut url = reqwest::Url::parse(&world.gateway.url()).unwrap();
    url.query_pairs_mut().extend_pairs(parameters);
    as_ada(world.gateway.client.get(url))
}

fn question(query: &str) -> String {
    json!({ "query": query }).to_string()
}

async fn assert_nothing_was_called(world: &World) {
    assert_eq!(json!(world.counts().await), json!({}));
}

#[tokio::test]
async fn a_name_that_is_not_this_machine_is_refused() {
    let world = World::start().await;
    for host in ["evil.example", "evil.example:8080", "127.0.0.1.evil.example", "localhost.evil.example", "10.0.0.7"] {
        for request in [post(&world, JSON, question(COSTLY)), get(&world, &[("query", COSTLY)])] {
            let seen = send(request.header(HOST, host)).await;
            assert!(seen.refuses(421, "FORBIDDEN").contains("loopback"), "{host}");
        }
    }
    assert_nothing_was_called(&world).await;
    let seen = send(post(&world, JSON, question(COSTLY)).header(HOST, "localhost:1")).await;
    assert_eq!(
        (seen.status, seen.json()["data"]["viewer"]["wordpressUser"]["displayName"].as_str()),
        (200, Some("Ada Reed"))
    );
}

#[tokio::test]
async fn a_body_that_a_foreign_page_could_send_is_not_executed() {
    let world = World::start().await;
    let form = "query=%7B%20viewer%20%7B%20wordpressUser%20%7B%20displayName%20%7D%20%7D%20%7D";
    let part =
        format!("--b\r\nContent-Disposition: form-data; name=\"operations\"\r\n\r\n{}\r\n--b--\r\n", question(COSTLY));
    for (content_type, body) in [
        ("text/plain", question(COSTLY)),
        ("text/plain; charset=utf-8", question(COSTLY)),
        ("text/plain; application/json", question(COSTLY)),
        ("application/x-www-form-urlencoded", form.to_owned()),
        ("multipart/form-data; boundary=b", part),
        ("application/graphql", COSTLY.to_owned()),
        ("application/json; charset=utf-16", question(COSTLY)),
        ("application/jsonx", question(COSTLY)),
        ("", question(COSTLY)),
    ] {
        send(post(&world, content_type, body)).await.refuses(415, "BAD_INPUT");
    }
    let untyped = as_ada(world.gateway.client.post(world.gateway.url())).body(question(COSTLY));
    send(untyped).await.refuses(415, "BAD_INPUT");
    let compressed = post(&world, JSON, question(COSTLY)).header("Content-Encoding", "gzip");
    send(compressed).await.refuses(415, "BAD_INPUT");
    assert_nothing_was_called(&world).await;
    for content_type in ["application/json", "application/json; charset=utf-8", "Application/JSON;charset=\"UTF-8\""] {
        assert_eq!(send(post(&world, content_type, question(COSTLY))).await.status, 200, "{content_type}");
    }
}

#[tokio::test]
async fn a_get_may_query_and_nothing_else() {
    let world = World::start().await;
    let seen = send(get(&world, &[("query", COSTLY)])).await;
    assert_eq!(seen.json(), json!({ "data": { "viewer": { "wordpressUser": { "displayName": "Ada Reed" } } } }));

    let two = "query A { a: __typename } query B($k: String!) { service(key: $k) { key } }";
    let variables = ("variables", "{\"k\":\"google\"}");
    let seen = send(get(&world, &[("query", two), ("operationName", "B"), variables])).await;
    assert_eq!(seen.json(), json!({ "data": { "service": { "key": "google" } } }));
    let seen = send(get(&world, &[("query", two), ("operation_name", "B"), variables])).await;
    seen.refuses(200, "BAD_INPUT");
    let body = json!({ "query": two, "operation_name": "A" }).to_string();
    send(post(&world, JSON, body)).await.refuses(200, "BAD_INPUT");
    let body = json!({ "query": two, "operationName": "A" }).to_string();
    assert_eq!(send(post(&world, JSON, body)).await.json(), json!({ "data": { "a": "Query" } }));

    world.counts().await;
    for document in ["mutation { a }", "subscription { a }", "query Q { __typename } mutation M { a }"] {
        let seen = send(get(&world, &[("query", document), ("operationName", "Q")])).await;
        seen.refuses(405, "BAD_INPUT");
        assert_eq!(seen.headers[ALLOW], "GET, POST");
    }
    for parameters in
        [&[][..], &[("query", "")], &[("query", COSTLY), ("variables", "[]")], &[("query", COSTLY), ("variables", "{")]]
    {
        send(get(&world, parameters)).await.refuses(400, "BAD_INPUT");
    }
    assert_nothing_was_called(&world).await;
}

#[tokio::test]
async fn a_body_that_is_too_long_or_no_request_is_refused() {
    let world = World::with(Default::default(), |settings| settings.http.body_max_bytes = 4_096).await;
    let padded = |length: usize| {
        let body = question(COSTLY);
        let padding = " ".repeat(length - body.len());
        body + &padding
    };
    assert_eq!(send(post(&world, JSON, padded(4_096))).await.status, 200);
    world.counts().await;
    let message = send(post(&world, JSON, padded(4_097))).await.refuses(413, "LIMIT_EXCEEDED");
    assert!(message.contains("4096"), "{message}");
    assert!(send_endlessly(&world).await.starts_with("HTTP/1.1 413 "));

    for body in [
        "",
        "{",
        "[]",
        "null",
        "7",
        "\"text\"",
        "{}",
        "{\"query\":null}",
        "{\"query\":7}",
        "{\"query\":\"\"}",
        "{\"query\":\"{ __typename }\",\"variables\":[]}",
        "{\"query\":\"{ __typename }\",\"variables\":\"{}\"}",
        "{\"query\":\"{ __typename }\",\"operationName\":7}",
        "{\"query\":\"{ __typename }\"} trailing",
        "[{\"query\":\"{ __typename }\"}]",
    ] {
        for media in [JSON, GRAPHQL] {
            send(post(&world, JSON, body).header(ACCEPT, media)).await.refuses(400, "BAD_INPUT");
        }
    }
    send(post(&world, JSON, &b"{\"query\":\"\xff\"}"[..])).await.refuses(400, "BAD_INPUT");
    assert_nothing_was_called(&world).await;
}

/// Sends a little more than is taken of a body that does not say how long it will be and does not end, and reads the
/// start of the answer. No more than that: what the gateway has not read would reset the connection under its answer.
async fn send_endlessly(world: &World) -> String {
    let socket = TcpStream::connect(world.gateway.running.address).await.unwrap();
    let head =
        "POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked";
    let text = format!("{head}\r\n\r\n{}", format!("400\r\n{}\r\n", " ".repeat(0x400)).repeat(5));
    socket.writable().await.unwrap();
    assert_eq!(socket.try_write(text.as_bytes()).unwrap(), text.len());
    let mut seen = vec![0; 64];
    loop {
        socket.readable().await.unwrap();
        match socket.try_read(&mut seen) {
            Ok(length) => return String::from_utf8_lossy(&seen[..length]).into_owned(),
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock),
        }
    }
}

#[tokio::test]
async fn another_method_or_path_is_refused_in_json() {
    let world = World::start().await;
    for method in [Method::PUT, Method::DELETE, Method::PATCH, Method::OPTIONS] {
        let seen = send(world.gateway.client.request(method, world.gateway.url())).await;
        seen.refuses(405, "BAD_INPUT");
        assert_eq!(seen.headers[ALLOW], "GET, POST");
        assert!(!seen.headers.keys().any(|name| name.as_str().starts_with("access-control-")));
    }
    let at = |path: &str| world.gateway.url().replace("/graphql", path);
    for path in ["/nothing", "/graphql/", "/graphql/x", "/GRAPHQL", "/health", "/..%2f"] {
        send(world.gateway.client.get(at(path))).await.refuses(404, "BAD_INPUT");
    }
    assert_eq!(send(world.gateway.client.get(at("/health/live"))).await.status, 200);
    for path in ["/schema.graphql", "/health/live"] {
        let seen = send(world.gateway.client.post(at(path))).await;
        seen.refuses(405, "BAD_INPUT");
        assert!(seen.headers[ALLOW].to_str().unwrap().contains("GET"));
    }
    assert_nothing_was_called(&world).await;
}

#[tokio::test]
async fn the_answer_has_the_media_type_that_was_asked_for() {
    let world = World::start().await;
    for (accept, wanted) in [
        (None, JSON),
        (Some("*/*"), JSON),
        (Some("application/*"), JSON),
        (Some(JSON), JSON),
        (Some("application/json; charset=utf-8"), JSON),
        (Some("text/html, application/json;q=0.9, */*;q=0.1"), JSON),
        (Some(GRAPHQL), GRAPHQL),
        (Some("application/graphql-response+json; charset=utf-8, application/json; charset=utf-8"), GRAPHQL),
        (Some("application/json;q=0.5, application/graphql-response+json"), GRAPHQL),
        (Some("application/graphql-response+json;q=0, application/json"), JSON),
    ] {
        let asked = |query: &str| {
            let request = post(&world, JSON, question(query));
            accept.iter().fold(request, |request, accept| request.header(ACCEPT, *accept))
        };
        let good = send(asked("{ __typename }")).await;
        assert_eq!((good.status, good.media()), (200, &*format!("{wanted}; charset=utf-8")), "{accept:?}");
        // An operation that does not run: the newer media type says so by its status, the older one never did.
        let bad = send(asked("{ nope }")).await;
        bad.refuses(if wanted == JSON { 200 } else { 400 }, "BAD_INPUT");
        assert_eq!(bad.media(), format!("{wanted}; charset=utf-8"), "{accept:?}");
    }
    for accept in ["text/html", "application/xml", "application/json;q=0", "text/event-stream, image/*"] {
        let seen = send(post(&world, JSON, question(COSTLY)).header(ACCEPT, accept)).await;
        seen.refuses(406, "BAD_INPUT");
        assert_eq!(seen.media(), format!("{JSON}; charset=utf-8"));
    }
    assert_nothing_was_called(&world).await;
}

#[tokio::test]
async fn a_credential_that_is_broken_is_refused_and_not_ignored() {
    let world = World::start().await;
    let long = "a".repeat(2_000);
    for headers in [
        &[("X-WordPress-Token", "one"), ("X-WordPress-Token", "two")][..],
        &[("X-WordPress-Token", "sandbox-wpcom-ada"), ("X-WordPress-Token", "sandbox-wpcom-ada")],
        &[("X-WordPress-Token", "")],
        &[("X-WordPress-Token", "Bearer token")],
        &[("X-WordPress-Token", &long)],
        &[("Authorization", "")],
        &[("Authorization", "Bearer")],
        &[("Authorization", "Bearer ")],
        &[("Authorization", "Basic b25lOnR3bw==")],
        &[("Authorization", "cg_shop_one")],
        &[("Authorization", "Bearer one two")],
        &[("Authorization", "Bearer one, Bearer two")],
        &[("Authorization", "Bearer one"), ("Authorization", "Bearer two")],
        &[("Authorization", &format!("Bearer {long}"))],
        &[("Authorization", "Bearer one"), ("X-WordPress-Token", "sandbox-wpcom-ada")],
    ] {
        let request = world.gateway.client.post(world.gateway.url()).header(CONTENT_TYPE, JSON).body(question(COSTLY));
        let seen = send(headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))).await;
        let message = seen.refuses(401, "UNAUTHENTICATED");
        let challenge = seen.headers[WWW_AUTHENTICATE].to_str().unwrap();
        assert_eq!(challenge, "Bearer realm=\"commongraph\", error=\"invalid_token\"");
        assert!(!message.contains("one two") && !message.contains("aaaa") && !message.contains(".."), "{message}");
    }
    assert_nothing_was_called(&world).await;
}

#[tokio::test]
async fn a_document_that_cannot_run_is_told_so_in_a_sentence() {
    let world = World::start().await;
    let ask = async |body: Value| send(post(&world, JSON, body.to_string()).header(ACCEPT, GRAPHQL)).await;
    let long = "secret_looking_name ".repeat(500);
    for (query, said) in [
        (format!("{{ {long} !"), "Syntax error at line 1, column 10004"),
        ("{ viewer".to_owned(), "Syntax error at line 1"),
        ("fragment F on Query { __typename }".to_owned(), "operation"),
        ("{ nope { secret_looking_name } }".to_owned(), "nope"),
        (
            "query Q($t: String!) { connection(by: { connectionToken: $t }) { id } }".to_owned(),
            "$t of type String! is required",
        ),
        ("query Q($t: Nope) { __typename }".to_owned(), "Nope"),
        ("{ connection(by: { connectionToken: 7 }) { id } }".to_owned(), "connectionToken"),
        ("{ connection(by: { id: \"a\", connectionToken: \"b\" }) { id } }".to_owned(), "exactly one"),
        ("{ ...F }".to_owned(), "fragment"),
        ("mutation { nope { secret_looking_name } }".to_owned(), "nope"),
    ] {
        let message = ask(json!({ "query": query })).await.refuses(400, "BAD_INPUT");
        assert!(message.contains(said) && !message.contains("secret_looking_name"), "{query:.60}: {message}");
    }
    let typed = "query Q($t: String!) { connection(by: { connectionToken: $t }) { id } }";
    for wrong in [json!(7), json!(["secret"]), json!({ "secret": 1 }), json!(null)] {
        let message = ask(json!({ "query": typed, "variables": { "t": wrong } })).await.refuses(400, "BAD_INPUT");
        assert!(!message.contains("secret"), "{message}");
    }
    let seen =
        ask(json!({ "query": "{ connections(first: 99999999999) { totalCount } providers { provider } }" })).await;
    seen.refuses(400, "BAD_INPUT");
    assert_nothing_was_called(&world).await;
}

#[tokio::test]
async fn a_document_nested_too_deep_is_refused_at_once() {
    let world = World::start().await;
    let deep = |open: &str, close: &str, levels: usize| open.repeat(levels) + "__typename" + &close.repeat(levels);
    for query in [
        format!("{{ {} }}", deep("viewer { ", " }", 300)),
        format!("{{ viewer {{ {} }} }}", deep("... { ", " }", 300)),
        format!("{{ nodes(ids: {}) {{ id }} }}", "[".repeat(300) + &"]".repeat(300)),
    ] {
        let start = Instant::now();
        let seen = send(post(&world, JSON, question(&query)).header(ACCEPT, GRAPHQL)).await;
        seen.refuses(400, "LIMIT_EXCEEDED");
        assert_eq!(seen.json()["errors"][0]["extensions"]["limit"], "nesting_max");
        assert!(seen.text.len() < 1_000, "{} bytes", seen.text.len());
        assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    }
    let variables =
        format!("{{\"query\":\"{{ __typename }}\",\"variables\":{{\"a\":{}{}}}}}", "[".repeat(300), "]".repeat(300));
    send(post(&world, JSON, variables)).await.refuses(400, "BAD_INPUT");
    assert_nothing_was_called(&world).await;
}

#[tokio::test]
async fn a_page_of_another_site_has_nothing_executed() {
    let world = World::start().await;
    world.counts().await;
    let ask = async |path: &str, headers: &[(&'static str, &'static str)]| {
        let url = format!("{}{path}", world.gateway.url().trim_end_matches("/graphql"));
        let request = world.gateway.client.get(url).header("X-WordPress-Token", "sandbox-wpcom-ada");
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        request.send().await.unwrap()
    };
    let path = "/graphql?query=%7Bviewer%7BwordpressUser%7Busername%7D%7D%7D";
    let opened = [("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "navigate"), ("Sec-Fetch-Dest", "document")];
    for (path, headers) in [(path, &opened[..1]), (path, &opened[..]), ("/", &opened[..1])] {
        let refused = ask(path, headers).await;
        assert_eq!(refused.status(), 403, "{path} {headers:?}");
        let body: Value = refused.json().await.unwrap();
        assert_eq!(body["errors"][0]["extensions"]["code"], "FORBIDDEN");
    }
    assert_eq!(json!(world.counts().await), json!({}));
    assert_eq!(ask("/", &opened).await.status(), 200, "a link to the explorer");
    assert_eq!(ask(path, &[("Sec-Fetch-Site", "same-origin")]).await.status(), 200);
}

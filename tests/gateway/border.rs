//! The border: sizes, encodings, origins, request IDs, lists of operations, and what the graph tells of itself.

use std::time::Duration;

use commongraph::graph::Introspection;
use commongraph::http::Origins;
use reqwest::{Method, RequestBuilder, StatusCode, header};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::{Asker, Gateway, World, codes};

const QUERY: &str = "{ viewer { wordpressUser { username } } }";

async fn read(request: RequestBuilder) -> (StatusCode, Value) {
    let response = request.send().await.unwrap();
    (response.status(), response.json().await.unwrap())
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_while_it_is_read() {
    let gateway = Gateway::start(|settings| settings.http.body_max_bytes = 1_000).await;
    let body = json!({ "query": "{ __typename }", "x": "y".repeat(1_000) }).to_string();
    let post = || gateway.client.post(gateway.url()).header(header::CONTENT_TYPE, "application/json");
    let (status, answer) = read(post().body(body)).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(codes(&answer), [("LIMIT_EXCEEDED".to_owned(), String::new())]);
    // A body that claims no length and never ends: the answer comes before it does.
    let mut socket = TcpStream::connect(gateway.running.address).await.unwrap();
    let head = "POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
    socket.write_all(head.as_bytes()).await.unwrap();
    socket.write_all(format!("7d0\r\n{}\r\n", " ".repeat(2_000)).as_bytes()).await.unwrap();
    let mut answer = [0; 12];
    tokio::time::timeout(Duration::from_secs(5), socket.read_exact(&mut answer)).await.unwrap().unwrap();
    assert_eq!(&answer, b"HTTP/1.1 413");
    let long = format!("{}?query={{__typename}}&x={}", gateway.url(), "y".repeat(1_000));
    assert_eq!(read(gateway.client.get(long)).await.0, StatusCode::URI_TOO_LONG);
}

#[tokio::test]
async fn a_compressed_request_is_refused_and_a_large_answer_compressed() {
    let world = World::start().await;
    let gateway = &world.gateway;
    let post = |query: &str| gateway.client.post(gateway.url()).json(&json!({ "query": query }));
    let (status, _) = read(post(QUERY).header(header::CONTENT_ENCODING, "gzip")).await;
    assert_eq!(status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let plain = reqwest::Client::builder().no_proxy().no_gzip().build().unwrap();
    let large = "{ __schema { types { name description } } }";
    for encoding in ["gzip", "br", "zstd"] {
        let ask = async |query: &str| {
            let request = plain.post(gateway.url()).json(&json!({ "query": query }));
            request.header(header::ACCEPT_ENCODING, encoding).send().await.unwrap()
        };
        let response = ask(large).await;
        assert_eq!(response.headers()[header::CONTENT_ENCODING], encoding);
        let vary: Vec<_> = response.headers().get_all(header::VARY).iter().map(|v| v.to_str().unwrap()).collect();
        assert!(vary.join(", ").to_lowercase().contains("accept-encoding"), "{vary:?}");
        assert!(!ask("{ __typename }").await.headers().contains_key(header::CONTENT_ENCODING));
    }
}

#[tokio::test]
async fn a_request_has_an_id_and_the_answer_names_it() {
    let gateway = Gateway::start(|_| {}).await;
    let ask = async |id: &str| {
        let request = gateway.client.get(gateway.url()).header("X-Request-Id", id);
        request.send().await.unwrap().headers()["x-request-id"].to_str().unwrap().to_owned()
    };
    assert_eq!(ask("trace-1.a_B").await, "trace-1.a_B");
    assert_eq!(ask("two words").await.len(), 36);
}

#[tokio::test]
async fn what_a_page_can_send_without_asking_first_is_not_executed() {
    let world = World::start().await;
    let url = world.gateway.url();
    let client = &world.gateway.client;
    let body = json!({ "query": QUERY }).to_string();
    let types = ["text/plain", "text/plain; charset=application/json", "application/x-www-form-urlencoded"];
    for name in types.into_iter().chain(["multipart/form-data; boundary=x", "application/json, text/plain"]) {
        let (status, _) = read(client.post(&url).header(header::CONTENT_TYPE, name).body(body.clone())).await;
        assert_eq!(status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{name}");
        let (status, _) = read(client.get(format!("{url}?query={QUERY}")).header(header::CONTENT_TYPE, name)).await;
        assert_eq!(status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{name}");
    }
    let (status, _) = read(client.post(format!("{url}?query={QUERY}"))).await;
    assert_eq!(status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(world.counts().await.values().sum::<u64>(), 0);
}

#[tokio::test]
async fn a_preflight_is_granted_to_named_origins_only() {
    let named = |settings: &mut commongraph::config::Settings| {
        settings.http.allowed_origins = Origins(vec!["https://app.example".to_owned()]);
    };
    let (closed, open) = (Gateway::start(|_| {}).await, Gateway::start(named).await);
    let preflight = async |gateway: &Gateway, origin: &str| {
        let request = gateway.client.request(Method::OPTIONS, gateway.url()).header(header::ORIGIN, origin);
        let request = request.header("Access-Control-Request-Method", "POST");
        request.header("Access-Control-Request-Headers", "content-type, x-wordpress-token").send().await.unwrap()
    };
    let granted = preflight(&open, "https://app.example").await;
    assert_eq!(granted.status(), StatusCode::OK);
    assert_eq!(granted.headers()["access-control-allow-origin"], "https://app.example");
    let headers = granted.headers()["access-control-allow-headers"].to_str().unwrap();
    for name in ["x-wordpress-token", "x-commongraph-cost", "x-commongraph-explain", "cache-control", "traceparent"] {
        assert!(headers.contains(name), "{name} in {headers}");
    }
    assert!(!granted.headers().contains_key("access-control-allow-credentials"));
    for (gateway, origin) in [
        (&open, "https://evil.example"),
        (&open, "null"),
        (&open, "https://app.example:1"),
        (&closed, "https://app.example"),
    ] {
        let refused = preflight(gateway, origin).await;
        assert_eq!(refused.status(), StatusCode::METHOD_NOT_ALLOWED, "{origin}");
        assert!(!refused.headers().contains_key("access-control-allow-origin"), "{origin}");
        assert_eq!(refused.headers()["allow"], "GET, POST");
    }
    let ask = open.client.post(open.url()).header(header::ORIGIN, "https://app.example");
    let answer = ask.json(&json!({ "query": "{ __typename }" })).send().await.unwrap();
    assert_eq!(answer.headers()["access-control-allow-origin"], "https://app.example");
    let exposed = "x-request-id,ratelimit-policy,ratelimit,retry-after";
    assert_eq!(answer.headers()["access-control-expose-headers"], exposed);
}

#[tokio::test]
async fn a_list_of_operations_is_answered_in_order_where_lists_are_taken() {
    let world = World::with(Default::default(), |settings| settings.http.batch_max = 3).await;
    let ask = async |body: Value| {
        let mut request = world.gateway.client.post(world.gateway.url()).json(&body);
        for (name, value) in Asker::person("ada").0 {
            request = request.header(name, value);
        }
        read(request).await
    };
    let operation = json!({ "query": QUERY });
    let (status, answer) = ask(json!([operation, { "query": "{ nonsense }" }, { "query": "{" }])).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(answer[0]["data"]["viewer"]["wordpressUser"]["username"], "ada17");
    for refused in [&answer[1], &answer[2]] {
        assert!(refused.get("data").is_none() && codes(refused).len() == 1, "{answer}");
    }
    let (status, answer) = ask(json!([operation, operation, operation, operation])).await;
    assert_eq!((status, codes(&answer)[0].0.as_str()), (StatusCode::BAD_REQUEST, "LIMIT_EXCEEDED"));
    assert_eq!(ask(json!([])).await.0, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn the_graph_can_keep_its_schema_to_itself() {
    let gateway = Gateway::start(|settings| settings.graph.introspection = Introspection::None).await;
    let ask = async |query: &str| gateway.ask(&Asker::nobody(), query, json!({})).await;
    for query in [
        "{ __schema { types { name } } }",
        "{ __typename ...F } fragment F on Query { __type(name: \"Query\") { name } }",
        "{ ... on Query { __schema { queryType { name } } } }",
    ] {
        let answer = ask(query).await;
        assert!(answer.get("data").is_none(), "{answer}");
        assert_eq!(codes(&answer)[0].0, "FORBIDDEN");
    }
    assert_eq!(ask("{ __typename }").await, json!({ "data": { "__typename": "Query" } }));
    let misspelt = ask("{ conections { totalCount } }").await.to_string();
    assert!(!misspelt.contains("connections"), "{misspelt}");
}

#[tokio::test]
async fn the_explorer_can_be_hidden() {
    for (explorer, status) in [(None, StatusCode::OK), (Some(false), StatusCode::NOT_FOUND)] {
        let gateway = Gateway::start(|settings| settings.http.explorer = explorer).await;
        let page = gateway.client.get(gateway.url().replace("/graphql", "/")).send().await.unwrap();
        assert_eq!(page.status(), status);
    }
}

#[tokio::test]
async fn a_proxy_that_is_not_listed_is_told_of_once_and_by_no_address() {
    for (listed, lines) in [(false, 1), (true, 0)] {
        let log = crate::log::Log::default();
        let _guard = log.listen();
        let gateway = Gateway::start(|settings| {
            if listed {
                settings.http.trusted_proxies = commongraph::http::peer::Proxies(vec!["127.0.0.1".to_owned()]);
            }
        })
        .await;
        for (header, value) in [("Forwarded", "for=192.0.2.7"), ("X-Forwarded-For", "192.0.2.7")] {
            gateway.ask(&Asker::nobody().with(header, value), "{ __typename }", json!({})).await;
        }
        let told: Vec<_> =
            log.text().lines().filter(|line| line.contains("http.trusted_proxies")).map(str::to_owned).collect();
        assert_eq!(told.len(), lines, "{told:?}");
        assert!(told.iter().all(|line| line.contains(" WARN ") && !line.contains("192.0.2")), "{told:?}");
    }
}

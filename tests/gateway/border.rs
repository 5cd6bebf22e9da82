//! The border: sizes, encodings, origins, request IDs, lists of operations, and what the graph tells of itself.

use std::time::Duration;

use commongraph::graph::Introspection;
use commongraph::http::{AllowedHeaders, AllowedHosts, AllowedOrigins};
use reqwest::{Method, RequestBuilder, StatusCode, header};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::{Asker, Gateway, World, codes};
use crate::wire::Wire;

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
    for encoding in ["gzip", "br"] {
        let ask = async |query: &str| {
            let request = plain.post(gateway.url()).json(&json!({ "query": query }));
            request.header(header::ACCEPT_ENCODING, encoding).send().await.unwrap()
        };
        let response = ask(large).await;
        assert_eq!(response.headers()[header::CONTENT_ENCODING], encoding);
        // It says its length: no compressor waits for its reader.
        assert!(response.headers().contains_key(header::CONTENT_LENGTH), "{encoding}");
        let vary: Vec<_> = response.headers().get_all(header::VARY).iter().map(|v| v.to_str().unwrap()).collect();
        assert!(vary.join(", ").to_lowercase().contains("accept-encoding"), "{vary:?}");
        assert!(!ask("{ __typename }").await.headers().contains_key(header::CONTENT_ENCODING));
    }
}

#[tokio::test]
async fn accept_encoding_never_changes_a_status_or_whether_a_mutation_runs() {
    let world = World::start().await;
    let gateway = &world.gateway;
    let client = reqwest::Client::builder().no_proxy().no_gzip().build().unwrap();
    let applications = world.ask("olga", "{ applications(first: 1) { nodes { id } } }").await;
    let id = &applications["data"]["applications"]["nodes"][0]["id"];
    let revoke = "mutation ($id: ID!) { applicationRevoke(input: { id: $id }) { deletedApplicationId } }";
    let unsatisfiable =
        ["identity;q=0", "*;q=0", "identity;q=0, *;q=0", "zstd, identity;q=0", "gzip;q=0, br;q=0, *;q=0"];
    for accepted in unsatisfiable {
        for path in ["/schema.graphql", "/health/live", "/health/ready", "/", "/graphql?query={__typename}"] {
            let url = gateway.url().replace("/graphql", path);
            let response = client.get(url).header(header::ACCEPT_ENCODING, accepted).send().await.unwrap();
            assert_eq!(response.status(), StatusCode::OK, "{path} {accepted}");
            assert!(!response.headers().contains_key(header::CONTENT_ENCODING), "{path} {accepted}");
        }
    }
    let request = gateway.request(&Asker::person("olga"), revoke, json!({ "id": id }));
    let (status, answer) = read(request.header(header::ACCEPT_ENCODING, unsatisfiable[0])).await;
    assert_eq!((status, &answer["data"]["applicationRevoke"]["deletedApplicationId"]), (StatusCode::OK, id));
    assert_eq!(world.writes().await.len(), 1);
}

#[tokio::test]
async fn brotli_is_preferred_and_zstd_never_used() {
    let world = World::start().await;
    let gateway = &world.gateway;
    let client = reqwest::Client::builder().no_proxy().no_gzip().build().unwrap();
    let large = json!({ "query": "{ __schema { types { name description } } }" });
    for (accepted, encoding) in [("gzip, deflate, br, zstd", "br"), ("zstd, gzip", "gzip"), ("br;q=0.1, gzip", "gzip")]
    {
        let schema = client.get(gateway.url().replace("/graphql", "/schema.graphql"));
        for request in [schema, client.post(gateway.url()).json(&large)] {
            let response = request.header(header::ACCEPT_ENCODING, accepted).send().await.unwrap();
            assert_eq!(response.headers()[header::CONTENT_ENCODING], encoding, "{accepted}");
        }
    }
}

#[tokio::test]
async fn the_schema_is_revalidated_by_its_entity_tag() {
    let gateway = Gateway::start(|_| {}).await;
    let client = reqwest::Client::builder().no_proxy().no_gzip().build().unwrap();
    let get = |accepted: &str| {
        client.get(gateway.url().replace("/graphql", "/schema.graphql")).header(header::ACCEPT_ENCODING, accepted)
    };
    for accepted in ["identity", "gzip", "br"] {
        let whole = get(accepted).send().await.unwrap();
        assert_eq!(
            (whole.status(), &whole.headers()[header::CACHE_CONTROL]),
            (StatusCode::OK, &"no-cache".parse().unwrap())
        );
        let etag = whole.headers()[header::ETAG].clone();
        assert!(etag.to_str().unwrap().starts_with('"'), "{etag:?} is a strong validator");
        let known = get(accepted).header(header::IF_NONE_MATCH, &etag).send().await.unwrap();
        assert_eq!((known.status(), &known.headers()[header::ETAG]), (StatusCode::NOT_MODIFIED, &etag));
        assert_eq!(known.bytes().await.unwrap().len(), 0);
        let other = get(accepted).header(header::IF_NONE_MATCH, "\"other\"").send().await.unwrap();
        assert_eq!(other.status(), StatusCode::OK);
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
        settings.http.allowed_origins = AllowedOrigins(vec!["https://app.example".to_owned()]);
        settings.http.allowed_headers = AllowedHeaders(vec!["X-My-Header".to_owned()]);
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
    let ours = ["x-commongraph-cost", "x-commongraph-deadline", "x-commongraph-explain"];
    let of_clients = [
        "apollographql-client-name",
        "apollographql-client-version",
        "apollo-require-preflight",
        "graphql-client-name",
        "graphql-client-version",
        "sentry-trace",
        "baggage",
        "tracestate",
        "x-requested-with",
        "x-my-header",
    ];
    for name in ["x-wordpress-token", "cache-control", "traceparent"].into_iter().chain(ours).chain(of_clients) {
        assert!(headers.split(',').any(|allowed| allowed == name), "{name} in {headers}");
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
                settings.http.trusted_proxies = commongraph::http::TrustedProxies(vec!["127.0.0.1".to_owned()]);
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

/// Sends a list of operations, and reads the answer as it is written.
async fn ask_batch(world: &World, asker: &Asker, operations: Value) -> String {
    let request = world.gateway.client.post(world.gateway.url()).json(&operations);
    let request = asker.0.iter().fold(request, |request, (name, value)| request.header(*name, value));
    request.send().await.unwrap().text().await.unwrap()
}

#[tokio::test]
async fn the_answers_of_a_list_keep_their_fields_in_the_order_in_which_they_were_asked() {
    let world = World::with(Default::default(), |settings| settings.http.batch_max = 2).await;
    let batch = json!([{ "query": "{ b: __typename a: __typename }" }, { "query": "{ nothing }" }]);
    let told = ask_batch(&world, &Asker::nobody(), batch).await;
    assert!(told.starts_with("[{\"data\":{\"b\":\"Query\",\"a\":\"Query\"}},{\"errors\":[{"), "{told}");
}

/// What an answer says that is more than may be given, though its operation ran.
fn assert_is_too_large(answer: &Value, max: u64) {
    assert_eq!(answer.as_object().unwrap().keys().collect::<Vec<_>>(), ["data", "errors"]);
    let (error, told) = (&answer["errors"][0], &answer["errors"][0]["extensions"]);
    assert!(answer["data"].is_null() && error["message"].as_str().unwrap().contains("ran"), "{answer}");
    assert_eq!((&told["code"], &told["limit"]), (&json!("LIMIT_EXCEEDED"), &json!("answer_max_bytes")));
    assert!(told["allowed"] == max && told["actual"].as_u64().unwrap() > max, "{answer}");
}

#[tokio::test]
async fn an_answer_that_is_too_large_says_that_its_operation_ran_and_leaves_its_neighbours() {
    let world = World::with(Default::default(), |settings| {
        settings.http.limits.answer_max_bytes = 600;
        settings.http.batch_max = 3;
    })
    .await;
    let (small, large) = ("{ __typename }", "{ __schema { types { name } } }");
    let ask = async |query: &str| world.gateway.ask(&Asker::nobody(), query, json!({})).await;
    assert_eq!(ask(small).await, json!({ "data": { "__typename": "Query" } }));
    assert_is_too_large(&ask(large).await, 600);

    let batch = json!([{ "query": small }, { "query": large }, { "query": "{ nothing }" }]);
    let told: Value = serde_json::from_str(&ask_batch(&world, &Asker::nobody(), batch).await).unwrap();
    assert_eq!(told[0], json!({ "data": { "__typename": "Query" } }));
    assert_is_too_large(&told[1], 600);
    assert_eq!(told[2]["errors"][0]["extensions"]["code"], "BAD_INPUT");
    assert!(told[2].get("data").is_none());
}

#[tokio::test]
async fn a_change_whose_answer_is_too_large_does_not_read_as_if_it_had_not_been_made() {
    let world = World::with(Default::default(), |settings| {
        settings.http.limits.answer_max_bytes = 800;
        settings.http.batch_max = 3;
    })
    .await;
    let applications = world.ask("olga", "{ applications(first: 1) { nodes { id } } }").await;
    let id = &applications["data"]["applications"]["nodes"][0]["id"];
    let revoke = "mutation ($id: ID!) { applicationRevoke(input: { id: $id }) {
        deletedApplicationId viewer { applications(first: 50) { nodes { id name description } } } } }";
    let answer = world.gateway.ask(&Asker::person("olga"), revoke, json!({ "id": id })).await;
    let payload = &answer["data"]["applicationRevoke"];
    assert!(payload["deletedApplicationId"].is_string() && payload["viewer"].is_null(), "{answer}");
    let told = &answer["errors"][0];
    assert_eq!(told["path"], json!(["applicationRevoke", "viewer"]));
    assert_eq!(told["extensions"]["limit"], "answer_max_bytes");
    assert_eq!(world.writes().await.len(), 1);
}

/// Sends these bytes on a connection of their own, and reads the status.
async fn status_of(gateway: &Gateway, request: &str) -> u16 {
    let mut wire = Wire::open(gateway.running.address).await;
    wire.say(request).await;
    wire.reply().await.unwrap().status
}

#[tokio::test]
async fn a_request_has_exactly_one_well_formed_host() {
    let any = Gateway::start(|_| {}).await;
    let named = |settings: &mut commongraph::config::Settings| {
        settings.http.allowed_hosts = AllowedHosts::Named(vec!["api.example".to_owned()]);
    };
    let named = Gateway::start(named).await;
    let paths = ["/health/live", "/health/ready", "/schema.graphql", "/graphql?query={__typename}", "/"];
    for wrong in
        ["", "host: api.example\r\nhost: api.example\r\n", "host: a b\r\n", "host: u@api.example\r\n", "host: a/b\r\n"]
    {
        for path in paths {
            for gateway in [&any, &named] {
                let request = format!("GET {path} HTTP/1.1\r\n{wrong}\r\n");
                assert_eq!(status_of(gateway, &request).await, 400, "{request}");
            }
        }
    }
    // HTTP/1.0 requires no Host. The gateway then has no name that could be allowed.
    let old = "GET /schema.graphql HTTP/1.0\r\n\r\n";
    assert_eq!([status_of(&any, old).await, status_of(&named, old).await], [200, 421]);
    assert_eq!(status_of(&named, "GET /health/live HTTP/1.0\r\n\r\n").await, 200);
    for (host, status) in [("api.example", 200), ("API.example:8080", 200), ("", 421), ("evil.example", 421)] {
        let request = format!("GET /schema.graphql HTTP/1.1\r\nhost: {host}\r\n\r\n");
        assert_eq!(status_of(&named, &request).await, status, "{request}");
        // The host of the target takes precedence, and the header must be there all the same.
        let request = format!("GET http://{host}/schema.graphql HTTP/1.1\r\nhost: other\r\n\r\n");
        if !host.is_empty() {
            assert_eq!(status_of(&named, &request).await, status, "{request}");
            assert_eq!(status_of(&named, &request.replace("host: other\r\n", "")).await, 400, "{request}");
        }
    }
}

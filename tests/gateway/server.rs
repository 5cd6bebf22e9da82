//! The server under clients that mean ill or are merely slow, and under more than it takes.

use std::time::Duration;

use commongraph::config::Settings;
use commongraph::http::AllowedHosts;
use commongraph::sandbox;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;
use tokio::time::Instant;

use crate::harness::{Asker, Gateway, World, until};
use crate::wire::{Wire, post};

const SLOW: &str = "{ viewer { wordpressUser { displayName } } }";

async fn world(change: impl FnOnce(&mut Settings)) -> World {
    World::with(sandbox::Settings::default(), change).await
}

async fn get(gateway: &Gateway, path: &str) -> (u16, String) {
    let url = gateway.url().replace("/graphql", path);
    let response = gateway.client.get(url).send().await.unwrap();
    (response.status().as_u16(), response.text().await.unwrap())
}

/// Starts an operation that the provider never answers, and returns once the provider has been asked.
async fn occupy(world: &World) -> tokio::task::JoinHandle<()> {
    world.fault(json!({ "hang": "head" })).await;
    let request = world.gateway.request(&Asker::token("sandbox-wpcom-olga"), SLOW, json!({}));
    let asking = tokio::spawn(async move { drop(request.send().await) });
    while world.open_calls().await == 0 {
        tokio::task::yield_now().await;
    }
    asking
}

#[tokio::test]
async fn more_headers_than_are_taken_are_431() {
    let gateway = Gateway::start(|_| {}).await;
    for (headers, status) in [
        ("x-a: 1\r\n".repeat(60), "200"),
        ("x-a: 1\r\n".repeat(65), "431"),
        (format!("x-a: {}\r\n", "a".repeat(30 << 10)), "200"),
        (format!("x-a: {}\r\n", "a".repeat(33 << 10)), "431"),
    ] {
        let mut wire = Wire::open(gateway.running.address).await;
        wire.say(&format!("GET /health/live HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{headers}\r\n")).await;
        let seen = wire.rest().await;
        assert!(seen.starts_with(&format!("HTTP/1.1 {status}")), "{status} {seen}");
    }
}

#[tokio::test]
async fn who_says_nothing_or_half_a_head_is_closed_while_others_are_served() {
    let gateway = Gateway::start(|settings| settings.http.timeouts.header_ms = 400).await;
    let mut waiting = Vec::new();
    for said in [
        "",
        "GET /graph",
        "GET / HTTP/1.1\r\nhost: localhost\r\n",
        "GET /health/live HTTP/1.1\r\nhost: localhost\r\n\r\n",
    ] {
        let mut wire = Wire::open(gateway.running.address).await;
        wire.say(said).await;
        waiting.push(wire);
    }
    assert_eq!(get(&gateway, "/health/live").await.0, 200);
    let mut seen = Vec::new();
    for wire in waiting {
        seen.push(wire.rest().await);
    }
    assert_eq!(seen[..3], ["", "", ""]);
    assert!(seen[3].starts_with("HTTP/1.1 200"), "an idle connection is closed after its answer: {}", seen[3]);
}

#[tokio::test]
async fn a_body_that_does_not_come_is_408_and_closed() {
    let gateway = Gateway::start(|settings| settings.http.timeouts.body_ms = 300).await;
    let mut wire = Wire::open(gateway.running.address).await;
    let whole = post("{ __typename }", "");
    wire.say(&whole[..whole.len() - 3]).await;
    let seen = wire.rest().await;
    assert!(seen.starts_with("HTTP/1.1 408") && seen.contains("\"BAD_INPUT\""), "{seen}");
}

#[tokio::test]
async fn a_client_that_does_not_read_loses_its_connection() {
    let gateway = Gateway::start(|settings| {
        settings.http.timeouts.write_ms = 300;
        settings.http.limits.connections_max = 1;
    })
    .await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4 << 10).unwrap();
    let mut wire = Wire(socket.connect(gateway.running.address).await.unwrap());
    // More than the system holds for a connection; asked for in one go, and never read.
    let ask = "GET /schema.graphql HTTP/1.1\r\nhost: localhost\r\n\r\n".repeat(400);
    wire.say(&ask).await;
    // One connection is admitted: this is answered once the other one is closed.
    let page = "/graphql?query={__typename}";
    until("the other connection is closed", async || get(&gateway, page).await.0 == 200).await;
    drop(wire);
}

#[tokio::test]
async fn an_address_has_so_many_connections_and_the_next_one_is_closed_at_once() {
    let gateway = Gateway::start(|settings| settings.http.limits.connections_per_address_max = 2).await;
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut wire = Wire::open_from("127.0.0.2", gateway.running.address).await;
        wire.say(&post("{ __typename }", "")).await;
        assert_eq!(wire.reply().await.unwrap().status, 200);
        held.push(wire);
    }
    assert_eq!(
        Wire::open_from("127.0.0.2", gateway.running.address).await.rest().await,
        "",
        "it is closed without a word"
    );
    let mut other = Wire::open_from("127.0.0.3", gateway.running.address).await;
    other.say(&post("{ __typename }", "")).await;
    assert_eq!(other.reply().await.unwrap().status, 200);
    held[0].say(&post("{ __typename }", "connection: close\r\n")).await;
    assert_eq!(held.remove(0).rest().await.get(..12), Some("HTTP/1.1 200"));
    // The place is free once the gateway has seen the end of it.
    let place = async {
        loop {
            let mut next = Wire::open_from("127.0.0.2", gateway.running.address).await;
            let _ = next.0.write_all(post("{ __typename }", "").as_bytes()).await;
            if next.reply().await.is_some_and(|reply| reply.status == 200) {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(30), place).await.expect("no place becomes free");
}

#[tokio::test]
async fn that_an_address_has_too_many_connections_is_told_once_and_without_the_address() {
    let log = crate::log::Log::default();
    let _guard = log.listen();
    let gateway = Gateway::start(|settings| settings.http.limits.connections_per_address_max = 1).await;
    let _held = Wire::open_from("127.0.0.2", gateway.running.address).await;
    for _ in 0..3 {
        assert_eq!(Wire::open_from("127.0.0.2", gateway.running.address).await.rest().await, "");
    }
    let told = log.text();
    let told: Vec<_> = told.lines().filter(|line| line.contains("connections_per_address_max")).collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains(" WARN ") && !told[0].contains("127.0.0.2"), "{told:?}");
}

#[tokio::test]
async fn a_listed_proxy_has_as_many_connections_as_there_are() {
    let gateway = Gateway::start(|settings| {
        settings.http.limits.connections_per_address_max = 1;
        settings.http.trusted_proxies = commongraph::http::TrustedProxies(vec!["127.0.0.2".to_owned()]);
    })
    .await;
    let mut held = Vec::new();
    for _ in 0..5 {
        let mut wire = Wire::open_from("127.0.0.2", gateway.running.address).await;
        wire.say(&post("{ __typename }", "")).await;
        assert_eq!(wire.reply().await.unwrap().status, 200);
        held.push(wire);
    }
}

#[tokio::test]
async fn a_request_over_the_limit_is_refused_at_once_and_health_is_told_all_the_same() {
    let world = world(|settings| {
        settings.http.limits.requests_max = 1;
        settings.wordpress.upstream.timeout_ms = 600_000;
        settings.http.timeouts.request_ms = 300_000;
    })
    .await;
    let asking = occupy(&world).await;
    let request = || world.gateway.request(&Asker::nobody(), "{ __typename }", json!({}));
    let refused = request().send().await.unwrap();
    assert_eq!((refused.status().as_u16(), &refused.headers()["retry-after"]), (503, &"1".parse().unwrap()));
    assert!(refused.headers().contains_key("x-request-id"));
    let told: Value = refused.json().await.unwrap();
    assert_eq!(told["errors"][0]["extensions"]["code"], "OVERLOADED");
    assert_eq!(told["errors"][0]["extensions"]["retryable"], true);
    assert_eq!(told["errors"][0]["extensions"]["retryAfterSeconds"], 1);
    assert_eq!(get(&world.gateway, "/health/live").await.0, 200);
    assert_eq!(get(&world.gateway, "/health/ready").await, (200, "ready\n".to_owned()));
    asking.abort();
    while request().send().await.unwrap().status() != 200 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_given_up() {
    let world = world(|settings| settings.http.timeouts.request_ms = 200).await;
    world.fault(json!({ "hang": "head" })).await;
    let request = world.gateway.request(&Asker::token("sandbox-wpcom-olga"), SLOW, json!({}));
    let response = request.send().await.unwrap();
    assert_eq!((response.status().as_u16(), &response.headers()["retry-after"]), (503, &"1".parse().unwrap()));
    assert!(response.text().await.unwrap().contains("\"OVERLOADED\""));
    while world.open_calls().await > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_mutation_that_takes_too_long_is_uncertain_and_never_undone() {
    let world = world(|settings| settings.http.timeouts.request_ms = 500).await;
    let applications = world.ask("olga", "{ applications(first: 1) { nodes { id } } }").await;
    let id = &applications["data"]["applications"]["nodes"][0]["id"];
    world.fault(json!({ "hang": "head" })).await;
    let revoke = "mutation ($id: ID!) { applicationRevoke(input: { id: $id }) { deletedApplicationId } }";
    let answer = world.gateway.ask(&Asker::person("olga"), revoke, json!({ "id": id })).await;
    assert!(answer["data"].is_null() && answer.get("data").is_some(), "{answer}");
    let told = &answer["errors"][0]["extensions"];
    assert_eq!((&told["code"], &told["retryable"]), (&json!("UNCERTAIN"), &json!(false)));
}

#[tokio::test]
async fn an_operation_has_its_time_from_when_its_request_came() {
    let world = world(|settings| settings.graph.deadline_ms = 20).await;
    let mut wire = Wire::open(world.gateway.running.address).await;
    let whole = post(SLOW, "x-wordpress-token: sandbox-wpcom-olga\r\nexpect: 100-continue\r\nconnection: close\r\n");
    let (begin, end) = whole.split_at(whole.len() - 1);
    wire.say(begin).await;
    // It is sent when the body is asked for: the request has come.
    let mut told = [0; 25];
    wire.0.read_exact(&mut told).await.unwrap();
    assert_eq!(&told, b"HTTP/1.1 100 Continue\r\n\r\n");
    let since = Instant::now();
    while since.elapsed() < Duration::from_millis(40) {
        tokio::task::yield_now().await;
    }
    wire.say(end).await;
    let told = wire.rest().await;
    assert!(told.contains("PROVIDER_TIMEOUT"), "{told}");
    assert!(world.counts().await.is_empty(), "nothing is asked for it any more");
}

#[tokio::test]
async fn http2_without_tls_and_what_is_no_http_are_not_spoken() {
    let gateway = Gateway::start(|_| {}).await;
    for said in ["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "\u{16}\u{3}\u{1}\u{2}\0hello\r\n\r\n"] {
        let mut wire = Wire::open(gateway.running.address).await;
        wire.say(said).await;
        let seen = wire.rest().await;
        assert!(seen.is_empty() || seen.starts_with("HTTP/1.1 400"), "{seen}");
    }
}

#[tokio::test]
async fn a_compressed_body_is_415() {
    let gateway = Gateway::start(|_| {}).await;
    for encoding in ["gzip", "br", "identity"] {
        let mut wire = Wire::open(gateway.running.address).await;
        wire.say(&post("{ __typename }", &format!("content-encoding: {encoding}\r\n"))).await;
        assert_eq!(wire.reply().await.unwrap().status, 415, "{encoding}");
    }
}

#[tokio::test]
async fn the_host_of_the_target_counts_and_not_the_header_beside_it() {
    let gateway = Gateway::start(|settings| settings.http.allowed_hosts = AllowedHosts::Loopback).await;
    for (target, host, status) in [
        ("http://localhost/schema.graphql", "localhost", 200),
        ("http://evil.example/schema.graphql", "localhost", 421),
        ("/schema.graphql", "evil.example", 421),
        ("/health/ready", "10.0.0.7:8080", 200),
    ] {
        let mut wire = Wire::open(gateway.running.address).await;
        wire.say(&format!("GET {target} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n")).await;
        let seen = wire.rest().await;
        assert!(seen.starts_with(&format!("HTTP/1.1 {status}")), "{target} {seen}");
    }
}

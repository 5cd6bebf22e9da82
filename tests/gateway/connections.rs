//! More connections than are admitted: idle ones make room, health always answers, and old ones are replaced.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::harness::{Asker, Gateway, World, until};
use crate::metrics::{scrape, value};
use crate::wire::{Reply, Wire, post};

const PAGE: &str = "{ __typename }";
const SLOW: &str = "{ viewer { wordpressUser { displayName } } }";
const RECLAIMED: &str = "commongraph_http_connections_reclaimed_total";

async fn admitting(connections_max: usize) -> Gateway {
    Gateway::start(|settings| settings.http.limits.connections_max = connections_max).await
}

async fn open(gateway: &Gateway, address: &str) -> Wire {
    Wire::open_from(address, gateway.running.address).await
}

/// Asks for a page; `None` if the connection is closed before an answer.
async fn ask(wire: &mut Wire) -> Option<Reply> {
    if wire.try_say(&post(PAGE, "")).await { wire.reply().await } else { None }
}

/// Opens a connection and asks for a page on it.
async fn asked(gateway: &Gateway, address: &str) -> (Wire, Reply) {
    let mut wire = open(gateway, address).await;
    let reply = ask(&mut wire).await.unwrap();
    (wire, reply)
}

/// Opens so many connections from an address, and asks for a page on each.
async fn hoard(gateway: &Gateway, address: &str, count: usize) -> Vec<Wire> {
    let mut wires = Vec::new();
    for _ in 0..count {
        let (wire, reply) = asked(gateway, address).await;
        assert_eq!(reply.status, 200);
        wires.push(wire);
    }
    wires
}

fn assert_refused(reply: &Reply) {
    assert_eq!(reply.status, 503, "{reply:?}");
    for header in ["retry-after: 1\r\n", "connection: close\r\n", "x-request-id: "] {
        assert!(reply.head.contains(header), "{header} in {reply:?}");
    }
    let body: Value = serde_json::from_slice(&reply.body).unwrap();
    assert_eq!(body["errors"][0]["extensions"]["code"], "OVERLOADED");
}

#[tokio::test]
async fn an_idle_connection_of_the_address_with_most_makes_room() {
    let gateway = admitting(4).await;
    let mut modest = hoard(&gateway, "127.0.0.2", 1).await;
    let mut hoarded = hoard(&gateway, "127.0.0.3", 3).await;
    assert_eq!(ask(&mut hoarded[0]).await.unwrap().status, 200);
    let (mut newcomer, reply) = asked(&gateway, "127.0.0.4").await;
    assert_eq!(reply.status, 200);
    assert!(!reply.head.contains("connection: close"), "it is admitted for good: {reply:?}");
    assert_eq!(hoarded.remove(1).rest().await, "", "the least recently active one is closed");
    for wire in modest.iter_mut().chain(&mut hoarded).chain([&mut newcomer]) {
        assert_eq!(ask(wire).await.unwrap().status, 200);
    }
    assert_eq!(value(&scrape(&gateway).await, RECLAIMED), 2.0, "the second one is for the client that reads this");
}

#[tokio::test]
async fn addresses_that_keep_all_connections_active_keep_nobody_else_out() {
    let gateway = admitting(8).await;
    let mut regular = hoard(&gateway, "127.0.0.4", 1).await;
    let mut hoarded: Vec<(usize, Wire)> = Vec::new();
    for n in 2..4 {
        let wires = hoard(&gateway, &format!("127.0.0.{n}"), 4 - n % 2).await;
        hoarded.extend(wires.into_iter().map(|wire| (n, wire)));
    }
    for _ in 0..30 {
        for (n, wire) in &mut hoarded {
            if ask(wire).await.is_none_or(|reply| reply.status != 200) {
                *wire = open(&gateway, &format!("127.0.0.{n}")).await;
                let _ = ask(wire).await;
            }
        }
        assert_eq!(asked(&gateway, "127.0.0.5").await.1.status, 200, "a newcomer");
        assert_eq!(ask(&mut regular[0]).await.unwrap().status, 200, "an address that holds one connection keeps it");
    }
}

#[tokio::test]
async fn silent_connections_fill_neither_the_admitted_ones_nor_the_reserve() {
    let gateway = admitting(2).await;
    let silent = join_all((0..60).map(|_| open(&gateway, "127.0.0.2"))).await;
    let mut prober = open(&gateway, "127.0.0.3").await;
    prober.say("GET /health/live HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    assert_eq!(prober.reply().await.unwrap().status, 200);
    assert_eq!(asked(&gateway, "127.0.0.4").await.1.status, 200);
    drop(silent);
}

#[tokio::test]
async fn busy_connections_are_kept_while_health_is_answered_and_the_rest_is_refused() {
    let world = World::with(Default::default(), |settings| {
        settings.http.limits.connections_max = 2;
        settings.wordpress.upstream.timeout_ms = 600_000;
        settings.http.timeouts.request_ms = 300_000;
    })
    .await;
    let gateway = &world.gateway;
    world.fault(json!({ "hang": "head" })).await;
    let mut busy = Vec::new();
    for token in ["sandbox-wpcom-olga", "sandbox-wpcom-ada"] {
        let mut wire = open(gateway, "127.0.0.2").await;
        wire.say(&post(SLOW, &format!("x-wordpress-token: {token}\r\n"))).await;
        busy.push(wire);
    }
    until("both are under way", async || world.open_calls().await == 2).await;
    for path in ["/health/live", "/health/ready"] {
        let mut prober = open(gateway, "127.0.0.3").await;
        prober.say(&format!("GET {path} HTTP/1.1\r\nhost: 10.0.0.7\r\n\r\n")).await;
        let reply = prober.reply().await.unwrap();
        assert_eq!(reply.status, 200, "{path}");
        assert!(reply.head.contains("connection: close\r\n"), "{reply:?}");
        assert_eq!(prober.rest().await, "");
    }
    let (refused, reply) = asked(gateway, "127.0.0.3").await;
    assert_refused(&reply);
    assert_eq!(refused.rest().await, "");
    assert_eq!(world.open_calls().await, 2, "what is under way goes on");
    drop(busy);
    until("a request is admitted", async || asked(gateway, "127.0.0.3").await.1.status == 200).await;
}

#[tokio::test]
async fn of_hundreds_of_clients_at_once_each_is_answered_or_told_when_to_come_again() {
    let gateway = admitting(1).await;
    let replies = join_all((0..400).map(async |_| {
        let mut wire = Wire::open(gateway.running.address).await;
        wire.say(&post(PAGE, "connection: close\r\n")).await;
        wire.reply().await.expect("no answer")
    }))
    .await;
    let (good, refused): (Vec<_>, Vec<_>) = replies.iter().partition(|reply| reply.status == 200);
    assert!(!good.is_empty());
    refused.into_iter().for_each(assert_refused);
}

#[tokio::test]
async fn an_old_connection_is_told_that_an_answer_is_its_last() {
    let gateway = Gateway::start(|settings| settings.http.timeouts.connection_age_ms = 1).await;
    let mut wire = Wire::open(gateway.running.address).await;
    until("the connection is old", async || {
        let reply = ask(&mut wire).await.unwrap();
        assert_eq!(reply.status, 200);
        reply.head.contains("connection: close\r\n")
    })
    .await;
    assert_eq!(wire.rest().await, "");
    let young = Gateway::start(|_| {}).await;
    assert!(!asked(&young, "127.0.0.1").await.1.head.contains("connection: close"));
    assert_eq!(young.ask(&Asker::nobody(), PAGE, json!({})).await["data"]["__typename"], "Query");
}

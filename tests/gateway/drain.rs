//! Asked to stop under load: with fifty slow reads under way, whatever was taken is answered, by either protocol.
//!
//! The gateway is a process of its own, so that a signal stops it; the sandbox behind it is the test's, so that it can tell
//! how many calls are open. Nothing is kept, and each client is another person, so that no two share a call.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::body::{Body, to_bytes};
use axum::http::{Request, Version};
use commongraph::sandbox::{self, Sandbox, SyntheticUser, synthetic_user};
use futures_util::future::join_all;
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use reqwest::Client;
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use crate::lifecycle::{File, Log, Process, number, settings};
use crate::tls::{Folder, http2, pair};
use crate::wire::{Wire, post};

const RUNS: usize = 20;

/// How many clients ask on and on, how many of their calls are open when the signal comes, and how many clients are idle then.
const CLIENTS: usize = 60;
const OPEN_MIN: u64 = 50;
const IDLE: usize = 6;

/// Requests at once on one connection of HTTP/2.
const STREAMS: usize = 10;

/// How long the provider takes for each answer, so that so many calls are open at once.
const LATENCY_MS: u64 = 250;

const ASKED: &str = "{ viewer { wordpressUser { displayName } } }";

/// A gateway to stop, before a sandbox with people enough.
struct Stage {
    sandbox: Sandbox,
    client: Client,
    file: File,
}

impl Stage {
    async fn set(name: &str, more: &str) -> Self {
        let world = sandbox::Settings { synthetic_users: CLIENTS + IDLE, ..Default::default() };
        let sandbox = Sandbox::start(world).await.unwrap();
        let file = File::named(name);
        let own = "log.filter = 'info,commongraph::operation=off'\nwordpress.cache.max_bytes = 0\n\
                   wordpress.upstream.calls_per_second_max = 2000\nwordpress.upstream.calls_burst_max = 2000\n\
                   limits.anonymous_requests_per_minute = 60000\nlimits.anonymous_calls_per_minute = 60000\n\
                   limits.address_requests_per_minute = 60000\nlimits.address_calls_per_minute = 60000";
        file.write(&settings(&sandbox, &format!("{own}\n{more}")));
        let client = Client::builder().no_proxy().build().unwrap();
        let faults = json!([{ "latency_ms": LATENCY_MS }]);
        let at = format!("{}/__sandbox/faults", sandbox.wordpress_url());
        client.put(at).json(&faults).send().await.unwrap().error_for_status().unwrap();
        Self { sandbox, client, file }
    }

    fn start(&self) -> (Process, Log, SocketAddr) {
        let mut process = Process::start(&["serve", "--config", self.file.path()]);
        let mut log = process.log();
        let line = log.until("address=");
        let address = line.split("address=").nth(1).unwrap().split_whitespace().next().unwrap().parse().unwrap();
        (process, log, address)
    }

    /// Waits until so many calls are open at the provider, for these clients.
    async fn busy(&self, clients: &[JoinHandle<()>]) {
        let at = format!("{}/__sandbox/open", self.sandbox.wordpress_url());
        loop {
            let seen: Value = self.client.get(&at).send().await.unwrap().json().await.unwrap();
            if seen["open"].as_u64().unwrap() >= OPEN_MIN {
                return;
            }
            assert!(clients.iter().all(|client| !client.is_finished()), "a client has given up");
        }
    }
}

fn token(of: &SyntheticUser) -> String {
    format!("x-wordpress-token: {}\r\n", of.wordpress_token)
}

/// An answer to one's own question, and nothing less.
fn check(body: &[u8], of: &SyntheticUser) {
    let body: Value = serde_json::from_slice(body).unwrap();
    let name = body["data"]["viewer"]["wordpressUser"]["displayName"].as_str();
    assert!(name.is_some_and(|name| name.contains(&of.name)), "{body}");
}

/// Asks on one connection as long as that is kept: whole answers, each of which counts, and no part of one.
async fn ask_http1(wire: &mut Wire, of: &SyntheticUser, answered: &AtomicU64) {
    while wire.try_say(&post(ASKED, &token(of))).await {
        let Some(reply) = wire.reply().await else { return };
        check(&reply.body, of);
        answered.fetch_add(1, Ordering::SeqCst);
        if reply.head.contains("connection: close") {
            return;
        }
    }
}

/// Asks on and on, until no connection can be had any more.
async fn hammer_http1(address: SocketAddr, of: SyntheticUser, answered: Arc<AtomicU64>) {
    while let Ok(socket) = TcpStream::connect(address).await {
        ask_http1(&mut Wire(socket), &of, &answered).await;
    }
}

/// A connection of HTTP/2, for as many requests at once as one likes.
async fn connect_http2(address: SocketAddr, certificate: &str) -> SendRequest<Body> {
    let socket = TcpStream::connect(address).await.unwrap();
    let socket = http2(certificate).connect("localhost".try_into().unwrap(), socket).await.unwrap();
    let (sender, connection) = handshake(TokioExecutor::new(), TokioIo::new(socket)).await.unwrap();
    tokio::spawn(connection);
    sender
}

/// Asks on one connection of HTTP/2 as long as that takes requests: an answer that has begun comes to its end.
async fn hammer_http2(mut sender: SendRequest<Body>, of: SyntheticUser, answered: Arc<AtomicU64>) {
    let body = json!({ "query": ASKED }).to_string();
    while sender.ready().await.is_ok() {
        let request = Request::post("https://localhost/graphql")
            .header("content-type", "application/json")
            .header("x-wordpress-token", &of.wordpress_token);
        let Ok(response) = sender.send_request(request.body(body.clone().into()).unwrap()).await else { return };
        assert_eq!(response.version(), Version::HTTP_2);
        check(&to_bytes(Body::new(response.into_body()), usize::MAX).await.unwrap(), &of);
        answered.fetch_add(1, Ordering::SeqCst);
    }
}

/// The gateway has ended well, and has taken no more requests than were answered.
async fn ended_well(process: Process, log: Log, answered: &AtomicU64) {
    assert_eq!(process.ended().await, Some(0));
    let log = log.rest();
    assert!(log.contains("every request that was taken is answered"), "{log}");
    assert_eq!(number(&log, "requests"), answered.load(Ordering::SeqCst), "{log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stopped_with_fifty_slow_reads_under_way_twenty_times_it_answers_what_it_took() {
    let stage = Stage::set("drain", "").await;
    let mut answered_late = 0;
    for _ in 0..RUNS {
        let (process, mut log, address) = stage.start();
        let answered = Arc::<AtomicU64>::default();
        let idle = (CLIENTS..CLIENTS + IDLE).map(synthetic_user).map(async |of| {
            let mut wire = Wire::open(address).await;
            wire.say(&post(ASKED, &token(&of))).await;
            check(&wire.reply().await.unwrap().body, &of);
            answered.fetch_add(1, Ordering::SeqCst);
            (wire, of)
        });
        let mut idle = join_all(idle).await;
        let clients = (0..CLIENTS).map(|at| tokio::spawn(hammer_http1(address, synthetic_user(at), answered.clone())));
        let clients: Vec<_> = clients.collect();
        stage.busy(&clients).await;
        process.signal("TERM");
        log.until("stop requested");
        let silent = idle.split_off(IDLE / 2);
        let before = answered.load(Ordering::SeqCst);
        join_all(idle.iter_mut().map(async |(wire, of)| ask_http1(wire, of, &answered).await)).await;
        answered_late += answered.load(Ordering::SeqCst) - before;
        for (mut wire, _) in silent {
            assert!(matches!(wire.0.read(&mut [0]).await, Ok(0)), "a silent connection is closed, not reset");
        }
        for client in clients {
            client.await.unwrap();
        }
        ended_well(process, log, &answered).await;
    }
    assert!(answered_late > 0, "nobody who asked on after the signal was answered");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stopped_with_fifty_slow_reads_under_way_twenty_times_it_answers_what_it_took_by_http2() {
    let folder = Folder::new("drain-http2");
    let (certificate, key) = pair();
    folder.write(&certificate, &key);
    let stage = Stage::set("drain-http2", &folder.as_settings()).await;
    for _ in 0..RUNS {
        let (process, mut log, address) = stage.start();
        let answered = Arc::<AtomicU64>::default();
        let mut clients = Vec::new();
        for first in (0..CLIENTS).step_by(STREAMS) {
            let sender = connect_http2(address, &certificate).await;
            let ask = |at| tokio::spawn(hammer_http2(sender.clone(), synthetic_user(at), answered.clone()));
            clients.extend((first..first + STREAMS).map(ask));
        }
        stage.busy(&clients).await;
        process.signal("TERM");
        log.until("stop requested");
        for client in clients {
            client.await.unwrap();
        }
        ended_well(process, log, &answered).await;
    }
}

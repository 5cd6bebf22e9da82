//! After every refusal the next request on the connection works, or the answer has said `Connection: close` and the
//! connection ends without a reset. By HTTP/1.1 in pieces and by HTTP/2, with bodies that nobody reads.

use commongraph::app;
use commongraph::config::Settings;
use commongraph::http::AllowedHosts;
use commongraph::sandbox;
use serde_json::json;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::{Asker, Gateway, World, until};
use crate::tls::{Folder, http1, pair};
use crate::wire::{Wire, post};

const JSON: &str = "content-type: application/json\r\n";

/// A request without the head's last lines, and the status that refuses it.
type Case = (u16, &'static str);

/// Refusals that need no particular state. None of them reads the body, but the last.
const CASES: [Case; 17] = [
    (400, "POST /graphql HTTP/1.1\r\n"),
    (400, "POST /graphql HTTP/1.1\r\nhost: a b\r\n"),
    (400, "POST /graphql HTTP/1.1\r\nhost: localhost\r\nhost: localhost\r\n"),
    (400, "POST /graphql HTTP/1.1\r\nhost: localhost\r\nx-commongraph-deadline: x\r\n"),
    (400, "GET /graphql HTTP/1.1\r\nhost: localhost\r\n"),
    (401, "POST /graphql HTTP/1.1\r\nhost: localhost\r\nauthorization: Basic x\r\n"),
    (401, "GET /metrics HTTP/1.1\r\nhost: localhost\r\n"),
    (403, "POST /graphql HTTP/1.1\r\nhost: localhost\r\nsec-fetch-site: cross-site\r\n"),
    (404, "POST /nothing HTTP/1.1\r\nhost: localhost\r\n"),
    (405, "PUT /graphql HTTP/1.1\r\nhost: localhost\r\n"),
    (405, "POST /schema.graphql HTTP/1.1\r\nhost: localhost\r\n"),
    (405, "POST /health/live HTTP/1.1\r\nhost: localhost\r\n"),
    (406, "POST /graphql HTTP/1.1\r\nhost: localhost\r\naccept: text/html\r\n"),
    (415, "POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: text/plain\r\n"),
    (415, "POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-encoding: gzip\r\n"),
    (421, "POST /graphql HTTP/1.1\r\nhost: evil.example\r\n"),
    (400, "POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"),
];

/// How a body is framed.
#[derive(Clone, Copy, Debug)]
enum Framing {
    Length,
    Chunked,
}

/// A whole request with a body of this length.
fn request(head: &str, length: usize, framing: Framing) -> Vec<u8> {
    let body = "x".repeat(length);
    let text = match framing {
        Framing::Length => format!("{head}content-length: {length}\r\n\r\n{body}"),
        Framing::Chunked => {
            let chunk = if length > 0 { format!("{length:x}\r\n{body}\r\n") } else { String::new() };
            format!("{head}transfer-encoding: chunked\r\n\r\n{chunk}0\r\n\r\n")
        }
    };
    text.into_bytes()
}

/// The places at which a request is cut, so that it arrives in pieces.
fn cuts(request: &[u8]) -> [Vec<usize>; 4] {
    let head = request.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
    let middle = head + (request.len() - head) / 2;
    [vec![], vec![head], vec![head - 2, middle], vec![1, head - 1, head, middle, request.len() - 1]]
}

async fn send<T: AsyncWrite + Unpin>(socket: &mut T, request: &[u8], cuts: &[usize]) {
    let mut from = 0;
    for to in cuts.iter().copied().chain([request.len()]) {
        socket.write_all(&request[from..to.max(from)]).await.unwrap();
        socket.flush().await.unwrap();
        from = to.max(from);
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
    }
}

/// One response with its head in lower case and its status.
async fn response<T: AsyncRead + Unpin>(socket: &mut T) -> (u16, String) {
    let mut seen = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&seen).to_lowercase();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
            if body.len() >= length.parse().unwrap() {
                return (head[9..12].parse().unwrap(), head.to_owned());
            }
        }
        let mut part = vec![0; 4096];
        let length = socket.read(&mut part).await.unwrap();
        assert!(length > 0, "the connection ends within a response: {text}");
        seen.extend_from_slice(&part[..length]);
    }
}

/// Checks that a refused request leaves its connection usable, or has said that it ends. Returns whether it is usable.
async fn assert_true_to_its_word<T>(mut socket: T, status: u16, request: &[u8], cuts: &[usize]) -> bool
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    let shown = String::from_utf8_lossy(&request[..request.len().min(200)]).into_owned();
    send(&mut socket, request, cuts).await;
    let (seen, head) = response(&mut socket).await;
    assert_eq!(seen, status, "{shown}: {head}");
    if matches!(status, 429 | 503) {
        assert!(head.contains("\r\nretry-after: "), "{shown}: {head}");
    }
    if head.contains("\r\nconnection: close") {
        assert_eq!(socket.read_to_end(&mut Vec::new()).await.unwrap(), 0, "{shown}");
        return false;
    }
    send(&mut socket, b"GET /health/live HTTP/1.1\r\nhost: localhost\r\n\r\n", &[]).await;
    assert_eq!(response(&mut socket).await.0, 200, "{shown} {cuts:?}");
    true
}

async fn connect(gateway: &Gateway) -> TcpStream {
    let socket = TcpStream::connect(gateway.running.address).await.unwrap();
    socket.set_nodelay(true).unwrap();
    socket
}

/// Refuses this request with bodies of many lengths, in both framings, whole and in pieces.
async fn check(gateway: &Gateway, (status, head): Case) {
    for framing in [Framing::Length, Framing::Chunked] {
        for length in [0, 1, 10_000, 200_000] {
            let request = request(head, length, framing);
            for cuts in cuts(&request) {
                let socket = connect(gateway).await;
                let is_usable = assert_true_to_its_word(socket, status, &request, &cuts).await;
                assert!(is_usable, "{head} {length} {framing:?}: a small body is drained");
            }
        }
        let request = request(head, 600_000, framing);
        let is_usable = assert_true_to_its_word(connect(gateway).await, status, &request, &[]).await;
        assert!(!is_usable, "{head} {framing:?}: a large body is not drained");
    }
}

fn own_names(settings: &mut Settings) {
    settings.http.allowed_hosts = AllowedHosts::Loopback;
    settings.http.body_max_bytes = 1 << 20;
}

#[tokio::test]
async fn a_connection_goes_on_after_a_refusal_or_the_refusal_has_said_close() {
    let gateway = Gateway::start(own_names).await;
    let (last, others) = CASES.split_last().unwrap();
    for case in others {
        check(&gateway, *case).await;
    }
    // This one is read to its end, so its length makes no difference.
    for length in [0, 1, 200_000, 600_000] {
        let request = request(last.1, length, Framing::Chunked);
        assert!(assert_true_to_its_word(connect(&gateway).await, last.0, &request, &[]).await);
    }
}

#[tokio::test]
async fn a_connection_goes_on_after_429() {
    let gateway = Gateway::start(|settings| settings.limits.address_requests_per_minute = 1).await;
    gateway.ask(&Asker::nobody(), "{ __typename }", json!({})).await;
    for path in ["/graphql", "/", "/schema.graphql", "/nothing", "/metrics"] {
        let method = if path == "/graphql" { "POST" } else { "GET" };
        let head = format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\n");
        let request = request(&head, 1_000, Framing::Length);
        for cuts in cuts(&request) {
            assert!(assert_true_to_its_word(connect(&gateway).await, 429, &request, &cuts).await);
        }
    }
    let probe = request("GET /health/ready HTTP/1.1\r\nhost: localhost\r\n", 0, Framing::Length);
    gateway.client.get(gateway.url().replace("/graphql", "/health/ready")).send().await.unwrap();
    assert!(assert_true_to_its_word(connect(&gateway).await, 429, &probe, &[]).await);
}

#[tokio::test]
async fn a_connection_goes_on_after_503() {
    let world = World::with(sandbox::Settings::default(), |settings| {
        settings.http.limits.requests_max = 1;
        settings.wordpress.upstream.timeout_ms = 600_000;
        settings.http.timeouts.request_ms = 300_000;
    })
    .await;
    world.fault(json!({ "hang": "head" })).await;
    let query = "{ viewer { wordpressUser { displayName } } }";
    let asking = world.gateway.request(&Asker::token("sandbox-wpcom-olga"), query, json!({}));
    let asking = tokio::spawn(async move { drop(asking.send().await) });
    until("the provider is asked", async || world.open_calls().await > 0).await;
    let head = format!("POST /graphql HTTP/1.1\r\nhost: localhost\r\n{JSON}");
    check(&world.gateway, (503, head.leak())).await;
    asking.abort();
}

#[tokio::test]
async fn a_body_over_the_limit_sees_its_413_whatever_its_length() {
    let gateway = Gateway::start(|settings| settings.http.body_max_bytes = 1_000).await;
    let head = format!("POST /graphql HTTP/1.1\r\nhost: localhost\r\n{JSON}");
    for (length, is_usable) in [(1_001, true), (200_000, true), (600_000, false), (5 << 20, false), (10 << 20, false)] {
        for framing in [Framing::Length, Framing::Chunked] {
            let request = request(&head, length, framing);
            // All of it is sent before any of the response is read, as many clients do.
            let seen = assert_true_to_its_word(connect(&gateway).await, 413, &request, &[]).await;
            assert_eq!(seen, is_usable, "{length} {framing:?}");
        }
    }
}

#[tokio::test]
async fn a_body_that_never_comes_is_refused_and_the_connection_closed() {
    let gateway = Gateway::start(|_| {}).await;
    for framing in ["content-length: 10", "transfer-encoding: chunked", "expect: 100-continue\r\ncontent-length: 10"] {
        let mut socket = connect(&gateway).await;
        let head = "POST /graphql HTTP/1.1\r\nhost: localhost\r\nauthorization: Basic x\r\n";
        send(&mut socket, format!("{head}{framing}\r\n\r\n").as_bytes(), &[]).await;
        let (status, head) = response(&mut socket).await;
        assert_eq!(status, 401, "no 100 Continue for a body that is not wanted");
        assert!(head.contains("\r\nconnection: close"), "{head}");
        assert_eq!(socket.read_to_end(&mut Vec::new()).await.unwrap(), 0);
    }
}

#[tokio::test]
async fn a_head_that_is_refused_by_itself_says_close_and_is_seen_whole() {
    let gateway = Gateway::start(|_| {}).await;
    for (status, head) in [
        (400, "POST /graphql HTTP/1.1\r\nhost: localhost\r\nbad header\r\n\r\n".to_owned()),
        (431, format!("POST /graphql HTTP/1.1\r\nhost: localhost\r\n{}\r\n", "x-a: 1\r\n".repeat(100))),
    ] {
        let request = [head.into_bytes(), vec![b'x'; 5 << 20]].concat();
        assert!(!assert_true_to_its_word(connect(&gateway).await, status, &request, &[]).await);
    }
}

#[tokio::test]
async fn two_requests_at_once_are_both_answered_if_the_first_is_refused() {
    let gateway = Gateway::start(|_| {}).await;
    let refused = request("POST /nothing HTTP/1.1\r\nhost: localhost\r\n", 10_000, Framing::Length);
    let both = [refused, post("{ __typename }", "connection: close\r\n").into_bytes()].concat();
    let mut socket = connect(&gateway).await;
    socket.write_all(&both).await.unwrap();
    let seen = Wire(socket).rest().await;
    assert!(seen.starts_with("HTTP/1.1 404 ") && seen.contains("HTTP/1.1 200 OK\r\n"), "{seen}");
}

#[tokio::test]
async fn by_tls_it_is_the_same() {
    let folder = Folder::new("tls-keep-alive");
    let (certificate, key) = pair();
    folder.write(&certificate, &key);
    let mut settings = folder.settings();
    settings.http.body_max_bytes = 1_000;
    let running = app::start(&settings, Vec::new()).await.unwrap();
    let connector = http1(&certificate);
    let head = format!("POST /graphql HTTP/1.1\r\nhost: localhost\r\n{JSON}");
    for (length, is_usable) in [(1_001, true), (200_000, true), (600_000, false), (5 << 20, false)] {
        let request = request(&head, length, Framing::Length);
        let socket = TcpStream::connect(running.address).await.unwrap();
        let socket = connector.connect("localhost".try_into().unwrap(), socket).await.unwrap();
        assert_eq!(assert_true_to_its_word(socket, 413, &request, &[]).await, is_usable, "{length}");
    }
}

//! HTTP/2 by its own means: answers that are asked for and not taken, and heads that are too large.

use std::net::SocketAddr;

use axum::body::{Body, to_bytes};
use axum::http::{Request, Response};
use commongraph::app::{self, Running};
use commongraph::config::Settings;
use futures_util::future::{join, join_all};
use hyper::body::Incoming;
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpSocket;

use crate::tls::{Folder, http2, pair};

/// A gateway that speaks TLS, and its certificate.
struct Stage {
    running: Running,
    certificate: String,
    _folder: Folder,
}

impl Stage {
    async fn set(name: &str, change: impl FnOnce(&mut Settings)) -> Self {
        let folder = Folder::new(name);
        let (certificate, key) = pair();
        folder.write(&certificate, &key);
        let mut settings = folder.settings();
        change(&mut settings);
        let running = app::start(&settings, Vec::new()).await.unwrap();
        Self { running, certificate, _folder: folder }
    }

    /// A connection from this address of this machine, that takes so many bytes of each answer.
    async fn connect(&self, from: &str, window: u32) -> SendRequest<Body> {
        connect(self.running.address, &self.certificate, from, window).await
    }
}

/// Opens a connection from an address of this machine. Its client takes `window` bytes of each answer.
pub async fn connect(to: SocketAddr, certificate: &str, from: &str, window: u32) -> SendRequest<Body> {
    let socket = TcpSocket::new_v4().unwrap();
    let from: SocketAddr = format!("{from}:0").parse().unwrap();
    socket.bind(from).unwrap();
    let socket = socket.connect(to).await.unwrap();
    let socket = http2(certificate).connect("localhost".try_into().unwrap(), socket).await.unwrap();
    let mut client = Builder::new(TokioExecutor::new());
    let (sender, connection) = client.initial_stream_window_size(window).handshake(TokioIo::new(socket)).await.unwrap();
    tokio::spawn(connection);
    sender
}

fn request(path: &str) -> Request<Body> {
    let request = Request::get(format!("https://localhost{path}")).header("accept-encoding", "identity");
    request.body(Body::empty()).unwrap()
}

/// Asks so many times at once; the heads of the answers, whose bodies are not read.
async fn ask(sender: &SendRequest<Body>, times: usize) -> Vec<Response<Incoming>> {
    let ask = |_| {
        let mut sender = sender.clone();
        async move {
            sender.ready().await.unwrap();
            sender.send_request(request("/schema.graphql")).await.unwrap()
        }
    };
    join_all((0..times).map(ask)).await
}

fn good(answers: &[Response<Incoming>]) -> usize {
    let refused = answers.iter().filter(|answer| answer.status() == 503 && answer.headers()["retry-after"] == "1");
    let good = answers.iter().filter(|answer| answer.status() == 200).count();
    assert_eq!(good + refused.count(), answers.len());
    good
}

#[tokio::test]
async fn answers_that_nobody_reads_are_bounded_by_bytes_and_leave_a_part_for_every_address() {
    let stage = Stage::set("http2-unread", |settings| {
        settings.http.limits.unread_answers_max_bytes = 8 << 20;
        settings.http.limits.answer_max_bytes = 512 << 10;
        settings.http.timeouts.write_ms = 300_000;
    })
    .await;
    let bytes = app::schema().len();
    let mut held = Vec::new();
    for address in 2..12 {
        // A window of one byte takes the head and the body's first byte.
        let sender = stage.connect(&format!("127.0.0.{address}"), address % 2).await;
        let before = held.len();
        loop {
            let answers = ask(&sender, 50).await;
            if good(&answers) == 0 {
                break;
            }
            held.extend(answers.into_iter().filter(|answer| answer.status() == 200));
        }
        let count = held.len() - before;
        assert!(count > 0 && count * bytes <= (8 << 20) / 10, "{count} from {address}");
    }
    assert!(held.len() * bytes > 2 << 20, "{}", held.len());
    // Those who go make room for others.
    drop(held);
    let mut sender = stage.connect("127.0.0.2", 1 << 20).await;
    let body = loop {
        sender.ready().await.unwrap();
        let answer = sender.send_request(request("/schema.graphql")).await.unwrap();
        if answer.status() == 200 {
            break answer.into_body();
        }
    };
    assert!(to_bytes(Body::new(body), usize::MAX).await.unwrap().len() > 1_000);
}

#[tokio::test]
async fn a_client_that_takes_nothing_of_an_answer_loses_its_connection() {
    let stage = Stage::set("http2-stalled", |settings| settings.http.timeouts.write_ms = 300).await;
    for window in [0, 1] {
        let sender = stage.connect("127.0.0.1", window).await;
        let answer = ask(&sender, 1).await.remove(0);
        assert_eq!(answer.status(), 200);
        while !sender.is_closed() {
            tokio::task::yield_now().await;
        }
        drop(answer);
    }
}

#[tokio::test]
async fn a_head_of_too_many_headers_is_431_by_both_versions() {
    let stage = Stage::set("http2-headers", |settings| settings.http.limits.headers_max = 8).await;
    let mut sender = stage.connect("127.0.0.1", 1 << 20).await;
    for (count, status) in [(6, 200), (7, 431), (200, 431)] {
        let mut request = request("/schema.graphql");
        for n in 0..count {
            request.headers_mut().append("x-many", n.into());
        }
        sender.ready().await.unwrap();
        assert_eq!(sender.send_request(request).await.unwrap().status(), status, "{count}");
    }
}

/// Asks for a page, as long as the connection takes requests.
async fn page(sender: &mut SendRequest<Body>) -> Option<u16> {
    sender.ready().await.ok()?;
    let answer = sender.send_request(request("/graphql?query=%7B__typename%7D")).await.ok()?;
    let status = answer.status().as_u16();
    to_bytes(Body::new(answer.into_body()), usize::MAX).await.ok()?;
    Some(status)
}

async fn closed(sender: &SendRequest<Body>) {
    while !sender.is_closed() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn an_idle_connection_makes_room_and_one_with_an_answer_under_way_does_not() {
    let stage = Stage::set("http2-reclaimed", |settings| settings.http.limits.connections_max = 2).await;
    let busy = stage.connect("127.0.0.2", 0).await;
    let answer = ask(&busy, 1).await.remove(0);
    let mut idle = stage.connect("127.0.0.2", 1 << 20).await;
    assert_eq!(page(&mut idle).await, Some(200));
    let mut newcomer = stage.connect("127.0.0.3", 1 << 20).await;
    assert_eq!(page(&mut newcomer).await, Some(200));
    closed(&idle).await;
    assert!(!busy.is_closed());
    assert_eq!(page(&mut newcomer).await, Some(200));
    drop(answer);
}

#[tokio::test]
async fn with_every_connection_busy_health_is_answered_and_a_request_is_refused_and_closed() {
    let stage = Stage::set("http2-full", |settings| settings.http.limits.connections_max = 1).await;
    let busy = stage.connect("127.0.0.2", 0).await;
    let answer = ask(&busy, 1).await.remove(0);
    for (path, status) in [("/health/live", 200), ("/health/ready", 200), ("/schema.graphql", 503)] {
        let mut sender = stage.connect("127.0.0.3", 1 << 20).await;
        sender.ready().await.unwrap();
        assert_eq!(sender.send_request(request(path)).await.unwrap().status(), status, "{path}");
        closed(&sender).await;
    }
    assert!(!busy.is_closed());
    drop(answer);
}

#[tokio::test]
async fn an_old_connection_is_closed_and_the_next_one_is_served() {
    let stage = Stage::set("http2-old", |settings| settings.http.timeouts.connection_age_ms = 500).await;
    for _ in 0..2 {
        let mut sender = stage.connect("127.0.0.1", 1 << 20).await;
        // On a machine so slow that the connection is old already, there is no answer on it.
        assert!(matches!(page(&mut sender).await, Some(200) | None));
        closed(&sender).await;
    }
}

#[tokio::test]
async fn an_authority_is_well_formed_and_the_only_one() {
    let stage = Stage::set("http2-authority", |_| {}).await;
    let mut sender = stage.connect("127.0.0.1", 1 << 20).await;
    for (authority, host, status) in [
        ("localhost", None, 200),
        ("localhost", Some("localhost"), 200),
        ("localhost", Some("evil.example"), 400),
        ("u@localhost", None, 400),
    ] {
        let mut request = Request::get(format!("https://{authority}/health/live")).body(Body::empty()).unwrap();
        if let Some(host) = host {
            request.headers_mut().insert("host", host.parse().unwrap());
        }
        sender.ready().await.unwrap();
        assert_eq!(sender.send_request(request).await.unwrap().status(), status, "{authority} {host:?}");
    }
}

#[tokio::test]
async fn a_refused_body_ends_its_stream_and_no_other() {
    let stage = Stage::set("http2-refused", |settings| settings.http.body_max_bytes = 1_000).await;
    let sender = stage.connect("127.0.0.1", 1 << 20).await;
    let send = |request: Request<Body>| {
        let mut sender = sender.clone();
        async move {
            sender.ready().await.unwrap();
            let response = sender.send_request(request).await.unwrap();
            let status = response.status();
            let body = to_bytes(Body::new(response.into_body()), usize::MAX).await.unwrap();
            assert!(!body.is_empty());
            status
        }
    };
    let post = |length: usize, has_length: bool| {
        let parts = (0..10).map(move |_| Ok::<_, std::io::Error>(vec![b'x'; length / 10]));
        let stream = || Body::from_stream(futures_util::stream::iter(parts));
        let body = if has_length { Body::from(vec![b'x'; length]) } else { stream() };
        Request::post("https://localhost/graphql").header("content-type", "application/json").body(body).unwrap()
    };
    for length in [1_010, 100_000, 5 << 20, 10 << 20] {
        for has_length in [true, false] {
            let (refused, good) = join(send(post(length, has_length)), send(request("/health/live"))).await;
            assert_eq!((refused.as_u16(), good.as_u16()), (413, 200), "{length} {has_length}");
        }
    }
    assert!(!sender.is_closed());
}

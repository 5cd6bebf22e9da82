//! HTTP/2 by its own means: answers that are asked for and not taken, and heads that are too large.

use std::net::SocketAddr;

use axum::body::{Body, to_bytes};
use axum::http::{Request, Response};
use commongraph::app::{self, Running};
use commongraph::config::Settings;
use futures_util::future::join_all;
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
        let socket = TcpSocket::new_v4().unwrap();
        let from: SocketAddr = format!("{from}:0").parse().unwrap();
        socket.bind(from).unwrap();
        let socket = socket.connect(self.running.address).await.unwrap();
        let socket = http2(&self.certificate).connect("localhost".try_into().unwrap(), socket).await.unwrap();
        let mut client = Builder::new(TokioExecutor::new());
        let (sender, connection) =
            client.initial_stream_window_size(window).handshake(TokioIo::new(socket)).await.unwrap();
        tokio::spawn(connection);
        sender
    }
}

fn request(path: &str) -> Request<Body> {
    let request = Request::get(format!("https://localhost{path}")).header("accept-encoding", "zstd");
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
async fn answers_that_nobody_reads_are_bounded_for_an_address_and_in_all() {
    let stage = Stage::set("http2-unread", |settings| settings.http.limits.requests_max = 4).await;
    let mut held = Vec::new();
    for (address, most) in [(2, 4), (2, 0), (3, 4), (4, 4), (5, 4), (6, 0)] {
        // A window of one byte takes the head and the body's first byte.
        let sender = stage.connect(&format!("127.0.0.{address}"), address % 2).await;
        let mut count = 0;
        // Refused is also what comes while all places are taken.
        while count < most {
            let answers = ask(&sender, 50).await;
            count += good(&answers);
            assert!(count <= most, "{count} from {address}");
            held.extend(answers.into_iter().filter(|answer| answer.status() == 200));
        }
        let more = ask(&sender, 50).await;
        assert_eq!(good(&more), 0, "{address}");
    }
    // Those who go make room for others.
    drop(held);
    let mut sender = stage.connect("127.0.0.7", 1 << 20).await;
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

//! The HTTP transport against hosts of this test: slow names, silent connections, closed connections.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};

use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use secrecy::SecretString;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::Notify;

use super::*;
use crate::upstream::Method;

fn waits(text: &'static str) -> Option<Duration> {
    let mut headers = HeaderMap::new();
    headers.insert(RETRY_AFTER, HeaderValue::from_static(text));
    retry_after(&headers)
}

#[test]
fn retry_after_is_seconds_or_a_date_and_bounded() {
    assert_eq!(waits("2"), Some(Duration::from_secs(2)));
    assert_eq!(waits("999999999"), Some(RETRY_AFTER_MAX));
    assert_eq!(waits("Fri, 31 Dec 1999 23:59:59 GMT"), Some(Duration::ZERO));
    assert_eq!(waits("Tue, 31 Dec 2199 23:59:59 GMT"), Some(RETRY_AFTER_MAX));
    assert_eq!(waits("soon"), None);
    assert_eq!(waits("-1"), None);
}

#[tokio::test]
async fn a_host_is_reached_by_its_last_addresses_when_dns_fails() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            let _ = connection.read(&mut [0; 4_096]).await;
            let _ = connection.write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n").await;
        }
    });
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = asked.clone();
    let lookup = move |_| {
        let found = match counted.fetch_add(1, Ordering::Relaxed) {
            0 => Ok(vec![SocketAddr::from((Ipv4Addr::LOCALHOST, 0))]),
            _ => Err(io::Error::other("no server replies")),
        };
        async { found }.boxed()
    };
    let resolver = Arc::new(Resolver::with_lookup(Arc::new(lookup), Duration::from_secs(10)));
    let base = Url::parse(&format!("http://host.invalid:{port}/")).unwrap();
    let client = client(&base, &Settings::default(), &resolver, 10_000, 10_000).build().unwrap();
    for nth in 1..=2 {
        assert_eq!(client.get(base.clone()).send().await.unwrap().status(), 204);
        assert_eq!(asked.load(Ordering::Relaxed), nth);
    }
}

/// An HTTP/2 host that stops serving its first connection when notified, and keeps it open.
async fn host_that_falls_silent(silent: Arc<Notify>) -> Url {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let base = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let mut first = Some(silent);
        while let Ok((socket, _)) = listener.accept().await {
            let answer = service_fn(async |_| Ok::<_, Infallible>(hyper::Response::new("{}".to_owned())));
            let connection = http2::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(socket), answer);
            let first = first.take();
            tokio::spawn(async move {
                let Some(silent) = first else { return drop(connection.await) };
                let mut connection = pin!(connection);
                tokio::select! { _ = &mut connection => {}, () = silent.notified() => std::future::pending().await }
            });
        }
    });
    Url::parse(&base).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_silent_http2_connection_is_replaced() {
    let silent = Arc::new(Notify::new());
    let base = host_that_falls_silent(silent.clone()).await;
    let settings = Settings::default();
    let resolver = Arc::new(Resolver::new(Duration::from_secs(1)));
    let client = client(&base, &settings, &resolver, settings.read_timeout_ms, settings.attempt_timeout_ms);
    let client = client.http2_prior_knowledge().build().unwrap();
    let wire = HttpTransport { reads: client.clone(), writes: client, body_max: 1_024 };
    let token = SecretString::from("token");
    let read = async || wire.get(&base, Credential::Bearer(&token), None).await;
    assert_eq!(read().await.unwrap().status, 200);
    silent.notify_one();
    let mut tries = 0;
    while read().await.is_err() {
        tries += 1;
        assert!(tries < 5, "the dead connection is used for ever");
    }
    assert!(tries > 0, "the connection never fell silent");
}

async fn send(wire: &HttpTransport, base: &Url) -> Result<Reply, SendError> {
    let token = SecretString::from("token");
    let request = OutgoingRequest { method: Method::Post, url: base.clone(), body: None };
    wire.send(&request, Credential::Bearer(&token), None).await
}

/// A host that replies to the first request of each connection, and closes the connection when a second one begins to
/// arrive, as if its idle timeout passed at that moment.
async fn host_that_closes_idle_connections(answered: Arc<AtomicUsize>) -> Url {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let base = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let answered = answered.clone();
            tokio::spawn(async move {
                let _ = socket.read(&mut [0; 4_096]).await;
                answered.fetch_add(1, Ordering::Relaxed);
                let _ = socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").await;
                let _ = socket.readable().await;
            });
        }
    });
    Url::parse(&base).unwrap()
}

#[tokio::test]
async fn a_write_never_uses_an_idle_connection() {
    let answered = Arc::new(AtomicUsize::new(0));
    let base = host_that_closes_idle_connections(answered.clone()).await;
    let wire = HttpTransport::new(&base, &Settings::default()).unwrap();
    for nth in 1..=20 {
        assert_eq!(send(&wire, &base).await.map(|reply| reply.status).ok(), Some(200), "{nth}");
        assert_eq!(answered.load(Ordering::Relaxed), nth, "each write arrives once");
    }
}

#[tokio::test]
async fn an_unsent_request_has_not_arrived() {
    let wire = HttpTransport::new(&Url::parse("http://127.0.0.1/").unwrap(), &Settings::default()).unwrap();
    for pauses in 0..60 {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let base = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
        let host = async {
            let (socket, _) = listener.accept().await.unwrap();
            for _ in 0..pauses {
                tokio::task::yield_now().await;
            }
            socket.try_read(&mut [0; 64]).is_ok_and(|bytes| bytes > 0)
        };
        let (sent, has_arrived) = tokio::join!(send(&wire, &base), host);
        let Err(SendError { error, sent }) = sent else { panic!("nobody replies") };
        assert!(sent || !has_arrived, "{pauses}: {error:?}");
    }
}

//! One connection, from its first byte to its close: TLS if there is to be, HTTP, and its part in a drain.
//!
//! No wait on it is without an end: the handshake, the head of a request, the next request, and an answer that is not
//! read each have one. In a drain an HTTP/1.1 client that has just been answered may have sent its next request already,
//! so an idle connection is not closed under it at once but after `LINGER`; what it sends until then is answered, and
//! told that it was the last. HTTP/2 has words for that and needs no waiting. An HTTP/1.1 connection that the gateway
//! closes of itself lingers, so that the client can read the last response.
//!
//! An idle connection also closes when another one takes over its permit (`admission`), and each one is replaced at
//! some age: an HTTP/1.1 answer then says `Connection: close`, and an HTTP/2 client gets GOAWAY.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::http::header;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{sleep, sleep_until, timeout};

use super::Server;
use super::admission::{Handle, Registration};
use super::lingering::linger;
use super::patience::Patient;
use super::tls::{HTTP2, Shown};
use super::traffic::{Overdue, Traffic};

/// How long an idle connection stays open in a drain.
const LINGER: Duration = Duration::from_millis(500);

/// The smallest buffer of a connection, in bytes; what is asked and answered passes through it piece by piece.
const BUFFER_BYTES: usize = 64 << 10;

/// Requests under way at once on one HTTP/2 connection.
const STREAMS_MAX: u32 = 100;

/// What an HTTP/2 client may send of a body, and of all bodies of its connection, before the gateway reads it, in bytes.
/// Only while a caller is authenticated does a body stay unread.
const STREAM_WINDOW_BYTES: u32 = 64 << 10;
const CONNECTION_WINDOW_BYTES: u32 = 256 << 10;

/// How much of an answer the system takes ahead of what it can send, in bytes. The rest stays here, where it is counted.
#[cfg(target_os = "linux")]
const UNSENT_BYTES: u32 = 128 << 10;

/// How often a quiet HTTP/2 client is asked whether it is there, and how long it may take to say so.
const PING_EVERY: Duration = Duration::from_secs(20);
const PONG_WITHIN: Duration = Duration::from_secs(10);

/// Serves a connection until it ends; it stays registered until its socket is closed.
pub(super) async fn serve(server: Arc<Server>, socket: TcpStream, registration: Registration) {
    let handle = registration.handle();
    // Small answers must not wait for an acknowledgement; a failure only costs speed.
    let _ = socket.set_nodelay(true);
    #[cfg(target_os = "linux")]
    let _ = socket2::SockRef::from(&socket).set_tcp_notsent_lowat(UNSENT_BYTES);
    let socket = Patient::new(socket, server.timeouts.write()).counted_by(handle.clone());
    let ended = match &server.tls {
        None => speak_http1(&server, socket, handle).await,
        Some(shown) => speak_tls(&server, shown, socket, handle).await,
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended");
    }
}

async fn speak_tls(
    server: &Arc<Server>,
    shown: &Shown,
    socket: Patient<TcpStream>,
    handle: &Handle,
) -> hyper::Result<()> {
    let handshake = timeout(server.timeouts.header(), shown.acceptor().accept(socket));
    let handshake = tokio::select! {
        biased;
        ended = handshake => ended,
        () = handle.closing() => return Ok(()),
    };
    let socket = match handshake {
        Ok(Ok(socket)) => socket,
        Ok(Err(error)) => {
            tracing::debug!(%error, "a TLS handshake failed");
            return Ok(());
        }
        Err(_) => return Ok(()),
    };
    match socket.get_ref().1.alpn_protocol() {
        Some(HTTP2) => speak_http2(server, socket, handle).await,
        _ => speak_http1(server, socket, handle).await,
    }
}

async fn speak_http1<T>(server: &Arc<Server>, mut socket: T, handle: &Handle) -> hyper::Result<()>
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    let is_closed_here = AtomicBool::new(false);
    let ended = exchange_http1(server, &mut socket, handle, &is_closed_here).await;
    // After a request that cannot be parsed, hyper sends its refusal and closes.
    if is_closed_here.into_inner() || ended.as_ref().is_err_and(hyper::Error::is_parse) {
        tokio::select! {
            () = linger(&mut socket) => {}
            () = handle.closed_late() => {}
        }
    }
    ended
}

/// Answers requests until the connection is to be closed. Sets `is_closed_here` if a response has said so.
async fn exchange_http1<T>(
    server: &Arc<Server>,
    socket: T,
    handle: &Handle,
    is_closed_here: &AtomicBool,
) -> hyper::Result<()>
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    let limits = &server.limits;
    let service = service_fn(|request| async move {
        let response = server.answer(request, handle, None).await?;
        if response.headers().contains_key(header::CONNECTION) {
            is_closed_here.store(true, Ordering::Relaxed);
        }
        Ok::<_, Infallible>(response)
    });
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(server.timeouts.header())
            .max_headers(limits.headers_max)
            .max_header_size(limits.headers_max_bytes)
            .max_buf_size(limits.headers_max_bytes.max(BUFFER_BYTES))
            .serve_connection(TokioIo::new(socket), service)
    );
    let draining = async {
        server.closing.cancelled().await;
        sleep(LINGER).await;
    };
    // The connection comes first: one that has a request to read is not idle.
    tokio::select! {
        biased;
        ended = connection.as_mut() => return ended,
        () = draining => {}
        () = handle.closing() => {}
    }
    connection.as_mut().graceful_shutdown();
    tokio::select! {
        biased;
        ended = connection => ended,
        () = handle.closed_late() => Ok(()),
    }
}

async fn speak_http2<T>(server: &Arc<Server>, socket: T, handle: &Handle) -> hyper::Result<()>
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    let traffic = Traffic::new(server.timeouts.header(), server.timeouts.write());
    let service = service_fn(|request| {
        let (server, handle, under_way) = (Arc::clone(server), handle.clone(), traffic.enter());
        async move { server.answer(request, &handle, Some(under_way)).await }
    });
    let mut connection = pin!(
        http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .keep_alive_interval(PING_EVERY)
            .keep_alive_timeout(PONG_WITHIN)
            .max_concurrent_streams(STREAMS_MAX)
            .initial_stream_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .max_header_list_size(u32::try_from(server.limits.headers_max_bytes).unwrap_or(u32::MAX))
            .serve_connection(TokioIo::new(socket), service)
    );
    tokio::select! {
        biased;
        ended = connection.as_mut() => return ended,
        () = server.closing.cancelled() => {}
        () = handle.closing() => {}
        () = sleep_until(handle.expires()) => {}
        reason = traffic.overdue() => {
            if reason == Overdue::Unread {
                return Ok(());
            }
        }
    }
    connection.as_mut().graceful_shutdown();
    // The client is told that this is the end and may still send what it had begun to; an idle one has no more than this.
    let patience = async {
        sleep(server.timeouts.header()).await;
        traffic.overdue().await
    };
    tokio::select! {
        biased;
        ended = connection => ended,
        _ = patience => Ok(()),
        () = handle.closed_late() => Ok(()),
    }
}

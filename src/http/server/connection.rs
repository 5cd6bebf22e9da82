//! One connection, from its first byte to its close: TLS if it is configured, HTTP, and the drain.
//!
//! Every wait has a limit: the handshake, the head of a request, the next request, and a response that is not read.
//!
//! In a drain, a client of HTTP/1.1 may have sent its next request already. So an idle connection closes only after
//! `LINGER`. A request that arrives until then is answered with `Connection: close`. HTTP/2 has GOAWAY and needs no wait.
//! An HTTP/1.1 connection that the gateway closes lingers, so that the client can read the last response.
//!
//! An idle connection also closes when another one takes over its permit (`admission`). At a maximum age, an HTTP/1.1
//! response says `Connection: close`, and an HTTP/2 client receives GOAWAY.

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

use super::admission::{Handle, Registration};
use super::http2_timeouts::{Http2Timeouts, TimeoutReason};
use super::lingering::linger;
use super::service::HttpService;
use super::tls::{HTTP2, ServerCertificate};
use super::write_timeout::WriteTimeout;

/// How long an idle HTTP/1.1 connection stays open in a drain.
const LINGER: Duration = Duration::from_millis(500);

/// The smallest buffer of an HTTP/1.1 connection, in bytes.
const BUFFER_BYTES: usize = 64 << 10;

/// Concurrent requests on one HTTP/2 connection.
const STREAMS_MAX: u32 = 100;

/// The flow-control windows of HTTP/2, in bytes: what a client may send of one body, and of all bodies of a connection,
/// before the gateway reads it. A body stays unread only while its caller is authenticated.
const STREAM_WINDOW_BYTES: u32 = 64 << 10;
const CONNECTION_WINDOW_BYTES: u32 = 256 << 10;

/// How much of a response the system buffers before it can be sent, in bytes. The rest stays in the process, where it is
/// counted.
#[cfg(target_os = "linux")]
const UNSENT_BYTES: u32 = 128 << 10;

/// How often an HTTP/2 client gets a PING, and how long it may take to respond.
const PING_EVERY: Duration = Duration::from_secs(20);
const PONG_WITHIN: Duration = Duration::from_secs(10);

/// Serves a connection until it ends. It stays registered until its socket is closed.
pub(super) async fn serve(service: Arc<HttpService>, socket: TcpStream, registration: Registration) {
    let handle = registration.handle();
    // Small responses must not wait for an acknowledgement. A failure only costs speed.
    let _ = socket.set_nodelay(true);
    #[cfg(target_os = "linux")]
    let _ = socket2::SockRef::from(&socket).set_tcp_notsent_lowat(UNSENT_BYTES);
    let socket = WriteTimeout::new(socket, service.timeouts.write()).counted_by(handle.clone());
    let result = match &service.tls {
        None => speak_http1(&service, socket, handle).await,
        Some(certificate) => speak_tls(&service, certificate, socket, handle).await,
    };
    if let Err(error) = result {
        tracing::debug!(%error, "a connection ended");
    }
}

async fn speak_tls(
    service: &Arc<HttpService>,
    certificate: &ServerCertificate,
    socket: WriteTimeout<TcpStream>,
    handle: &Handle,
) -> hyper::Result<()> {
    let handshake = timeout(service.timeouts.header(), certificate.acceptor().accept(socket));
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
        Some(HTTP2) => speak_http2(service, socket, handle).await,
        _ => speak_http1(service, socket, handle).await,
    }
}

async fn speak_http1<T>(service: &Arc<HttpService>, mut socket: T, handle: &Handle) -> hyper::Result<()>
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    let is_closed_here = AtomicBool::new(false);
    let ended = exchange_http1(service, &mut socket, handle, &is_closed_here).await;
    // After a request that cannot be parsed, hyper sends 400 and closes.
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
    service: &Arc<HttpService>,
    socket: T,
    handle: &Handle,
    is_closed_here: &AtomicBool,
) -> hyper::Result<()>
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    let limits = &service.limits;
    let responder = service_fn(|request| async move {
        let response = service.answer(request, handle, None).await?;
        if response.headers().contains_key(header::CONNECTION) {
            is_closed_here.store(true, Ordering::Relaxed);
        }
        Ok::<_, Infallible>(response)
    });
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(service.timeouts.header())
            .max_headers(limits.headers_max)
            .max_header_size(limits.headers_max_bytes)
            .max_buf_size(limits.headers_max_bytes.max(BUFFER_BYTES))
            .serve_connection(TokioIo::new(socket), responder)
    );
    let draining = async {
        service.closing.cancelled().await;
        sleep(LINGER).await;
    };
    // The connection is polled first: one with a request to read is not idle.
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

async fn speak_http2<T>(service: &Arc<HttpService>, socket: T, handle: &Handle) -> hyper::Result<()>
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    let timeouts = Http2Timeouts::new(service.timeouts.header(), service.timeouts.write());
    let responder = service_fn(|request| {
        let service = Arc::clone(service);
        let handle = handle.clone();
        let in_flight = timeouts.start_request();
        async move { service.answer(request, &handle, Some(in_flight)).await }
    });
    let mut connection = pin!(
        http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .keep_alive_interval(PING_EVERY)
            .keep_alive_timeout(PONG_WITHIN)
            .max_concurrent_streams(STREAMS_MAX)
            .initial_stream_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .max_header_list_size(u32::try_from(service.limits.headers_max_bytes).unwrap_or(u32::MAX))
            .serve_connection(TokioIo::new(socket), responder)
    );
    tokio::select! {
        biased;
        ended = connection.as_mut() => return ended,
        () = service.closing.cancelled() => {}
        () = handle.closing() => {}
        () = sleep_until(handle.expires()) => {}
        reason = timeouts.timed_out() => {
            if reason == TimeoutReason::Unread {
                return Ok(());
            }
        }
    }
    connection.as_mut().graceful_shutdown();
    // After GOAWAY, the client may finish the requests that it has started. Then the connection is idle and times out.
    let timed_out = async {
        sleep(service.timeouts.header()).await;
        timeouts.timed_out().await
    };
    tokio::select! {
        biased;
        ended = connection => ended,
        _ = timed_out => Ok(()),
        () = handle.closed_late() => Ok(()),
    }
}

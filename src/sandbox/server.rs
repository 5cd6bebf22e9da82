//! The accept loop of one provider's server.
//!
//! It replaces `axum::serve` for two reasons. A fault can close a connection without sending a byte. All connections
//! belong to a set that ends with the sandbox, so a response that hangs on purpose cannot outlive it.

use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::provider::Provider;
use super::router;
use super::state::SandboxState;

/// Accepts connections without end. Dropping the future drops every connection.
pub(super) async fn serve(listener: TcpListener, provider: Provider, state: Arc<SandboxState>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((socket, _)) => {
                    connections.spawn(serve_connection(socket, provider, Arc::clone(&state)));
                }
                // The usual cause is a lack of file descriptors. Wait until some are closed.
                Err(error) => {
                    tracing::warn!(%error, "sandbox cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve_connection(socket: TcpStream, provider: Provider, state: Arc<SandboxState>) {
    // Without Nagle's algorithm a small response does not wait for an acknowledgement. A failure only costs speed.
    let _ = socket.set_nodelay(true);
    let service = service_fn(|request| router::handle(request, provider, &state));
    let served = http1::Builder::new().serve_connection(TokioIo::new(socket), service);
    if let Err(error) = served.await {
        tracing::debug!(%error, provider = provider.name(), "sandbox connection ended");
    }
}

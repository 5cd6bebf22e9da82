//! Classifies a failed call: why there is no reply, whose failure it is, and whether the request was certainly not sent.
//!
//! reqwest wraps the cause several times, so each decision looks at the whole chain of sources. Two causes matter beyond
//! reqwest's own predicates. hyper reports a request as canceled only when it returns it without having written any of
//! it. And some I/O errors of a connect are the gateway's own: it has no file descriptor, port or memory left, which says
//! nothing about the host.

use std::error::Error as StdError;
use std::io;
use std::iter::successors;
use std::sync::Arc;

use tokio_rustls::rustls;

use crate::upstream::error::{Error, SendError};

/// The I/O errors that say that this machine, and not the host, lacks a resource.
const LOCAL: [i32; 5] = [libc::EMFILE, libc::ENFILE, libc::ENOBUFS, libc::ENOMEM, libc::EADDRNOTAVAIL];

/// Classifies an error of the HTTP client. The request counts as unsent only if no byte of it can have left.
pub fn classify(error: &reqwest::Error) -> SendError {
    let is_unsent = error.is_connect() || error.is_builder() || is_canceled(error);
    let cause = if is_tls(error) {
        Error::Untrusted
    } else if is_local(error) {
        Error::OutOfResources
    } else if is_unsent {
        // This comes before the timeout: that nothing was sent is the more useful fact.
        Error::Unreachable
    } else if error.is_timeout() {
        Error::TimedOut
    } else {
        Error::ConnectionLost
    };
    SendError { error: cause, sent: !is_unsent }
}

/// Returns an error and all that it wraps. An I/O error does not report what it wraps as its source.
fn chain<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    successors(Some(error), |&error| {
        let wrapped = as_io(error).and_then(io::Error::get_ref);
        wrapped.map(|wrapped| wrapped as _).or_else(|| error.source())
    })
}

/// Returns the I/O error, also one that several waiters of a DNS lookup share.
fn as_io<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a io::Error> {
    error.downcast_ref().or_else(|| error.downcast_ref::<Arc<io::Error>>().map(|shared| &**shared))
}

fn is_tls(error: &(dyn StdError + 'static)) -> bool {
    chain(error).any(|cause| cause.is::<rustls::Error>())
}

fn is_local(error: &(dyn StdError + 'static)) -> bool {
    chain(error).filter_map(as_io).filter_map(io::Error::raw_os_error).any(|code| LOCAL.contains(&code))
}

fn is_canceled(error: &(dyn StdError + 'static)) -> bool {
    chain(error).filter_map(|cause| cause.downcast_ref()).any(hyper::Error::is_canceled)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::net::{IpAddr, Ipv4Addr, SocketAddr};

    use futures_util::FutureExt;
    use hyper::client::conn::http1;
    use hyper_util::rt::TokioIo;
    use tokio::io::{AsyncReadExt, duplex};
    use tokio::net::{TcpListener, TcpSocket};

    use super::*;
    use crate::upstream::net::dns::Resolver;

    fn os(code: i32) -> io::Error {
        io::Error::from_raw_os_error(code)
    }

    /// The classified error of a call to a host whose name is resolved by `lookup`.
    async fn looked_up(lookup: impl Fn() -> io::Result<Vec<SocketAddr>> + Send + Sync + 'static) -> SendError {
        let lookup = move |_| std::future::ready(lookup()).boxed();
        let resolver = Resolver::with_lookup(Arc::new(lookup), std::time::Duration::from_secs(10));
        let client = reqwest::Client::builder().no_proxy().dns_resolver(Arc::new(resolver)).build().unwrap();
        classify(&client.post("http://host.invalid/").send().await.unwrap_err())
    }

    #[test]
    fn a_cause_is_found_at_any_depth() {
        let tls = || io::Error::new(io::ErrorKind::InvalidData, rustls::Error::HandshakeNotComplete);
        assert!(is_tls(&tls()) && is_tls(&io::Error::other(io::Error::other(tls()))));
        assert!(!is_tls(&io::Error::from(io::ErrorKind::ConnectionRefused)));
        for code in LOCAL {
            for wrapped in [os(code), io::Error::other(os(code)), io::Error::other(Arc::new(os(code)))] {
                assert!(is_local(&wrapped), "{wrapped:?}");
            }
        }
        for code in [libc::ECONNREFUSED, libc::ECONNRESET, libc::ETIMEDOUT, libc::EHOSTUNREACH, libc::EPIPE] {
            assert!(!is_local(&os(code)) && !is_local(&io::Error::other(os(code))), "{code}");
        }
        assert!(!is_local(&tls()));
    }

    #[tokio::test]
    async fn a_lookup_without_resources_is_not_the_hosts_failure() {
        for code in LOCAL {
            let SendError { error, sent } = looked_up(move || Err(os(code))).await;
            assert_eq!((error, sent), (Error::OutOfResources, false), "{code}");
        }
        let SendError { error, sent } = looked_up(|| Err(io::Error::other("no such name"))).await;
        assert_eq!((error, sent), (Error::Unreachable, false));
    }

    #[tokio::test]
    async fn a_failed_connect_is_classified_as_local_or_remote() {
        // A bound socket that does not listen keeps its port closed.
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        let url = format!("http://{}/", socket.local_addr().unwrap());
        // A documentation address (RFC 5737), which no interface has: EADDRNOTAVAIL.
        let foreign = IpAddr::from([192, 0, 2, 1]);
        for (from, expected) in [(None, Error::Unreachable), (Some(foreign), Error::OutOfResources)] {
            let client = reqwest::Client::builder().no_proxy().local_address(from).build().unwrap();
            let SendError { error, sent } = classify(&client.post(&url).send().await.unwrap_err());
            assert_eq!((error, sent), (expected, false), "{from:?}");
        }
    }

    #[tokio::test]
    async fn a_request_that_may_have_been_sent_is_never_called_unsent() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                let _ = socket.read(&mut [0; 1]).await;
            }
        });
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let SendError { error, sent } = classify(&client.post(&url).body("x").send().await.unwrap_err());
        assert_eq!((error, sent), (Error::ConnectionLost, true));
    }

    #[tokio::test]
    async fn a_canceled_request_was_not_sent() {
        let request = || hyper::Request::post("/").body("x".to_owned()).unwrap();
        // The peer closes before anything is written.
        let (client, server) = duplex(64);
        let (mut sender, connection) = http1::handshake(TokioIo::new(client)).await.unwrap();
        drop(server);
        let asking = sender.send_request(request());
        let (asked, _) = tokio::join!(asking, connection);
        assert!(is_canceled(&io::Error::other(asked.unwrap_err())));

        // The peer closes after the first byte has arrived.
        let (client, mut server) = duplex(64);
        let (mut sender, connection) = http1::handshake(TokioIo::new(client)).await.unwrap();
        let leaving = async move {
            server.read_exact(&mut [0; 1]).await.unwrap();
        };
        let (asked, _, ()) = tokio::join!(sender.send_request(request()), connection, leaving);
        assert!(!is_canceled(&io::Error::other(asked.unwrap_err())));
    }
}

//! The wire: one HTTP call by reqwest, its body counted while it is read.
//!
//! reqwest's own settings allow redirects, proxies from the environment and endless time and bodies; here each is set.
//! What it cannot bound is how much of an answer's head is read over HTTP/1.1: hyper stops at about 400 KiB of it. A head
//! that is larger than over HTTP/2 is refused when it is there.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use reqwest::header::{
    ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER,
};
use reqwest::{Client, ClientBuilder, RequestBuilder, Response, redirect, tls};
use secrecy::ExposeSecret;
use tokio_rustls::rustls;
use url::Url;

use super::resolver::Resolver;
use super::write::{Order, Unanswered};
use super::{Credential, Error, Reply, Settings, Trace};

/// The longest wait that is believed; a host that asks for more is asked again after this.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(3_600);

/// The most lines that the head of an answer may have.
const HEADERS_MAX: usize = 100;

/// The largest head of an answer, in bytes.
const HEADER_BYTES_MAX: u32 = 64 * 1_024;

/// What each header counts besides, in bytes.
const HEADER_BYTES_EACH: usize = 32;

/// Tells a host which trace a call belongs to.
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// How long an idle connection is kept.
const IDLE_MAX: Duration = Duration::from_secs(30);

/// How long a connection of HTTP/2 may say nothing before it is asked whether anybody is there.
const QUIET_MAX: Duration = Duration::from_secs(5);

/// How long that may take to be answered; then the connection is given up, with the calls on it.
const PONG_MAX: Duration = Duration::from_secs(2);

/// What carries a call to a host and its answer back; a test puts its own in place of the wire.
pub trait Transport: Send + Sync + 'static {
    /// Sends one GET with this credential, as a part of this trace, and reads the whole answer.
    fn get<'a>(
        &'a self,
        url: &'a Url,
        credential: Credential<'a>,
        trace: Option<Trace>,
    ) -> BoxFuture<'a, Result<Reply, Error>>;

    /// Sends one order with this credential, once, as a part of this trace, and reads the whole answer.
    fn send<'a>(
        &'a self,
        order: &'a Order,
        credential: Credential<'a>,
        trace: Option<Trace>,
    ) -> BoxFuture<'a, Result<Reply, Unanswered>>;
}

/// HTTP, by a pooled client of one host.
#[derive(Debug)]
pub struct Wire {
    reads: Client,
    /// With more time, and so with connections of its own.
    writes: Client,
    body_max: usize,
}

impl Wire {
    /// Makes the client of the host at this address.
    ///
    /// # Errors
    /// When the system's TLS roots cannot be used.
    pub fn build(base: &Url, settings: &Settings) -> Result<Self, String> {
        let [read, attempt, write] = [settings.read_timeout_ms, settings.attempt_timeout_ms, settings.write_timeout_ms];
        // Half of the time to connect, so that what stands in can still be connected to.
        let resolver = Arc::new(Resolver::new(Duration::from_millis(settings.connect_timeout_ms) / 2));
        let client = |read, whole| {
            let made = client(base, settings, &resolver, read, whole).build();
            made.map_err(|error| format!("the HTTP client cannot be made: {}", error.without_url()))
        };
        let (reads, writes) = (client(read, attempt)?, client(write, write)?);
        Ok(Self { reads, writes, body_max: settings.body_max_bytes })
    }

    async fn call(
        &self,
        request: RequestBuilder,
        credential: Credential<'_>,
        trace: Option<Trace>,
    ) -> Result<Reply, Unanswered> {
        let mut request = request.header(ACCEPT, "application/json");
        if let Some(shown) = show(credential).map_err(Unanswered::unsent)? {
            request = request.header(AUTHORIZATION, shown);
        }
        if let Some(trace) = trace {
            request = request.header(TRACEPARENT, trace.header());
        }
        let response = request.send().await.map_err(|error| lost(&error))?;
        if head_bytes(response.headers()) > HEADER_BYTES_MAX as usize {
            return Err(Unanswered::sent(Error::TooLarge));
        }
        let status = response.status().as_u16();
        let content_type = media_type(response.headers());
        let retry_after = retry_after(response.headers());
        let body = read_body(response, self.body_max).await.map_err(Unanswered::sent)?;
        Ok(Reply { status, content_type, retry_after, body })
    }
}

impl Transport for Wire {
    fn get<'a>(
        &'a self,
        url: &'a Url,
        credential: Credential<'a>,
        trace: Option<Trace>,
    ) -> BoxFuture<'a, Result<Reply, Error>> {
        let mut url = url.clone();
        if let Credential::Parameter(name, secret) = credential {
            url.query_pairs_mut().append_pair(name, secret.expose_secret());
        }
        self.call(self.reads.get(url), credential, trace).map(|ended| ended.map_err(|lost| lost.error)).boxed()
    }

    fn send<'a>(
        &'a self,
        order: &'a Order,
        credential: Credential<'a>,
        trace: Option<Trace>,
    ) -> BoxFuture<'a, Result<Reply, Unanswered>> {
        let request = self.writes.request(order.method.into(), order.url.clone());
        let request = match &order.body {
            Some((media, bytes)) => request.header(CONTENT_TYPE, *media).body(bytes.clone()),
            // A proxy may ask for the length of what a POST has none of.
            None => request.header(CONTENT_LENGTH, 0),
        };
        self.call(request, credential, trace).boxed()
    }
}

/// A client of one host, still to be made, and how many milliseconds its answers may pause and take.
fn client(base: &Url, settings: &Settings, resolver: &Arc<Resolver>, read_ms: u64, whole_ms: u64) -> ClientBuilder {
    Client::builder()
        .dns_resolver(resolver.clone())
        .user_agent(concat!("commongraph/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::none())
        .retry(reqwest::retry::never())
        .no_proxy()
        .referer(false)
        .https_only(base.scheme() == "https")
        .tls_version_min(tls::Version::TLS_1_2)
        .connect_timeout(Duration::from_millis(settings.connect_timeout_ms))
        .read_timeout(Duration::from_millis(read_ms))
        .timeout(Duration::from_millis(whole_ms))
        .http1_max_headers(HEADERS_MAX)
        .http2_max_header_list_size(HEADER_BYTES_MAX)
        .pool_max_idle_per_host(settings.concurrent_max)
        .pool_idle_timeout(IDLE_MAX)
        // One whose other side is gone would be handed out for ever: a call that times out gives up its stream alone.
        .http2_keep_alive_interval(QUIET_MAX)
        .http2_keep_alive_timeout(PONG_MAX)
        .http2_keep_alive_while_idle(true)
}

async fn read_body(mut response: Response, body_max: usize) -> Result<Bytes, Error> {
    if response.content_length().is_some_and(|length| length > body_max as u64) {
        return Err(Error::TooLarge);
    }
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| classify(&error))? {
        if body.len() + chunk.len() > body_max {
            return Err(Error::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

/// How large a head is, in bytes, as HTTP/2 counts it.
fn head_bytes(headers: &HeaderMap) -> usize {
    headers.iter().map(|(name, value)| name.as_str().len() + value.len() + HEADER_BYTES_EACH).sum()
}

/// The credential as a header, if that is where it is shown.
fn show(credential: Credential<'_>) -> Result<Option<HeaderValue>, Error> {
    use base64::Engine;
    let text = match credential {
        Credential::Bearer(token) => format!("Bearer {}", token.expose_secret()),
        Credential::Basic(name, password) => {
            let pair = format!("{}:{}", name.expose_secret(), password.expose_secret());
            format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair))
        }
        Credential::Parameter(..) => return Ok(None),
    };
    let mut value = HeaderValue::try_from(text).map_err(|_| Error::Unreachable)?;
    value.set_sensitive(true);
    Ok(Some(value))
}

/// That there was no time to connect says less than that there is no connection: nothing was sent.
fn classify(error: &reqwest::Error) -> Error {
    if is_of_tls(error) {
        Error::Untrusted
    } else if error.is_connect() || error.is_builder() {
        Error::Unreachable
    } else if error.is_timeout() {
        Error::TimedOut
    } else {
        Error::Broken
    }
}

/// Whether TLS lies at the bottom of it. An I/O error hides what it wraps from those who ask for its source.
fn is_of_tls(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if error.is::<rustls::Error>() {
            return true;
        }
        let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = wrapped.map(|wrapped| wrapped as _).or_else(|| error.source());
    }
    false
}

/// Only where no connection came about is it certain that nothing was sent.
fn lost(error: &reqwest::Error) -> Unanswered {
    Unanswered { error: classify(error), sent: !(error.is_connect() || error.is_builder()) }
}

fn media_type(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    Some(text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
}

/// Reads `Retry-After` in seconds or as an HTTP date.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = match text.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let moment = chrono::DateTime::parse_from_rfc2822(text).ok()?;
            let now = chrono::DateTime::<chrono::Utc>::from(std::time::SystemTime::now());
            (moment.to_utc() - now).to_std().unwrap_or_default()
        }
    };
    Some(wait.min(RETRY_AFTER_MAX))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::convert::Infallible;
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

    fn waits(text: &'static str) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, HeaderValue::from_static(text));
        retry_after(&headers)
    }

    #[test]
    fn a_wait_is_seconds_or_a_date_and_never_absurd() {
        assert_eq!(waits("2"), Some(Duration::from_secs(2)));
        assert_eq!(waits("999999999"), Some(RETRY_AFTER_MAX));
        assert_eq!(waits("Fri, 31 Dec 1999 23:59:59 GMT"), Some(Duration::ZERO));
        assert_eq!(waits("Tue, 31 Dec 2199 23:59:59 GMT"), Some(RETRY_AFTER_MAX));
        assert_eq!(waits("soon"), None);
        assert_eq!(waits("-1"), None);
    }

    #[test]
    fn trouble_with_tls_is_seen_through_whatever_wraps_it() {
        let inner = io::Error::new(io::ErrorKind::InvalidData, rustls::Error::HandshakeNotComplete);
        assert!(is_of_tls(&io::Error::other(inner)));
        assert!(!is_of_tls(&io::Error::from(io::ErrorKind::ConnectionRefused)));
    }

    #[tokio::test]
    async fn a_host_is_still_reached_when_its_name_is_no_longer_found() {
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
                _ => Err(io::Error::other("no server answers")),
            };
            async { found }.boxed()
        };
        let resolver = Arc::new(Resolver::with(Arc::new(lookup), Duration::from_secs(10)));
        let base = Url::parse(&format!("http://host.invalid:{port}/")).unwrap();
        let client = client(&base, &Settings::default(), &resolver, 10_000, 10_000).build().unwrap();
        for nth in 1..=2 {
            assert_eq!(client.get(base.clone()).send().await.unwrap().status(), 204);
            assert_eq!(asked.load(Ordering::Relaxed), nth);
        }
    }

    /// A host of HTTP/2 whose first connection is not looked at any more once it is told so, and stays open.
    async fn host_that_falls_silent(silent: Arc<Notify>) -> Url {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let base = format!("http://{}/", listener.local_addr().unwrap());
        tokio::spawn(async move {
            let mut first = Some(silent);
            while let Ok((socket, _)) = listener.accept().await {
                let answer = service_fn(async |_| Ok::<_, Infallible>(hyper::Response::new("{}".to_owned())));
                let connection =
                    http2::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(socket), answer);
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
    async fn a_connection_that_fell_silent_is_given_up_for_another() {
        let silent = Arc::new(Notify::new());
        let base = host_that_falls_silent(silent.clone()).await;
        let settings = Settings::default();
        let resolver = Arc::new(Resolver::new(Duration::from_secs(1)));
        let client = client(&base, &settings, &resolver, settings.read_timeout_ms, settings.attempt_timeout_ms);
        let client = client.http2_prior_knowledge().build().unwrap();
        let wire = Wire { reads: client.clone(), writes: client, body_max: 1_024 };
        let token = SecretString::from("token");
        let read = async || wire.get(&base, Credential::Bearer(&token), None).await;
        assert_eq!(read().await.unwrap().status, 200);
        silent.notify_one();
        let mut tries = 0;
        while read().await.is_err() {
            tries += 1;
            assert!(tries < 5, "it is asked for ever");
        }
        assert!(tries > 0, "it never fell silent");
    }
}

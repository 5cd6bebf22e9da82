//! The transport: one HTTP call by reqwest, with its body counted while it is read.
//!
//! By default reqwest follows redirects, uses proxies from the environment, and bounds neither time nor size. Here each
//! of these is set. One thing cannot be set: over HTTP/1.1 hyper reads up to about 400 KiB of a reply's head. A head
//! above the HTTP/2 limit is refused once it is read.
//!
//! A write never uses an idle connection. The host may be closing it at the same moment, and then nobody can say whether
//! it read the write. So each write opens a connection of its own and pays for a handshake.

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
use url::Url;

use crate::upstream::error::{Error, SendError};
use crate::upstream::net::dns::Resolver;
use crate::upstream::net::failure::classify;
use crate::upstream::reply::Reply;
use crate::upstream::request::{Credential, OutgoingRequest};
use crate::upstream::settings::Settings;
use crate::upstream::trace::Trace;

/// The longest `Retry-After` that is honored.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(3_600);

/// The most headers that a reply may have.
const HEADERS_MAX: usize = 100;

/// The largest head of a reply, in bytes.
const HEADER_BYTES_MAX: u32 = 64 * 1_024;

/// The overhead that HTTP/2 counts for each header, in bytes.
const HEADER_OVERHEAD: usize = 32;

/// The header of W3C Trace Context.
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// How long an idle connection stays in the pool.
const POOL_IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// How long an HTTP/2 connection may be silent before it is sent a PING.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(5);

/// How long the PING may take. Then the connection is closed, with all calls on it.
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(2);

/// Sends calls to a host. Tests replace [`HttpTransport`] by a host in memory.
pub trait Transport: Send + Sync + 'static {
    /// Sends one GET with this credential and trace, and reads the whole reply.
    fn get<'a>(
        &'a self,
        url: &'a Url,
        credential: Credential<'a>,
        trace: Option<Trace>,
    ) -> BoxFuture<'a, Result<Reply, Error>>;

    /// Sends one request with this credential and trace, at most once, and reads the whole reply.
    fn send<'a>(
        &'a self,
        request: &'a OutgoingRequest,
        credential: Credential<'a>,
        trace: Option<Trace>,
    ) -> BoxFuture<'a, Result<Reply, SendError>>;
}

/// HTTP with a connection pool of one host.
#[derive(Debug)]
pub struct HttpTransport {
    reads: Client,
    /// Has a longer timeout, and opens a connection for each write.
    writes: Client,
    body_max: usize,
}

impl HttpTransport {
    /// Makes the HTTP clients of the host at this base URL.
    ///
    /// # Errors
    /// If the system's TLS roots cannot be used.
    pub fn new(base: &Url, settings: &Settings) -> Result<Self, String> {
        let [read, attempt, write] = [settings.read_timeout_ms, settings.attempt_timeout_ms, settings.write_timeout_ms];
        // Half of the connect timeout, so that there is time to connect to a fallback address.
        let resolver = Arc::new(Resolver::new(Duration::from_millis(settings.connect_timeout_ms) / 2));
        let build = |client: ClientBuilder| {
            client.build().map_err(|error| format!("the HTTP client cannot be built: {}", error.without_url()))
        };
        let reads = build(client(base, settings, &resolver, read, attempt))?;
        let writes = build(client(base, settings, &resolver, write, write).pool_max_idle_per_host(0))?;
        Ok(Self { reads, writes, body_max: settings.body_max_bytes })
    }

    async fn call(
        &self,
        request: RequestBuilder,
        credential: Credential<'_>,
        trace: Option<Trace>,
    ) -> Result<Reply, SendError> {
        let mut request = request.header(ACCEPT, "application/json");
        if let Some(authorization) = authorization(credential).map_err(SendError::unsent)? {
            request = request.header(AUTHORIZATION, authorization);
        }
        if let Some(trace) = trace {
            request = request.header(TRACEPARENT, trace.header());
        }
        let response = request.send().await.map_err(|error| classify(&error))?;
        if head_bytes(response.headers()) > HEADER_BYTES_MAX as usize {
            return Err(SendError::sent(Error::TooLarge));
        }
        let status = response.status().as_u16();
        let content_type = media_type(response.headers());
        let retry_after = retry_after(response.headers());
        let body = read_body(response, self.body_max).await.map_err(SendError::sent)?;
        Ok(Reply { status, content_type, retry_after, body })
    }
}

impl Transport for HttpTransport {
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
        let call = self.call(self.reads.get(url), credential, trace);
        call.map(|result| result.map_err(|failed| failed.error)).boxed()
    }

    fn send<'a>(
        &'a self,
        request: &'a OutgoingRequest,
        credential: Credential<'a>,
        trace: Option<Trace>,
    ) -> BoxFuture<'a, Result<Reply, SendError>> {
        let builder = self.writes.request(request.method.into(), request.url.clone());
        let builder = match &request.body {
            Some((media_type, bytes)) => builder.header(CONTENT_TYPE, *media_type).body(bytes.clone()),
            // Some proxies refuse a POST without a length.
            None => builder.header(CONTENT_LENGTH, 0),
        };
        self.call(builder, credential, trace).boxed()
    }
}

/// Configures an HTTP client of one host. `read_ms` bounds a pause in the reply, `total_ms` the whole call.
fn client(base: &Url, settings: &Settings, resolver: &Arc<Resolver>, read_ms: u64, total_ms: u64) -> ClientBuilder {
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
        .timeout(Duration::from_millis(total_ms))
        .http1_max_headers(HEADERS_MAX)
        .http2_max_header_list_size(HEADER_BYTES_MAX)
        .pool_max_idle_per_host(settings.concurrent_max)
        .pool_idle_timeout(POOL_IDLE_TIMEOUT)
        // A timeout ends only its stream. Without PINGs a dead connection would be used again for ever.
        .http2_keep_alive_interval(KEEP_ALIVE_INTERVAL)
        .http2_keep_alive_timeout(KEEP_ALIVE_TIMEOUT)
        .http2_keep_alive_while_idle(true)
}

async fn read_body(mut response: Response, body_max: usize) -> Result<Bytes, Error> {
    if response.content_length().is_some_and(|length| length > body_max as u64) {
        return Err(Error::TooLarge);
    }
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| classify(&error).error)? {
        if body.len() + chunk.len() > body_max {
            return Err(Error::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

/// Returns the size of a head in bytes, as HTTP/2 counts it.
fn head_bytes(headers: &HeaderMap) -> usize {
    headers.iter().map(|(name, value)| name.as_str().len() + value.len() + HEADER_OVERHEAD).sum()
}

/// Returns the value of `Authorization`, or `None` if the credential is a query parameter.
fn authorization(credential: Credential<'_>) -> Result<Option<HeaderValue>, Error> {
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

fn media_type(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    Some(text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
}

/// Reads `Retry-After`, in seconds or as an HTTP date.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = match text.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let date = chrono::DateTime::parse_from_rfc2822(text).ok()?;
            let now = chrono::DateTime::<chrono::Utc>::from(std::time::SystemTime::now());
            (date.to_utc() - now).to_std().unwrap_or_default()
        }
    };
    Some(wait.min(RETRY_AFTER_MAX))
}

#[cfg(test)]
mod tests;

//! The wire: one HTTP call by reqwest, its body counted while it is read.
//!
//! reqwest's own settings allow redirects, proxies from the environment and endless time and bodies; here each is set.
//! What it cannot bound is how much of an answer's head is read over HTTP/1.1: hyper stops at about 400 KiB of it. A head
//! that is larger than over HTTP/2 is refused when it is there.
//!
//! A write never goes over a connection that was idle: the host may be closing that one at the same moment, and nobody
//! could say whether it read the write. Each write has a connection of its own, and pays a handshake for that.

mod failure;

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

use self::failure::classify;
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
    /// With more time, and a new connection for each write.
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
        let build = |client: ClientBuilder| {
            client.build().map_err(|error| format!("the HTTP client cannot be made: {}", error.without_url()))
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
    ) -> Result<Reply, Unanswered> {
        let mut request = request.header(ACCEPT, "application/json");
        if let Some(shown) = show(credential).map_err(Unanswered::unsent)? {
            request = request.header(AUTHORIZATION, shown);
        }
        if let Some(trace) = trace {
            request = request.header(TRACEPARENT, trace.header());
        }
        let response = request.send().await.map_err(|error| classify(&error))?;
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
    while let Some(chunk) = response.chunk().await.map_err(|error| classify(&error).error)? {
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
mod tests;

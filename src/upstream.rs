//! One host, reached politely: one pooled client, bounded calls, bounded time, bounded bodies.
//!
//! A redirect is never followed, so a credential never leaves the host it is meant for. A body is read to its end here,
//! counted after decompression, so nobody above can be flooded. No text of this room holds a URL's query, a header or
//! a body.

mod transport;

use std::time::Duration;

use bytes::Bytes;
use secrecy::SecretString;
use serde::Deserialize;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};
use url::Url;

/// How a host is reached.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Time to connect, in milliseconds.
    pub connect_timeout_ms: u64,
    /// Time for one whole call, waiting for its turn included, in milliseconds.
    pub timeout_ms: u64,
    /// The largest body taken, in bytes after decompression.
    pub body_max_bytes: usize,
    /// How many calls may be under way at once.
    pub concurrent_max: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self { connect_timeout_ms: 1_000, timeout_ms: 5_000, body_max_bytes: 8 << 20, concurrent_max: 64 }
    }
}

/// A host and the way to it.
#[derive(Debug)]
pub struct Upstream {
    base: Url,
    settings: Settings,
    client: reqwest::Client,
    turns: Semaphore,
}

/// A read: where, and with whose credential.
#[derive(Debug)]
pub struct Read<'a> {
    /// The path below the base URL, one text per segment; each is escaped, so none can leave its place.
    pub path: &'a [&'a str],
    /// The query, as names and values.
    pub query: &'a [(&'a str, &'a str)],
    /// What to show the host.
    pub credential: Credential<'a>,
}

/// What a host is shown.
#[derive(Clone, Copy, Debug)]
pub enum Credential<'a> {
    /// An OAuth token.
    Bearer(&'a SecretString),
    /// A name and a password.
    Basic(&'a SecretString, &'a SecretString),
    /// A parameter of the query, by its name; it stands in no description of the call.
    Parameter(&'a str, &'a SecretString),
    /// Nothing.
    Nothing,
}

/// What a host answered, whole: its body was read to the end, within bounds.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The media type, in lower case and without parameters: `application/json`.
    pub content_type: Option<String>,
    /// How long the host asks to wait before the next call.
    pub retry_after: Option<Duration>,
    /// The body, decompressed.
    pub body: Bytes,
}

/// Why there is no reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No connection came about: refused, reset, no such name, no trust in the certificate.
    #[error("no connection")]
    Unreachable,
    /// The time is up.
    #[error("no answer in time")]
    TimedOut,
    /// The answer broke off or was not HTTP.
    #[error("the answer broke off")]
    Broken,
    /// The body is larger than the gateway takes.
    #[error("the answer is too large")]
    TooLarge,
}

/// One call as it went, for explain and logs.
#[derive(Clone, Debug)]
pub struct Call {
    /// The path and query, which hold no secret.
    pub target: String,
    /// The HTTP status, if an answer began.
    pub status: Option<u16>,
    /// Why it failed, if it did.
    pub error: Option<Error>,
    /// How long it took.
    pub took: Duration,
    /// How large the body was, in bytes.
    pub bytes: usize,
}

impl Upstream {
    /// Makes the client for this host.
    ///
    /// # Errors
    /// When the system's TLS roots cannot be used.
    pub fn build(base: Url, settings: Settings) -> Result<Self, String> {
        let client = transport::build(&base, &settings)?;
        let turns = Semaphore::new(settings.concurrent_max);
        Ok(Self { base, settings, client, turns })
    }

    /// Reads once. The call is described whether or not it went well.
    pub async fn get(&self, read: &Read<'_>) -> (Call, Result<Reply, Error>) {
        let url = self.locate(read);
        let target = url[url::Position::BeforePath..].to_owned();
        let start = Instant::now();
        // On the heap: a resolver holds the futures of all the reads it can make, and they lie on the stack one in another.
        let turn = Box::pin(self.take_turn(url, read.credential));
        let reply = timeout(Duration::from_millis(self.settings.timeout_ms), turn).await;
        let reply = reply.unwrap_or(Err(Error::TimedOut));
        let call = Call {
            target,
            status: reply.as_ref().ok().map(|reply| reply.status),
            error: reply.as_ref().err().copied(),
            took: start.elapsed(),
            bytes: reply.as_ref().map_or(0, |reply| reply.body.len()),
        };
        (call, reply)
    }

    async fn take_turn(&self, url: Url, credential: Credential<'_>) -> Result<Reply, Error> {
        let _turn = self.turns.acquire().await.map_err(|_| Error::Unreachable)?;
        transport::get(&self.client, url, credential, self.settings.body_max_bytes).await
    }

    fn locate(&self, read: &Read<'_>) -> Url {
        let mut url = self.base.clone();
        if !read.path.is_empty()
            && let Ok(mut segments) = url.path_segments_mut()
        {
            segments.pop_if_empty().extend(read.path);
        }
        if !read.query.is_empty() {
            url.query_pairs_mut().extend_pairs(read.query);
        }
        url
    }
}

/// Checks a base URL: https anywhere, plain http only to this machine.
///
/// # Errors
/// A sentence that says what is wanted.
pub fn check_base(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|_| format!("{text:?} is not a URL; wanted https://host[/path]"))?;
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
        return Err("wanted https://host[/path] without user, password, query or fragment".to_owned());
    }
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_loopback(&url) => Ok(url),
        "http" => Err(format!("{text:?} would send credentials in the clear; plain http is for loopback hosts only")),
        other => Err(format!("the scheme {other:?} cannot be read; wanted https")),
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_reaches_this_machine_only() {
        for good in
            ["https://public-api.wordpress.com", "http://127.0.0.1:8080", "http://[::1]:1/x", "http://localhost"]
        {
            assert!(check_base(good).is_ok(), "{good}");
        }
        for bad in [
            "http://public-api.wordpress.com",
            "http://127.0.0.1.example.com",
            "http://10.0.0.1",
            "ftp://127.0.0.1",
            "https://user:pass@host",
            "https://host/?a=b",
            "host",
            "",
        ] {
            assert!(check_base(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_segment_cannot_leave_its_place() -> Result<(), String> {
        let upstream = Upstream::build(check_base("https://host.example/base/")?, Settings::default())?;
        let secret = SecretString::from("");
        let read = Read {
            path: &["users", "../a?b#c/%2e", "x"],
            query: &[("filters", "a:b c&d")],
            credential: Credential::Bearer(&secret),
        };
        let url = upstream.locate(&read);
        assert_eq!(url.as_str(), "https://host.example/base/users/..%2Fa%3Fb%23c%2F%252e/x?filters=a%3Ab+c%26d");
        Ok(())
    }
}

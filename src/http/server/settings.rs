//! `[http.limits]`, `[http.timeouts]`, `[http.drain]` and `[http.tls]`: what a connection and a request may take of the
//! server, with defaults and bounds.
//!
//! No limit can be removed. None changes while the server runs: a reload that changes one is refused.

use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

/// Connections, requests and their sizes.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Admitted connections. Beyond them, a request takes the place of an idle connection, or is refused with 503.
    #[schemars(range(min = 1, max = 65_536))]
    pub connections_max: usize,
    /// Open connections per peer address, or per /64 network for IPv6. Further ones are closed. Trusted proxies are exempt.
    #[schemars(range(min = 1, max = 65_536))]
    pub connections_per_address_max: usize,
    /// Requests that run: their body has arrived and their response is not rendered yet. Further ones are refused with 503.
    #[schemars(range(min = 1, max = 65_536))]
    pub requests_max: usize,
    /// Bytes of requests whose caller is being authenticated or whose body is being received. Addresses and callers share
    /// them; a request over its share is refused with 503. At least 32 times `http.body_max_bytes`.
    #[schemars(range(min = 1 << 20, max = 16_usize << 30))]
    pub bodies_max_bytes: usize,
    /// Bytes of responses that clients have not read yet. Addresses share them; a request over its share is refused with
    /// 503. At least 16 times `answer_max_bytes`.
    #[schemars(range(min = 8 << 20, max = 64_usize << 30))]
    pub unread_answers_max_bytes: usize,
    /// Header fields of one request. More are refused with 431.
    #[schemars(range(min = 1, max = 256))]
    pub headers_max: usize,
    /// The size of a request line and its header fields together, in bytes. More is refused with 431.
    #[schemars(range(min = 1, max = 256 << 10))]
    pub headers_max_bytes: usize,
    /// The largest response before compression, in bytes. A larger one is replaced by `data: null` and `LIMIT_EXCEEDED`. The
    /// operation has run; its mutations took effect. If they fit, the IDs and `userErrors` of a mutation stay.
    #[schemars(range(min = 1, max = 64 << 20))]
    pub answer_max_bytes: usize,
}

/// How long the server waits, in milliseconds.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(default, deny_unknown_fields)]
pub struct Timeouts {
    /// The time to receive the header section of a request, to finish a TLS handshake, and to keep an idle connection open.
    #[schemars(range(min = 1, max = 300_000))]
    pub header_ms: u64,
    /// The time to receive the body of a request.
    #[schemars(range(min = 1, max = 300_000))]
    pub body_ms: u64,
    /// The time to produce a response. After it, the client gets 503.
    #[schemars(range(min = 1, max = 300_000))]
    pub request_ms: u64,
    /// The time that a client may stop reading its response before the connection is closed.
    #[schemars(range(min = 1, max = 300_000))]
    pub write_ms: u64,
    /// The age at which a connection is replaced, give or take a tenth: the next HTTP/1.1 response says `Connection: close`,
    /// and an HTTP/2 client receives GOAWAY.
    #[schemars(range(min = 1, max = 86_400_000))]
    pub connection_age_ms: u64,
}

/// Graceful shutdown, in milliseconds.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(default, deny_unknown_fields)]
pub struct Drain {
    /// How long connections are still accepted after readiness turns off. The sandbox uses 0.
    #[schemars(range(max = 300_000))]
    pub grace_ms: u64,
    /// How long the shutdown may take in all, including `grace_ms`.
    #[schemars(range(max = 600_000))]
    pub max_ms: u64,
}

/// TLS on `http.listen`. Without it, the server speaks plain HTTP/1.1.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(default, deny_unknown_fields)]
pub struct Tls {
    /// A PEM file with the certificate chain, leaf certificate first. Requires `private_key_file`.
    pub certificate_file: Option<PathBuf>,
    /// A PEM file with the private key of the certificate. Requires `certificate_file`.
    pub private_key_file: Option<PathBuf>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_max: 1_024,
            connections_per_address_max: 256,
            requests_max: 512,
            bodies_max_bytes: 64 << 20,
            unread_answers_max_bytes: 128 << 20,
            headers_max: 64,
            headers_max_bytes: 32 << 10,
            answer_max_bytes: 4 << 20,
        }
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { header_ms: 5_000, body_ms: 10_000, request_ms: 15_000, write_ms: 10_000, connection_age_ms: 600_000 }
    }
}

impl Default for Drain {
    fn default() -> Self {
        Self { grace_ms: 2_000, max_ms: 25_000 }
    }
}

impl Timeouts {
    pub(in crate::http) fn header(&self) -> Duration {
        Duration::from_millis(self.header_ms)
    }

    pub(in crate::http) fn body(&self) -> Duration {
        Duration::from_millis(self.body_ms)
    }

    pub(in crate::http) fn request(&self) -> Duration {
        Duration::from_millis(self.request_ms)
    }

    pub(in crate::http) fn write(&self) -> Duration {
        Duration::from_millis(self.write_ms)
    }

    pub(in crate::http) fn connection_age(&self) -> Duration {
        Duration::from_millis(self.connection_age_ms)
    }
}

impl Drain {
    pub(in crate::http) fn grace(&self) -> Duration {
        Duration::from_millis(self.grace_ms)
    }

    /// What is left of the whole after the grace.
    pub(in crate::http) fn rest(&self) -> Duration {
        Duration::from_millis(self.max_ms.saturating_sub(self.grace_ms))
    }
}

impl Tls {
    /// Both files, if there is to be TLS.
    pub fn files(&self) -> Option<(&PathBuf, &PathBuf)> {
        self.certificate_file.as_ref().zip(self.private_key_file.as_ref())
    }
}

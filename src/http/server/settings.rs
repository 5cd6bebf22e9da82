//! What a connection and a request may take of the server: counts, bytes and waits, each with a default and a bound.
//!
//! None of them can be taken away, and none changes while the server runs: a reload that asks for it is refused.

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

/// A limit's name, its value, and the bounds that it may be set within.
pub type Bounded = (&'static str, u64, std::ops::RangeInclusive<u64>);

/// What is taken at once, and how much.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Connections that are open; the next ones wait in the system's queue.
    pub connections_max: usize,
    /// Of these, the connections from one address, of IPv6 from one network of 64 bits; the next ones are closed.
    pub connections_per_address_max: usize,
    /// Requests that are being answered; the next ones are refused at once.
    pub requests_max: usize,
    /// Headers of a request.
    pub headers_max: usize,
    /// Bytes of a request's first line and headers together.
    pub headers_max_bytes: usize,
    /// Bytes of an answer, before it is compressed.
    pub answer_max_bytes: usize,
}

/// How long the server waits for a client, and for its own answer; in milliseconds.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(default, deny_unknown_fields)]
pub struct Timeouts {
    /// For the whole head of a request, for a TLS handshake, and for the next request on an open connection.
    pub header_ms: u64,
    /// For the whole body of a request.
    pub body_ms: u64,
    /// For an answer to be made.
    pub request_ms: u64,
    /// For a client that reads nothing; one that reads slowly uses it up bit by bit.
    pub write_ms: u64,
}

/// How the server stops.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(default, deny_unknown_fields)]
pub struct Drain {
    /// How long it goes on taking connections after it said that it is not ready, in milliseconds.
    pub grace_ms: u64,
    /// How long it takes at most, the grace included, in milliseconds.
    pub max_ms: u64,
}

/// The certificate that the server shows; without one it speaks plain HTTP/1.1.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(default, deny_unknown_fields)]
pub struct Tls {
    /// A PEM file with the certificate, and behind it those that sign it.
    pub certificate_file: Option<PathBuf>,
    /// A PEM file with the certificate's key.
    pub private_key_file: Option<PathBuf>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_max: 1_024,
            connections_per_address_max: 256,
            requests_max: 512,
            headers_max: 64,
            headers_max_bytes: 32 << 10,
            answer_max_bytes: 4 << 20,
        }
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { header_ms: 5_000, body_ms: 10_000, request_ms: 15_000, write_ms: 10_000 }
    }
}

impl Default for Drain {
    fn default() -> Self {
        Self { grace_ms: 2_000, max_ms: 25_000 }
    }
}

impl Limits {
    /// Every limit with its bounds.
    pub fn list(&self) -> [Bounded; 6] {
        let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        [
            ("connections_max", count(self.connections_max), 1..=65_536),
            ("connections_per_address_max", count(self.connections_per_address_max), 1..=65_536),
            ("requests_max", count(self.requests_max), 1..=65_536),
            ("headers_max", count(self.headers_max), 1..=256),
            ("headers_max_bytes", count(self.headers_max_bytes), 1..=256 << 10),
            ("answer_max_bytes", count(self.answer_max_bytes), 1..=64 << 20),
        ]
    }
}

impl Timeouts {
    /// The longest that any of them may be, in milliseconds.
    const MAX: u64 = 300_000;

    /// Every wait with its bounds.
    pub fn list(&self) -> [Bounded; 4] {
        [
            ("header_ms", self.header_ms, 1..=Self::MAX),
            ("body_ms", self.body_ms, 1..=Self::MAX),
            ("request_ms", self.request_ms, 1..=Self::MAX),
            ("write_ms", self.write_ms, 1..=Self::MAX),
        ]
    }

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
}

impl Drain {
    /// Every wait with its bounds.
    pub fn list(&self) -> [Bounded; 2] {
        [("grace_ms", self.grace_ms, 0..=300_000), ("max_ms", self.max_ms, 0..=600_000)]
    }

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

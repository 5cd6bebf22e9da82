//! `[http]`: the settings of the HTTP server, with their defaults and bounds.
//!
//! The doc comments, defaults and ranges of a settings type are its documentation: `docs/configuration.md` is generated
//! from them, and `config` refuses a number outside its range.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};

use schemars::JsonSchema;
use serde::de::{self, Deserializer, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};

use super::peer::Proxies;
use super::persisted;
use super::server::{Drain, Limits, Timeouts, Tls};

/// The HTTP server.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The address and port to listen on. `--listen` and `COMMONGRAPH_LISTEN` override it.
    pub listen: SocketAddr,
    /// The address and port of a separate plain-HTTP listener that serves `/metrics` without a credential. Not set: no
    /// such listener.
    pub metrics_listen: Option<SocketAddr>,
    /// The largest request body, in bytes.
    #[schemars(range(min = 1, max = 16 << 20))]
    pub body_max_bytes: usize,
    /// Whether `/` serves the explorer. Not set: only if `http.listen` is a loopback address. `--no-explorer` overrides it.
    pub explorer: Option<bool>,
    /// The version of GraphQL over HTTP that status codes follow.
    pub profile: Profile,
    /// The host names that `Host` may have, with or without a port. Empty: any.
    #[schemars(with = "Vec<String>")]
    pub allowed_hosts: Hosts,
    /// The origins whose pages may send requests, such as `https://app.example.com`. `*` is not allowed.
    #[schemars(with = "Vec<String>")]
    pub allowed_origins: Origins,
    /// Request headers that pages of `http.allowed_origins` may send, in addition to the gateway's own and those of common
    /// clients. `*` is not allowed.
    #[schemars(with = "Vec<String>")]
    pub allowed_headers: AllowedHeaders,
    /// The number of operations that one request may send as a list. 0: batching is disabled.
    #[schemars(range(max = 10))]
    pub batch_max: usize,
    /// The number of automatic persisted queries that are stored. 0: persisted queries are disabled.
    #[schemars(range(max = 1_000_000))]
    pub persisted_max: usize,
    /// The memory for automatic persisted queries, in bytes.
    #[schemars(range(min = 1, max = 1 << 30))]
    pub persisted_max_bytes: usize,
    /// Documents that are deployed with the gateway.
    pub trusted_documents: persisted::Settings,
    /// The proxies whose `Forwarded` or `X-Forwarded-For` header names the client: addresses and networks, such as
    /// `10.0.0.0/8`.
    #[schemars(with = "Vec<String>")]
    pub trusted_proxies: Proxies,
    /// Connections, requests and their sizes.
    pub limits: Limits,
    /// How long the server waits.
    pub timeouts: Timeouts,
    /// Graceful shutdown.
    pub drain: Drain,
    /// TLS on `http.listen`. Without it, the server speaks plain HTTP/1.1.
    pub tls: Tls,
}

/// A version of GraphQL over HTTP.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// 200 for every well-formed request in `application/json`, as clients and audits expect today.
    #[default]
    Stable,
    /// The draft of August 2026: 422 for an invalid document, 294 for data with errors.
    Draft,
}

/// Origins as browsers write them: scheme, host and port.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origins(pub Vec<String>);

/// Names of request headers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowedHeaders(pub Vec<String>);

/// The host names that the gateway answers to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Hosts {
    /// Any name.
    #[default]
    Any,
    /// The names of the loopback addresses.
    ThisMachine,
    /// These names, each with or without a port.
    Named(Vec<String>),
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            metrics_listen: None,
            body_max_bytes: 256 << 10,
            explorer: None,
            profile: Profile::default(),
            allowed_hosts: Hosts::default(),
            allowed_origins: Origins::default(),
            allowed_headers: AllowedHeaders::default(),
            batch_max: 0,
            persisted_max: 1_000,
            persisted_max_bytes: 8 << 20,
            trusted_documents: persisted::Settings::default(),
            trusted_proxies: Proxies::default(),
            limits: Limits::default(),
            timeouts: Timeouts::default(),
            drain: Drain::default(),
            tls: Tls::default(),
        }
    }
}

impl Settings {
    /// Whether `/` shows the explorer.
    pub fn shows_explorer(&self) -> bool {
        self.explorer.unwrap_or_else(|| self.listen.ip().is_loopback())
    }
}

impl Origins {
    /// Whether each is an origin, spelled as a browser spells it; `*` is none.
    pub fn are_origins(&self) -> bool {
        self.0.iter().all(|text| {
            let origin = url::Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
            origin.is_some_and(|url| url.origin().ascii_serialization() == *text)
        })
    }
}

impl AllowedHeaders {
    /// Whether each is the name of a header. `*` is not allowed, though it would be a token.
    pub fn are_names(&self) -> bool {
        self.0.iter().all(|name| name != "*" && name.parse::<axum::http::HeaderName>().is_ok())
    }
}

impl Hosts {
    /// Whether each can stand in `Host`: a name or an address, with a port or without.
    pub fn are_hosts(&self) -> bool {
        let is_host = |text: &String| {
            let authority = text.parse::<axum::http::uri::Authority>();
            authority.is_ok_and(|host| !host.host().is_empty() && !text.contains(['@', '*']))
        };
        match self {
            Hosts::Any | Hosts::ThisMachine => true,
            Hosts::Named(names) => names.iter().all(is_host),
        }
    }
}

impl<'de> Deserialize<'de> for Origins {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        texts(deserializer, "a list of origins").map(Self)
    }
}

impl<'de> Deserialize<'de> for AllowedHeaders {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        texts(deserializer, "a list of header names").map(Self)
    }
}

impl<'de> Deserialize<'de> for Hosts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let names = texts(deserializer, "a list of names")?;
        Ok(if names.is_empty() { Hosts::Any } else { Hosts::Named(names) })
    }
}

/// Takes a list of texts, or one text with commas, as an environment variable has it; `wanted` says what it is a list of.
pub(super) fn texts<'de, D: Deserializer<'de>>(deserializer: D, wanted: &'static str) -> Result<Vec<String>, D::Error> {
    deserializer.deserialize_any(TextsVisitor(wanted))
}

struct TextsVisitor(&'static str);

impl<'de> Visitor<'de> for TextsVisitor {
    type Value = Vec<String>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.0)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(text.split(',').map(|one| one.trim().to_owned()).filter(|one| !one.is_empty()).collect())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut texts = Vec::new();
        while let Some(text) = list.next_element()? {
            texts.push(text);
        }
        Ok(texts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_allowed_by_its_name_only() {
        let are_names =
            |names: &[&str]| AllowedHeaders(names.iter().map(|name| (*name).to_owned()).collect()).are_names();
        assert!(are_names(&[]) && are_names(&["x-my-header", "Baggage"]));
        for wrong in ["*", "", "x y", "x:", "\u{e9}"] {
            assert!(!are_names(&["x-my-header", wrong]), "{wrong}");
        }
    }
}

//! `[http]`: the settings of the HTTP server, with their defaults and bounds.
//!
//! The doc comments, defaults and ranges of a settings type are its documentation: `docs/configuration.md` is generated
//! from them, and `config` refuses a number outside its range.

use std::net::{Ipv4Addr, SocketAddr};

use schemars::JsonSchema;
use serde::de::Deserializer;
use serde::{Deserialize, Serialize};

use super::middleware::client_ip::TrustedProxies;
use super::persisted::Settings as TrustedDocuments;
use super::server::{Drain, Limits, Timeouts, Tls};
use super::text_list;

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
    pub allowed_hosts: AllowedHosts,
    /// The origins whose pages may send requests, such as `https://app.example.com`. `*` is not allowed.
    #[schemars(with = "Vec<String>")]
    pub allowed_origins: AllowedOrigins,
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
    pub trusted_documents: TrustedDocuments,
    /// The proxies whose `Forwarded` or `X-Forwarded-For` header names the client: addresses and networks, such as
    /// `10.0.0.0/8`.
    #[schemars(with = "Vec<String>")]
    pub trusted_proxies: TrustedProxies,
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
pub struct AllowedOrigins(pub Vec<String>);

/// Names of request headers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowedHeaders(pub Vec<String>);

/// The host names that the gateway answers to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum AllowedHosts {
    /// Any name.
    #[default]
    Any,
    /// The names of the loopback addresses.
    Loopback,
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
            allowed_hosts: AllowedHosts::default(),
            allowed_origins: AllowedOrigins::default(),
            allowed_headers: AllowedHeaders::default(),
            batch_max: 0,
            persisted_max: 1_000,
            persisted_max_bytes: 8 << 20,
            trusted_documents: TrustedDocuments::default(),
            trusted_proxies: TrustedProxies::default(),
            limits: Limits::default(),
            timeouts: Timeouts::default(),
            drain: Drain::default(),
            tls: Tls::default(),
        }
    }
}

impl Settings {
    /// Returns whether `/` serves the explorer.
    pub fn shows_explorer(&self) -> bool {
        self.explorer.unwrap_or_else(|| self.listen.ip().is_loopback())
    }
}

impl AllowedOrigins {
    /// Returns whether each text is an origin as a browser writes it. `*` is not an origin.
    pub fn are_origins(&self) -> bool {
        self.0.iter().all(|text| {
            let origin = url::Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
            origin.is_some_and(|url| url.origin().ascii_serialization() == *text)
        })
    }
}

impl AllowedHeaders {
    /// Returns whether each text is the name of a header. `*` is not allowed, though it would be a token.
    pub fn are_names(&self) -> bool {
        self.0.iter().all(|name| name != "*" && name.parse::<axum::http::HeaderName>().is_ok())
    }
}

impl AllowedHosts {
    /// Returns whether each text is a valid `Host`: a name or an address, with or without a port.
    pub fn are_hosts(&self) -> bool {
        let is_host = |text: &String| {
            let authority = text.parse::<axum::http::uri::Authority>();
            authority.is_ok_and(|host| !host.host().is_empty() && !text.contains(['@', '*']))
        };
        match self {
            AllowedHosts::Any | AllowedHosts::Loopback => true,
            AllowedHosts::Named(names) => names.iter().all(is_host),
        }
    }
}

impl<'de> Deserialize<'de> for AllowedOrigins {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text_list::deserialize(deserializer, "a list of origins").map(Self)
    }
}

impl<'de> Deserialize<'de> for AllowedHeaders {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text_list::deserialize(deserializer, "a list of header names").map(Self)
    }
}

impl<'de> Deserialize<'de> for AllowedHosts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let names = text_list::deserialize(deserializer, "a list of names")?;
        Ok(if names.is_empty() { AllowedHosts::Any } else { AllowedHosts::Named(names) })
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

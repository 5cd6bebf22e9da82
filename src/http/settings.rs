//! How the gateway is reached: the settings of this room and their defaults.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};

use serde::Deserialize;
use serde::de::{self, Deserializer, SeqAccess, Visitor};

use super::peer::Proxies;
use super::persisted;
use super::server::{Drain, Limits, Timeouts, Tls};

/// The most operations that a batch may ever have.
pub const BATCH_MAX: u64 = 10;

/// How the gateway is reached.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Where the metrics lie open to whoever reaches it; nowhere unless it is set.
    pub metrics_listen: Option<SocketAddr>,
    /// The largest request body taken, in bytes.
    pub body_max_bytes: usize,
    /// Whether `/` shows the explorer; unless it is set, as long as only this machine can reach it.
    pub explorer: Option<bool>,
    /// Which reading of GraphQL over HTTP its status codes follow.
    pub profile: Profile,
    /// The names that a request may have in `Host`.
    pub allowed_hosts: Hosts,
    /// The origins whose pages may ask and read.
    pub allowed_origins: Origins,
    /// How many operations one request may bring as a list; 0 for no lists.
    pub batch_max: usize,
    /// How many documents that clients send are kept by their hash; 0 for none.
    pub persisted_max: usize,
    /// How many bytes of documents that clients send are kept.
    pub persisted_max_bytes: usize,
    /// The documents that the gateway was given.
    pub trusted_documents: persisted::Settings,
    /// The proxies whose word on a client's address is taken.
    pub trusted_proxies: Proxies,
    /// What is taken at once, and how much.
    pub limits: Limits,
    /// How long the server waits.
    pub timeouts: Timeouts,
    /// How the server stops.
    pub drain: Drain,
    /// The certificate that it shows.
    pub tls: Tls,
}

/// A reading of GraphQL over HTTP.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// What today's clients and audits expect: 200 in `application/json` for everything well-formed, else 400.
    #[default]
    Stable,
    /// The draft of August 2026: 422 for what is well-formed and wrong, 294 for data with errors, for both media types.
    Draft,
}

/// Origins as a browser writes them: scheme, host and port.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origins(pub Vec<String>);

/// The names that a gateway answers to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Hosts {
    /// Any.
    #[default]
    Any,
    /// Those of this machine's loopback addresses.
    ThisMachine,
    /// These, each with its port or without.
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

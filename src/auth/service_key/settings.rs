//! `[access.keys.<id>]`: what the settings say of a service key, and what of that is refused.
//!
//! Nothing here is a secret, since a digest opens nothing; yet no line repeats a value, because a value in the wrong
//! place may be one.

use std::collections::BTreeMap;
use std::fmt;
use std::time::SystemTime;

use chrono::{DateTime, SecondsFormat, Utc};
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserializer, MapAccess, Visitor};

use super::is_id;
use crate::auth::digest::Digest;
use crate::auth::scope::Scopes;

/// How many keys of one service may be good at a time: the one in use, and the one that comes after it.
pub const LIVE_KEYS_MAX: usize = 2;

/// The longest name of a service, in characters.
const SERVICE_LENGTH_MAX: usize = 64;

/// One service key. All four settings are required; `commongraph key new` prints them.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The service that owns the key: 1 to 64 letters, digits, `.`, `_` and `-`.
    pub service: Option<String>,
    /// The SHA-256 digest of the key, as 64 hexadecimal digits.
    #[schemars(with = "Option<String>")]
    pub sha256: Option<Digest>,
    /// The scopes of the key.
    #[schemars(with = "Vec<String>")]
    pub scopes: Scopes,
    /// The time at which the key expires, such as `2027-01-31T00:00:00Z`.
    #[schemars(with = "Option<String>")]
    pub expires_at: Option<ExpiresAt>,
}

/// The instant at which a key ends; from then on it is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExpiresAt(pub SystemTime);

/// Says what is wrong with the keys of the settings, if anything is. A key that has ended is not wrong: a restart must
/// not fail because a day has passed.
///
/// # Errors
/// One line: the setting, and what is wanted.
pub fn check(keys: &BTreeMap<String, Settings>, now: SystemTime) -> Result<(), String> {
    let mut live: BTreeMap<&str, usize> = BTreeMap::new();
    for (id, key) in keys {
        if !is_id(id) {
            // The name may be a whole key in the wrong place.
            return Err("access.keys: names a key that cannot be one; wanted 1 to 32 of a-z and 0-9".to_owned());
        }
        let (service, end) = check_key(key).map_err(|fault| format!("access.keys.{id}.{fault}"))?;
        let count = live.entry(service).or_default();
        *count += usize::from(end.0 > now);
        if *count > LIVE_KEYS_MAX {
            return Err(format!(
                "access.keys.{id}.service: has more than {LIVE_KEYS_MAX} keys that are good now; take one of them out"
            ));
        }
    }
    Ok(())
}

fn check_key(key: &Settings) -> Result<(&str, ExpiresAt), &'static str> {
    const SERVICE: &str = "service: wanted the name of the service, 1 to 64 letters, digits, dots, hyphens and _";
    let service = key.service.as_deref().filter(|name| is_service(name)).ok_or(SERVICE)?;
    if key.sha256.is_none() {
        return Err("sha256: is missing; `commongraph key new` prints it");
    }
    if key.scopes.is_empty() {
        return Err("scopes: names none; a key without a scope is good for nothing");
    }
    let end = key.expires_at.ok_or("expires_at: is missing; every key has an end, such as 2027-01-31T00:00:00Z")?;
    Ok((service, end))
}

/// Whether a text can be the name of a service.
pub fn is_service(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    (1..=SERVICE_LENGTH_MAX).contains(&name.len()) && name.bytes().all(plain)
}

impl ExpiresAt {
    fn parse(text: &str) -> Option<Self> {
        let instant = DateTime::parse_from_rfc3339(text).ok()?;
        Some(Self(instant.with_timezone(&Utc).into()))
    }
}

impl fmt::Display for ExpiresAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&DateTime::<Utc>::from(self.0).to_rfc3339_opts(SecondsFormat::Secs, true))
    }
}

impl<'de> Deserialize<'de> for ExpiresAt {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(EndVisitor)
    }
}

/// Takes text, or TOML's own notation, which reaches serde as a map.
struct EndVisitor;

const INSTANT: &str = "an instant such as 2027-01-31T00:00:00Z";

impl<'de> Visitor<'de> for EndVisitor {
    type Value = ExpiresAt;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(INSTANT)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<ExpiresAt, E> {
        ExpiresAt::parse(text).ok_or_else(|| E::custom(format_args!("no instant, expected {INSTANT}")))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ExpiresAt, A::Error> {
        let wrong = || de::Error::custom(format_args!("no instant, expected {INSTANT}"));
        let written = toml::value::Datetime::deserialize(MapAccessDeserializer::new(map)).map_err(|_| wrong())?;
        self.visit_str(&written.to_string())
    }
}

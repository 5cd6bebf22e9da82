//! `[access.keys.<id>]`: the settings of service keys, and their validation.
//!
//! A digest is not secret. Error messages repeat no value anyway, because a misplaced value may be a secret.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, SystemTime};

use chrono::{DateTime, SecondsFormat, Utc};
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserializer, MapAccess, Visitor};

use super::is_valid_id;
use crate::auth::digest::Digest;
use crate::auth::scope::Scopes;

/// The maximum number of active keys of one service: the current key and its successor.
pub const ACTIVE_KEYS_MAX: usize = 2;

/// How long before its end a key is reported as one that expires soon: 14 days.
const EXPIRES_SOON: Duration = Duration::from_secs(14 * 86_400);

/// The maximum length of a service name, in characters.
const SERVICE_MAX_CHARS: usize = 64;

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

/// The time at which a key expires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExpiresAt(pub SystemTime);

/// A key that has expired, or that expires soon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expiry<'a> {
    /// The ID of the key.
    pub id: &'a str,
    /// When it expires.
    pub expires_at: ExpiresAt,
    /// Whether it has expired.
    pub has_expired: bool,
}

/// The keys that have expired or expire within 14 days, by ID.
pub fn expiring(keys: &BTreeMap<String, Settings>, now: SystemTime) -> Vec<Expiry<'_>> {
    let soon = keys.iter().filter_map(|(id, key)| key.expires_at.map(|end| (id, end)));
    let soon = soon.filter(|(_, end)| end.0 <= now + EXPIRES_SOON);
    soon.map(|(id, expires_at)| Expiry { id, expires_at, has_expired: expires_at.0 <= now }).collect()
}

/// Validates the keys. An expired key is valid here, so that a restart does not fail because a day has passed.
///
/// # Errors
/// One line: the setting, and what is expected.
pub fn validate(keys: &BTreeMap<String, Settings>, now: SystemTime) -> Result<(), String> {
    let mut live: BTreeMap<&str, usize> = BTreeMap::new();
    for (id, key) in keys {
        if !is_valid_id(id) {
            // The ID may be a misplaced key, so it is not repeated.
            return Err("access.keys: a key ID is not valid; expected 1 to 32 of a-z and 0-9".to_owned());
        }
        let (service, expires_at) = validate_key(key).map_err(|error| format!("access.keys.{id}.{error}"))?;
        let count = live.entry(service).or_default();
        *count += usize::from(expires_at.0 > now);
        if *count > ACTIVE_KEYS_MAX {
            return Err(format!(
                "access.keys.{id}.service: exceeds the limit of {ACTIVE_KEYS_MAX} active keys; remove one of them"
            ));
        }
    }
    Ok(())
}

fn validate_key(key: &Settings) -> Result<(&str, ExpiresAt), &'static str> {
    const SERVICE: &str = "service: is required: a name of 1 to 64 letters, digits, dots, hyphens and underscores";
    let service = key.service.as_deref().filter(|name| is_valid_service_name(name)).ok_or(SERVICE)?;
    if key.sha256.is_none() {
        return Err("sha256: is required; `commongraph key new` prints it");
    }
    if key.scopes.is_empty() {
        return Err("scopes: at least one scope is required");
    }
    let expires_at = key.expires_at.ok_or("expires_at: is required, such as 2027-01-31T00:00:00Z")?;
    Ok((service, expires_at))
}

/// Returns whether a text can be the name of a service.
pub fn is_valid_service_name(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    (1..=SERVICE_MAX_CHARS).contains(&name.len()) && name.bytes().all(plain)
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
        deserializer.deserialize_any(ExpiresAtVisitor)
    }
}

/// Accepts a text, or a TOML date, which serde presents as a map.
struct ExpiresAtVisitor;

const EXPECTED: &str = "a time such as 2027-01-31T00:00:00Z";

impl<'de> Visitor<'de> for ExpiresAtVisitor {
    type Value = ExpiresAt;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(EXPECTED)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<ExpiresAt, E> {
        ExpiresAt::parse(text).ok_or_else(|| E::custom(format_args!("not a time, expected {EXPECTED}")))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ExpiresAt, A::Error> {
        let wrong = || de::Error::custom(format_args!("not a time, expected {EXPECTED}"));
        let written = toml::value::Datetime::deserialize(MapAccessDeserializer::new(map)).map_err(|_| wrong())?;
        self.visit_str(&written.to_string())
    }
}

//! Settings that accept the credentials of the sandbox's people and services.
//!
//! These credentials are public. [`check_unknown`] rejects them wherever a gateway does not run against a sandbox.

use std::time::{Duration, SystemTime};

use secrecy::{ExposeSecret, SecretString};

use crate::auth::Settings;
use crate::auth::digest::Digest;
use crate::auth::scope::Scope;
use crate::auth::service_key::{self, ExpiresAt};
use crate::config;
use crate::http::rate_limits::{self, PER_MINUTE_MAX};
use crate::sandbox::{self, Service};
use crate::upstream::is_loopback;

/// Expiry of the service keys, as Unix time: the end of 2099, like that of the JWTs.
const KEYS_EXPIRE_AT: Duration = Duration::from_secs(4_102_444_800);

/// Settings that accept the sandbox's JWTs and service keys, and no others.
pub fn access() -> Settings {
    let mut settings = Settings::default();
    settings.jwt.issuer = Some(sandbox::JWT_ISSUER.to_owned());
    settings.jwt.audience = Some(sandbox::JWT_AUDIENCE.to_owned());
    settings.jwt.secret = Some(SecretString::from(sandbox::JWT_SECRET));
    settings.jwt.oneall_user_claim = sandbox::JWT_ONEALL_USER_CLAIM.to_owned();
    settings.keys = sandbox::services().iter().map(|service| (service.name.to_owned(), key(service))).collect();
    settings
}

/// The highest possible rate limits. The sandbox listens on loopback only, and its users must not reach a limit.
pub fn limits() -> rate_limits::Settings {
    rate_limits::Settings {
        anonymous_requests_per_minute: PER_MINUTE_MAX,
        anonymous_calls_per_minute: PER_MINUTE_MAX,
        user_requests_per_minute: PER_MINUTE_MAX,
        user_calls_per_minute: PER_MINUTE_MAX,
        service_requests_per_minute: PER_MINUTE_MAX,
        service_calls_per_minute: PER_MINUTE_MAX,
        address_requests_per_minute: PER_MINUTE_MAX,
        address_calls_per_minute: PER_MINUTE_MAX,
        failures_per_minute: PER_MINUTE_MAX,
        ..rate_limits::Settings::default()
    }
}

/// Rejects settings that accept the sandbox's public credentials unless both providers are a sandbox.
///
/// A provider is a sandbox if its address is loopback and the OneAll private key is the sandbox's. The address alone proves
/// nothing, since a proxy on this machine can lead to the real site.
///
/// # Errors
/// A settings field accepts a public credential. The message names the field.
pub fn check_unknown(settings: &config::Settings) -> Result<(), String> {
    let bases = [settings.oneall.base()?, Some(settings.wordpress.base()?)];
    let private = settings.oneall.private_key.as_ref();
    let has_sandbox_key = private.is_none_or(|key| key.expose_secret() == sandbox::ONEALL_PRIVATE_KEY);
    if has_sandbox_key && bases.iter().flatten().all(is_loopback) {
        return Ok(());
    }
    let public =
        |setting: &str| Err(format!("{setting}: the sandbox's value is public and not allowed here; set your own"));
    if settings.access.jwt.secret.as_ref().is_some_and(|secret| secret.expose_secret() == sandbox::JWT_SECRET) {
        return public("access.jwt.secret");
    }
    let sandbox_keys: Vec<_> = sandbox::services().iter().map(|service| key(service).sha256).collect();
    match settings.access.keys.iter().find(|(_, key)| sandbox_keys.contains(&key.sha256)) {
        Some((id, _)) => public(&format!("access.keys.{id}.sha256")),
        None => Ok(()),
    }
}

fn key(service: &Service) -> service_key::Settings {
    service_key::Settings {
        service: Some(service.name.to_owned()),
        sha256: Some(Digest::sha256(service.key)),
        scopes: service.scopes.iter().filter_map(|name| Scope::parse(name)).collect(),
        expires_at: Some(ExpiresAt(SystemTime::UNIX_EPOCH + KEYS_EXPIRE_AT)),
    }
}

//! How the people and services of the sandbox say who they are, as settings: what the sandbox prints opens the sandbox.

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

/// When the services' keys end, in seconds from 1970: with the year 2099, as the JWTs do.
const END: Duration = Duration::from_secs(4_102_444_800);

/// Takes the sandbox's JWTs and keys, and no others.
pub fn access() -> Settings {
    let mut settings = Settings::default();
    settings.jwt.issuer = Some(sandbox::JWT_ISSUER.to_owned());
    settings.jwt.audience = Some(sandbox::JWT_AUDIENCE.to_owned());
    settings.jwt.secret = Some(SecretString::from(sandbox::JWT_SECRET));
    settings.jwt.oneall_user_claim = sandbox::JWT_ONEALL_USER_CLAIM.to_owned();
    settings.keys = sandbox::services().iter().map(|service| (service.name.to_owned(), key(service))).collect();
    settings
}

/// Limits so high that whoever plays or tests does not meet them: the sandbox is on loopback alone.
pub fn limits() -> rate_limits::Settings {
    let most = PER_MINUTE_MAX;
    rate_limits::Settings {
        anonymous_requests_per_minute: most,
        anonymous_calls_per_minute: most,
        user_requests_per_minute: most,
        user_calls_per_minute: most,
        service_requests_per_minute: most,
        service_calls_per_minute: most,
        address_requests_per_minute: most,
        address_calls_per_minute: most,
        failures_per_minute: most,
        ..rate_limits::Settings::default()
    }
}

/// Refuses the sandbox's credentials, which everybody knows, where anything but a sandbox is read with them. What is on
/// this machine may be a way out to the real site, so it is taken for one whose keys are not the sandbox's.
///
/// # Errors
/// One line that names the setting.
pub fn check_unknown(settings: &config::Settings) -> Result<(), String> {
    let bases = [settings.oneall.base()?, Some(settings.wordpress.base()?)];
    let private = settings.oneall.private_key.as_ref();
    let is_toy = private.is_none_or(|key| key.expose_secret() == sandbox::ONEALL_PRIVATE_KEY);
    if is_toy && bases.iter().flatten().all(is_loopback) {
        return Ok(());
    }
    let known = |what: &str| Err(format!("{what}: is the sandbox's, which everybody knows; wanted one of your own"));
    if settings.access.jwt.secret.as_ref().is_some_and(|secret| secret.expose_secret() == sandbox::JWT_SECRET) {
        return known("access.jwt.secret");
    }
    let of_sandbox: Vec<_> = sandbox::services().iter().map(|service| key(service).sha256).collect();
    match settings.access.keys.iter().find(|(_, key)| of_sandbox.contains(&key.sha256)) {
        Some((id, _)) => known(&format!("access.keys.{id}.sha256")),
        None => Ok(()),
    }
}

fn key(service: &Service) -> service_key::Settings {
    service_key::Settings {
        service: Some(service.name.to_owned()),
        sha256: Some(Digest::sha256(service.key)),
        scopes: service.scopes.iter().filter_map(|name| Scope::parse(name)).collect(),
        expires_at: Some(ExpiresAt(SystemTime::UNIX_EPOCH + END)),
    }
}

//! Checks of settings that depend on each other, and of values that their types do not check.

use secrecy::{ExposeSecret, SecretString};

use super::Settings;
use super::error::InvalidSetting;
use super::log_filter;
use super::provenance::SourceMap;
use crate::auth::pseudonym::{self, KEY_MIN_BYTES};
use crate::http;
use crate::http::persisted::Mode;
use crate::provider::oneall;

/// Checks all settings that are decoded and within their ranges.
///
/// # Errors
/// The first invalid setting.
pub(super) fn check(settings: &Settings, sources: &SourceMap) -> Result<(), InvalidSetting> {
    check_http(&settings.http)?;
    if settings.graph.deadline_ms >= settings.http.timeouts.request_ms {
        return Err(InvalidSetting::new("graph.deadline_ms", "must be less than http.timeouts.request_ms"));
    }
    check_attempts(settings)?;
    settings.access.jwt.validate().map_err(|message| without_value(&message))?;
    settings.wordpress.base().map_err(|message| without_value(&message))?;
    if settings
        .wordpress
        .client_id
        .as_deref()
        .is_some_and(|id| id.is_empty() || !id.bytes().all(|b| b.is_ascii_digit()))
    {
        return Err(InvalidSetting::new("wordpress.client_id", "is not the ID of an application; expected digits"));
    }
    check_oneall(&settings.oneall, sources)?;
    if settings.log.audit_key.as_ref().is_some_and(|key| !pseudonym::is_valid_key(key)) {
        return Err(InvalidSetting::new(
            "log.audit_key",
            format!("is too short; expected {KEY_MIN_BYTES} bytes or more"),
        ));
    }
    log_filter::parse(&settings.log.filter).map(drop).map_err(|message| InvalidSetting::new("log.filter", message))
}

fn check_http(http: &http::Settings) -> Result<(), InvalidSetting> {
    if !http.allowed_origins.are_origins() {
        let problem = "contains a value that is not an origin; list origins such as https://app.example.com, never *";
        return Err(InvalidSetting::new("http.allowed_origins", problem));
    }
    if !http.allowed_headers.are_names() {
        let problem = "contains a value that is not a header name; list names such as x-my-header, never *";
        return Err(InvalidSetting::new("http.allowed_headers", problem));
    }
    if !http.allowed_hosts.are_hosts() {
        let problem =
            "contains a value that is not a host; list hosts such as api.example.com, with or without a port, never *";
        return Err(InvalidSetting::new("http.allowed_hosts", problem));
    }
    check_server(http)?;
    if http.trusted_documents.mode != Mode::Off && http.trusted_documents.path.is_none() {
        let problem = "is required, unless http.trusted_documents.mode is off";
        return Err(InvalidSetting::new("http.trusted_documents.path", problem));
    }
    Ok(())
}

fn check_server(http: &http::Settings) -> Result<(), InvalidSetting> {
    // The share of one caller must be large enough for the largest body or response, while others use theirs.
    if http.limits.bodies_max_bytes / 32 < http.body_max_bytes {
        return Err(InvalidSetting::new(
            "http.limits.bodies_max_bytes",
            "must be at least 32 times http.body_max_bytes",
        ));
    }
    if http.limits.unread_answers_max_bytes / 16 < http.limits.answer_max_bytes {
        let problem = "must be at least 16 times http.limits.answer_max_bytes";
        return Err(InvalidSetting::new("http.limits.unread_answers_max_bytes", problem));
    }
    if http.drain.grace_ms > http.drain.max_ms {
        return Err(InvalidSetting::new(
            "http.drain.max_ms",
            "must not be less than http.drain.grace_ms, which it includes",
        ));
    }
    if http.trusted_proxies.networks().is_none() {
        let problem = "contains a value that is not an address or a network, or a network of all addresses; list \
                       values such as 10.0.0.0/8 or 192.0.2.1";
        return Err(InvalidSetting::new("http.trusted_proxies", problem));
    }
    match (&http.tls.certificate_file, &http.tls.private_key_file) {
        (Some(_), None) => {
            Err(InvalidSetting::new("http.tls.private_key_file", "is required with http.tls.certificate_file"))
        }
        (None, Some(_)) => {
            Err(InvalidSetting::new("http.tls.certificate_file", "is required with http.tls.private_key_file"))
        }
        _ => Ok(()),
    }
}

/// Either all settings of OneAll are set or none, so that a misspelt one does not turn OneAll off unnoticed.
fn check_oneall(settings: &oneall::Settings, sources: &SourceMap) -> Result<(), InvalidSetting> {
    let site = settings.subdomain.as_ref().map(|_| "subdomain").or(settings.base_url.as_ref().map(|_| "base_url"));
    let public_key = settings.public_key.as_ref().map(|_| "public_key");
    let private_key = settings.private_key.as_ref().map(|_| "private_key");
    let parts = [("subdomain", site), ("public_key", public_key), ("private_key", private_key)];
    let Some(set) = parts.iter().find_map(|(_, set)| *set) else { return Ok(()) };
    if let Some((missing, _)) = parts.iter().find(|(_, set)| set.is_none()) {
        let because = sources.describe(&format!("oneall.{set}"));
        let or = if *missing == "subdomain" { " (or oneall.base_url)" } else { "" };
        return Err(InvalidSetting::new(format!("oneall.{missing}{or}"), format!("is required with {because}")));
    }
    for (name, key) in [("public_key", &settings.public_key), ("private_key", &settings.private_key)] {
        if !key.as_ref().is_some_and(is_key) {
            return Err(InvalidSetting::new(
                format!("oneall.{name}"),
                "is not a key; expected letters, digits, hyphens and underscores",
            ));
        }
    }
    settings.base().map(|_| ()).map_err(|message| without_value(&message))
}

/// White space around a key, as copying leaves it, would be rejected only by OneAll, at the first request.
fn is_key(key: &SecretString) -> bool {
    let key = key.expose_secret();
    !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// Splits a module's message `setting: problem`, and removes the value that it quotes.
fn without_value(message: &str) -> InvalidSetting {
    let (key, what) = message.split_once(": ").unwrap_or(("", message));
    match (what.find('"'), what.rfind('"')) {
        (Some(from), Some(to)) if from < to => {
            InvalidSetting::new(key, format!("{}\"…\"{}", &what[..from], &what[to + 1..]))
        }
        _ => InvalidSetting::new(key, what),
    }
}

/// Checks that the timeout of an attempt is at most twice the timeout of its read and the deadline of its operation.
///
/// An attempt that is cancelled before half its time counts neither for nor against the host. So a host that does not
/// respond would never open the circuit breaker.
///
/// # Errors
/// The first attempt timeout that is too long.
fn check_attempts(settings: &Settings) -> Result<(), InvalidSetting> {
    for (provider, upstream) in [("wordpress", &settings.wordpress.upstream), ("oneall", &settings.oneall.upstream)] {
        let timeout = format!("{provider}.upstream.timeout_ms");
        let deadline = "graph.deadline_ms".to_owned();
        for (name, limit) in [(timeout, upstream.timeout_ms), (deadline, settings.graph.deadline_ms)] {
            if upstream.attempt_timeout_ms > limit.saturating_mul(2) {
                let problem =
                    format!("must be at most twice {name}, or a host that does not respond may never be noticed");
                return Err(InvalidSetting::new(format!("{provider}.upstream.attempt_timeout_ms"), problem));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_attempt_timeout_is_at_most_twice_that_of_its_read_and_operation() {
        let error = |change: &dyn Fn(&mut Settings)| {
            let mut settings = Settings::default();
            change(&mut settings);
            check_attempts(&settings).err().map(|invalid| (invalid.key, invalid.problem))
        };
        let attempt = Settings::default().oneall.upstream.attempt_timeout_ms;
        assert!(error(&|settings| settings.graph.deadline_ms = attempt / 2).is_none());
        let (key, problem) = error(&|settings| settings.graph.deadline_ms = attempt / 2 - 1).unwrap();
        assert_eq!(key, "wordpress.upstream.attempt_timeout_ms");
        assert!(problem.contains("graph.deadline_ms"), "{problem}");
        let (key, problem) = error(&|settings| settings.oneall.upstream.timeout_ms = attempt / 2 - 1).unwrap();
        assert_eq!(key, "oneall.upstream.attempt_timeout_ms");
        assert!(problem.contains("oneall.upstream.timeout_ms"), "{problem}");
    }
}

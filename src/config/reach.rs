//! The bounds of how the providers are reached and of how long their answers are kept.
//!
//! A wait without a bound, a queue without an end or no call at all would each be a gateway that does not answer, so none
//! of them can be set; only keeping answers and trying again can be turned off.

use super::{Fault, SECOND_MS, Settings, bytes, check_range};
use crate::upstream;

const CONNECT_TIMEOUT_MAX_MS: u64 = 60 * SECOND_MS;
const TIMEOUT_MAX_MS: u64 = 600 * SECOND_MS;
const CONCURRENT_MAX: u64 = 10_000;
const WAITING_MAX: u64 = 100_000;
const CALLS_A_SECOND_MAX: u64 = 1_000_000;
const RETRIES_MAX: u64 = 5;
const BREAKER_CALLS_MAX: u64 = 1_000_000;
const REPLY_BODY_MAX_BYTES: u64 = 256 << 20;
const CACHE_MAX_BYTES: u64 = 64 << 30;
const DAY_SECONDS: u64 = 86_400;

/// The longest time for which it is believed that a thing does not exist: someone may have just made it.
const ABSENT_MAX_SECONDS: u64 = 5;

/// Checks both providers' numbers.
pub(super) fn check(settings: &Settings) -> Result<(), Fault> {
    let (wordpress, oneall) = (&settings.wordpress, &settings.oneall);
    check_upstream("wordpress", &wordpress.upstream, settings.graph.deadline_ms)?;
    check_upstream("oneall", &oneall.upstream, settings.graph.deadline_ms)?;
    check_range("wordpress.concurrent_per_token_max", bytes(wordpress.concurrent_per_token_max), CONCURRENT_MAX)?;
    check_cache("wordpress", &wordpress.cache)?;
    check_cache("oneall", &oneall.cache)?;
    for (key, value) in [
        ("wordpress.fresh.lists_seconds", wordpress.fresh.lists_seconds),
        ("wordpress.fresh.services_seconds", wordpress.fresh.services_seconds),
        ("wordpress.fresh.me_seconds", wordpress.fresh.me_seconds),
        ("wordpress.fresh.sites_seconds", wordpress.fresh.sites_seconds),
        ("oneall.fresh.sign_ins_seconds", oneall.fresh.sign_ins_seconds),
        ("oneall.fresh.lists_seconds", oneall.fresh.lists_seconds),
        ("oneall.fresh.users_seconds", oneall.fresh.users_seconds),
    ] {
        check_most(key, value, DAY_SECONDS)?;
    }
    Ok(())
}

fn check_upstream(room: &str, upstream: &upstream::Settings, deadline_ms: u64) -> Result<(), Fault> {
    for (name, value, max) in [
        ("connect_timeout_ms", upstream.connect_timeout_ms, CONNECT_TIMEOUT_MAX_MS),
        ("read_timeout_ms", upstream.read_timeout_ms, TIMEOUT_MAX_MS),
        ("attempt_timeout_ms", upstream.attempt_timeout_ms, TIMEOUT_MAX_MS),
        ("write_timeout_ms", upstream.write_timeout_ms, TIMEOUT_MAX_MS),
        ("timeout_ms", upstream.timeout_ms, TIMEOUT_MAX_MS),
        ("body_max_bytes", bytes(upstream.body_max_bytes), REPLY_BODY_MAX_BYTES),
        ("concurrent_max", bytes(upstream.concurrent_max), CONCURRENT_MAX),
        ("waiting_max", bytes(upstream.waiting_max), WAITING_MAX),
        ("calls_per_second_max", upstream.calls_per_second_max.into(), CALLS_A_SECOND_MAX),
        ("calls_burst_max", upstream.calls_burst_max.into(), CALLS_A_SECOND_MAX),
        ("breaker_calls_min", upstream.breaker_calls_min.into(), BREAKER_CALLS_MAX),
    ] {
        check_range(&format!("{room}.upstream.{name}"), value, max)?;
    }
    check_most(&format!("{room}.upstream.retries_max"), upstream.retries_max.into(), RETRIES_MAX)?;
    for (name, most) in
        [(format!("{room}.upstream.timeout_ms"), upstream.timeout_ms), ("graph.deadline_ms".to_owned(), deadline_ms)]
    {
        // A call that is cut off sooner says nothing of its host.
        if upstream.attempt_timeout_ms > most.saturating_mul(2) {
            let what = format!("is more than twice as long as {name}; a host that hangs may never be noticed");
            return Err(Fault::new(format!("{room}.upstream.attempt_timeout_ms"), what));
        }
    }
    Ok(())
}

fn check_cache(room: &str, cache: &upstream::CacheSettings) -> Result<(), Fault> {
    for (name, value, max) in [
        ("max_bytes", bytes(cache.max_bytes), CACHE_MAX_BYTES),
        ("stale_while_revalidate_seconds", cache.stale_while_revalidate_seconds, DAY_SECONDS),
        ("stale_if_error_seconds", cache.stale_if_error_seconds, DAY_SECONDS),
        ("absent_seconds", cache.absent_seconds, ABSENT_MAX_SECONDS),
    ] {
        check_most(&format!("{room}.cache.{name}"), value, max)?;
    }
    Ok(())
}

fn check_most(key: &str, value: u64, max: u64) -> Result<(), Fault> {
    if value <= max { Ok(()) } else { Err(Fault::new(key, format!("out of range; allowed: 0 to {max}"))) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn refusal(change: impl FnOnce(&mut Settings)) -> Option<(String, String)> {
        let mut settings = Settings::default();
        change(&mut settings);
        check(&settings).err().map(|fault| (fault.key, fault.what))
    }

    #[test]
    fn an_attempt_lasts_no_longer_than_twice_what_a_read_may_take_so_that_one_that_hangs_is_noticed() {
        let default = Settings::default();
        let attempt = default.oneall.upstream.attempt_timeout_ms;
        assert!(refusal(|settings| settings.graph.deadline_ms = attempt / 2).is_none());
        let (key, what) = refusal(|settings| settings.graph.deadline_ms = attempt / 2 - 1).unwrap();
        assert_eq!(key, "wordpress.upstream.attempt_timeout_ms");
        assert!(what.contains("graph.deadline_ms"), "{what}");
        let (key, what) = refusal(|settings| settings.oneall.upstream.timeout_ms = attempt / 2 - 1).unwrap();
        assert_eq!(key, "oneall.upstream.attempt_timeout_ms");
        assert!(what.contains("oneall.upstream.timeout_ms"), "{what}");
    }
}

//! The `RateLimit-Policy` and `RateLimit` headers (draft-ietf-httpapi-ratelimit-headers), and `Retry-After`.
//!
//! Each budget is one quota policy. In the policy, `q` is the size of a full budget and `w` the seconds in which an empty one
//! refills, so `q / w` is the sustained rate. In `RateLimit`, `r` is what remains and `t` the seconds until it is full.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

use super::budget::{Rate, Remaining};

/// The header with the quota policies.
pub(in crate::http) const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// The header with what remains of each quota.
pub(in crate::http) const REMAINING: HeaderName = HeaderName::from_static("ratelimit");

/// Writes both `RateLimit` headers for these budgets, each with its name.
pub(super) fn write(headers: &mut HeaderMap, budgets: &[(&str, Rate, Remaining)]) {
    let policy = |(name, rate, _): &(&str, Rate, Remaining)| {
        format!("\"{name}\";q={};w={}", rate.burst(), whole_seconds(rate.window()).max(1))
    };
    let remaining = |(name, _, remaining): &(&str, Rate, Remaining)| {
        format!("\"{name}\";r={};t={}", remaining.count, whole_seconds(remaining.full_in))
    };
    put(headers, POLICY, &budgets.iter().map(policy).collect::<Vec<_>>().join(", "));
    put(headers, REMAINING, &budgets.iter().map(remaining).collect::<Vec<_>>().join(", "));
}

/// Writes `Retry-After`, in whole seconds and at least one.
pub(in crate::http) fn write_retry_after(headers: &mut HeaderMap, after: Duration) {
    put(headers, header::RETRY_AFTER, &whole_seconds(after).max(1).to_string());
}

fn whole_seconds(time: Duration) -> u128 {
    time.as_millis().div_ceil(1_000)
}

fn put(headers: &mut HeaderMap, name: HeaderName, text: &str) {
    if let Ok(value) = HeaderValue::from_str(text) {
        headers.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_headers_are_lists_of_quoted_names_with_integers() {
        let mut headers = HeaderMap::new();
        let used = Remaining { count: 119, full_in: Duration::from_millis(100) };
        let full = Remaining { count: 600, full_in: Duration::ZERO };
        write(&mut headers, &[("requests", Rate::new(600, 1), used), ("calls", Rate::new(3_000, 150), full)]);
        assert_eq!(headers["ratelimit-policy"], "\"requests\";q=120;w=12, \"calls\";q=600;w=12");
        assert_eq!(headers["ratelimit"], "\"requests\";r=119;t=1, \"calls\";r=600;t=0");
    }

    #[test]
    fn retry_after_is_never_too_short() {
        let written = |milliseconds| {
            let mut headers = HeaderMap::new();
            write_retry_after(&mut headers, Duration::from_millis(milliseconds));
            headers["retry-after"].clone()
        };
        assert_eq!([written(0), written(1), written(1_000), written(1_001)], ["1", "1", "1", "2"]);
    }
}

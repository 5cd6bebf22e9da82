//! The header fields that tell a caller's budgets, by the IETF's draft (draft-ietf-httpapi-ratelimit-headers).
//!
//! A budget is one quota policy: `q` is the most that can be left, `w` how many seconds an empty one takes to be whole,
//! so `q / w` is the lasting rate. `r` is what is left and `t` how many seconds until it is whole.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

use super::budget::{Left, Rate};

/// Carries the policies.
pub(in crate::http) const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// Carries what is left.
pub(in crate::http) const LEFT: HeaderName = HeaderName::from_static("ratelimit");

/// Writes what these budgets, each with its name, allow and have left.
pub(super) fn write(headers: &mut HeaderMap, budgets: &[(&str, Rate, Left)]) {
    let policy = |(name, rate, _): &(&str, Rate, Left)| {
        format!("\"{name}\";q={};w={}", rate.burst(), whole_seconds(rate.window()).max(1))
    };
    let left = |(name, _, left): &(&str, Rate, Left)| {
        format!("\"{name}\";r={};t={}", left.remaining, whole_seconds(left.whole_in))
    };
    put(headers, POLICY, &budgets.iter().map(policy).collect::<Vec<_>>().join(", "));
    put(headers, LEFT, &budgets.iter().map(left).collect::<Vec<_>>().join(", "));
}

/// Writes how long to wait, in whole seconds and one at least.
pub(in crate::http) fn write_wait(headers: &mut HeaderMap, wait: Duration) {
    put(headers, header::RETRY_AFTER, &whole_seconds(wait).max(1).to_string());
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
    fn the_fields_are_lists_of_quoted_names_with_whole_numbers() {
        let mut headers = HeaderMap::new();
        let left = Left { remaining: 119, whole_in: Duration::from_millis(100) };
        let whole = Left { remaining: 600, whole_in: Duration::ZERO };
        write(&mut headers, &[("requests", Rate::new(600, 1), left), ("calls", Rate::new(3_000, 150), whole)]);
        assert_eq!(headers["ratelimit-policy"], "\"requests\";q=120;w=12, \"calls\";q=600;w=12");
        assert_eq!(headers["ratelimit"], "\"requests\";r=119;t=1, \"calls\";r=600;t=0");
    }

    #[test]
    fn a_wait_is_never_told_too_short() {
        let told = |milliseconds| {
            let mut headers = HeaderMap::new();
            write_wait(&mut headers, Duration::from_millis(milliseconds));
            headers["retry-after"].clone()
        };
        assert_eq!([told(0), told(1), told(1_000), told(1_001)], ["1", "1", "1", "2"]);
    }
}

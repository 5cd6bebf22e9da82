//! Faults: which requests fail, how often, and how.
//!
//! A fault is parsed strictly: an unknown key is an error. A misspelt key that did nothing would make a test pass for the
//! wrong reason.
//!
//! | key | meaning |
//! |---|---|
//! | `provider`, `method`, `path` | which requests match; all by default. `*` in a path matches any characters |
//! | `person` | only requests with the credential of this person; the OneAll keys belong to the operator |
//! | `times` | the fault is removed after this many hits |
//! | `rate`, `seed` | the share of matching requests that are hit, above 0 and up to 1. Equal seeds hit the same requests of a sequence |
//! | `latency_ms` | a delay |
//! | `status` (with `body`, `content_type`, `headers`), `cut`, `hang`, `shape`, `refuse`, `throttle`, `big` | the effect on the response; at most one |
//! | `when` | for a write: `before` it takes effect, which then never happens, or `after` |
//!
//! Without `when`, `cut`, `hang: "body"`, `shape` and a delay alone apply after a write takes effect; all others apply
//! before. A write does not take effect if the client disconnects during a delay before it. An effect that damages the
//! response before the write damages an empty object. For a read, `when` only decides whether the data is read before or
//! after the delay.

pub(super) mod apply;
mod effect;
mod fields;

use std::time::Duration;

use axum::http::Method;
use serde_json::{Map, Value};

use super::provider::Provider;
use effect::{EFFECT_KEYS, FaultEffect, FaultTiming, parse_effect};
pub(super) use fields::FaultError;
use fields::{integer, invalid, string};

/// Longest delay of a fault, in milliseconds.
const LATENCY_MS_MAX: u64 = 600_000;
/// The keys of a fault that are not an effect.
const OTHER_KEYS: [&str; 12] = [
    "provider",
    "method",
    "path",
    "person",
    "times",
    "rate",
    "seed",
    "when",
    "latency_ms",
    "body",
    "content_type",
    "headers",
];

/// The properties of a request that a fault matches.
#[derive(Debug, Clone, Copy)]
pub(super) struct FaultTarget<'a> {
    pub(super) provider: Provider,
    pub(super) method: &'a Method,
    pub(super) path: &'a str,
    /// The person whose credential the request carries.
    pub(super) person: Option<&'a str>,
}

/// One rule: which requests it matches and what it does to them.
#[derive(Debug, Clone)]
pub(super) struct Fault {
    provider: Option<Provider>,
    method: Option<String>,
    path: String,
    person: Option<String>,
    times: Option<u64>,
    sampler: Option<Sampler>,
    when: Option<FaultTiming>,
    latency: Option<Duration>,
    effect: Option<FaultEffect>,
    hits: u64,
    source: Map<String, Value>,
}

/// What the matching faults do to one request.
#[derive(Debug, Default)]
pub(super) struct FaultPlan {
    /// A delay before the request is executed.
    pub(super) delay_before: Option<Duration>,
    /// A delay between the execution and the response.
    pub(super) delay_after: Option<Duration>,
    pub(super) effect: Option<FaultEffect>,
    /// Whether a write must not take effect.
    pub(super) skip_write: bool,
}

/// Matches a request against the faults and counts the hits. The first delay and the first effect win.
pub(super) fn plan(faults: &mut Vec<Fault>, target: FaultTarget) -> FaultPlan {
    let mut plan = FaultPlan::default();
    for fault in faults.iter_mut().filter(|fault| fault.matches(target)) {
        let is_sampled = fault.sampler.as_mut().is_none_or(Sampler::sample);
        let latency = fault.latency.filter(|_| plan.delay_before.or(plan.delay_after).is_none());
        let effect = fault.effect.as_ref().filter(|_| plan.effect.is_none());
        if !is_sampled || latency.is_none() && effect.is_none() {
            continue;
        }
        let default_timing = fault.effect.as_ref().map(FaultEffect::default_timing);
        let timing = fault.when.or(default_timing).unwrap_or(FaultTiming::After);
        if let Some(effect) = effect {
            plan.effect = Some(effect.clone());
            plan.skip_write = timing == FaultTiming::Before;
        }
        match timing {
            FaultTiming::Before => plan.delay_before = plan.delay_before.or(latency),
            FaultTiming::After => plan.delay_after = plan.delay_after.or(latency),
        }
        fault.hits += 1;
        fault.times = fault.times.map(|times| times.saturating_sub(1));
    }
    faults.retain(|fault| fault.times != Some(0));
    plan
}

/// Selects a share of a sequence of requests, reproducibly by its seed.
#[derive(Debug, Clone, Copy)]
struct Sampler {
    rate: f64,
    state: u64,
}

impl Sampler {
    /// Whether the next request is hit. SplitMix64; the upper 53 bits make a number from 0 to 1.
    fn sample(&mut self) -> bool {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^= mixed >> 31;
        ((mixed >> 11) as f64) < self.rate * (1_u64 << 53) as f64
    }
}

impl Fault {
    /// Parses one fault.
    ///
    /// # Errors
    /// A key is unknown or its value is invalid, or the fault does nothing.
    pub(super) fn parse(value: &Value) -> Result<Fault, FaultError> {
        let Value::Object(source) = value else {
            return invalid("a fault must be an object");
        };
        for key in source.keys() {
            if !EFFECT_KEYS.contains(&key.as_str()) && !OTHER_KEYS.contains(&key.as_str()) {
                return invalid(&format!("unknown key `{key}`"));
            }
        }
        let effect = parse_effect(source)?;
        let latency = integer(source, "latency_ms", LATENCY_MS_MAX)?.map(Duration::from_millis);
        if effect.is_none() && latency.is_none() {
            return invalid(&format!("`latency_ms` or one of {} is required", EFFECT_KEYS.join(", ")));
        }
        let times = integer(source, "times", u64::MAX)?;
        if times == Some(0) {
            return invalid("`times` must be at least 1");
        }
        let provider = match string(source, "provider")? {
            None => None,
            Some(name) => match Provider::from_name(name) {
                None => return invalid("`provider` must be wordpress or oneall"),
                found => found,
            },
        };
        Ok(Fault {
            provider,
            method: string(source, "method")?.map(str::to_ascii_uppercase),
            path: string(source, "path")?.unwrap_or("*").to_owned(),
            person: string(source, "person")?.map(str::to_owned),
            times,
            sampler: parse_sampler(source)?,
            when: parse_timing(source)?,
            latency,
            effect,
            hits: 0,
            source: source.clone(),
        })
    }

    /// The fault as it was given, with the remaining `times` and the `hits` so far.
    pub(super) fn describe(&self) -> Value {
        let mut description = self.source.clone();
        if let Some(times) = self.times {
            description.insert("times".to_owned(), times.into());
        }
        description.insert("hits".to_owned(), self.hits.into());
        Value::Object(description)
    }

    fn matches(&self, target: FaultTarget) -> bool {
        self.provider.is_none_or(|only| only == target.provider)
            && self.method.as_deref().is_none_or(|only| only == target.method.as_str())
            && self.person.as_deref().is_none_or(|only| Some(only) == target.person)
            && path_matches(&self.path, target.path)
    }
}

fn parse_timing(source: &Map<String, Value>) -> Result<Option<FaultTiming>, FaultError> {
    match string(source, "when")? {
        None => Ok(None),
        Some("before") => Ok(Some(FaultTiming::Before)),
        Some("after") => Ok(Some(FaultTiming::After)),
        Some(_) => invalid("`when` must be before or after"),
    }
}

fn parse_sampler(source: &Map<String, Value>) -> Result<Option<Sampler>, FaultError> {
    let seed = integer(source, "seed", u64::MAX)?;
    match (source.get("rate").map(Value::as_f64), seed) {
        (None, None) => Ok(None),
        (None, Some(_)) => invalid("`seed` is allowed only with `rate`"),
        (Some(Some(rate)), seed) if rate > 0.0 && rate <= 1.0 => Ok(Some(Sampler { rate, state: seed.unwrap_or(0) })),
        (Some(_), _) => invalid("`rate` must be a number above 0 and up to 1"),
    }
}

/// Whether a path matches a pattern in which `*` matches any characters, slashes included.
fn path_matches(pattern: &str, path: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = path.strip_prefix(parts.next().unwrap_or_default()) else {
        return false;
    };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else {
        return rest.is_empty();
    };
    for part in parts {
        match rest.split_once(part) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use serde_json::json;

    use super::*;

    fn hit(faults: &mut Vec<Fault>, provider: Provider, path: &str) -> FaultPlan {
        plan(faults, FaultTarget { provider, method: &Method::GET, path, person: None })
    }

    #[test]
    fn a_star_in_a_path_matches_any_characters() {
        assert!(path_matches("*", "/anything"));
        assert!(path_matches("/rest/v1.1/me", "/rest/v1.1/me"));
        assert!(!path_matches("/rest/v1.1/me", "/rest/v1.1/me/sites"));
        assert!(path_matches("/rest/v1.1/me/*", "/rest/v1.1/me/sites/7"));
        assert!(!path_matches("/rest/v1.1/me/*", "/rest/v1.1/me"));
        assert!(path_matches("*/connections/*.json", "/connections/1.json"));
        assert!(!path_matches("/connections/*.json", "/connections.json"));
        assert!(!path_matches("/a*a", "/a"));
        assert!(!path_matches("", "/"));
    }

    #[test]
    fn a_fault_is_removed_after_its_times() {
        let mut faults = vec![Fault::parse(&json!({"path": "/a/*", "times": 2, "cut": true})).unwrap()];
        assert_eq!(hit(&mut faults, Provider::OneAll, "/b").effect, None);
        assert_eq!(hit(&mut faults, Provider::OneAll, "/a/1").effect, Some(FaultEffect::Cut));
        assert_eq!(faults[0].describe()["times"], 1);
        assert_eq!(hit(&mut faults, Provider::WordPress, "/a/2").effect, Some(FaultEffect::Cut));
        assert!(faults.is_empty());
    }

    #[test]
    fn the_latency_of_one_fault_combines_with_the_effect_of_another() {
        let mut faults = vec![
            Fault::parse(&json!({"provider": "oneall", "latency_ms": 5})).unwrap(),
            Fault::parse(&json!({"status": 500, "times": 1})).unwrap(),
        ];
        let plan = hit(&mut faults, Provider::OneAll, "/x");
        assert_eq!((plan.delay_before, plan.delay_after), (None, Some(Duration::from_millis(5))));
        assert!(matches!(plan.effect, Some(FaultEffect::Status { status: 500, .. })));
        assert_eq!(faults.len(), 1);
    }

    #[test]
    fn an_invalid_fault_is_rejected() {
        for bad in [
            json!([]),
            json!({}),
            json!({"statsu": 500}),
            json!({"status": 500, "cut": true}),
            json!({"status": 99}),
            json!({"hang": "tail"}),
            json!({"shape": "round"}),
            json!({"cut": "yes"}),
            json!({"cut": true, "times": 0}),
            json!({"cut": true, "body": "x"}),
            json!({"cut": true, "provider": "other"}),
            json!({"cut": true, "when": "meanwhile"}),
            json!({"cut": true, "rate": 1.5}),
            json!({"cut": true, "rate": 0}),
            json!({"cut": true, "seed": 1}),
            json!({"status": 500, "headers": {"a b": "c"}}),
        ] {
            assert!(Fault::parse(&bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_rate_hits_its_share_and_equal_seeds_hit_equal_requests() {
        let sample = |seed: u64| -> Vec<bool> {
            let fault = json!({"rate": 0.1, "seed": seed, "refuse": true});
            let mut faults = vec![Fault::parse(&fault).unwrap()];
            (0..10_000).map(|_| hit(&mut faults, Provider::OneAll, "/x").effect.is_some()).collect()
        };
        let hits = sample(7).iter().filter(|hit| **hit).count();
        assert!((900..1_100).contains(&hits), "{hits}");
        assert_eq!(sample(7), sample(7));
        assert_ne!(sample(7), sample(8));
    }

    #[test]
    fn the_kind_of_effect_decides_its_default_timing_for_a_write() {
        let skips_write = |fault: Value| {
            let mut faults = vec![Fault::parse(&fault).unwrap()];
            hit(&mut faults, Provider::OneAll, "/x").skip_write
        };
        for before in [json!({"status": 500}), json!({"refuse": true}), json!({"cut": true, "when": "before"})] {
            assert!(skips_write(before.clone()), "{before}");
        }
        for after in [json!({"cut": true}), json!({"hang": "body"}), json!({"refuse": true, "when": "after"})] {
            assert!(!skips_write(after.clone()), "{after}");
        }
    }

    #[test]
    fn a_fault_can_match_a_method_and_a_person() {
        let fault = json!({"method": "put", "person": "ada", "refuse": true});
        let mut faults = vec![Fault::parse(&fault).unwrap()];
        let mut hits = |method: &Method, person| {
            let target = FaultTarget { provider: Provider::OneAll, method, path: "/x", person };
            plan(&mut faults, target).effect.is_some()
        };
        assert!(!hits(&Method::GET, Some("ada")));
        assert!(!hits(&Method::PUT, Some("ben")));
        assert!(!hits(&Method::PUT, None));
        assert!(hits(&Method::PUT, Some("ada")));
    }
}

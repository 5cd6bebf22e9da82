//! Faults: which requests are hit, how often, and with what.
//!
//! A fault is read by hand from JSON and refuses what it does not know, since a misspelt fault that does nothing
//! would make a test pass for the wrong reason.
//!
//! | key | meaning |
//! |---|---|
//! | `provider`, `method`, `path` | whom it hits: all, unless told; `*` in a path is any run of characters |
//! | `person` | only requests that show this person's credential; the OneAll site's keys are the operator's |
//! | `times` | after so many hits it is gone |
//! | `rate`, `seed` | the share of the requests in its reach that it hits, from 0 to 1, drawn in the order in which they come: the same seed hits the same places of the row |
//! | `latency_ms` | waits |
//! | `status` (with `body`, `content_type`, `headers`), `cut`, `hang`, `shape`, `refuse`, `throttle`, `big` | one of them, done to the answer |
//! | `when` | for a write: `before` it takes effect, which it then never does, or `after` |
//!
//! Without `when`, `cut`, `hang: "body"`, `shape` and a wait alone strike after a write took effect, and all others before.
//! A wait before a write comes to nothing if the client leaves meanwhile. What is cut or spoilt before the effect is an
//! empty object. For a read, `when` only says whether the world is looked at before or after the wait.

mod effect;

use std::time::Duration;

use axum::http::Method;
use serde_json::{Map, Value};

use effect::{EFFECTS, parse_effect, text, whole, wrong};
pub(super) use effect::{Effect, Shape};

use super::server::Provider;

/// Longest wait that a fault may ask for.
const LATENCY_MS_MAX: u64 = 600_000;
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

/// Why a fault was not understood, as a sentence for the caller.
#[derive(Debug)]
pub(super) struct FaultError(pub(super) String);

/// On which side of a write's effect a fault strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum When {
    /// The write never takes effect, or only after the wait.
    Before,
    /// The write has taken effect.
    After,
}

/// What a fault looks at in a request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Aim<'a> {
    pub(super) provider: Provider,
    pub(super) method: &'a Method,
    pub(super) path: &'a str,
    /// Whose credential is shown.
    pub(super) person: Option<&'a str>,
}

/// One rule: whom it hits and what it does.
#[derive(Debug, Clone)]
pub(super) struct Fault {
    provider: Option<Provider>,
    method: Option<String>,
    path: String,
    person: Option<String>,
    times: Option<u64>,
    chance: Option<Chance>,
    when: Option<When>,
    latency: Option<Duration>,
    effect: Option<Effect>,
    hits: u64,
    source: Map<String, Value>,
}

/// What is to happen to one request.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// A wait before anything is done.
    pub(super) wait_before: Option<Duration>,
    /// A wait between what is done and the answer.
    pub(super) wait_after: Option<Duration>,
    pub(super) effect: Option<Effect>,
    /// Whether a write is to have no effect at all.
    pub(super) spares_the_world: bool,
}

/// Finds what hits a request and uses it up: the first latency and the first effect among the faults that hit.
pub(super) fn plan(faults: &mut Vec<Fault>, aim: Aim) -> Plan {
    let mut plan = Plan::default();
    for fault in faults.iter_mut().filter(|fault| fault.reaches(aim)) {
        let drawn = fault.chance.as_mut().is_none_or(Chance::draw);
        let waits = fault.latency.filter(|_| plan.wait_before.or(plan.wait_after).is_none());
        let acts = fault.effect.as_ref().filter(|_| plan.effect.is_none());
        if !drawn || waits.is_none() && acts.is_none() {
            continue;
        }
        let when = fault.when.or_else(|| fault.effect.as_ref().map(Effect::when)).unwrap_or(When::After);
        if let Some(effect) = acts {
            plan.effect = Some(effect.clone());
            plan.spares_the_world = when == When::Before;
        }
        match when {
            When::Before => plan.wait_before = plan.wait_before.or(waits),
            When::After => plan.wait_after = plan.wait_after.or(waits),
        }
        fault.hits += 1;
        fault.times = fault.times.map(|times| times.saturating_sub(1));
    }
    faults.retain(|fault| fault.times != Some(0));
    plan
}

/// A share of a row of requests, drawn the same way each time.
#[derive(Debug, Clone, Copy)]
struct Chance {
    rate: f64,
    state: u64,
}

impl Chance {
    /// Whether the next request is hit: SplitMix64, whose upper 53 bits make a number from 0 to 1.
    fn draw(&mut self) -> bool {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^= mixed >> 31;
        ((mixed >> 11) as f64) < self.rate * (1_u64 << 53) as f64
    }
}

impl Fault {
    /// Reads one fault.
    pub(super) fn parse(value: &Value) -> Result<Fault, FaultError> {
        let Value::Object(source) = value else {
            return wrong("a fault must be an object");
        };
        for key in source.keys() {
            if !EFFECTS.contains(&key.as_str()) && !OTHER_KEYS.contains(&key.as_str()) {
                return wrong(&format!("a fault has no key `{key}`"));
            }
        }
        let effect = parse_effect(source)?;
        let latency = whole(source, "latency_ms", LATENCY_MS_MAX)?.map(Duration::from_millis);
        if effect.is_none() && latency.is_none() {
            return wrong(&format!("a fault needs `latency_ms` or one of {}", EFFECTS.join(", ")));
        }
        let times = whole(source, "times", u64::MAX)?;
        if times == Some(0) {
            return wrong("`times` must be at least 1");
        }
        let chance = parse_chance(source)?;
        Ok(Fault {
            provider: match text(source, "provider")? {
                None => None,
                Some("wordpress") => Some(Provider::WordPress),
                Some("oneall") => Some(Provider::OneAll),
                Some(_) => return wrong("`provider` must be wordpress or oneall"),
            },
            method: text(source, "method")?.map(str::to_ascii_uppercase),
            path: text(source, "path")?.unwrap_or("*").to_owned(),
            person: text(source, "person")?.map(str::to_owned),
            times,
            chance,
            when: match text(source, "when")? {
                None => None,
                Some("before") => Some(When::Before),
                Some("after") => Some(When::After),
                Some(_) => return wrong("`when` must be before or after"),
            },
            latency,
            effect,
            hits: 0,
            source: source.clone(),
        })
    }

    /// The fault as it was given, with the `times` that are left and the `hits` so far.
    pub(super) fn describe(&self) -> Value {
        let mut shown = self.source.clone();
        if let Some(times) = self.times {
            shown.insert("times".to_owned(), times.into());
        }
        shown.insert("hits".to_owned(), self.hits.into());
        Value::Object(shown)
    }

    fn reaches(&self, aim: Aim) -> bool {
        self.provider.is_none_or(|only| only == aim.provider)
            && self.method.as_deref().is_none_or(|only| only == aim.method.as_str())
            && self.person.as_deref().is_none_or(|only| Some(only) == aim.person)
            && fits(&self.path, aim.path)
    }
}

fn parse_chance(source: &Map<String, Value>) -> Result<Option<Chance>, FaultError> {
    let seed = whole(source, "seed", u64::MAX)?;
    match (source.get("rate").map(Value::as_f64), seed) {
        (None, None) => Ok(None),
        (None, Some(_)) => wrong("`seed` belongs to `rate`"),
        (Some(Some(rate)), seed) if rate > 0.0 && rate <= 1.0 => Ok(Some(Chance { rate, state: seed.unwrap_or(0) })),
        (Some(_), _) => wrong("`rate` must be a number above 0 and up to 1"),
    }
}

/// Whether a path fits a pattern in which `*` stands for any run of characters, slashes included.
fn fits(pattern: &str, path: &str) -> bool {
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

    fn hit(faults: &mut Vec<Fault>, provider: Provider, path: &str) -> Plan {
        plan(faults, Aim { provider, method: &Method::GET, path, person: None })
    }

    #[test]
    fn a_star_stands_for_any_run_of_characters() {
        assert!(fits("*", "/anything"));
        assert!(fits("/rest/v1.1/me", "/rest/v1.1/me"));
        assert!(!fits("/rest/v1.1/me", "/rest/v1.1/me/sites"));
        assert!(fits("/rest/v1.1/me/*", "/rest/v1.1/me/sites/7"));
        assert!(!fits("/rest/v1.1/me/*", "/rest/v1.1/me"));
        assert!(fits("*/connections/*.json", "/connections/1.json"));
        assert!(!fits("/connections/*.json", "/connections.json"));
        assert!(!fits("/a*a", "/a"));
        assert!(!fits("", "/"));
    }

    #[test]
    fn a_fault_is_used_up_after_its_times() {
        let mut faults = vec![Fault::parse(&json!({"path": "/a/*", "times": 2, "cut": true})).unwrap()];
        assert_eq!(hit(&mut faults, Provider::OneAll, "/b").effect, None);
        assert_eq!(hit(&mut faults, Provider::OneAll, "/a/1").effect, Some(Effect::Cut));
        assert_eq!(faults[0].describe()["times"], 1);
        assert_eq!(hit(&mut faults, Provider::WordPress, "/a/2").effect, Some(Effect::Cut));
        assert!(faults.is_empty());
    }

    #[test]
    fn latency_of_one_fault_joins_the_effect_of_another() {
        let mut faults = vec![
            Fault::parse(&json!({"provider": "oneall", "latency_ms": 5})).unwrap(),
            Fault::parse(&json!({"status": 500, "times": 1})).unwrap(),
        ];
        let plan = hit(&mut faults, Provider::OneAll, "/x");
        assert_eq!((plan.wait_before, plan.wait_after), (None, Some(Duration::from_millis(5))));
        assert!(matches!(plan.effect, Some(Effect::Status { status: 500, .. })));
        assert_eq!(faults.len(), 1);
    }

    #[test]
    fn a_fault_that_is_not_understood_is_refused() {
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
    fn a_rate_hits_its_share_and_the_same_seed_the_same_requests() {
        let draw = |seed: u64| -> Vec<bool> {
            let fault = json!({"rate": 0.1, "seed": seed, "refuse": true});
            let mut faults = vec![Fault::parse(&fault).unwrap()];
            (0..10_000).map(|_| hit(&mut faults, Provider::OneAll, "/x").effect.is_some()).collect()
        };
        let hits = draw(7).iter().filter(|hit| **hit).count();
        assert!((900..1_100).contains(&hits), "{hits}");
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
    }

    #[test]
    fn an_effect_strikes_a_write_before_or_after_as_its_kind_is_unless_told() {
        let spares = |fault: Value| {
            let mut faults = vec![Fault::parse(&fault).unwrap()];
            hit(&mut faults, Provider::OneAll, "/x").spares_the_world
        };
        for before in [json!({"status": 500}), json!({"refuse": true}), json!({"cut": true, "when": "before"})] {
            assert!(spares(before.clone()), "{before}");
        }
        for after in [json!({"cut": true}), json!({"hang": "body"}), json!({"refuse": true, "when": "after"})] {
            assert!(!spares(after.clone()), "{after}");
        }
    }

    #[test]
    fn a_fault_can_be_aimed_at_a_method_and_a_person() {
        let fault = json!({"method": "put", "person": "ada", "refuse": true});
        let mut faults = vec![Fault::parse(&fault).unwrap()];
        let mut hits = |method: &Method, person| {
            let aim = Aim { provider: Provider::OneAll, method, path: "/x", person };
            plan(&mut faults, aim).effect.is_some()
        };
        assert!(!hits(&Method::GET, Some("ada")));
        assert!(!hits(&Method::PUT, Some("ben")));
        assert!(!hits(&Method::PUT, None));
        assert!(hits(&Method::PUT, Some("ada")));
    }
}

//! No answer says undone for done: random documents of several mutations, under faults, limits, deadlines and clients that
//! leave, are compared with what the providers wrote down.
//!
//! Whatever happens, every write that a provider received has a line in the audit log that names its outcome. The answer,
//! if there is one, agrees with it. A failure prints its seed: `COMMONGRAPH_SEED=7 COMMONGRAPH_ROUNDS=1000 cargo test
//! --test gateway invariant` plays that seed for longer.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use serde_json::{Value, json};

use super::{ADA, CLEO, OF_ADA, identity};
use crate::harness::{Asker, Gateway, World, id, until};
use crate::log::Log;
use crate::metrics::scrape;

/// How many documents a run plays unless `COMMONGRAPH_ROUNDS` says otherwise.
const ROUNDS: u64 = 40;

const SEED: u64 = 1;

/// What a provider's log calls a write, and the mutation that makes it.
const MUTATIONS: [(&str, &str); 6] = [
    ("application.delete", "applicationRevoke"),
    ("keyring.delete", "connectionDisconnect"),
    ("publicize.share", "publicizeConnectionShare"),
    ("identity.synchronize", "identitySynchronize"),
    ("identity.relink", "identityRelink"),
    ("identity.delete", "identityDelete"),
];

/// What clients accept, from nothing at all to nonsense.
const ENCODINGS: [&str; 11] = [
    "",
    "gzip",
    "identity",
    "br",
    "zstd, gzip;q=0.5",
    "gzip;q=0, identity;q=0.5",
    "*",
    "q=;;,nonsense",
    "identity;q=0",
    "*;q=0",
    "gzip;q=0, identity;q=0, *;q=0",
];

/// A sequence of random numbers that is the same for the same seed: SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % end
    }

    fn pick<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len() as u64) as usize]
    }

    fn is_one_in(&mut self, number: u64) -> bool {
        self.below(number) == 0
    }
}

/// Some mutations of different kinds, in any order, and the names of their fields.
fn document(random: &mut Random, keyring: u64) -> (String, Vec<&'static str>) {
    let mut fields: Vec<&str> = MUTATIONS.iter().map(|(_, field)| *field).collect();
    let mut chosen = Vec::new();
    let mut text = "mutation {".to_owned();
    for _ in 0..=random.below(5) {
        let field = fields.swap_remove(random.below(fields.len() as u64) as usize);
        let input = match field {
            "applicationRevoke" => id(&format!("application:{}", random.pick(&[620_001, 620_002, 999_999]))),
            "connectionDisconnect" => id(&format!("keyring:{keyring}")),
            "publicizeConnectionShare" => id("publicize:7700123/72001"),
            "identityDelete" => identity(&format!("5a4d0000-0000-4000-8002-0000000000{}", 10 + random.below(20))),
            _ => identity(OF_ADA),
        };
        let more = match field {
            "publicizeConnectionShare" => format!(", shared: {}", random.is_one_in(2)),
            "identityRelink" => format!(", userToken: \"{}\"", random.pick(&[ADA, CLEO])),
            "identityDelete" => ", confirm: true".to_owned(),
            _ => String::new(),
        };
        let viewer = "viewer { connections(first: 50) { nodes { id label } } }";
        let selection = if random.is_one_in(2) { viewer } else { "" };
        write!(text, " {field}(input: {{ id: \"{input}\"{more} }}) {{ userErrors {{ code }} {selection} }}").unwrap();
        chosen.push(field);
    }
    text.push_str(" }");
    (text, chosen)
}

/// A fault of a provider that does not lie: it never refuses what it has done.
fn fault(random: &mut Random) -> Value {
    let when = random.pick(&["before", "after"]);
    let mut fault = match random.below(10) {
        0 => json!({ "refuse": true, "when": when }),
        1 => json!({ "hang": "head", "when": when }),
        2 => json!({ "hang": "body" }),
        3 => json!({ "cut": true, "when": when }),
        4 => json!({ "status": random.pick(&[500, 502, 503, 504]), "when": when }),
        5 => json!({ "status": random.pick(&[200, 202, 302]), "body": "{}", "when": when }),
        6 => json!({ "shape": random.pick(&["empty", "html", "array", "null", "success_true", "xml", "garbage"]) }),
        7 => json!({ "big": 1 << 20, "when": when }),
        8 => json!({ "status": 400, "body": "{\"error\":\"invalid_input\",\"message\":\"no\"}" }),
        _ => json!({ "latency_ms": random.below(120), "when": when }),
    };
    fault["method"] = json!(random.pick(&["POST", "PUT", "DELETE"]));
    fault["times"] = json!(1 + random.below(2));
    fault
}

/// What an answer says of one mutation.
#[derive(Debug, PartialEq)]
enum Told {
    /// Nothing: there is no answer, or it holds no data.
    Nothing,
    Done,
    Uncertain,
    /// That it was not done, by a code.
    Undone(String),
}

fn told(answer: Option<&Value>, field: &str) -> Told {
    let Some(answer) = answer.filter(|answer| !answer["data"].is_null()) else { return Told::Nothing };
    let payload = &answer["data"][field];
    if let Some(error) = payload["userErrors"].as_array() {
        return error.first().map_or(Told::Done, |error| Told::Undone(error["code"].as_str().unwrap().to_owned()));
    }
    let errors = answer["errors"].as_array().unwrap();
    let error = errors.iter().find(|error| error["path"] == json!([field])).unwrap_or_else(|| panic!("{answer}"));
    match error["extensions"]["code"].as_str().unwrap() {
        "UNCERTAIN" => Told::Uncertain,
        code => Told::Undone(code.to_owned()),
    }
}

/// How often each thing was seen, so that the test does not pass for want of cases.
#[derive(Debug, Default)]
struct Seen {
    done: u64,
    uncertain_but_done: u64,
    without_an_answer: u64,
}

/// Compares what one operation was told and what was written down of it with what the providers did.
fn compare(writes: &[Value], audit: &BTreeMap<String, String>, answer: Option<&Value>, seen: &mut Seen) {
    let mut delivered = Vec::new();
    for row in writes {
        let (_, field) = MUTATIONS.into_iter().find(|(operation, _)| row["operation"] == *operation).unwrap();
        let is_done = row["effects"] != 0;
        let outcome = audit.get(field).unwrap_or_else(|| panic!("{row} has no line in the audit log"));
        assert_eq!(row["delivered"], 1, "{row}");
        assert!(
            matches!((&**outcome, is_done), ("done" | "uncertain", _) | ("absent" | "refused", false)),
            "{row} is {outcome} in the audit log"
        );
        match told(answer, field) {
            Told::Nothing => seen.without_an_answer += 1,
            Told::Done => {
                assert!(matches!(&**outcome, "done" | "absent"), "{row} is told to be done and {outcome}");
                seen.done += 1;
            }
            Told::Uncertain => seen.uncertain_but_done += u64::from(is_done),
            Told::Undone(code) => assert!(!is_done && outcome != "done", "{row} is told to be {code}, but {outcome}"),
        }
        delivered.push(field);
    }
    for (field, outcome) in audit {
        let is_delivered = delivered.contains(&&**field);
        assert!(is_delivered || matches!(&**outcome, "unsent" | "uncertain"), "{field} is {outcome} and never came");
        assert!(is_delivered || told(answer, field) != Told::Done, "{field} is told to be done and never came");
    }
}

async fn gateways(world: &World) -> Vec<Gateway> {
    let mut all = Vec::new();
    for number in 0..4 {
        let gateway = Gateway::start(|settings| {
            commongraph::app::point_at(settings, &world.sandbox);
            for upstream in [&mut settings.wordpress.upstream, &mut settings.oneall.upstream] {
                (upstream.write_timeout_ms, upstream.body_max_bytes) = (200, 1 << 16);
            }
            match number {
                0 => {}
                1 => settings.http.limits.answer_max_bytes = 600,
                2 => settings.graph.deadline_ms = 80,
                _ => settings.graph.limits.calls_max = 6,
            }
        });
        all.push(gateway.await);
    }
    all
}

/// Waits until no operation and no call is under way: then every line of the audit log is written.
async fn at_rest(world: &World, gateway: &Gateway) {
    until("nothing is under way", async || {
        let metrics = scrape(gateway).await;
        let value = |series: &str| {
            let line = metrics.lines().find_map(|line| line.strip_prefix(series)).unwrap();
            line.trim().parse::<u64>().unwrap()
        };
        let calls = ["wordpress", "oneall"]
            .map(|provider| value(&format!("commongraph_upstream_calls_in_flight{{provider=\"{provider}\"}} ")));
        // The request for the metrics is one itself.
        value("commongraph_http_requests_in_flight ") <= 1 && calls == [0, 0] && world.open_calls().await == 0
    })
    .await;
}

/// A new Keyring connection of Ada's, to be deleted.
async fn new_keyring(world: &World) -> u64 {
    let url = format!("{}/__sandbox/data/keyring", world.sandbox.wordpress_url());
    let body = json!({ "person": "ada", "count": 1 });
    let added: Value = world.gateway.client.post(url).json(&body).send().await.unwrap().json().await.unwrap();
    added["IDs"][0].as_u64().unwrap()
}

async fn take_rows(world: &World) -> Vec<Value> {
    let url = format!("{}/__sandbox/writes", world.sandbox.wordpress_url());
    let log: Value = world.gateway.client.get(&url).send().await.unwrap().json().await.unwrap();
    world.gateway.client.delete(url).send().await.unwrap().error_for_status().unwrap();
    log["writes"].as_array().unwrap().clone()
}

/// Asks, for as long as the client waits. None: the client has left, or cannot read the encoding that it asked for. An
/// answer that is no result of the operation says that nothing was done.
async fn ask(request: reqwest::RequestBuilder, patience: Duration) -> Option<Result<Value, String>> {
    let asked = async {
        let response = request.send().await.unwrap();
        let is_encoded = response.headers().contains_key("content-encoding");
        let (status, bytes) = (response.status(), response.bytes().await.unwrap());
        match serde_json::from_slice::<Value>(&bytes) {
            Ok(answer) if status == 200 && answer.get("data").is_some() => Some(Ok(answer)),
            Err(_) if status == 200 && is_encoded => None,
            _ => Some(Err(format!("{status}: {}", String::from_utf8_lossy(&bytes)))),
        }
    };
    tokio::time::timeout(patience, asked).await.unwrap_or(None)
}

#[tokio::test]
#[allow(clippy::print_stdout, reason = "a test's output is shown when it fails")]
async fn the_answer_or_the_audit_log_names_the_outcome_of_every_write() {
    let number = |name: &str, otherwise| std::env::var(name).map_or(otherwise, |text| text.parse().unwrap());
    let (seed, rounds) = (number("COMMONGRAPH_SEED", SEED), number("COMMONGRAPH_ROUNDS", ROUNDS));
    let (world, log) = (World::start().await, Log::default());
    let gateways = gateways(&world).await;
    let _guard = log.listen_to_audit();
    let (mut random, mut seen) = (Random(seed), Seen::default());
    for round in 0..rounds {
        let gateway = &gateways[random.below(gateways.len() as u64) as usize];
        let (document, fields) = document(&mut random, new_keyring(&world).await);
        let faults: Vec<Value> = (0..random.below(4)).map(|_| fault(&mut random)).collect();
        world.fault(json!(faults)).await;
        let name = format!("round-{round}");
        let mut asker = Asker::token("sandbox-wpcom-ada").with("X-Request-Id", &name);
        let encoding = random.pick(&ENCODINGS);
        if !random.is_one_in(3) {
            asker = asker.with("Accept-Encoding", encoding);
        }
        let patience = if random.is_one_in(4) { 5 + random.below(100) } else { 60_000 };
        let context = format!("seed {seed}, round {round}: {document} {faults:?} {encoding:?}");
        let answer = ask(gateway.request(&asker, &document, json!({})), Duration::from_millis(patience)).await;
        at_rest(&world, gateway).await;
        let lines = log.records();
        log.clear();
        let writes = take_rows(&world).await;
        let audit: BTreeMap<String, String> = lines
            .iter()
            .filter(|line| line["request"] == *name && line["message"] == "mutation")
            .map(|line| ["field", "outcome"].map(|key| line[key].as_str().unwrap().to_owned()).into())
            .collect();
        println!("{context}\n{answer:?}\n{audit:?}\n{writes:?}");
        match answer {
            Some(Err(refusal)) => assert!(writes.is_empty(), "an operation that ran is answered by {refusal}"),
            Some(Ok(answer)) => {
                assert!(answer["data"].is_null() || audit.len() == fields.len(), "each has a line");
                compare(&writes, &audit, Some(&answer), &mut seen);
            }
            None => compare(&writes, &audit, None, &mut seen),
        }
    }
    let is_rich = [seen.done, seen.uncertain_but_done, seen.without_an_answer].iter().all(|count| *count > 0);
    assert!(is_rich || rounds < ROUNDS, "{seen:?} is too little to mean anything");
}

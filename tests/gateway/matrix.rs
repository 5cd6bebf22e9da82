//! Each provider in every kind of trouble that a host can be in: what the client is told, what it costs, what comes
//! after. The table is part of `docs/upstream.md`; `cargo test --test gateway matrix -- --ignored` writes it there.

pub mod host;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;

use commongraph::config::Settings;
use commongraph::upstream;
use serde_json::{Value, json};
use tokio::time::Instant;

use self::host::{CANARY, FLOOD_BYTES, Host, Says, Trouble};
use crate::harness::{Asker, Gateway, World, as_shipped, codes};
use crate::log::Log;

/// One read of each provider.
const QUESTION: &str = "{ viewer { wordpressUser { displayName } }
    connection(by: { connectionToken: \"5a4d0000-0000-4000-8000-000000000001\" }) { id identity { displayName } } }";

const CIRCUITS: &str = "{ providers { provider circuit } }";

/// The time given to a host that hangs, in milliseconds; every other host has what it has by default.
const PATIENCE_MS: u64 = 150;

/// The largest body taken where it is compressed, in bytes.
const BODY_MAX: usize = 1 << 20;

/// After how many calls the breaker judges: more than one question makes.
const BREAKER_CALLS: usize = 4;

/// What a host may push down the wire before it sees that nobody reads, in bytes.
const TAKEN_MAX: u64 = 48 << 20;

/// No client may read these, for they come from the host, from a library or from the gateway's inside.
const INNER_WORDS: [&str; 14] = [
    CANARY,
    "padding",
    "Limit reached",
    "<",
    "127.0.0.1",
    "localhost",
    ".invalid",
    "EOF",
    "line 1",
    "os error",
    "hyper",
    "reqwest",
    "ertificate",
    "panicked",
];

const HEADING: &str = "| failure | WordPress.com | calls | then | OneAll | calls | then |";

#[derive(Clone, Copy, Debug, PartialEq)]
enum Down {
    WordPress,
    OneAll,
}

impl Down {
    fn name(self) -> &'static str {
        match self {
            Down::WordPress => "WORDPRESS",
            Down::OneAll => "ONEALL",
        }
    }

    /// The place of its part in an answer.
    fn place(self) -> &'static str {
        match self {
            Down::WordPress => "viewer.wordpressUser",
            Down::OneAll => "connection",
        }
    }

    /// How it says an error of its own.
    fn error(self, status: u16, word: &str) -> String {
        match self {
            Down::WordPress => json!({ "error": word, "message": CANARY }).to_string(),
            Down::OneAll => {
                let status = json!({ "flag": "error", "code": status, "info": CANARY });
                json!({ "response": { "request": { "status": status } } }).to_string()
            }
        }
    }

    fn upstream(self, settings: &mut Settings) -> &mut upstream::Settings {
        match self {
            Down::WordPress => &mut settings.wordpress.upstream,
            Down::OneAll => &mut settings.oneall.upstream,
        }
    }
}

/// What a kind of trouble came to.
#[derive(Clone, Debug, PartialEq)]
struct Came {
    /// The code that the client is told; a dash if it is told none.
    code: String,
    /// How often the host was called for one question.
    calls: usize,
    /// What the next question finds, once there were some calls.
    then: &'static str,
}

/// Every kind of trouble, by its name in the table.
fn troubles(down: Down) -> Vec<(&'static str, Trouble)> {
    const JSON: &str = "application/json";
    const HTML: &str = "text/html; charset=utf-8";
    let page = format!("<!DOCTYPE html><html><body><h1>{CANARY}</h1></body></html>");
    let banned = format!("<html><body><h1>Limit reached</h1><p>{CANARY}</p></body></html>");
    let says =
        |status, media, body: &str| Trouble::Says(Says { status, media, retry_after: None, body: body.to_owned() });
    let error = |status, word| says(status, JSON, &down.error(status, word));
    let wait = |status, retry_after| {
        let body = down.error(status, "busy");
        Trouble::Says(Says { status, media: JSON, retry_after: Some(retry_after), body })
    };
    let deep = format!("{{\"{CANARY}\":{}{}}}", "[".repeat(1_000), "]".repeat(1_000));
    let shape = json!({ "ID": [CANARY], "response": { "result": { "data": { "connection": [CANARY] } } } });
    vec![
        ("connection refused", Trouble::Closed),
        ("no such name (DNS)", Trouble::Nameless),
        ("an untrusted certificate", Trouble::Untrusted),
        ("no answer to connect", Trouble::Deaf),
        ("connection reset", Trouble::Resets),
        ("no response", Trouble::Silent),
        ("stops within the body", Trouble::Halts),
        ("one byte at a time", Trouble::Drips),
        ("connection closed within the body", Trouble::Breaks),
        ("status 500", error(500, "boom")),
        ("status 502, an HTML page", says(502, HTML, &page)),
        ("status 503, `Retry-After: 30`", wait(503, "30")),
        ("status 429, `Retry-After: 30`", wait(429, "30")),
        ("status 429", error(429, "busy")),
        ("status 500, the page \"Limit reached\"", says(500, HTML, &banned)),
        ("status 401", error(401, "unauthorized")),
        ("status 403", error(403, "unauthorized")),
        ("status 404, empty", says(404, "text/plain", "")),
        ("redirect to another host", Trouble::Redirects),
        ("an HTML page as JSON", says(200, JSON, &page)),
        ("valid JSON as `text/html`", Trouble::Called(HTML)),
        ("truncated JSON", says(200, JSON, &format!("{{\"{CANARY}\":["))),
        ("JSON of an unexpected shape", says(200, JSON, &shape.to_string())),
        ("JSON, 1,000 levels deep", says(200, JSON, &deep)),
        ("a body of 200 MB", Trouble::Floods),
        ("a body of 200 MB, compressed", Trouble::Bomb),
    ]
}

/// A gateway of its own before a host in trouble and a healthy one.
struct Scene {
    host: Host,
    gateway: Gateway,
    log: Log,
}

impl Scene {
    async fn set(world: &World, down: Down, trouble: &Trouble, log: &Log) -> Self {
        let healthy = match down {
            Down::WordPress => world.sandbox.wordpress_url(),
            Down::OneAll => world.sandbox.oneall_url(),
        };
        let host = Host::start(trouble, &healthy).await;
        let gateway = Gateway::start(|settings| {
            as_shipped(settings);
            commongraph::app::point_at(settings, &world.sandbox);
            match down {
                Down::WordPress => settings.wordpress.base_url = host.url.clone(),
                Down::OneAll => settings.oneall.base_url = Some(host.url.clone()),
            }
            let upstream = down.upstream(settings);
            upstream.breaker_calls_min = BREAKER_CALLS as u32;
            match trouble {
                Trouble::Deaf => upstream.connect_timeout_ms = PATIENCE_MS,
                Trouble::Silent | Trouble::Halts => upstream.read_timeout_ms = PATIENCE_MS,
                Trouble::Drips => upstream.attempt_timeout_ms = PATIENCE_MS,
                // Cheap to send and dear to unpack, which this build does slowly.
                Trouble::Bomb => upstream.body_max_bytes = BODY_MAX,
                _ => {}
            }
        })
        .await;
        Self { host, gateway, log: log.clone() }
    }

    /// Asks, and tells how often the host in trouble was called for it.
    async fn ask(&self, down: Down) -> (Value, usize) {
        self.log.clear();
        let answer = self.gateway.ask(&Asker::person("olga"), QUESTION, json!({})).await;
        let log = self.log.text();
        assert!(!log.contains(CANARY), "{log}");
        (answer, attempts(&log, down))
    }

    async fn circuits(&self) -> BTreeMap<String, String> {
        let answer = self.gateway.ask(&Asker::nobody(), CIRCUITS, json!({})).await;
        let rows = answer["data"]["providers"].as_array().unwrap().clone();
        let text = |row: &Value, name: &str| row[name].as_str().unwrap().to_owned();
        rows.iter().map(|row| (text(row, "provider"), text(row, "circuit"))).collect()
    }
}

/// How often a provider was called, by the gateway's own records.
fn attempts(log: &str, provider: Down) -> usize {
    let whose = format!("provider=\"{}\"", provider.name().to_lowercase());
    let reads = log.lines().filter(|line| line.contains("commongraph::provider::calls: read") && line.contains(&whose));
    let number = |line: &str| line.split("attempts=").nth(1)?.split_whitespace().next()?.parse::<usize>().ok();
    reads.map(|line| number(line).unwrap_or_else(|| panic!("{line}"))).sum()
}

/// Plays one kind of trouble. None: it took so long that a wait of a second was over, so that it has to be played again.
async fn play(world: &World, healthy: &Value, down: Down, trouble: &Trouble, log: &Log) -> Option<Came> {
    let scene = Scene::set(world, down, trouble, log).await;
    let (answer, calls) = scene.ask(down).await;
    let told = Instant::now();
    let code = check(&answer, healthy, down, trouble);
    let mut all = calls;
    let mut last = scene.ask(down).await;
    let in_time = told.elapsed() < upstream_wait();
    let shut_out = last.1 == 0 && codes(&last.0).first().is_some_and(|(code, _)| code == "RATE_LIMITED");
    all += last.1;
    for _ in 0..BREAKER_CALLS {
        if all >= BREAKER_CALLS || shut_out || code == "-" {
            break;
        }
        last = scene.ask(down).await;
        all += last.1;
    }
    let circuits = scene.circuits().await;
    let then = match circuits[down.name()].as_str() {
        "OPEN" => "circuit open",
        _ if shut_out => "throttled",
        _ if code == "-" => "cached",
        _ => "called again",
    };
    assert!(circuits.iter().all(|(name, circuit)| name == down.name() || circuit == "CLOSED"), "{circuits:?}");
    let reached = scene.host.requests().max(scene.host.connections());
    let counts = !matches!(trouble, Trouble::Closed | Trouble::Deaf | Trouble::Nameless);
    assert_eq!(reached, if counts { all } else { 0 }, "{trouble:?}: the host counts as the gateway does");
    check_host(&scene.host, trouble);
    if then == "circuit open" {
        let (answer, calls) = scene.ask(down).await;
        let error = &answer["errors"][0]["extensions"];
        assert_eq!((calls, &error["code"]), (0, &json!("PROVIDER_UNAVAILABLE")), "{trouble:?}: {answer}");
        assert!((1..=5).contains(&error["retryAfterSeconds"].as_u64().unwrap()), "{error}");
    }
    (in_time || code != "RATE_LIMITED" || shut_out).then_some(Came { code, calls, then })
}

/// The shortest time for which a credential is shut out.
fn upstream_wait() -> std::time::Duration {
    std::time::Duration::from_secs(1)
}

/// The code that the answer tells; all else in it is as in health, and nothing is told that is not the client's business.
fn check(answer: &Value, healthy: &Value, down: Down, trouble: &Trouble) -> String {
    let mut expected = healthy["data"].clone();
    let told = codes(answer);
    if !told.is_empty() {
        match down {
            Down::WordPress => expected["viewer"]["wordpressUser"] = json!(null),
            Down::OneAll => expected["connection"] = json!(null),
        }
    }
    assert_eq!(answer["data"], expected, "{trouble:?}");
    assert!(told.len() <= 1 && told.iter().all(|(_, path)| path == down.place()), "{trouble:?}: {answer}");
    let text = answer["errors"].to_string();
    for word in INNER_WORDS {
        assert!(!text.contains(word), "{trouble:?}: {word} in {text}");
    }
    assert!(!answer.to_string().contains(CANARY), "{trouble:?}: {answer}");
    told.first().map_or_else(|| "-".to_owned(), |(code, _)| code.clone())
}

/// What no host in trouble is given: a credential where it is not due, or more of the gateway's memory than is allowed.
fn check_host(host: &Host, trouble: &Trouble) {
    assert_eq!(host.elsewhere(), 0, "a redirect was followed");
    match trouble {
        Trouble::Untrusted => assert_eq!(host.requests(), 0, "a host was told something that could not prove its name"),
        Trouble::Floods => {
            let taken = host.sent() as u64 / host.requests() as u64;
            assert!(taken < TAKEN_MAX && TAKEN_MAX < FLOOD_BYTES, "{taken} bytes were taken");
        }
        _ => {}
    }
}

/// Plays everything that can be wrong with one provider, on this thread alone.
#[tokio::main(flavor = "current_thread")]
async fn measure(down: Down) -> Vec<(&'static str, Came)> {
    let log = Log::default();
    let _guard = log.listen();
    let world = World::start().await;
    let healthy = world.ask("olga", QUESTION).await;
    assert!(healthy["errors"].is_null() && healthy["data"]["connection"]["identity"].is_object(), "{healthy}");
    let mut rows = Vec::new();
    for (name, trouble) in troubles(down) {
        let mut tries = 0;
        let came = loop {
            tries += 1;
            assert!(tries < 6, "{name}: the machine is too slow to tell");
            if let Some(came) = play(&world, &healthy, down, &trouble, &log).await {
                break came;
            }
        };
        rows.push((name, came));
    }
    rows
}

/// The table, as it was measured.
fn table() -> String {
    let [wordpress, oneall] = [Down::WordPress, Down::OneAll].map(|down| std::thread::spawn(move || measure(down)));
    let mut text = format!("{HEADING}\n|---|---|---|---|---|---|---|\n");
    for ((name, left), (_, right)) in wordpress.join().unwrap().iter().zip(oneall.join().unwrap()) {
        let cells = |came: &Came| {
            let code = if came.code == "-" { "data".to_owned() } else { format!("`{}`", came.code) };
            format!("{code} | {} | {}", came.calls, came.then)
        };
        let _ = writeln!(text, "| {name} | {} | {} |", cells(left), cells(&right));
    }
    text
}

fn page() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/upstream.md")
}

/// The table in the text of the page.
fn written(page: &str) -> &str {
    let from = page.find(HEADING).expect("the page has the table's heading");
    let rest = &page[from..];
    &rest[..rest.find("\n\n").map_or(rest.len(), |end| end + 1)]
}

#[test]
fn whatever_is_wrong_with_a_provider_comes_to_what_the_docs_say() {
    let (measured, text) = (table(), std::fs::read_to_string(page()).unwrap());
    assert!(
        measured == written(&text),
        "docs/upstream.md differs; `cargo test --test gateway matrix -- --ignored` writes this into it:\n{measured}"
    );
}

#[test]
#[ignore = "rewrites the table in docs/upstream.md"]
fn the_table_is_written() {
    let text = std::fs::read_to_string(page()).unwrap();
    std::fs::write(page(), text.replace(written(&text), &table())).unwrap();
}

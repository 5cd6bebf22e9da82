//! A soak test: callers of every kind send requests for minutes while the providers fail in changing ways.
//!
//! The run fails at the first of these: a response holds another caller's data, the gateway panics, or a response is
//! wrong without an error code. It also fails if memory or the number of open files grows. One request in eight is one
//! that nobody has sent before (`soak/novel.rs`), and the gateway reloads its settings from time to time.
//!
//! Run it with `cargo bench --bench soak -- --seconds 600 --seed 1`. Both options are optional. The run prints its
//! progress every five seconds. The seed decides the requests and the faults; their timing depends on the machine.
//! Memory is that of the whole process: gateway, sandbox and clients. A line is fitted to the samples after the first
//! third of the run, and its rise must not exceed [`GROWTH_MAX_MB`].
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark prints its results and stops at an error")]

#[path = "../tests/gateway/crowd/cast.rs"]
mod cast;
#[path = "soak/faults.rs"]
mod faults;
#[path = "soak/novel.rs"]
mod novel;
#[path = "soak/partial_match.rs"]
mod partial_match;
#[path = "soak/sample.rs"]
mod sample;

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use cast::{Dice, jwt, markers};
use commongraph::app::{self, Running, sample_operations};
use commongraph::config::Settings;
use commongraph::sandbox::{self, Sandbox, services, synthetic_user};
use faults::random_faults;
use futures_util::future::join_all;
use novel::NovelRequest;
use partial_match::is_partial_match;
use sample::{Sample, growth};
use serde_json::{Value, json};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The number of people. One page must hold the site's whole list, so that a missing row is not replaced by another.
const PEOPLE: usize = 15;

/// The number of concurrent clients.
const CLIENTS: u64 = 24;

/// One request in this many is canceled by the client, within this many microseconds.
const CANCEL_ONE_IN: u64 = 10;
const CANCEL_WITHIN_MICROS: u64 = 3_000;

/// The interval between fault changes, and between progress lines.
const FAULT_INTERVAL: Duration = Duration::from_secs(3);
const PROGRESS_INTERVAL: Duration = Duration::from_secs(5);

/// One request in this many is new to the gateway, and one more is sent as a persisted query.
const NOVEL_ONE_IN: u64 = 8;

/// The gateway reloads its settings after this many fault changes.
const FAULTS_PER_RELOAD: u64 = 3;

/// The most by which memory may grow after the first third of the run, in megabytes.
const GROWTH_MAX_MB: f64 = 24.0;

/// The most by which the number of open files may grow. Current faults hold some files open.
const OPEN_FILES_MAX: f64 = 100.0;

/// The time within which all provider calls must end after the last request.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(20);

static PANICS: AtomicU64 = AtomicU64::new(0);

/// A caller: its credential headers, and the one marker that its responses may hold. None means any marker, for a
/// service that may list the whole site.
struct Caller {
    name: String,
    headers: Vec<(&'static str, String)>,
    sees: Option<String>,
}

/// A query, and the expected response for each caller while no fault is active.
struct Query {
    text: String,
    expected: Vec<Value>,
}

/// The counts of the run.
#[derive(Default)]
struct Tally {
    answered: AtomicU64,
    whole: AtomicU64,
    left: AtomicU64,
    stale: AtomicU64,
    codes: Mutex<BTreeMap<String, u64>>,
    wrong: Mutex<Vec<String>>,
}

struct Soak {
    sandbox: Sandbox,
    settings: Settings,
    running: Running,
    client: reqwest::Client,
    callers: Vec<Caller>,
    queries: Vec<Query>,
    novel: Vec<Query>,
    tally: Tally,
    finished: AtomicBool,
}

/// The queries: for the caller's own data, and for objects of one other person by ID.
fn documents() -> Vec<String> {
    let other = synthetic_user(7);
    let whole =
        "connections(first: 100) { nodes { id label service { label } health { state } identity { displayName } } }";
    let fixed = [
        format!("{{ {whole} applications {{ nodes {{ name site {{ name }} }} }} }}"),
        format!("{{ viewer {{ {whole} }} }}"),
        sample_operations::VIEWER.to_owned(),
        "{ viewer { wordpressUser { userId displayName email primarySite { name url } } } }".to_owned(),
        "{ applications { nodes { id name description } } services(first: 100) { nodes { key label } } }".to_owned(),
        "{ viewer { oneallUser { userToken identities { id displayName emails { value } } } } }".to_owned(),
        "{ service(key: \"twitter\") { key label } providers { provider configured } }".to_owned(),
    ];
    let named = [
        format!(
            "{{ connection(by: {{ connectionToken: \"{}\" }}) {{ id health {{ state }} identity {{ displayName }} }} }}",
            other.sign_ins[0]
        ),
        format!("{{ identity(by: {{ identityToken: \"{}\" }}) {{ id displayName username }} }}", other.identities[1]),
        format!("{{ connection(by: {{ keyringConnectionId: {} }}) {{ id label }} }}", other.keyring[0]),
        format!("{{ application(by: {{ connectedApplicationId: {} }}) {{ id name }} }}", other.application),
    ];
    fixed.into_iter().chain(named).collect()
}

/// Every caller. Each person appears with a JWT, with a JWT and a WordPress.com token, with the token alone, and with the
/// token and a service key. Each service appears with its key.
fn callers() -> Vec<Caller> {
    let bearer = |text: &str| ("Authorization", format!("Bearer {text}"));
    let mut all: Vec<Caller> = services()
        .iter()
        .map(|service| Caller { name: service.name.to_owned(), headers: vec![bearer(service.key)], sees: None })
        .collect();
    for person in (0..PEOPLE).map(synthetic_user) {
        let token = ("X-WordPress-Token", person.wordpress_token.clone());
        let jwt = bearer(&jwt(&person));
        let own = |kind: &str, headers, sees| Caller { name: format!("{} ({kind})", person.name), headers, sees };
        let name = || Some(person.name.clone());
        all.push(own("jwt", vec![jwt.clone()], name()));
        all.push(own("jwt and token", vec![jwt, token.clone()], name()));
        all.push(own("token", vec![token.clone()], name()));
        all.push(own("key and token", vec![bearer(services()[0].key), token], None));
    }
    all
}

/// A caller with an invented WordPress.com token, who must see nobody's data.
fn unknown_caller(token: &str) -> Caller {
    let headers = vec![("X-WordPress-Token", token.to_owned())];
    Caller { name: token.to_owned(), headers, sees: Some("nobody".to_owned()) }
}

/// Parses a response that was received while no fault was active.
fn parse_healthy(answer: &str) -> Value {
    assert!(!answer.contains("\"PROVIDER_"), "a provider failed before any fault was set: {answer}");
    serde_json::from_str(answer).unwrap()
}

impl Soak {
    async fn start() -> Self {
        let sandbox =
            Sandbox::start(sandbox::Settings { synthetic_users: PEOPLE, ..Default::default() }).await.unwrap();
        let mut settings = Settings::default();
        app::point_at(&mut settings, &sandbox);
        settings.http.listen.set_port(0);
        settings.http.drain.grace_ms = 0;
        // Short lifetimes, so that entries become stale within seconds. Short timeouts, so that a hanging call holds a
        // client for half a second only. A small body limit, so that memory does not jump with legitimate reads.
        let (wordpress, oneall) = (&mut settings.wordpress, &mut settings.oneall);
        (wordpress.fresh.lists_seconds, wordpress.fresh.me_seconds, wordpress.fresh.sites_seconds) = (1, 1, 2);
        (oneall.fresh.lists_seconds, oneall.fresh.users_seconds, oneall.fresh.sign_ins_seconds) = (1, 1, 2);
        for (upstream, cache) in
            [(&mut wordpress.upstream, &mut wordpress.cache), (&mut oneall.upstream, &mut oneall.cache)]
        {
            (upstream.attempt_timeout_ms, upstream.timeout_ms) = (500, 1_500);
            upstream.body_max_bytes = 1 << 20;
            (upstream.calls_per_second_max, upstream.calls_burst_max) = (2_000, 2_000);
            (cache.stale_while_revalidate_seconds, cache.stale_if_error_seconds) = (2, 4);
        }
        let running = app::start(&settings, Vec::new()).await.unwrap();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let (tally, finished) = (Tally::default(), AtomicBool::new(false));
        let (callers, queries, novel) = (callers(), Vec::new(), Vec::new());
        let mut soak = Self { sandbox, settings, running, client, callers, queries, novel, tally, finished };
        for text in documents() {
            let mut expected = Vec::new();
            for caller in &soak.callers {
                expected.push(parse_healthy(&soak.ask(caller, &json!({ "query": text })).await.1));
            }
            soak.queries.push(Query { text, expected });
        }
        for (kind, text) in novel::documents().into_iter().enumerate() {
            let mut expected = Vec::new();
            for caller in &soak.callers {
                let novel = NovelRequest::invent(kind, &mut Dice::of(0, expected.len() as u64));
                expected.push(parse_healthy(&novel.with_placeholder(&soak.send_novel(caller, &text, &novel).await.1)));
            }
            soak.novel.push(Query { text, expected });
        }
        soak
    }

    async fn send_novel(&self, caller: &Caller, text: &str, novel: &NovelRequest) -> (u16, String) {
        let body = json!({ "query": novel.document(text) });
        match novel.token() {
            Some(token) => self.ask(&unknown_caller(token), &body).await,
            None => self.ask(caller, &body).await,
        }
    }

    async fn ask(&self, caller: &Caller, body: &Value) -> (u16, String) {
        let url = format!("http://{}/graphql", self.running.address);
        let asked = self.client.post(url).json(body);
        let asked = caller.headers.iter().fold(asked, |asked, (name, value)| asked.header(*name, value));
        let answer = asked.send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// A request to the sandbox's control API.
    fn control(&self, method: reqwest::Method, what: &str) -> reqwest::RequestBuilder {
        self.client.request(method, format!("{}/__sandbox/{what}", self.sandbox.wordpress_url()))
    }

    /// Sends requests as one client until the run is over.
    async fn client(&self, mut dice: Dice) {
        while !self.finished.load(Ordering::Relaxed) {
            let place = dice.below(self.callers.len() as u64) as usize;
            let caller = &self.callers[place];
            match dice.below(NOVEL_ONE_IN) {
                0 => {
                    let novel = NovelRequest::random(&mut dice);
                    let query = &self.novel[novel.kind];
                    let (status, text) = self.send_novel(caller, &query.text, &novel).await;
                    let unknown_caller = novel.token().map(unknown_caller);
                    self.check(
                        unknown_caller.as_ref().unwrap_or(caller),
                        query,
                        place,
                        status,
                        &novel.with_placeholder(&text),
                    );
                    continue;
                }
                1 => {
                    let query = &self.queries[dice.below(self.queries.len() as u64) as usize];
                    for body in novel::as_persisted_query(&query.text, &mut dice) {
                        let (status, text) = self.ask(caller, &body).await;
                        self.check(caller, query, place, status, &text);
                    }
                    continue;
                }
                _ => {}
            }
            let query = &self.queries[dice.below(self.queries.len() as u64) as usize];
            let body = json!({ "query": query.text });
            let asking = self.ask(caller, &body);
            let answered = if dice.below(CANCEL_ONE_IN) == 0 {
                let patience = Duration::from_micros(dice.below(CANCEL_WITHIN_MICROS));
                tokio::time::timeout(patience, asking).await.ok()
            } else {
                Some(asking.await)
            };
            match answered {
                Some((status, text)) => self.check(caller, query, place, status, &text),
                None => drop(self.tally.left.fetch_add(1, Ordering::Relaxed)),
            }
        }
    }

    /// Compares a response with the expected one.
    fn check(&self, caller: &Caller, query: &Query, place: usize, status: u16, text: &str) {
        let tally = &self.tally;
        tally.answered.fetch_add(1, Ordering::Relaxed);
        let wrong = |why: &str| {
            let report = format!("{}: {why}: {} returned {status} {text:.1500}", caller.name, query.text);
            tally.wrong.lock().unwrap().push(report);
        };
        if let Some(own) = &caller.sees
            && markers(text).iter().any(|marker| marker != own)
        {
            wrong("holds another caller's marker");
        }
        let Ok(answer) = serde_json::from_str::<Value>(text) else { return wrong("not JSON") };
        let expected = &query.expected[place];
        let stale = answer["extensions"]["gateway"]["stale"].is_array();
        tally.stale.fetch_add(u64::from(stale), Ordering::Relaxed);
        if answer["errors"] == expected["errors"] {
            tally.whole.fetch_add(1, Ordering::Relaxed);
            if answer["data"] != expected["data"] {
                wrong("data differs from the expected data");
            }
            return;
        }
        for error in answer["errors"].as_array().into_iter().flatten() {
            match error["extensions"]["code"].as_str() {
                None | Some("INTERNAL") => wrong("an error without a specific code"),
                Some(code) => *tally.codes.lock().unwrap().entry(code.to_owned()).or_default() += 1,
            }
        }
        if !is_partial_match(&answer["data"], &expected["data"]) {
            wrong("partial data differs from the expected data");
        }
    }

    /// Changes the faults of the providers until the run is over.
    async fn inject_faults(&self, mut dice: Dice) {
        for round in 1.. {
            if self.finished.load(Ordering::Relaxed) {
                break;
            }
            if round % FAULTS_PER_RELOAD == 0 {
                // A changed setting rebuilds the WordPress.com component, with a new cache and new connections.
                let mut settings = self.settings.clone();
                settings.wordpress.fresh.me_seconds = 1 + round % 2;
                self.running.reload(&settings).unwrap();
            }
            let faults = random_faults(&mut dice);
            self.control(reqwest::Method::PUT, "faults")
                .json(&faults)
                .send()
                .await
                .unwrap()
                .error_for_status()
                .unwrap();
            // The logs of the sandbox would grow, and their memory is not what is measured.
            for log in ["requests", "writes"] {
                self.control(reqwest::Method::DELETE, log).send().await.unwrap();
            }
            tokio::time::sleep(FAULT_INTERVAL).await;
        }
        self.control(reqwest::Method::DELETE, "faults").send().await.unwrap();
    }

    /// Whether all provider calls end soon after the last request.
    async fn drains(&self) -> bool {
        let began = Instant::now();
        while began.elapsed() < DRAIN_TIMEOUT {
            let seen: Value = self.control(reqwest::Method::GET, "open").send().await.unwrap().json().await.unwrap();
            if seen["open"] == 0 {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        false
    }

    fn print_progress(&self, began: Instant, sample: &Sample) {
        let Tally { answered, whole, left, stale, codes, wrong } = &self.tally;
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let Sample { memory, files, .. } = sample;
        println!(
            "{:>4} s: {} responses ({} without errors, {} with stale data), {} canceled; {memory:.0} MB, {files} files; {:?}; \
             {} wrong, {} panics",
            began.elapsed().as_secs(),
            read(answered),
            read(whole),
            read(stale),
            read(left),
            codes.lock().unwrap(),
            wrong.lock().unwrap().len(),
            PANICS.load(Ordering::Relaxed)
        );
    }

    /// Why the run proves nothing, if that is so.
    fn why_inconclusive(&self) -> Option<&'static str> {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let (answered, whole) = (read(&self.tally.answered), read(&self.tally.whole));
        let unknown = self.tally.codes.lock().unwrap().get("PERSISTED_QUERY_NOT_FOUND").copied().unwrap_or_default();
        let wrong = [
            (answered < 1_000, "too few responses"),
            (whole < answered / 5, "too few responses without errors"),
            (whole > answered - answered / 50, "too few faults had an effect"),
            (read(&self.tally.left) == 0, "no request was canceled"),
            (read(&self.tally.stale) == 0, "no response had stale data"),
            (unknown > answered / 50, "too few persisted queries were found"),
        ];
        wrong.into_iter().find(|(is_so, _)| *is_so).map(|(_, why)| why)
    }
}

/// The number after a command-line flag, or the default.
fn number(flag: &str, default: u64) -> u64 {
    let mut arguments = std::env::args().skip_while(|argument| argument != flag).skip(1);
    arguments.next().map_or(default, |text| text.parse().unwrap())
}

/// Takes a sample twice a second until the time is up or a response is wrong.
async fn watch(soak: &Soak, lasts: Duration) -> Vec<Sample> {
    let (began, mut printed) = (Instant::now(), Instant::now());
    let mut samples = Vec::new();
    while began.elapsed() < lasts && soak.tally.wrong.lock().unwrap().is_empty() {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let sample = Sample::take(began);
        if printed.elapsed() >= PROGRESS_INTERVAL {
            printed = Instant::now();
            soak.print_progress(began, &sample);
        }
        samples.push(sample);
    }
    soak.finished.store(true, Ordering::Relaxed);
    soak.print_progress(began, &Sample::take(began));
    samples
}

#[tokio::main]
async fn main() -> ExitCode {
    let (seconds, seed) = (number("--seconds", 30), number("--seed", 1));
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        PANICS.fetch_add(1, Ordering::Relaxed);
        before(panic);
    }));
    let soak = Arc::new(Soak::start().await);
    println!("{seconds} s, seed {seed}: {} callers, {} queries", soak.callers.len(), soak.queries.len());
    let injecting = tokio::spawn({
        let soak = Arc::clone(&soak);
        async move { soak.inject_faults(Dice::of(seed, 0)).await }
    });
    let clients = (1..=CLIENTS).map(|client| {
        let soak = Arc::clone(&soak);
        tokio::spawn(async move { soak.client(Dice::of(seed, client)).await })
    });
    let clients: Vec<_> = clients.collect();
    let samples = watch(&soak, Duration::from_secs(seconds)).await;
    let ended = join_all(clients.into_iter().chain([injecting])).await.into_iter().all(|task| task.is_ok());
    let tail = &samples[samples.len() / 3..];
    let (growth_mb, files_growth) = (growth(tail, |sample| sample.memory), growth(tail, |sample| sample.files));
    let per_hour = growth_mb / (samples.last().map_or(1.0, |last| last.at) * 2.0 / 3.0) * 3_600.0;
    println!(
        "memory growth after the first third: {growth_mb:+.1} MB, {per_hour:+.0} MB per hour; limit {GROWTH_MAX_MB} MB"
    );
    println!("growth of open files after the first third: {files_growth:+.0}; limit {OPEN_FILES_MAX}");
    let wrong = soak.tally.wrong.lock().unwrap().clone();
    wrong.iter().take(5).for_each(|report| println!("{report}"));
    let drains = soak.drains().await;
    let faults = [
        (!wrong.is_empty(), "a response is wrong"),
        (!ended || PANICS.load(Ordering::Relaxed) > 0, "a task panicked"),
        (growth_mb > GROWTH_MAX_MB, "memory grows"),
        (files_growth > OPEN_FILES_MAX, "the number of open files grows"),
        (!drains, "provider calls remain open"),
    ];
    let faults = faults.into_iter().filter(|(is_so, _)| *is_so).map(|(_, why)| why).chain(soak.why_inconclusive());
    let faults: Vec<_> = faults.collect();
    println!("{}", if faults.is_empty() { "passed".to_owned() } else { faults.join(", ") });
    if faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

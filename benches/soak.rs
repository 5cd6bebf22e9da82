//! Callers of every kind ask for minutes while the providers fall from one trouble into the next: nothing may be shown to
//! another, nothing may panic, neither memory nor open files may grow, and each answer is right or says by a code what it
//! lacks. Some of what is asked nobody has asked before (`soak/odd`), and now and then the gateway takes other settings.
//!
//! `cargo bench --bench soak -- --seconds 600 --seed 1`, each of which can be left out. It prints how it stands every five
//! seconds, and ends with a failure at the first thing that may not be. The seed decides who asks what and which troubles
//! come; the machine decides which of them meet. Memory is that of this whole process, with gateway, sandbox and clients:
//! the line that fits the samples after the first third best may climb by so much until the end, and no more.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark talks to its terminal and must not go on")]

#[path = "../tests/gateway/crowd/cast.rs"]
mod cast;
#[path = "soak/fits.rs"]
mod fits;
#[path = "soak/odd.rs"]
mod odd;
#[path = "soak/sample.rs"]
mod sample;
#[path = "soak/trouble.rs"]
mod trouble;

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use cast::{Dice, jwt, markers};
use commongraph::app::{self, Running, sample_operations};
use commongraph::config::Settings;
use commongraph::sandbox::{self, Sandbox, services, synthetic_user};
use fits::fits;
use futures_util::future::join_all;
use odd::Odd;
use sample::{Sample, growth};
use serde_json::{Value, json};
use trouble::troubles;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How many people there are: so few that one page holds the site's whole list, and a row that is missing brings no other.
const PEOPLE: usize = 15;

/// How many clients ask at once.
const CLIENTS: u64 = 24;

/// One request in so many is given up within so many microseconds.
const LEAVES_ONE_IN: u64 = 10;
const LEAVES_WITHIN_US: u64 = 3_000;

/// How often the providers' trouble changes, and how often this says how it stands.
const TROUBLE_EVERY: Duration = Duration::from_secs(3);
const TOLD_EVERY: Duration = Duration::from_secs(5);

/// One request in so many is one that nobody has asked before, and another one is sent by its hash.
const NEW_ONE_IN: u64 = 8;

/// The gateway takes other settings after so many changes of the providers' trouble.
const RELOAD_EACH: u64 = 3;

/// How much memory may grow by in all after the first third, in megabytes.
const GROWTH_MAX_MB: f64 = 24.0;

/// How many more files may be open at the end of that line than at its beginning: what the troubles of the moment hold open.
const OPENED_MAX: f64 = 100.0;

/// How long it may take in the end until no call is open any more.
const CALM_WITHIN: Duration = Duration::from_secs(20);

static PANICS: AtomicU64 = AtomicU64::new(0);

/// Who asks: the headers, and whose marker may be in the answer; all of them, for who lists the site.
struct Asker {
    name: String,
    headers: Vec<(&'static str, String)>,
    sees: Option<String>,
}

/// What is asked, and what the answer is to each asker while nothing is wrong.
struct Question {
    text: String,
    right: Vec<Value>,
}

/// What came of it so far.
#[derive(Default)]
struct Tally {
    answered: AtomicU64,
    whole: AtomicU64,
    left: AtomicU64,
    stale: AtomicU64,
    codes: Mutex<BTreeMap<String, u64>>,
    wrong: Mutex<Vec<String>>,
}

struct Stage {
    sandbox: Sandbox,
    settings: Settings,
    running: Running,
    client: reqwest::Client,
    askers: Vec<Asker>,
    questions: Vec<Question>,
    odd: Vec<Question>,
    tally: Tally,
    is_over: AtomicBool,
}

/// What everybody asks of their own, and of one another's by name.
fn texts() -> Vec<String> {
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

/// Each person by their JWT, with their token beside it, by the token alone, and with it beside a service's key; and each
/// service by its key.
fn askers() -> Vec<Asker> {
    let bearer = |text: &str| ("Authorization", format!("Bearer {text}"));
    let mut all: Vec<Asker> = services()
        .iter()
        .map(|service| Asker { name: service.name.to_owned(), headers: vec![bearer(service.key)], sees: None })
        .collect();
    for person in (0..PEOPLE).map(synthetic_user) {
        let token = ("X-WordPress-Token", person.wordpress_token.clone());
        let jwt = bearer(&jwt(&person));
        let own = |kind: &str, headers, sees| Asker { name: format!("{} ({kind})", person.name), headers, sees };
        let name = || Some(person.name.clone());
        all.push(own("jwt", vec![jwt.clone()], name()));
        all.push(own("jwt and token", vec![jwt, token.clone()], name()));
        all.push(own("token", vec![token.clone()], name()));
        all.push(own("key and token", vec![bearer(services()[0].key), token], None));
    }
    all
}

/// Whoever shows a made-up token: nobody, who sees nobody's.
fn guesser(token: &str) -> Asker {
    let headers = vec![("X-WordPress-Token", token.to_owned())];
    Asker { name: token.to_owned(), headers, sees: Some("nobody".to_owned()) }
}

/// An answer that was given while nothing is wrong.
fn health(answer: &str) -> Value {
    assert!(!answer.contains("\"PROVIDER_"), "a provider was in trouble before it should be: {answer}");
    serde_json::from_str(answer).unwrap()
}

impl Stage {
    async fn set() -> Self {
        let sandbox =
            Sandbox::start(sandbox::Settings { synthetic_users: PEOPLE, ..Default::default() }).await.unwrap();
        let mut settings = Settings::default();
        app::point_at(&mut settings, &sandbox);
        settings.http.listen.set_port(0);
        settings.http.drain.grace_ms = 0;
        // All of the cache's ages are met within seconds; a call that hangs holds a client for half a second, and what is too
        // large is so at a megabyte, so that memory does not leap by what is rightly read at once.
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
        let (tally, is_over) = (Tally::default(), AtomicBool::new(false));
        let (askers, questions, odd) = (askers(), Vec::new(), Vec::new());
        let mut stage = Self { sandbox, settings, running, client, askers, questions, odd, tally, is_over };
        for text in texts() {
            let mut right = Vec::new();
            for asker in &stage.askers {
                right.push(health(&stage.ask(asker, &json!({ "query": text })).await.1));
            }
            stage.questions.push(Question { text, right });
        }
        for (kind, text) in odd::texts().into_iter().enumerate() {
            let mut right = Vec::new();
            for asker in &stage.askers {
                let odd = Odd::invent(kind, &mut Dice::of(0, right.len() as u64));
                right.push(health(&odd.plain(&stage.ask_odd(asker, &text, &odd).await.1)));
            }
            stage.odd.push(Question { text, right });
        }
        stage
    }

    async fn ask_odd(&self, asker: &Asker, text: &str, odd: &Odd) -> (u16, String) {
        let body = json!({ "query": odd.ask(text) });
        match odd.token() {
            Some(token) => self.ask(&guesser(token), &body).await,
            None => self.ask(asker, &body).await,
        }
    }

    async fn ask(&self, asker: &Asker, body: &Value) -> (u16, String) {
        let url = format!("http://{}/graphql", self.running.address);
        let asked = self.client.post(url).json(body);
        let asked = asker.headers.iter().fold(asked, |asked, (name, value)| asked.header(*name, value));
        let answer = asked.send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// Something of the sandbox's own.
    fn control(&self, method: reqwest::Method, what: &str) -> reqwest::RequestBuilder {
        self.client.request(method, format!("{}/__sandbox/{what}", self.sandbox.wordpress_url()))
    }

    /// Asks on and on, as one client.
    async fn client(&self, mut dice: Dice) {
        while !self.is_over.load(Ordering::Relaxed) {
            let place = dice.below(self.askers.len() as u64) as usize;
            let asker = &self.askers[place];
            match dice.below(NEW_ONE_IN) {
                0 => {
                    let odd = Odd::any(&mut dice);
                    let question = &self.odd[odd.kind];
                    let (status, text) = self.ask_odd(asker, &question.text, &odd).await;
                    let guesser = odd.token().map(guesser);
                    self.judge(guesser.as_ref().unwrap_or(asker), question, place, status, &odd.plain(&text));
                    continue;
                }
                1 => {
                    let question = &self.questions[dice.below(self.questions.len() as u64) as usize];
                    for body in odd::by_hash(&question.text, &mut dice) {
                        let (status, text) = self.ask(asker, &body).await;
                        self.judge(asker, question, place, status, &text);
                    }
                    continue;
                }
                _ => {}
            }
            let question = &self.questions[dice.below(self.questions.len() as u64) as usize];
            let body = json!({ "query": question.text });
            let asking = self.ask(asker, &body);
            let answered = if dice.below(LEAVES_ONE_IN) == 0 {
                let patience = Duration::from_micros(dice.below(LEAVES_WITHIN_US));
                tokio::time::timeout(patience, asking).await.ok()
            } else {
                Some(asking.await)
            };
            match answered {
                Some((status, text)) => self.judge(asker, question, place, status, &text),
                None => drop(self.tally.left.fetch_add(1, Ordering::Relaxed)),
            }
        }
    }

    /// Holds an answer against the right one.
    fn judge(&self, asker: &Asker, question: &Question, place: usize, status: u16, text: &str) {
        let tally = &self.tally;
        tally.answered.fetch_add(1, Ordering::Relaxed);
        let wrong = |why: &str| {
            let told = format!("{}: {why}: {} is answered {status} {text:.1500}", asker.name, question.text);
            tally.wrong.lock().unwrap().push(told);
        };
        if let Some(own) = &asker.sees
            && markers(text).iter().any(|marker| marker != own)
        {
            wrong("sees another's marker");
        }
        let Ok(answer) = serde_json::from_str::<Value>(text) else { return wrong("no JSON") };
        let right = &question.right[place];
        let stale = answer["extensions"]["gateway"]["stale"].is_array();
        tally.stale.fetch_add(u64::from(stale), Ordering::Relaxed);
        if answer["errors"] == right["errors"] {
            tally.whole.fetch_add(1, Ordering::Relaxed);
            if answer["data"] != right["data"] {
                wrong("is not what it is in health");
            }
            return;
        }
        for error in answer["errors"].as_array().into_iter().flatten() {
            match error["extensions"]["code"].as_str() {
                None | Some("INTERNAL") => wrong("an error without a code of its own"),
                Some(code) => *tally.codes.lock().unwrap().entry(code.to_owned()).or_default() += 1,
            }
        }
        if !fits(&answer["data"], &right["data"]) {
            wrong("what is there is not what it is in health");
        }
    }

    /// Changes the providers' trouble again and again.
    async fn worry(&self, mut dice: Dice) {
        for round in 1.. {
            if self.is_over.load(Ordering::Relaxed) {
                break;
            }
            if round % RELOAD_EACH == 0 {
                // WordPress.com's part begins anew, with a cache and connections of its own.
                let mut settings = self.settings.clone();
                settings.wordpress.fresh.me_seconds = 1 + round % 2;
                self.running.reload(&settings).unwrap();
            }
            let faults = troubles(&mut dice);
            self.control(reqwest::Method::PUT, "faults")
                .json(&faults)
                .send()
                .await
                .unwrap()
                .error_for_status()
                .unwrap();
            // The sandbox's logs are the sandbox's memory, and not what is looked at.
            for log in ["requests", "writes"] {
                self.control(reqwest::Method::DELETE, log).send().await.unwrap();
            }
            tokio::time::sleep(TROUBLE_EVERY).await;
        }
        self.control(reqwest::Method::DELETE, "faults").send().await.unwrap();
    }

    /// Whether no call is open any more, soon after nobody asks any more.
    async fn is_calm(&self) -> bool {
        let began = Instant::now();
        while began.elapsed() < CALM_WITHIN {
            let seen: Value = self.control(reqwest::Method::GET, "open").send().await.unwrap().json().await.unwrap();
            if seen["open"] == 0 {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        false
    }

    fn tell(&self, began: Instant, sample: &Sample) {
        let Tally { answered, whole, left, stale, codes, wrong } = &self.tally;
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let Sample { memory, files, .. } = sample;
        println!(
            "{:>4} s: {} answered ({} whole, {} with something stale), {} left; {memory:.0} MB, {files} files; {:?}; {} wrong, \
             {} panics",
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

    /// Why the run shows nothing, if so.
    fn idle(&self) -> Option<&'static str> {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let (answered, whole) = (read(&self.tally.answered), read(&self.tally.whole));
        let unknown = self.tally.codes.lock().unwrap().get("PERSISTED_QUERY_NOT_FOUND").copied().unwrap_or_default();
        let wrong = [
            (answered < 1_000, "too few were answered"),
            (whole < answered / 5, "too few answers were whole"),
            (whole > answered - answered / 50, "the providers were hardly in trouble"),
            (read(&self.tally.left) == 0, "nobody left"),
            (read(&self.tally.stale) == 0, "nothing was stale"),
            (unknown > answered / 50, "documents were hardly known by their hashes"),
        ];
        wrong.into_iter().find(|(is_so, _)| *is_so).map(|(_, why)| why)
    }
}

/// The number behind a flag, or what stands for it.
fn number(flag: &str, otherwise: u64) -> u64 {
    let mut arguments = std::env::args().skip_while(|argument| argument != flag).skip(1);
    arguments.next().map_or(otherwise, |text| text.parse().unwrap())
}

/// Samples what is held twice a second until the time is up or something is wrong.
async fn watch(stage: &Stage, lasts: Duration) -> Vec<Sample> {
    let (began, mut told) = (Instant::now(), Instant::now());
    let mut samples = Vec::new();
    while began.elapsed() < lasts && stage.tally.wrong.lock().unwrap().is_empty() {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let sample = Sample::take(began);
        if told.elapsed() >= TOLD_EVERY {
            told = Instant::now();
            stage.tell(began, &sample);
        }
        samples.push(sample);
    }
    stage.is_over.store(true, Ordering::Relaxed);
    stage.tell(began, &Sample::take(began));
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
    let stage = Arc::new(Stage::set().await);
    println!("{seconds} s, seed {seed}: {} askers, {} questions", stage.askers.len(), stage.questions.len());
    let worrying = tokio::spawn({
        let stage = Arc::clone(&stage);
        async move { stage.worry(Dice::of(seed, 0)).await }
    });
    let clients = (1..=CLIENTS).map(|client| {
        let stage = Arc::clone(&stage);
        tokio::spawn(async move { stage.client(Dice::of(seed, client)).await })
    });
    let clients: Vec<_> = clients.collect();
    let samples = watch(&stage, Duration::from_secs(seconds)).await;
    let ended = join_all(clients.into_iter().chain([worrying])).await.into_iter().all(|task| task.is_ok());
    let late = &samples[samples.len() / 3..];
    let (climbed, opened) = (growth(late, |sample| sample.memory), growth(late, |sample| sample.files));
    let per_hour = climbed / (samples.last().map_or(1.0, |last| last.at) * 2.0 / 3.0) * 3_600.0;
    println!(
        "memory after the first third: {climbed:+.1} MB in all, {per_hour:+.0} MB an hour; at most {GROWTH_MAX_MB} MB in all"
    );
    println!("open files after the first third: {opened:+.0} in all; at most {OPENED_MAX}");
    let wrong = stage.tally.wrong.lock().unwrap().clone();
    wrong.iter().take(5).for_each(|told| println!("{told}"));
    let is_calm = stage.is_calm().await;
    let faults = [
        (!wrong.is_empty(), "an answer is wrong"),
        (!ended || PANICS.load(Ordering::Relaxed) > 0, "something panicked"),
        (climbed > GROWTH_MAX_MB, "memory grows"),
        (opened > OPENED_MAX, "ever more files are open"),
        (!is_calm, "calls are open that nobody waits for"),
    ];
    let faults = faults.into_iter().filter(|(is_so, _)| *is_so).map(|(_, why)| why).chain(stage.idle());
    let faults: Vec<_> = faults.collect();
    println!("{}", if faults.is_empty() { "nothing is wrong".to_owned() } else { faults.join(", ") });
    if faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

//! Being asked to stop, and being given other settings: nothing that was taken is lost.

use std::io::{BufRead, BufReader, Lines};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};

use commongraph::graph::Introspection;
use commongraph::sandbox::{self, Sandbox};
use serde_json::{Value, json};

use crate::harness::{Asker, Gateway, World};
use crate::wire::{Wire, post};

const SLOW: &str = "{ viewer { wordpressUser { displayName } } }";
const TOKEN: &str = "x-wordpress-token: sandbox-wpcom-olga\r\n";

/// The command, without settings of the environment in which the tests run.
pub fn commongraph() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_commongraph"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("COMMONGRAPH_")) {
        command.env_remove(name);
    }
    command
}

/// A running command that is killed when its test ends.
pub struct Process(pub Child);

impl Process {
    pub fn start(arguments: &[&str]) -> Self {
        Self(commongraph().args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
    }

    /// What it says on stderr, from here on.
    pub fn log(&mut self) -> Log {
        Log(BufReader::new(self.0.stderr.take().unwrap()).lines())
    }

    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.0.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// Waits for its end: the exit code.
    pub async fn ended(mut self) -> Option<i32> {
        tokio::task::spawn_blocking(move || self.0.wait().unwrap().code()).await.unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A log, line by line.
pub struct Log(Lines<BufReader<ChildStderr>>);

impl Log {
    /// Goes on to the line that holds these words.
    pub fn until(&mut self, words: &str) -> String {
        self.0.find_map(|line| line.ok().filter(|line| line.contains(words))).unwrap_or_else(|| panic!("no {words}"))
    }

    /// All that is left of it.
    pub fn rest(self) -> String {
        self.0.map(|line| line.unwrap() + "\n").collect()
    }
}

/// A sandbox with its gateway as a process, and where that answers.
fn start_sandbox() -> (Process, SocketAddr) {
    let mut process = Process::start(&["sandbox", "--listen", "127.0.0.1:0"]);
    let lines = BufReader::new(process.0.stdout.take().unwrap()).lines();
    let graph = lines.map(Result::unwrap).find_map(|line| line.trim().strip_prefix("graph ").map(str::to_owned));
    let url = graph.unwrap();
    (process, url.trim().trim_start_matches("http://").trim_end_matches("/graphql").parse().unwrap())
}

/// The number behind `name=` in a log.
pub fn number(log: &str, name: &str) -> u64 {
    let rest = log.split(&format!("{name}=")).nth(1).unwrap_or_else(|| panic!("{log}"));
    rest.split_whitespace().next().unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn asked_twice_it_does_not_wait_for_what_is_under_way() {
    let (mut process, address) = start_sandbox();
    let mut wire = Wire::open(address).await;
    wire.say(
        "POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n",
    )
    .await;
    let mut log = process.log();
    process.signal("TERM");
    log.until("stop requested");
    process.signal("TERM");
    assert_eq!(process.ended().await, Some(0));
    log.until("stopped at once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sandbox_whose_terminal_is_gone_ends_too() {
    let (process, _) = start_sandbox();
    process.signal("HUP");
    assert_eq!(process.ended().await, Some(0));
}

async fn ready(gateway: &Gateway) -> (u16, String) {
    let response = gateway.client.get(gateway.url().replace("/graphql", "/health/ready")).send().await.unwrap();
    let says_when = response.headers().contains_key("retry-after");
    assert_eq!(says_when, response.status() == 503, "a response says when to retry if it is 503");
    (response.status().as_u16(), response.text().await.unwrap())
}

#[tokio::test]
async fn from_the_moment_it_is_asked_to_stop_it_is_not_ready_and_says_so_with_every_answer() {
    let gateway = Gateway::start(|settings| settings.http.drain.grace_ms = 300_000).await;
    let ask = async || {
        let mut wire = Wire::open(gateway.running.address).await;
        wire.say(&post("{ __typename }", "")).await;
        wire.reply().await.unwrap()
    };
    assert_eq!(ready(&gateway).await, (200, "ready\n".to_owned()));
    assert!(!ask().await.head.contains("connection: close"));
    gateway.running.stop();
    assert_eq!(ready(&gateway).await, (503, "draining\n".to_owned()));
    let reply = ask().await;
    assert!(reply.status == 200 && reply.head.contains("connection: close"), "{reply:?}");
}

#[tokio::test]
async fn what_is_under_way_is_answered_before_the_end() {
    let mut world = World::start().await;
    world.fault(json!({ "latency_ms": 700, "path": "/rest/v1.1/me" })).await;
    let request = world.gateway.request(&Asker::token("sandbox-wpcom-olga"), SLOW, json!({}));
    let asking = tokio::spawn(request.send());
    while world.open_calls().await == 0 {
        tokio::task::yield_now().await;
    }
    world.gateway.running.stop();
    world.gateway.running.ended().await.unwrap();
    let answer: Value = asking.await.unwrap().unwrap().json().await.unwrap();
    assert_eq!(answer["data"]["viewer"]["wordpressUser"]["displayName"], "Olga Brandt", "{answer}");
}

#[tokio::test]
async fn what_never_ends_is_cut_off_in_the_end() {
    let mut gateway = Gateway::start(|settings| settings.http.drain.max_ms = 700).await;
    let mut half = Wire::open(gateway.running.address).await;
    let whole = post("{ __typename }", "");
    half.say(&whole[..whole.len() - 3]).await;
    gateway.running.stop();
    gateway.running.ended().await.unwrap();
    assert_eq!(half.rest().await, "");
}

#[tokio::test]
async fn other_settings_are_taken_without_a_pause_and_bad_ones_refused_whole() {
    let world = World::start().await;
    let mut settings = commongraph::config::Settings::default();
    commongraph::app::point_at(&mut settings, &world.sandbox);
    settings.http.listen.set_port(0);
    settings.http.drain.grace_ms = 0;
    let introspect =
        async || world.gateway.ask(&Asker::nobody(), "{ __schema { queryType { name } } }", json!({})).await;
    assert!(introspect().await["errors"].is_null());

    let mut fixed = settings.clone();
    fixed.http.limits.requests_max = 7;
    fixed.graph.introspection = Introspection::None;
    let refused = world.gateway.running.reload(&fixed);
    assert_eq!(
        refused,
        Err("http.limits: cannot change while the gateway runs; restart it to apply the change".to_owned())
    );
    assert!(introspect().await["errors"].is_null());

    settings.graph.introspection = Introspection::None;
    world.gateway.running.reload(&settings).unwrap();
    assert!(introspect().await["errors"].is_array());
    assert_eq!(world.ask("olga", SLOW).await["data"]["viewer"]["wordpressUser"]["displayName"], "Olga Brandt");
}

/// A settings file of one test's own, gone with it.
pub struct File(PathBuf);

impl File {
    pub fn named(name: &str) -> Self {
        Self(Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}.toml", std::process::id())))
    }

    pub fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }

    pub fn write(&self, text: &str) {
        std::fs::write(&self.0, text).unwrap();
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Settings for `serve`, with what a test adds.
pub fn settings(sandbox: &Sandbox, more: &str) -> String {
    format!(
        "wordpress.base_url = '{}'\nhttp.listen = '127.0.0.1:0'\nhttp.drain.grace_ms = 0\n\
         access.jwt.issuer = 'nobody'\naccess.jwt.audience = 'us'\naccess.jwt.secret = '{}'\n{more}\n",
        sandbox.wordpress_url(),
        "s".repeat(32)
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hangup_reloads_a_good_file_and_refuses_a_bad_one_with_its_line() {
    let sandbox = Sandbox::start(sandbox::Settings::default()).await.unwrap();
    let file = File::named("hangup");
    file.write(&settings(&sandbox, ""));
    let mut process = Process::start(&["serve", "--config", file.path()]);
    let mut log = process.log();
    let mut until = |words: &str| log.until(words);
    let address = until("address=").split("address=").nth(1).unwrap().split_whitespace().next().unwrap().to_owned();
    let send = async |query: &str| {
        let mut wire = Wire::open(address.parse().unwrap()).await;
        wire.say(&post(query, TOKEN)).await;
        serde_json::from_slice::<Value>(&wire.reply().await.unwrap().body).unwrap()
    };
    let ask = async || send("{ __schema { queryType { name } } }").await;
    assert!(send("{ viewer { wordpressUser { displayName } } }").await["errors"].is_null());
    assert!(ask().await["errors"].is_null());

    file.write(&settings(&sandbox, "graph.introspection = 'SECRET'"));
    process.signal("HUP");
    let line = until("settings reload failed");
    assert!(line.contains("graph.introspection in") && line.contains("is not allowed"), "{line}");
    assert!(!line.contains("SECRET"), "{line}");
    assert!(ask().await["errors"].is_null());

    file.write(&settings(&sandbox, "http.limits.headers_max = 9\ngraph.introspection = 'none'"));
    process.signal("HUP");
    assert!(until("settings reload failed").contains("http.limits: cannot change"));
    assert!(ask().await["errors"].is_null());

    file.write(&settings(&sandbox, "graph.introspection = 'none'"));
    process.signal("HUP");
    until("settings reloaded");
    assert!(ask().await["errors"].is_array());
    process.signal("TERM");
    assert_eq!(process.ended().await, Some(0));
}

/// A running `serve` with these settings, its log, and its settings file.
fn serve(sandbox: &Sandbox, name: &str, more: &str) -> (Process, Log, File) {
    let file = File::named(name);
    file.write(&settings(sandbox, more));
    let mut process = Process::start(&["serve", "--config", file.path()]);
    let log = process.log();
    (process, log, file)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reload_that_drops_security_settings_names_them() {
    let sandbox = Sandbox::start(sandbox::Settings::default()).await.unwrap();
    let strict = "http.allowed_hosts = ['localhost']\naccess.wordpress_alone = false";
    let (process, mut log, file) = serve(&sandbox, "relaxed", strict);
    log.until("serving");
    file.write(&settings(&sandbox, ""));
    process.signal("HUP");
    let line = log.until("security settings");
    assert!(line.contains("WARN") && line.contains("\"http.allowed_hosts,access.wordpress_alone\""), "{line}");
    log.until("settings reloaded");
    // Strict again, and nothing to warn of.
    file.write(&settings(&sandbox, strict));
    process.signal("HUP");
    log.until("settings reloaded");
    process.signal("TERM");
    assert_eq!(process.ended().await, Some(0));
    assert!(!log.rest().contains("security settings"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_start_is_logged_whatever_the_filter_is_and_a_wrong_filter_is_refused_by_a_reload() {
    let sandbox = Sandbox::start(sandbox::Settings::default()).await.unwrap();
    let (process, mut log, file) = serve(&sandbox, "filter", "log.filter = 'off'");
    let line = log.until("serving");
    assert!(line.contains("address=127.0.0.1:") && line.contains(env!("CARGO_PKG_VERSION")), "{line}");
    file.write(&settings(&sandbox, "log.filter = 'info'"));
    process.signal("HUP");
    log.until("settings reloaded");
    file.write(&settings(&sandbox, "log.filter = 'wran'"));
    process.signal("HUP");
    let line = log.until("settings reload failed");
    assert!(line.contains("log.filter in") && line.contains("directive 1 is not a level"), "{line}");
    process.signal("TERM");
    log.until("stop requested");
    assert_eq!(process.ended().await, Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn service_keys_that_expire_are_warned_of_at_the_start_and_at_a_reload() {
    let sandbox = Sandbox::start(sandbox::Settings::default()).await.unwrap();
    let key = "[access.keys.old1]\nservice = 'shop'\nscopes = ['oneall:users:read']\n\
               sha256 = '00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff'\n\
               expires_at = 2020-01-01T00:00:00Z";
    let (process, mut log, _file) = serve(&sandbox, "expired", key);
    for _ in 0..2 {
        let line = log.until("service key has expired");
        assert!(line.contains("WARN") && line.contains("access.keys.old1") && line.contains("2020-01-01"), "{line}");
        process.signal("HUP");
    }
    process.signal("TERM");
    assert_eq!(process.ended().await, Some(0));
}

//! Clients that hold what others need: bodies that do not come, answers that nobody reads, and memory.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::process::Stdio;

use axum::body::{Body, to_bytes};
use axum::http::{Request, Response};
use bytes::Bytes;
use commongraph::app;
use commongraph::config::{self, Settings};
use commongraph::sandbox::{self, Sandbox, synthetic_user};
use futures_util::stream::{self, FuturesUnordered, StreamExt};
use hyper::body::Incoming;
use hyper::client::conn::http2::SendRequest;
use serde_json::{Value, json};

use crate::harness::{Asker, Gateway, World};
use crate::http2::connect;
use crate::lifecycle::{Process, commongraph};
use crate::tls::{Folder, pair};

/// A world whose gateway speaks TLS.
struct Stage {
    world: World,
    certificate: String,
    _folder: Folder,
}

impl Stage {
    async fn set(name: &str, crowd: usize, change: impl FnOnce(&mut Settings)) -> Self {
        let sandbox = Sandbox::start(sandbox::Settings { synthetic_users: crowd, ..Default::default() }).await.unwrap();
        let folder = Folder::new(name);
        let (certificate, key) = pair();
        folder.write(&certificate, &key);
        let mut settings = folder.settings();
        app::point_at(&mut settings, &sandbox);
        settings.wordpress.upstream.retries_max = 0;
        // What is held here is held until the test lets go.
        settings.http.timeouts.write_ms = 300_000;
        change(&mut settings);
        let running = app::start(&settings, Vec::new()).await.unwrap();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { world: World { sandbox, gateway: Gateway { running, client } }, certificate, _folder: folder }
    }

    async fn connect(&self, from: &str, window: u32) -> SendRequest<Body> {
        connect(self.world.gateway.running.address, &self.certificate, from, window).await
    }
}

fn request(asker: &Asker, body: Body) -> Request<Body> {
    let mut request = Request::post("https://localhost/graphql").header("content-type", "application/json");
    for (name, value) in &asker.0 {
        request = request.header(*name, value);
    }
    request.body(body).unwrap()
}

fn operation(asker: &Asker, query: &str, variables: &Value) -> Request<Body> {
    request(asker, Body::from(json!({ "query": query, "variables": variables }).to_string()))
}

async fn send(sender: &SendRequest<Body>, request: Request<Body>) -> Response<Incoming> {
    let mut sender = sender.clone();
    sender.ready().await.unwrap();
    sender.send_request(request).await.unwrap()
}

/// The status and the answer.
async fn read(answer: Response<Incoming>) -> (u16, Value) {
    let status = answer.status().as_u16();
    let body = to_bytes(Body::new(answer.into_body()), usize::MAX).await.unwrap();
    (status, serde_json::from_slice(&body).unwrap())
}

fn assert_is_overloaded(status: u16, answer: &Value) {
    assert_eq!((status, &answer["errors"][0]["extensions"]["code"]), (503, &json!("OVERLOADED")), "{answer}");
    assert!(answer.get("data").is_none(), "{answer}");
}

/// A body of which these bytes come, and never the rest.
fn unfinished(bytes: usize) -> Body {
    let first = stream::iter((bytes > 0).then(|| Ok::<_, Infallible>(Bytes::from(vec![b' '; bytes]))));
    Body::from_stream(first.chain(stream::pending()))
}

#[tokio::test]
async fn bodies_that_do_not_come_cost_no_other_caller_a_request() {
    const CALLERS: usize = 12;
    let stage = Stage::set("overload-bodies", CALLERS, |settings| {
        settings.http.body_max_bytes = 32 << 10;
        settings.http.limits.bodies_max_bytes = 2 << 20;
        settings.http.limits.requests_max = 8;
        settings.http.timeouts.body_ms = 300_000;
        settings.http.timeouts.request_ms = 300_000;
    })
    .await;
    let mut held = Vec::new();
    for number in 0..CALLERS {
        let asker = Asker::alone(&synthetic_user(number).wordpress_token);
        let sender = stage.connect("127.0.0.1", 1 << 20).await;
        // From now on it is known to be a person's token, so it counts by itself.
        let name = operation(&asker, "{ viewer { wordpressUser { displayName } } }", &json!({}));
        assert_eq!(read(send(&sender, name).await).await.0, 200);
        let mut silent: FuturesUnordered<_> =
            (0..100).map(|_| Box::pin(send_owned(sender.clone(), request(&asker, unfinished(0))))).collect();
        for _ in 0..60 {
            let refused = silent.next().await.unwrap();
            assert_eq!(refused.headers()["retry-after"], "1");
            let (status, answer) = read(refused).await;
            assert_is_overloaded(status, &answer);
        }
        held.push(silent);
    }
    for from in ["127.0.0.1", "127.0.0.9"] {
        let sender = stage.connect(from, 1 << 20).await;
        for _ in 0..50 {
            let service = || send(&sender, operation(&Asker::service("shop"), "{ __typename }", &json!({})));
            let answers = futures_util::future::join_all((0..4).map(|_| service())).await;
            assert!(answers.iter().all(|answer| answer.status() == 200), "{answers:?}");
        }
    }
    drop(held);
}

async fn send_owned(mut sender: SendRequest<Body>, request: Request<Body>) -> Response<Incoming> {
    sender.ready().await.unwrap();
    sender.send_request(request).await.unwrap()
}

#[test]
fn a_share_must_hold_the_largest_body_or_answer() {
    for (setting, value, message) in [
        ("bodies_max_bytes", "1048576", "must be at least 32 times http.body_max_bytes"),
        ("unread_answers_max_bytes", "8388608", "must be at least 16 times http.limits.answer_max_bytes"),
    ] {
        let variable = format!("COMMONGRAPH_HTTP__LIMITS__{}", setting.to_uppercase());
        let refused = config::load(None, [(variable, value.to_owned())].into_iter(), None).unwrap_err().to_string();
        assert!(refused.contains(setting) && refused.contains(message), "{refused}");
    }
}

#[tokio::test]
async fn unread_answers_refuse_a_mutation_before_it_runs_and_never_after() {
    let stage = Stage::set("overload-mutation", 0, |settings| {
        settings.http.limits.unread_answers_max_bytes = 8 << 20;
        settings.http.limits.answer_max_bytes = 512 << 10;
    })
    .await;
    let applications = stage.connect("127.0.0.1", 1 << 20).await;
    let olga = Asker::person("olga");
    let list = operation(&olga, "{ applications(first: 1) { nodes { id } } }", &json!({}));
    let (_, listed) = read(send(&applications, list).await).await;
    let id = &listed["data"]["applications"]["nodes"][0]["id"];

    let silent = stage.connect("127.0.0.2", 0).await;
    let mut held = Vec::new();
    loop {
        let answer = send(&silent, operation(&Asker::nobody(), "{ __typename }", &json!({}))).await;
        if answer.status() == 503 {
            break;
        }
        held.push(answer);
    }
    // Rows with long names: what is read after the change is larger than what the address may still hold.
    let (long, longer) = ("a".repeat(10_000), "b".repeat(10_000));
    let revoke = format!(
        "mutation ($id: ID!) {{ applicationRevoke(input: {{ id: $id }}) {{ deletedApplicationId userErrors {{ code }}
           viewer {{ connections(first: 20) {{ nodes {{ {long}: id {longer}: id }} }} }} }} }}"
    );
    let reading = stage.connect("127.0.0.2", 1 << 20).await;
    let change = || operation(&olga, &revoke, &json!({ "id": id }));
    let (status, answer) = read(send(&reading, change()).await).await;
    assert_is_overloaded(status, &answer);
    assert!(stage.world.writes().await.is_empty());

    // Room for the outcome, but not for the whole answer.
    held.truncate(held.len() - 7);
    let answer = loop {
        let (status, answer) = read(send(&reading, change()).await).await;
        if status == 200 {
            break answer;
        }
        assert_is_overloaded(status, &answer);
        assert!(stage.world.writes().await.is_empty());
    };
    assert_eq!(stage.world.writes().await.len(), 1);
    let payload = &answer["data"]["applicationRevoke"];
    assert_eq!(payload["deletedApplicationId"], *id, "{answer}");
    assert_eq!((&payload["userErrors"], &payload["viewer"]), (&json!([]), &json!(null)));
    let told = &answer["errors"][0];
    assert_eq!(told["path"], json!(["applicationRevoke", "viewer"]));
    let told = (&told["extensions"]["code"], &told["extensions"]["retryable"]);
    assert_eq!(told, (&json!("LIMIT_EXCEEDED"), &json!(false)));

    let reader = stage.connect("127.0.0.3", 1 << 20).await;
    let query = format!("{{ viewer {{ connections(first: 20) {{ nodes {{ {long}: id {longer}: id }} }} }} }}");
    let (status, whole) = read(send(&reader, operation(&olga, &query, &json!({}))).await).await;
    assert!(status == 200 && whole.to_string().len() > 130_000, "another address has its own part");
    let (status, answer) = read(send(&reading, operation(&olga, &query, &json!({}))).await).await;
    assert_is_overloaded(status, &answer);
}

/// The most memory that a process has had, in KiB.
#[cfg(target_os = "linux")]
fn peak(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Some 300 KB, for which no provider is asked.
#[cfg(target_os = "linux")]
const LARGE: &str =
    "{ a: __schema { ...S } b: __schema { ...S } c: __schema { ...S } d: __schema { ...S } e: __schema { ...S } }
    fragment S on __Schema { types { name description fields { name description } } }";

/// Nobody but the limits under test refuses or ends what hoards.
#[cfg(target_os = "linux")]
const MEMORY_SETTINGS: [(&str, &str); 10] = [
    ("ACCESS__JWT__ISSUER", "https://issuer.example"),
    ("ACCESS__JWT__AUDIENCE", "https://graph.example"),
    ("ACCESS__JWT__SECRET", "00112233445566778899aabbccddeeff"),
    ("GRAPH__INTROSPECTION", "all"),
    ("HTTP__TIMEOUTS__BODY_MS", "300000"),
    ("HTTP__TIMEOUTS__REQUEST_MS", "300000"),
    ("HTTP__TIMEOUTS__WRITE_MS", "300000"),
    ("LIMITS__ADDRESS_REQUESTS_PER_MINUTE", "1000000"),
    ("LIMITS__ANONYMOUS_REQUESTS_PER_MINUTE", "1000000"),
    ("LOG__FILTER", "info,commongraph::operation=off"),
];

/// How many requests hoard, by each protocol and for each kind.
#[cfg(target_os = "linux")]
const HOARDED: usize = 400;

/// What one address may take at most (docs/memory.md), in KiB. Without limits, the requests of the test take 200 MiB.
#[cfg(target_os = "linux")]
const ONE_ADDRESS_KIB: u64 = 64 << 10;

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_address_that_hoards_answers_and_bodies_takes_no_more_memory_than_documented() {
    let folder = Folder::new("overload-memory");
    let (certificate, key) = pair();
    folder.write(&certificate, &key);
    let mut command = commongraph();
    command.args(["serve", "--listen", "127.0.0.1:0"]).stdout(Stdio::null()).stderr(Stdio::piped());
    let files = folder.settings().http.tls;
    command.env("COMMONGRAPH_HTTP__TLS__CERTIFICATE_FILE", files.certificate_file.unwrap());
    command.env("COMMONGRAPH_HTTP__TLS__PRIVATE_KEY_FILE", files.private_key_file.unwrap());
    for (name, value) in MEMORY_SETTINGS {
        command.env(format!("COMMONGRAPH_{name}"), value);
    }
    let mut process = Process(command.spawn().unwrap());
    let id = process.0.id();
    let mut log = process.log();
    let line = log.until("address=");
    let address = line.split("address=").nth(1).unwrap().split_whitespace().next().unwrap().parse().unwrap();

    let nobody = Asker::nobody();
    let large = || operation(&nobody, LARGE, &json!({}));
    let reading = connect(address, &certificate, "127.0.0.1", 1 << 20).await;
    for _ in 0..3 {
        assert_eq!(read(send(&reading, large()).await).await.0, 200);
    }
    let before = peak(id);

    let (answers, refused) = hoard(address, &certificate, 0, 100, large).await;
    assert!(!answers.is_empty() && refused > HOARDED / 2, "{} held, {refused} refused", answers.len());
    let old = hoard_by_http1(address, &certificate).await;
    // All but 17 of the bodies are refused: so many are within the share of a caller.
    let slow = || request(&nobody, unfinished(200 << 10));
    let (bodies, refused) = hoard(address, &certificate, 1 << 20, 80, slow).await;
    assert!(bodies.is_empty() && refused > HOARDED / 2, "{refused} refused");

    let taken = peak(id) - before;
    assert!(taken < ONE_ADDRESS_KIB, "{taken} KiB");
    let other = connect(address, &certificate, "127.0.0.2", 1 << 20).await;
    assert_eq!(read(send(&other, large()).await).await.0, 200);
    drop((answers, old, bodies, log));
}

/// Sends requests by HTTP/2, a hundred on each connection, and waits for so many answers of each. Returns those that are not
/// refused, of which nothing but the head is read, and how many are refused.
#[cfg(target_os = "linux")]
async fn hoard(
    address: SocketAddr,
    certificate: &str,
    window: u32,
    answered: usize,
    request: impl Fn() -> Request<Body>,
) -> (Vec<Response<Incoming>>, usize) {
    let (mut held, mut refused) = (Vec::new(), 0);
    for _ in 0..HOARDED / 100 {
        let sender = connect(address, certificate, "127.0.0.1", window).await;
        let mut asked: FuturesUnordered<_> =
            (0..100).map(|_| Box::pin(send_owned(sender.clone(), request()))).collect();
        for _ in 0..answered {
            let answer = asked.next().await.unwrap();
            match answer.status().as_u16() {
                200 => held.push(answer),
                503 => refused += 1,
                other => panic!("{other}"),
            }
        }
        tokio::spawn(async move { while asked.next().await.is_some() {} });
    }
    (held, refused)
}

/// The same by HTTP/1.1, each request on a connection of its own.
#[cfg(target_os = "linux")]
async fn hoard_by_http1(address: SocketAddr, certificate: &str) -> Vec<reqwest::Response> {
    let root = reqwest::Certificate::from_pem(certificate.as_bytes()).unwrap();
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([root]).http1_only().build().unwrap();
    let url = format!("https://localhost:{}/graphql", address.port());
    let ask = |_| client.post(&url).json(&json!({ "query": LARGE })).send();
    let answers = futures_util::future::join_all((0..HOARDED / 4).map(ask)).await;
    answers.into_iter().map(Result::unwrap).collect()
}

//! The latency that the gateway adds to an accounts page, with providers that take 20 ms for each response.
//!
//! Run it with `cargo bench --bench latency`. One run against one sandbox times three things in turn:
//! - the page, from the gateway;
//! - the critical path: the longest chain of dependent calls (OneAll's list, then one of its sign-ins);
//! - all calls of the page sent directly to the providers, in parallel where they do not depend on each other.
//!
//! The run fails if the gateway's median exceeds [`RATIO_MAX`] times the median of the critical path.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark prints its results and stops at an error")]

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use commongraph::app::{self, Running, sample_operations};
use commongraph::config::Settings;
use commongraph::sandbox::{self, ONEALL_PRIVATE_KEY, ONEALL_PUBLIC_KEY, Sandbox, services, synthetic_user};
use futures_util::future::join_all;
use serde_json::{Value, json};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The latency of each provider response, in milliseconds.
const UPSTREAM_MS: u64 = 20;

/// The number of concurrent clients. Each has its own WordPress.com token.
const CLIENTS: usize = 16;

/// The number of requests per client: with one client, and with [`CLIENTS`].
const ROUNDS: [usize; 2] = [150, 40];

/// The duration of each throughput measurement.
const MEASURED_FOR: Duration = Duration::from_secs(3);

/// The highest allowed ratio of the page's median to the critical path's median, with one client.
const RATIO_MAX: f64 = 1.5;

const LIST: &str = "/connections.json";

/// One provider call, as the gateway sends it.
#[derive(Clone, Debug)]
struct Call {
    is_oneall: bool,
    target: String,
}

/// The sandbox, and two gateways: one without a cache (`cold`) and one with a cache (`warm`).
struct Setup {
    sandbox: Sandbox,
    cold: Running,
    warm: Running,
    client: reqwest::Client,
    /// The provider calls of one page.
    calls: Vec<Call>,
}

/// What one measurement times.
#[derive(Clone, Copy)]
enum Target {
    Cold,
    Warm,
    CriticalPath,
    Direct,
}

/// The accounts page without reconnect links. Those hold a one-time token, so they are never cached.
fn page() -> String {
    sample_operations::ACCOUNTS.replace("action { kind url }", "action { kind }")
}

async fn start(sandbox: &Sandbox, caches: bool) -> Running {
    let mut settings = Settings::default();
    app::point_at(&mut settings, sandbox);
    settings.http.listen.set_port(0);
    settings.http.drain.grace_ms = 0;
    settings.wordpress.concurrent_per_token_max = 64;
    let (wordpress, oneall) = (&mut settings.wordpress, &mut settings.oneall);
    for (upstream, cache) in
        [(&mut wordpress.upstream, &mut wordpress.cache), (&mut oneall.upstream, &mut oneall.cache)]
    {
        // Raise the rate limits: the benchmark measures latency, not throttling.
        (upstream.calls_per_second_max, upstream.calls_burst_max) = (1_000_000, 1_000_000);
        upstream.concurrent_max = 1_024;
        cache.max_bytes = if caches { cache.max_bytes } else { 0 };
    }
    app::start(&settings, Vec::new()).await.unwrap()
}

impl Setup {
    async fn start() -> Self {
        let world = sandbox::Settings { synthetic_users: CLIENTS, ..Default::default() };
        let sandbox = Sandbox::start(world).await.unwrap();
        let (cold, warm) = (start(&sandbox, false).await, start(&sandbox, true).await);
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let mut setup = Self { sandbox, cold, warm, client, calls: Vec::new() };
        setup.request_page(&setup.cold, 0).await;
        setup.calls = setup.count().await;
        let at = format!("{}/__sandbox/faults", setup.sandbox.wordpress_url());
        let fault = json!([{ "latency_ms": UPSTREAM_MS }]);
        setup.client.put(at).json(&fault).send().await.unwrap().error_for_status().unwrap();
        setup
    }

    /// The calls that the providers received since the last time.
    async fn count(&self) -> Vec<Call> {
        let at = format!("{}/__sandbox/requests", self.sandbox.wordpress_url());
        let seen: Value = self.client.get(&at).send().await.unwrap().json().await.unwrap();
        self.client.delete(&at).send().await.unwrap();
        let call = |row: &Value| {
            let (path, query) = (row["path"].as_str().unwrap(), row["query"].as_str().unwrap_or_default());
            let path_and_query = if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
            Call { is_oneall: row["provider"] == "oneall", target: path_and_query }
        };
        seen["requests"].as_array().unwrap().iter().map(call).collect()
    }

    /// Requests the page with the service key of the shop and one client's WordPress.com token.
    async fn request_page(&self, gateway: &Running, client: usize) {
        let url = format!("http://{}/graphql", gateway.address);
        let request = self
            .client
            .post(url)
            .json(&json!({ "query": page() }))
            .bearer_auth(services()[0].key)
            .header("X-WordPress-Token", synthetic_user(client).wordpress_token);
        let response: Value = request.send().await.unwrap().json().await.unwrap();
        assert!(response["errors"].is_null() && response["data"]["connections"]["nodes"][9].is_object(), "{response}");
    }

    /// Sends one call directly to its provider and parses the JSON response.
    async fn call(&self, call: &Call, client: usize) {
        let request = if call.is_oneall {
            let request = self.client.get(format!("{}{}", self.sandbox.oneall_url(), call.target));
            request.basic_auth(ONEALL_PUBLIC_KEY, Some(ONEALL_PRIVATE_KEY))
        } else {
            let request = self.client.get(format!("{}{}", self.sandbox.wordpress_url(), call.target));
            request.bearer_auth(synthetic_user(client).wordpress_token)
        };
        let _: Value = request.send().await.unwrap().error_for_status().unwrap().json().await.unwrap();
    }

    fn list(&self) -> &Call {
        self.calls.iter().find(|call| call.target.starts_with(LIST)).unwrap()
    }

    fn sign_ins(&self) -> impl Iterator<Item = &Call> {
        self.calls.iter().filter(|call| call.target.starts_with("/connections/"))
    }

    /// Runs one measurement and returns its duration.
    async fn measure(&self, target: Target, client: usize) -> Duration {
        let began = Instant::now();
        match target {
            Target::Cold => self.request_page(&self.cold, client).await,
            Target::Warm => self.request_page(&self.warm, client).await,
            Target::CriticalPath => {
                self.call(self.list(), client).await;
                self.call(self.sign_ins().next().unwrap(), client).await;
            }
            Target::Direct => {
                let is_independent = |call: &&Call| !call.target.starts_with("/connections/") && !is_list(call);
                let others = join_all(self.calls.iter().filter(is_independent).map(|call| self.call(call, client)));
                let chain = async {
                    self.call(self.list(), client).await;
                    join_all(self.sign_ins().map(|call| self.call(call, client))).await;
                };
                futures_util::join!(others, chain);
            }
        }
        began.elapsed()
    }
}

fn is_list(call: &Call) -> bool {
    call.target.starts_with(LIST)
}

/// The quantile `share` of the durations, in milliseconds.
fn quantile(times: &[Duration], share: f64) -> f64 {
    let mut sorted = times.to_vec();
    sorted.sort();
    let at = ((sorted.len() as f64 * share).ceil() as usize).clamp(1, sorted.len());
    sorted[at - 1].as_secs_f64() * 1e3
}

/// Times all three in turn, so that other load on the machine affects them equally.
async fn time(setup: &Arc<Setup>, clients: usize, rounds: usize) -> [Vec<Duration>; 3] {
    let mut times = [Vec::new(), Vec::new(), Vec::new()];
    for _ in 0..rounds {
        for (target, times) in [Target::CriticalPath, Target::Direct, Target::Cold].into_iter().zip(&mut times) {
            let tasks = (0..clients).map(|client| {
                let setup = Arc::clone(setup);
                tokio::spawn(async move { setup.measure(target, client).await })
            });
            times.extend(join_all(tasks).await.into_iter().map(Result::unwrap));
        }
    }
    times
}

/// The throughput per second of [`CLIENTS`] clients that each send the next request after a response.
async fn rate(setup: &Arc<Setup>, target: Target) -> f64 {
    let done = Arc::<AtomicUsize>::default();
    let began = Instant::now();
    let tasks = (0..CLIENTS).map(|client| {
        let (setup, done) = (Arc::clone(setup), Arc::clone(&done));
        tokio::spawn(async move {
            while began.elapsed() < MEASURED_FOR {
                setup.measure(target, client).await;
                done.fetch_add(1, Ordering::Relaxed);
            }
        })
    });
    join_all(tasks).await.into_iter().for_each(Result::unwrap);
    done.load(Ordering::Relaxed) as f64 / began.elapsed().as_secs_f64()
}

/// Prints one row of figures with its ratio to the critical path. Returns the ratio of the medians.
fn print_row(name: &str, times: &[Duration], chain: &[Duration]) -> f64 {
    let [half, most] = [0.5, 0.99].map(|share| (quantile(times, share), quantile(chain, share)));
    println!(
        "  {name:<38} p50 {:>6.1} ms = {:.2}x, {:+.1} ms   p99 {:>6.1} ms = {:.2}x, {:+.1} ms",
        half.0,
        half.0 / half.1,
        half.0 - half.1,
        most.0,
        most.0 / most.1,
        most.0 - most.1
    );
    half.0 / half.1
}

#[tokio::main]
async fn main() -> ExitCode {
    let setup = Arc::new(Setup::start().await);
    println!("{} calls per page, {UPSTREAM_MS} ms each; ratios are to the critical path", setup.calls.len());
    let mut ratio = f64::INFINITY;
    for (clients, rounds) in [1, CLIENTS].into_iter().zip(ROUNDS) {
        time(&setup, clients, 5).await;
        setup.count().await;
        let [chain, direct, cold] = time(&setup, clients, rounds).await;
        println!("{clients} concurrent clients, {} pages:", cold.len());
        print_row("critical path: a list, then a sign-in", &chain, &chain);
        print_row("all calls of the page, sent directly", &direct, &chain);
        let measured = print_row("the gateway, nothing cached", &cold, &chain);
        ratio = if clients == 1 { measured } else { ratio };
    }
    let (chains, pages) = (rate(&setup, Target::CriticalPath).await, rate(&setup, Target::Cold).await);
    rate(&setup, Target::Warm).await;
    setup.count().await;
    let warm = rate(&setup, Target::Warm).await;
    let calls = setup.count().await.len() as f64 / (warm * MEASURED_FOR.as_secs_f64());
    println!("throughput with {CLIENTS} concurrent clients:");
    println!("  critical path {chains:.0}/s; the gateway, nothing cached {pages:.0}/s = {:.2}x", pages / chains);
    println!("  the gateway, cached {warm:.0}/s = {:.1}x the critical path; {calls:.3} calls per page", warm / chains);
    if ratio > RATIO_MAX {
        println!("failed: the median exceeds {RATIO_MAX}x the critical path");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

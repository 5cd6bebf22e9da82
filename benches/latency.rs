//! What the gateway adds to an accounts page over the calls that the page cannot do without, with providers that take
//! 20 ms to answer.
//!
//! `cargo bench --bench latency`. In one run, against one sandbox, it times the page from the gateway, the slowest chain of
//! calls of which one needs what the other brought (OneAll's list, then one of its sign-ins), and all calls of the page made by
//! hand, as many at once as may be. It ends with a failure if the gateway takes too many times as long as the chain.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark talks to its terminal and must not go on")]

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

/// How long a provider takes for each answer, in milliseconds.
const UPSTREAM_MS: u64 = 20;

/// How many clients ask at once where many do; each has a WordPress.com token of its own.
const CLIENTS: usize = 16;

/// How often each client asks, alone and with others.
const ROUNDS: [usize; 2] = [150, 40];

/// For how long the throughput is counted.
const COUNTED_FOR: Duration = Duration::from_secs(3);

/// How many times as long as the chain the page may take for half of one client's questions.
const RATIO_MAX: f64 = 1.5;

const LIST: &str = "/connections.json";

/// One call as the gateway makes it.
#[derive(Clone, Debug)]
struct Call {
    is_oneall: bool,
    target: String,
}

/// The sandbox, a gateway without a cache and one with it.
struct Stage {
    sandbox: Sandbox,
    cold: Running,
    warm: Running,
    client: reqwest::Client,
    /// The page's calls.
    calls: Vec<Call>,
}

/// What is timed.
#[derive(Clone, Copy)]
enum What {
    Cold,
    Warm,
    Chain,
    ByHand,
}

/// The page without the links that bear a one-time mark, which are read anew each time.
fn page() -> String {
    sample_operations::ACCOUNTS.replace("action { kind url }", "action { kind }")
}

async fn start(sandbox: &Sandbox, keeps: bool) -> Running {
    let mut settings = Settings::default();
    app::point_at(&mut settings, sandbox);
    settings.http.listen.set_port(0);
    settings.http.drain.grace_ms = 0;
    settings.wordpress.concurrent_per_token_max = 64;
    let (wordpress, oneall) = (&mut settings.wordpress, &mut settings.oneall);
    for (upstream, cache) in
        [(&mut wordpress.upstream, &mut wordpress.cache), (&mut oneall.upstream, &mut oneall.cache)]
    {
        // What is timed is the way, not the politeness.
        (upstream.calls_per_second_max, upstream.calls_burst_max) = (1_000_000, 1_000_000);
        upstream.concurrent_max = 1_024;
        cache.max_bytes = if keeps { cache.max_bytes } else { 0 };
    }
    app::start(&settings, Vec::new()).await.unwrap()
}

impl Stage {
    async fn set() -> Self {
        let world = sandbox::Settings { synthetic_users: CLIENTS, ..Default::default() };
        let sandbox = Sandbox::start(world).await.unwrap();
        let (cold, warm) = (start(&sandbox, false).await, start(&sandbox, true).await);
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let mut stage = Self { sandbox, cold, warm, client, calls: Vec::new() };
        stage.ask(&stage.cold, 0).await;
        stage.calls = stage.count().await;
        let at = format!("{}/__sandbox/faults", stage.sandbox.wordpress_url());
        let fault = json!([{ "latency_ms": UPSTREAM_MS }]);
        stage.client.put(at).json(&fault).send().await.unwrap().error_for_status().unwrap();
        stage
    }

    /// The calls that the providers were asked since the last time.
    async fn count(&self) -> Vec<Call> {
        let at = format!("{}/__sandbox/requests", self.sandbox.wordpress_url());
        let seen: Value = self.client.get(&at).send().await.unwrap().json().await.unwrap();
        self.client.delete(&at).send().await.unwrap();
        let call = |row: &Value| {
            let (path, query) = (row["path"].as_str().unwrap(), row["query"].as_str().unwrap_or_default());
            let target = if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
            Call { is_oneall: row["provider"] == "oneall", target }
        };
        seen["requests"].as_array().unwrap().iter().map(call).collect()
    }

    /// The page, as the shop asks for it with one client's token beside its key.
    async fn ask(&self, gateway: &Running, client: usize) {
        let url = format!("http://{}/graphql", gateway.address);
        let asked = self
            .client
            .post(url)
            .json(&json!({ "query": page() }))
            .bearer_auth(services()[0].key)
            .header("X-WordPress-Token", synthetic_user(client).wordpress_token);
        let answer: Value = asked.send().await.unwrap().json().await.unwrap();
        assert!(answer["errors"].is_null() && answer["data"]["connections"]["nodes"][9].is_object(), "{answer}");
    }

    /// One call by hand, its answer read as JSON as whoever wants something of it must.
    async fn call(&self, call: &Call, client: usize) {
        let asked = if call.is_oneall {
            let asked = self.client.get(format!("{}{}", self.sandbox.oneall_url(), call.target));
            asked.basic_auth(ONEALL_PUBLIC_KEY, Some(ONEALL_PRIVATE_KEY))
        } else {
            let asked = self.client.get(format!("{}{}", self.sandbox.wordpress_url(), call.target));
            asked.bearer_auth(synthetic_user(client).wordpress_token)
        };
        let _: Value = asked.send().await.unwrap().error_for_status().unwrap().json().await.unwrap();
    }

    fn list(&self) -> &Call {
        self.calls.iter().find(|call| call.target.starts_with(LIST)).unwrap()
    }

    fn sign_ins(&self) -> impl Iterator<Item = &Call> {
        self.calls.iter().filter(|call| call.target.starts_with("/connections/"))
    }

    /// Does it once: how long it took.
    async fn once(&self, what: What, client: usize) -> Duration {
        let began = Instant::now();
        match what {
            What::Cold => self.ask(&self.cold, client).await,
            What::Warm => self.ask(&self.warm, client).await,
            What::Chain => {
                self.call(self.list(), client).await;
                self.call(self.sign_ins().next().unwrap(), client).await;
            }
            What::ByHand => {
                let begun_at_once = |call: &&Call| !call.target.starts_with("/connections/") && !is_list(call);
                let others = join_all(self.calls.iter().filter(begun_at_once).map(|call| self.call(call, client)));
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

/// The value below which this share of the times lies, in milliseconds.
fn quantile(times: &[Duration], share: f64) -> f64 {
    let mut sorted = times.to_vec();
    sorted.sort();
    let at = ((sorted.len() as f64 * share).ceil() as usize).clamp(1, sorted.len());
    sorted[at - 1].as_secs_f64() * 1e3
}

/// Times all three by turns, so that whatever else the machine does is shared by them.
async fn time(stage: &Arc<Stage>, clients: usize, rounds: usize) -> [Vec<Duration>; 3] {
    let mut times = [Vec::new(), Vec::new(), Vec::new()];
    for _ in 0..rounds {
        for (what, times) in [What::Chain, What::ByHand, What::Cold].into_iter().zip(&mut times) {
            let tasks = (0..clients).map(|client| {
                let stage = Arc::clone(stage);
                tokio::spawn(async move { stage.once(what, client).await })
            });
            times.extend(join_all(tasks).await.into_iter().map(Result::unwrap));
        }
    }
    times
}

/// How many a second come of so many clients that ask again as soon as they are answered.
async fn rate(stage: &Arc<Stage>, what: What) -> f64 {
    let done = Arc::<AtomicUsize>::default();
    let began = Instant::now();
    let tasks = (0..CLIENTS).map(|client| {
        let (stage, done) = (Arc::clone(stage), Arc::clone(&done));
        tokio::spawn(async move {
            while began.elapsed() < COUNTED_FOR {
                stage.once(what, client).await;
                done.fetch_add(1, Ordering::Relaxed);
            }
        })
    });
    join_all(tasks).await.into_iter().for_each(Result::unwrap);
    done.load(Ordering::Relaxed) as f64 / began.elapsed().as_secs_f64()
}

/// Prints a row of figures and what they are in relation to the first; gives that relation for half of the questions.
fn tell(name: &str, times: &[Duration], chain: &[Duration]) -> f64 {
    let [half, most] = [0.5, 0.99].map(|share| (quantile(times, share), quantile(chain, share)));
    println!(
        "  {name:<34} p50 {:>6.1} ms = {:.2}x, {:+.1} ms   p99 {:>6.1} ms = {:.2}x, {:+.1} ms",
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
    let stage = Arc::new(Stage::set().await);
    println!("{} calls a page, {UPSTREAM_MS} ms each; ratios are to the slowest necessary chain", stage.calls.len());
    let mut ratio = f64::INFINITY;
    for (clients, rounds) in [1, CLIENTS].into_iter().zip(ROUNDS) {
        time(&stage, clients, 5).await;
        stage.count().await;
        let [chain, by_hand, cold] = time(&stage, clients, rounds).await;
        println!("{clients} at once, {} pages:", cold.len());
        tell("the chain: a list, then a sign-in", &chain, &chain);
        tell("all calls of the page, by hand", &by_hand, &chain);
        let found = tell("the gateway, nothing kept", &cold, &chain);
        ratio = if clients == 1 { found } else { ratio };
    }
    let (chains, pages) = (rate(&stage, What::Chain).await, rate(&stage, What::Cold).await);
    rate(&stage, What::Warm).await;
    stage.count().await;
    let warm = rate(&stage, What::Warm).await;
    let calls = stage.count().await.len() as f64 / (warm * COUNTED_FOR.as_secs_f64());
    println!("{CLIENTS} at once, each again as soon as it is answered:");
    println!(
        "  the chain {chains:.0} a second; the gateway, nothing kept {pages:.0} a second = {:.2}x",
        pages / chains
    );
    println!("  the gateway, warm {warm:.0} a second = {:.1}x the chain; {calls:.3} calls a page", warm / chains);
    if ratio > RATIO_MAX {
        println!("above {RATIO_MAX}x: too slow");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

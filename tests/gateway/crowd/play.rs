//! A crowd that asks at once: each by credentials of their own, for things of their own and of others, some leaving
//! before the answer, while the providers stumble. Whoever's marker is in an answer is noted.
//!
//! Each request's choices come of the seed and its number alone, whatever order the answers come in. The gateway has
//! its default settings; the sandbox puts a person's marker into everything that is told with their credentials.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use commongraph::app::{self, Running, sample_operations};
use commongraph::config::Settings;
use commongraph::sandbox::{self, Sandbox, SyntheticUser, synthetic_user};
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::cast::{Dice, jwt, markers};

/// How many tasks ask, and how many requests each of them has under way.
const TASKS: u64 = 4;
const UNDER_WAY: usize = 24;

/// One request in so many is given up before its answer, after some of so many turns of the scheduler.
const LEAVES_ONE_IN: u64 = 12;
const TURNS_MAX: u64 = 8;

/// One request in so many is for somebody else's things.
const FOREIGN_ONE_IN: u64 = 2;

/// How long a connection is kept that says nothing: less than the gateway keeps it.
const IDLE_MAX: Duration = Duration::from_secs(2);

/// What the metrics call the ends of calls that the faults lead to.
const FAILURES: [&str; 4] = ["down", "garbled", "unreachable", "broken"];

/// How large the crowd is, how much it asks, and what everything comes of.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub requests: u64,
    pub callers: usize,
    pub seed: u64,
    /// Whether everybody shows the credentials of somebody else, so that nearly every answer is a mismatch.
    pub swapped: bool,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Tally {
    pub sent: u64,
    pub left: u64,
    /// Requests whose connection ended before the answer.
    pub broken: u64,
    pub answered: u64,
    /// Answers without an error.
    pub whole: u64,
    /// Answers that hold the asker's own marker.
    pub own: u64,
    /// Requests for another's things alone that were answered by nothing, and no error.
    pub nothing: u64,
    /// Errors by their code; what is no answer of the graph by its status.
    pub errors: BTreeMap<String, u64>,
    /// Answers that hold another's marker, each with who asked for what.
    pub mismatches: Vec<String>,
    /// What the gateway counted in the end; nothing while it is asked.
    pub met: Met,
}

/// How often the ways were taken by which one's answer could become another's.
#[derive(Clone, Copy, Debug, Default)]
pub struct Met {
    /// Reads that were answered from what was kept.
    pub kept: u64,
    /// Reads that shared another's call.
    pub shared: u64,
    /// Operations that were given up when they had begun.
    pub given_up: u64,
    /// Calls to a provider that went wrong, by whatever fault.
    pub failed: u64,
}

impl Met {
    /// Adds up the metrics' text by the labels of each line.
    fn read(text: &str) -> Self {
        let sum = |name: &str, is_wanted: &dyn Fn(&str) -> bool| {
            let lines = text.lines().filter(|line| line.starts_with(name) && is_wanted(line));
            lines.map(|line| line.rsplit_once(' ').unwrap().1.parse::<u64>().unwrap()).sum()
        };
        let (reads, calls) = ("commongraph_upstream_reads_total{", "commongraph_upstream_calls_total{");
        Self {
            kept: sum(reads, &|line| line.contains("verdict=\"HIT\"") || line.contains("verdict=\"STALE")),
            shared: sum(reads, &|line| line.contains("verdict=\"SHARED\"")),
            given_up: sum("commongraph_operations_total{", &|line| line.contains("outcome=\"given_up\"")),
            failed: sum(calls, &|line| FAILURES.iter().any(|outcome| line.contains(&format!("outcome=\"{outcome}\"")))),
        }
    }
}

impl Tally {
    fn add(&mut self, other: Tally) {
        self.sent += other.sent;
        self.left += other.left;
        self.broken += other.broken;
        self.answered += other.answered;
        self.whole += other.whole;
        self.own += other.own;
        self.nothing += other.nothing;
        self.mismatches.extend(other.mismatches);
        for (code, times) in other.errors {
            *self.errors.entry(code).or_default() += times;
        }
    }

    /// Why this run of a plan shows nothing, though nobody was shown another's marker.
    pub fn idle(&self, plan: Plan) -> Option<&'static str> {
        let Met { kept, shared, given_up, failed } = self.met;
        let wrong = [
            (self.sent != plan.requests, "not everything was asked"),
            (self.answered + self.left + self.broken != self.sent, "requests are lost"),
            (kept < self.answered / 10, "too little came from what was kept"),
            (shared == 0, "no call was shared"),
            (given_up == 0, "nobody left an operation that had begun"),
            (failed < self.answered / 1_000, "too few calls to the providers failed"),
            (self.answered < self.sent * 8 / 10, "too few were answered"),
            (self.broken > self.sent / 1_000, "too many connections ended before the answer"),
            (self.left < self.sent / 100, "too few left before their answer"),
            (self.own < self.answered / 4, "too few saw anything of their own"),
            (self.nothing < self.answered / 10, "too few were shown nothing of others'"),
            (self.whole < self.answered / 2, "too few answers are without an error"),
            (!self.errors.keys().any(|code| code.starts_with("PROVIDER_")), "no provider stumbled"),
        ];
        wrong.into_iter().find(|(is_so, _)| *is_so).map(|(_, why)| why)
    }
}

/// One request: who asks with what, for whose things, and whether they stay.
struct Move {
    asker: usize,
    shows_jwt: bool,
    shows_token: bool,
    operation: usize,
    owner: usize,
    leaves_after: Option<u64>,
}

impl Move {
    fn of(plan: Plan, number: u64) -> Self {
        let mut dice = Dice::of(plan.seed, number);
        let mut person = || usize::try_from(dice.below(plan.callers as u64)).unwrap();
        let (asker, other) = (person(), person());
        let is_foreign = dice.below(FOREIGN_ONE_IN) == 0;
        let shown = dice.below(8);
        Self {
            asker,
            shows_jwt: shown != 0,
            shows_token: shown != 1,
            operation: usize::try_from(dice.below(OPERATIONS.len() as u64)).unwrap(),
            owner: if is_foreign { other } else { asker },
            leaves_after: (dice.below(LEAVES_ONE_IN) == 0).then(|| dice.below(TURNS_MAX)),
        }
    }
}

/// What is asked of a owner's things, word for word the same by everybody; whether it names what is one's own too.
const OPERATIONS: [(&str, bool); 16] = [
    (sample_operations::ACCOUNTS, true),
    (sample_operations::VIEWER, true),
    ("{ viewer { wordpressUser { userId displayName email username primarySite { name url } } } }", true),
    ("{ viewer { oneallUser { userToken identities { id displayName emails { value } } } } }", true),
    (
        "{ viewer { needsAttentionCount connections(first: 4) { totalCount nodes { id label identity { displayName }
            record { ... on KeyringRecord { userId refreshUrl } ... on PublicizeRecord { userId refreshUrl } } } } } }",
        true,
    ),
    ("{ viewer { identities(first: 5) { nodes { id displayName username } } } }", true),
    ("{ applications(first: 2) { totalCount nodes { id name description site { name } } } }", true),
    ("{ service(key: \"twitter\") { key connectUrl } }", true),
    (
        "query ($signIn: String!) { connection(by: { connectionToken: $signIn }) { id health { state }
            identity { displayName emails { value } profileUrl } record { ... on SignInRecord { callbackUrl user { userToken loginCount } } } } }",
        false,
    ),
    ("query ($identity: String!) { identity(by: { identityToken: $identity }) { id username displayName emails { value } } }", false),
    (
        "query ($keyring: ID!) { connection(by: { keyringConnectionId: $keyring }) { id label
            record { ... on KeyringRecord { refreshUrl } ... on PublicizeRecord { refreshUrl } } } }",
        false,
    ),
    ("query ($application: ID!) { application(by: { connectedApplicationId: $application }) { id name url } }", false),
    (
        "query ($publicize: ID!) { node(id: $publicize) { id ... on Connection { label record { ... on PublicizeRecord { refreshUrl } } } } }",
        false,
    ),
    ("query ($site: ID!) { node(id: $site) { ... on Site { name description url publicizeConnections { label } } } }", false),
    (
        "query ($all: [ID!]!) { nodes(ids: $all) { __typename id ... on Connection { label identity { displayName } }
            ... on Identity { displayName } ... on Application { name } ... on Site { name } } }",
        false,
    ),
    (
        "query ($mine: String!, $signIn: String!, $keyring: ID!) { mine: connection(by: { connectionToken: $mine }) { identity { displayName } }
            other: connection(by: { connectionToken: $signIn }) { identity { displayName } }
            kept: connection(by: { keyringConnectionId: $keyring }) { label } }",
        true,
    ),
];

/// Everything that an operation may name, of one owner, and one thing of the asker's.
fn variables(owner: &SyntheticUser, asker: &SyntheticUser, text: &str) -> Value {
    let id = |plain: String| json!(URL_SAFE_NO_PAD.encode(plain));
    let publicize = id(format!("publicize:{}/{}", owner.site, owner.publicize));
    let (site, application) = (id(format!("site:{}", owner.site)), id(format!("application:{}", owner.application)));
    let all = json!([
        id(format!("sign-in:{}", owner.sign_ins[1])),
        id(format!("identity:{}", owner.identities[0])),
        id(format!("keyring:{}", owner.keyring[1])),
        application,
        site,
        publicize,
    ]);
    let named = [
        ("signIn", json!(owner.sign_ins[0])),
        ("identity", json!(owner.identities[1])),
        ("keyring", json!(owner.keyring[0].to_string())),
        ("application", json!(owner.application.to_string())),
        ("publicize", publicize),
        ("site", site),
        ("all", all),
        ("mine", json!(asker.sign_ins[0])),
    ];
    named
        .into_iter()
        .filter(|(name, _)| text.contains(&format!("${name}:")))
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// The gateway, the sandbox behind it, and the crowd before it.
struct Stage {
    plan: Plan,
    url: String,
    client: reqwest::Client,
    people: Vec<(SyntheticUser, String)>,
    _sandbox: Sandbox,
    running: Running,
}

/// Ways in which the providers stumble, each now and then; a request that is hit fails, or comes late.
fn faults(seed: u64) -> Value {
    json!([
        { "rate": 0.02, "seed": seed, "status": 503, "body": "out of order" },
        { "rate": 0.01, "seed": seed + 1, "shape": "garbage" },
        { "rate": 0.01, "seed": seed + 2, "cut": true },
        { "rate": 0.005, "seed": seed + 3, "refuse": true },
        { "rate": 0.05, "seed": seed + 4, "latency_ms": 3 },
    ])
}

impl Stage {
    async fn set(plan: Plan) -> Self {
        let world = sandbox::Settings { synthetic_users: plan.callers, ..Default::default() };
        let sandbox = Sandbox::start(world).await.unwrap();
        let mut settings = Settings::default();
        app::point_at(&mut settings, &sandbox);
        settings.http.listen.set_port(0);
        settings.http.metrics_listen = Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
        settings.http.drain.grace_ms = 0;
        // A crowd asks faster than a provider would be asked.
        for upstream in [&mut settings.wordpress.upstream, &mut settings.oneall.upstream] {
            (upstream.calls_per_second_max, upstream.calls_burst_max) = (100_000, 100_000);
        }
        let running = app::start(&settings, Vec::new()).await.unwrap();
        let client = reqwest::Client::builder().no_proxy().pool_idle_timeout(IDLE_MAX).build().unwrap();
        let at = format!("{}/__sandbox/faults", sandbox.wordpress_url());
        client.put(at).json(&faults(plan.seed)).send().await.unwrap().error_for_status().unwrap();
        let people =
            (0..plan.callers).map(synthetic_user).map(|member| (jwt(&member), member)).map(|(jwt, it)| (it, jwt));
        let url = format!("http://{}/graphql", running.address);
        Self { plan, url, client, people: people.collect(), _sandbox: sandbox, running }
    }

    /// What the gateway counted.
    async fn met(&self) -> Met {
        let at = format!("http://{}/metrics", self.running.metrics_address().unwrap());
        Met::read(&self.client.get(at).send().await.unwrap().text().await.unwrap())
    }

    /// Does one move; whether it was stayed for, and its answer.
    async fn ask(&self, each: &Move) -> Option<Result<(u16, String), reqwest::Error>> {
        let ((asker, _), (owner, _)) = (&self.people[each.asker], &self.people[each.owner]);
        let (shown, jwt) = &self.people[(each.asker + usize::from(self.plan.swapped)) % self.plan.callers];
        let text = OPERATIONS[each.operation].0;
        let body = json!({ "query": text, "variables": variables(owner, asker, text) });
        let mut request = self.client.post(&self.url).json(&body);
        if each.shows_jwt {
            request = request.bearer_auth(jwt);
        }
        if each.shows_token {
            request = request.header("X-WordPress-Token", &shown.wordpress_token);
        }
        let asking = async {
            let response = request.send().await?;
            Ok::<_, reqwest::Error>((response.status().as_u16(), response.text().await?))
        };
        let Some(turns) = each.leaves_after else { return Some(asking.await) };
        let leaving = async {
            for _ in 0..turns {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            told = asking => Some(told),
            () = leaving => None,
        }
    }

    async fn step(&self, number: u64) -> Tally {
        let each = Move::of(self.plan, number);
        let mut tally = Tally { sent: 1, ..Tally::default() };
        let (status, text) = match self.ask(&each).await {
            Some(Ok(told)) => told,
            // The gateway ends a connection that says nothing for a while; a request may cross that.
            Some(Err(_)) => {
                tally.broken = 1;
                return tally;
            }
            None => {
                tally.left = 1;
                return tally;
            }
        };
        tally.answered = 1;
        let own = &self.people[each.asker].0.name;
        let seen = markers(&text);
        tally.own = u64::from(seen.iter().any(|marker| marker == own));
        if let Some(other) = seen.iter().find(|marker| *marker != own) {
            tally.mismatches.push(format!("{number}: {own} sees {other} in operation {}: {text:.400}", each.operation));
        }
        let answer: Value = serde_json::from_str(&text).unwrap_or_default();
        let errors = answer["errors"].as_array().cloned().unwrap_or_default();
        for error in &errors {
            let code = error["extensions"]["code"].as_str().unwrap_or("-").to_owned();
            *tally.errors.entry(code).or_default() += 1;
        }
        if !answer["data"].is_object() {
            *tally.errors.entry(format!("status {status}")).or_default() += 1;
        }
        tally.whole = u64::from(errors.is_empty());
        let is_foreign = each.owner != each.asker && !OPERATIONS[each.operation].1;
        tally.nothing = u64::from(is_foreign && errors.is_empty() && seen.is_empty());
        tally
    }
}

/// Plays it all, and tells how far it is now and then.
pub async fn play(plan: Plan, mut tell: impl FnMut(&Tally)) -> Tally {
    let stage = Arc::new(Stage::set(plan).await);
    let (sender, mut receiver) = mpsc::channel(1_024);
    let mut tasks = JoinSet::new();
    for task in 0..TASKS {
        let (stage, sender) = (Arc::clone(&stage), sender.clone());
        tasks.spawn(async move {
            let numbers = (0..plan.requests).filter(|number| number % TASKS == task);
            let mut steps = stream::iter(numbers).map(|number| stage.step(number)).buffer_unordered(UNDER_WAY);
            while let Some(tally) = steps.next().await {
                sender.send(tally).await.unwrap();
            }
        });
    }
    drop(sender);
    let mut all = Tally::default();
    while let Some(tally) = receiver.recv().await {
        all.add(tally);
        tell(&all);
    }
    tasks.join_all().await;
    all.met = stage.met().await;
    all
}

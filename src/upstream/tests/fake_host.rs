//! A host in memory, the way to it, and a provider that understands it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use secrecy::{ExposeSecret, SecretString};
use tokio::time::{Instant, sleep};
use tokio_util::task::TaskTracker;
use url::Url;

use crate::metrics::Metrics;
use crate::upstream::cache::invalidation::Invalidation;
use crate::upstream::error::SendError;
use crate::upstream::net::transport::Transport;
use crate::upstream::request::OutgoingRequest;
use crate::upstream::*;

/// What a host does with one call.
#[derive(Clone, Debug)]
pub enum Act {
    /// Answers after a while.
    Answer(Duration, u16, Option<Duration>),
    /// Fails on the wire after a while.
    Fail(Duration, Error),
    /// Never answers.
    Hang,
}

/// A host in memory. What it says in a good answer is the credential it was shown and the state of its world.
#[derive(Clone, Default)]
pub struct FakeHost {
    acts: Arc<Mutex<VecDeque<Act>>>,
    /// Which credential called, and when.
    pub called: Arc<Mutex<Vec<(String, Instant)>>>,
    pub under_way: Arc<Mutex<usize>>,
    /// How often its world was changed.
    pub world: Arc<Mutex<u64>>,
    /// How many calls were under way at most.
    pub most: Arc<Mutex<usize>>,
    /// What each call told of its trace.
    pub traces: Arc<Mutex<Vec<Trace>>>,
}

/// The error of a provider in these tests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TestError {
    NoReply(Error),
    Status(u16, Option<Duration>),
    Uncertain,
}

impl Failure for TestError {
    fn outcome(&self) -> Outcome {
        match self {
            TestError::NoReply(error) => Outcome::Failed(*error),
            TestError::Status(401, _) => Outcome::Refused,
            TestError::Status(429, wait) => Outcome::Throttled(*wait),
            TestError::Status(status @ 500.., wait) => {
                Outcome::Unavailable { transient: (502..=504).contains(status), wait: *wait }
            }
            TestError::Status(200, _) => Outcome::Malformed,
            TestError::Status(..) => Outcome::Denied,
            TestError::Uncertain => Outcome::Denied,
        }
    }

    fn uncertain(self) -> Self {
        TestError::Uncertain
    }
}

/// A noun: who was shown it, of which state of the world, and a link that must not be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    pub says: String,
    pub world: u64,
    pub link: Option<&'static str>,
}

impl Cacheable for Page {
    fn redacted(&self) -> Option<Self> {
        self.link.map(|_| Self { link: None, ..self.clone() })
    }

    fn memory_size(&self) -> usize {
        size_of::<Self>() + self.says.capacity()
    }
}

struct UnderWay(Arc<Mutex<usize>>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        *self.0.lock().unwrap() -= 1;
    }
}

impl Transport for FakeHost {
    fn get<'a>(
        &'a self,
        _: &'a Url,
        credential: Credential<'a>,
        trace: Option<Trace>,
    ) -> BoxFuture<'a, Result<Reply, Error>> {
        async move {
            let Credential::Bearer(token) = credential else { panic!("only tokens are shown here") };
            let token = token.expose_secret().to_owned();
            self.traces.lock().unwrap().extend(trace);
            self.called.lock().unwrap().push((token.clone(), Instant::now()));
            let _under_way = self.begin();
            let world = *self.world.lock().unwrap();
            let act = self.acts.lock().unwrap().pop_front().unwrap_or(Act::Answer(Duration::ZERO, 200, None));
            let (wait, reply) = match act {
                Act::Answer(wait, status, retry_after) => (wait, Ok((status, retry_after))),
                Act::Fail(wait, error) => (wait, Err(error)),
                Act::Hang => std::future::pending().await,
            };
            sleep(wait).await;
            let (status, retry_after) = reply?;
            Ok(Reply { status, content_type: None, retry_after, body: Bytes::from(format!("{world} {token}")) })
        }
        .boxed()
    }

    fn send<'a>(
        &'a self,
        request: &'a OutgoingRequest,
        credential: Credential<'a>,
        trace: Option<Trace>,
    ) -> BoxFuture<'a, Result<Reply, SendError>> {
        // Without a connection nothing was sent.
        let lost = |error| SendError { error, sent: !matches!(error, Error::Unreachable | Error::OutOfResources) };
        self.get(&request.url, credential, trace).map(move |ended| ended.map_err(lost)).boxed()
    }
}

impl FakeHost {
    fn begin(&self) -> UnderWay {
        let (mut under_way, mut most) = (self.under_way.lock().unwrap(), self.most.lock().unwrap());
        *under_way += 1;
        *most = most.max(*under_way);
        UnderWay(self.under_way.clone())
    }

    pub fn play(&self, acts: impl IntoIterator<Item = Act>) {
        self.acts.lock().unwrap().extend(acts);
    }

    pub fn clear(&self) {
        self.acts.lock().unwrap().clear();
    }

    pub fn calls(&self) -> usize {
        self.called.lock().unwrap().len()
    }
}

/// A host in memory and the way to it.
pub struct TestUpstream {
    pub script: FakeHost,
    pub upstream: Arc<Upstream<TestError>>,
}

pub type Answer = (Call, Result<Option<Arc<Page>>, TestError>);

impl TestUpstream {
    pub fn new(change: impl FnOnce(&mut Settings, &mut CacheSettings), rng: u64) -> Self {
        Self::with(ConcurrencyScope::Credential(16), change, rng)
    }

    pub fn with(own: ConcurrencyScope, change: impl FnOnce(&mut Settings, &mut CacheSettings), rng: u64) -> Self {
        Self::over(FakeHost::default(), own, change, rng, None)
    }

    /// The way to the same host, as it is made anew with other settings.
    pub fn remade(&self, change: impl FnOnce(&mut Settings, &mut CacheSettings)) -> Self {
        let previous = Some(self.upstream.host_state());
        Self::over(self.script.clone(), ConcurrencyScope::Credential(16), change, 0, previous)
    }

    fn over(
        script: FakeHost,
        own: ConcurrencyScope,
        change: impl FnOnce(&mut Settings, &mut CacheSettings),
        rng: u64,
        previous: Option<HostState>,
    ) -> Self {
        let (mut settings, mut cache) = (Settings::default(), CacheSettings::default());
        change(&mut settings, &mut cache);
        let config = UpstreamConfig {
            provider: "test",
            base: check_base("https://host.example").unwrap(),
            settings,
            cache,
            scope: own,
            writes: TaskTracker::new(),
            metrics: Metrics::default(),
            map_error: TestError::NoReply,
            previous,
        };
        let upstream = Upstream::with_transport(config, Box::new(script.clone()), Box::new(move || rng)).unwrap();
        Self { script, upstream: Arc::new(upstream) }
    }

    /// Reads a path with a token.
    pub async fn read(&self, token: &str, path: &str, budget: &Budget) -> Answer {
        let token = SecretString::from(token);
        let path = [path];
        let read =
            Read { path: &path, query: &[], masked: false, credential: Credential::Bearer(&token), reader: None };
        let judge = |reply: &Reply| {
            let result = match reply.status {
                200 => {
                    let (world, says) = std::str::from_utf8(&reply.body).unwrap().split_once(' ').unwrap();
                    let noun = Page { says: says.to_owned(), world: world.parse().unwrap(), link: Some("nonce") };
                    Ok(Some(Decoded { value: noun, ttl: Some(FRESH) }))
                }
                404 => Ok(None),
                299 => Err(TestError::Status(200, None)),
                status => Err(TestError::Status(status, reply.retry_after)),
            };
            Interpreted { result, note: None }
        };
        let (call, _, result) = self.upstream.read(&read, budget, judge).await;
        (call, result)
    }

    pub async fn ask(&self, token: &str, path: &str) -> Answer {
        self.read(token, path, &operation()).await
    }

    /// Whoever has this token has changed what they are shown at some paths, and what all are shown at others.
    pub fn change(&self, token: &str, own: &[&str], common: &[&str]) {
        let token = SecretString::from(token);
        let read = Read { path: &[], query: &[], masked: false, credential: Credential::Bearer(&token), reader: None };
        let writer = self.upstream.prepare::<()>(&read, Instant::now()).key.owner();
        let [own, common] = [own, common].map(|paths| paths.iter().map(|path| format!("/{path}")).collect());
        self.upstream.cache.invalidate(Invalidation {
            writer,
            per_caller: own,
            shared: common,
            references: Vec::new(),
            status: WriteStatus::Done,
        });
    }

    /// Nothing is held, waited for or under way.
    pub fn is_at_rest(&self) -> bool {
        self.upstream.host.load() == (self.upstream.settings.concurrent_max, 0)
            && self.upstream.single_flight.len() == 0
            && *self.script.under_way.lock().unwrap() == 0
    }
}

pub const FRESH: Duration = Duration::from_secs(30);
pub const NOW: Duration = Duration::ZERO;

pub fn operation() -> Budget {
    Budget::new(150).with_deadline(Instant::now() + Duration::from_secs(8))
}

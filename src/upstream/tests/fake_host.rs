//! A host in memory, a client of it, and a provider error type.

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

/// What the host does with one call.
#[derive(Clone, Debug)]
pub enum Act {
    /// Replies after a delay, with a status and `Retry-After`.
    Answer(Duration, u16, Option<Duration>),
    /// Fails after a delay.
    Fail(Duration, Error),
    /// Never replies.
    Hang,
}

/// A host in memory. A good reply contains the credential and the version of the host's data.
#[derive(Clone, Default)]
pub struct FakeHost {
    acts: Arc<Mutex<VecDeque<Act>>>,
    /// Which credential called, and when.
    pub called: Arc<Mutex<Vec<(String, Instant)>>>,
    pub under_way: Arc<Mutex<usize>>,
    /// The version of the host's data.
    pub version: Arc<Mutex<u64>>,
    /// The most calls that were in flight at once.
    pub most: Arc<Mutex<usize>>,
    /// The trace of each call.
    pub traces: Arc<Mutex<Vec<Trace>>>,
}

/// The provider's error type in these tests.
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

/// A value: the credential and the version that it was read with, and a one-time link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    pub token: String,
    pub version: u64,
    pub link: Option<&'static str>,
}

impl Cacheable for Page {
    fn redacted(&self) -> Option<Self> {
        self.link.map(|_| Self { link: None, ..self.clone() })
    }

    fn memory_size(&self) -> usize {
        size_of::<Self>() + self.token.capacity()
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
            let Credential::Bearer(token) = credential else { panic!("only bearer tokens are used here") };
            let token = token.expose_secret().to_owned();
            self.traces.lock().unwrap().extend(trace);
            self.called.lock().unwrap().push((token.clone(), Instant::now()));
            let _under_way = self.begin();
            let version = *self.version.lock().unwrap();
            let act = self.acts.lock().unwrap().pop_front().unwrap_or(Act::Answer(Duration::ZERO, 200, None));
            let (wait, reply) = match act {
                Act::Answer(wait, status, retry_after) => (wait, Ok((status, retry_after))),
                Act::Fail(wait, error) => (wait, Err(error)),
                Act::Hang => std::future::pending().await,
            };
            sleep(wait).await;
            let (status, retry_after) = reply?;
            Ok(Reply { status, content_type: None, retry_after, body: Bytes::from(format!("{version} {token}")) })
        }
        .boxed()
    }

    fn send<'a>(
        &'a self,
        request: &'a OutgoingRequest,
        credential: Credential<'a>,
        trace: Option<Trace>,
    ) -> BoxFuture<'a, Result<Reply, SendError>> {
        // Without a connection nothing is sent.
        let failed = |error| SendError { error, sent: !matches!(error, Error::Unreachable | Error::OutOfResources) };
        self.get(&request.url, credential, trace).map(move |ended| ended.map_err(failed)).boxed()
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

/// A client of a host in memory.
pub struct TestUpstream {
    pub script: FakeHost,
    pub upstream: Arc<Upstream<TestError>>,
}

pub type Answer = (Call, Result<Option<Arc<Page>>, TestError>);

impl TestUpstream {
    pub fn new(change: impl FnOnce(&mut Settings, &mut CacheSettings), rng: u64) -> Self {
        Self::with(ConcurrencyScope::Credential(16), change, rng)
    }

    pub fn with(scope: ConcurrencyScope, change: impl FnOnce(&mut Settings, &mut CacheSettings), rng: u64) -> Self {
        Self::over(FakeHost::default(), scope, change, rng, None)
    }

    /// The client of the same host after a reload with other settings.
    pub fn remade(&self, change: impl FnOnce(&mut Settings, &mut CacheSettings)) -> Self {
        let previous = Some(self.upstream.host_state());
        Self::over(self.script.clone(), ConcurrencyScope::Credential(16), change, 0, previous)
    }

    fn over(
        script: FakeHost,
        scope: ConcurrencyScope,
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
            scope,
            writes: TaskTracker::new(),
            metrics: Metrics::default(),
            map_error: TestError::NoReply,
            previous,
        };
        let upstream = Upstream::with_transport(config, Box::new(script.clone()), Box::new(move || rng)).unwrap();
        Self { script, upstream: Arc::new(upstream) }
    }

    /// Reads a path with a token, within a budget.
    pub async fn read(&self, token: &str, path: &str, budget: &Budget) -> Answer {
        let token = SecretString::from(token);
        let path = [path];
        let read =
            Read { path: &path, query: &[], masked: false, credential: Credential::Bearer(&token), reader: None };
        let interpret = |reply: &Reply| {
            let result = match reply.status {
                200 => {
                    let (version, token) = std::str::from_utf8(&reply.body).unwrap().split_once(' ').unwrap();
                    let value =
                        Page { token: token.to_owned(), version: version.parse().unwrap(), link: Some("nonce") };
                    Ok(Some(Decoded { value, ttl: Some(FRESH) }))
                }
                404 => Ok(None),
                299 => Err(TestError::Status(200, None)),
                status => Err(TestError::Status(status, reply.retry_after)),
            };
            Interpreted { result, note: None }
        };
        let (call, _, result) = self.upstream.read(&read, budget, interpret).await;
        (call, result)
    }

    pub async fn ask(&self, token: &str, path: &str) -> Answer {
        self.read(token, path, &operation()).await
    }

    /// Records a write by this token, at paths per caller and at shared paths.
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

    /// Whether no permit is held, nothing waits and nothing is in flight.
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

//! One host, reached politely: as few calls as possible, each bounded, and an answer whenever there is one to give.
//!
//! `read` is the whole path: deadline, cache, flight, breaker, turns, transport, and the retry around the last three. Each
//! policy on it is a pure value in a file of its own. A redirect is never followed, so a credential never leaves the
//! host it is meant for; nothing is kept or shared but under the credential that it was read with; and no text of this
//! room holds a credential, a header or a body.

mod address;
mod behind;
mod breaker;
mod budget;
mod cache;
mod call;
mod changes;
mod error;
mod fetch;
mod flight;
mod host;
mod kept;
mod key;
mod line;
mod memory;
mod outcome;
mod rate;
mod resolver;
mod retry;
mod send;
mod settings;
mod standing;
mod trace;
mod transport;
mod until;
mod way;
mod window;
mod write;

#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;

use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use secrecy::SecretString;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;
use tracing::Instrument;
use url::Url;

pub use self::address::{check_base, is_loopback};
pub use self::breaker::Circuit;
pub use self::budget::{Budget, Freshness};
pub use self::call::{Call, Verdict};
pub use self::error::Error;
pub use self::memory::Memory;
pub use self::outcome::{Cacheable, Failure, Fresh, Judged, Outcome};
pub use self::settings::{CacheSettings, Settings};
pub use self::standing::SHUT_OUT_MAX;
pub use self::trace::Trace;
pub use self::write::{Body, Done, Ended, Method, Said, Shown, Write};

use self::behind::Places;
use self::budget::Charge;
use self::cache::{Cache, Kept, Noun, Worth};
use self::changes::Left;
use self::flight::{Flights, Joined};
use self::host::Host;
use self::key::Key;
use self::standing::{Credentials, Standing};
use self::transport::{Transport, Wire};
use self::until::Until;
use self::way::{Carried, Landed, Way};
use crate::metrics::{HostState, Metrics};

/// A host and the way to it. `E` is the error of the provider whose host it is.
pub struct Upstream<E: Clone> {
    provider: &'static str,
    base: Url,
    origin: Arc<str>,
    settings: Settings,
    transport: Box<dyn Transport>,
    dice: Box<dyn Fn() -> u64 + Send + Sync>,
    memory: Memory,
    credentials: Credentials,
    cache: Cache,
    flights: Flights<Landed<E>>,
    host: Host,
    behind: Places,
    writes: TaskTracker,
    metrics: Metrics,
    explain: fn(Error) -> E,
}

/// What it takes to reach a host.
pub struct Plan<E> {
    /// Whose host it is, in keys.
    pub provider: &'static str,
    /// Where it is.
    pub base: Url,
    /// How it is reached.
    pub settings: Settings,
    /// How long its answers are kept.
    pub cache: CacheSettings,
    /// What of its turns each has for their own.
    pub own: Own,
    /// Where writes run to their end, though whoever asked for them has left.
    pub writes: TaskTracker,
    /// Where its reads and calls are counted.
    pub metrics: Metrics,
    /// What it is to the provider that there is no reply.
    pub explain: fn(Error) -> E,
    /// What was known of it before, if anything.
    pub before: Option<Memory>,
}

/// How many calls may be under way for each, so that nobody takes all turns; what is more waits in a line of its own.
#[derive(Clone, Copy, Debug)]
pub enum Own {
    /// For each credential.
    OfCredential(usize),
    /// For each payer, at a host where all callers share one credential.
    OfPayer(usize),
}

/// A read: where, and with whose credential.
#[derive(Clone, Copy, Debug)]
pub struct Read<'a> {
    /// The path below the base URL, one text per segment; each is escaped, so none can leave its place.
    pub path: &'a [&'a str],
    /// The query, as names and values.
    pub query: &'a [(&'a str, &'a str)],
    /// Whether the last segment holds a token, which no record may show.
    pub masked: bool,
    /// What to show the host.
    pub credential: Credential<'a>,
    /// For whom alone the answer is kept and shared, if not for all who read with the credential.
    pub reader: Option<&'a str>,
}

/// What a host is shown.
#[derive(Clone, Copy, Debug)]
pub enum Credential<'a> {
    /// An OAuth token.
    Bearer(&'a SecretString),
    /// A name and a password.
    Basic(&'a SecretString, &'a SecretString),
    /// A parameter of the query, by its name; it stands in no description of the call.
    Parameter(&'a str, &'a SecretString),
}

/// What a host answered, whole: its body was read to the end, within bounds.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The media type, in lower case and without parameters: `application/json`.
    pub content_type: Option<String>,
    /// How long the host asks to wait before the next call.
    pub retry_after: Option<Duration>,
    /// The body, decompressed.
    pub body: Bytes,
}

/// A read made ready: its names, its address and its credential's standing.
struct Ready {
    key: Key,
    url: Url,
    target: String,
    standing: Arc<Standing>,
}

impl<E: Failure> Upstream<E> {
    /// Makes the way to a host.
    ///
    /// # Errors
    /// When the system's TLS roots cannot be used, or it has no random numbers.
    pub fn build(plan: Plan<E>) -> Result<Self, String> {
        let wire = Wire::build(&plan.base, &plan.settings)?;
        Self::over(plan, Box::new(wire), Box::new(random))
    }

    /// The same over a transport and dice of one's own.
    fn over(
        plan: Plan<E>,
        transport: Box<dyn Transport>,
        dice: Box<dyn Fn() -> u64 + Send + Sync>,
    ) -> Result<Self, String> {
        let Plan { provider, base, settings, cache, own, writes, metrics, explain, before } = plan;
        let origin: Arc<str> = base[..url::Position::BeforePath].into();
        let memory = Memory::of(provider, origin.clone(), settings.breaker_calls_min, before)?;
        Ok(Self {
            provider,
            origin,
            host: Host::new(&settings, memory.breaker.clone(), Instant::now()),
            credentials: Credentials::new(own, settings.waiting_max, memory.standings.clone()),
            cache: Cache::new(cache, settings.body_max_bytes, memory.changes.clone()),
            memory,
            flights: Flights::default(),
            behind: Places::default(),
            base,
            settings,
            transport,
            dice,
            writes,
            metrics,
            explain,
        })
    }

    /// What is known of the host, for whoever takes over the way to it.
    pub fn memory(&self) -> Memory {
        self.memory.clone()
    }

    /// Whether the host is called.
    pub fn circuit(&self) -> Circuit {
        self.host.circuit(Instant::now())
    }

    /// Tells the metrics how the host stands at this moment.
    pub fn measure(&self) {
        let (free, waiting) = self.host.room();
        let (cache_bytes, cache_entries) = self.cache.size();
        let calls_under_way = self.settings.concurrent_max.saturating_sub(free);
        let circuit = self.circuit().as_str();
        self.metrics.host(self.provider, HostState { circuit, calls_under_way, waiting, cache_bytes, cache_entries });
    }

    /// Reads, by way of what was read before. `judge` says what a reply means; it runs once for each reply. The read is
    /// described whether or not it went well. None: there is no such thing.
    pub async fn read<T: Cacheable>(
        self: &Arc<Self>,
        read: &Read<'_>,
        budget: &Budget,
        judge: impl Fn(&Reply) -> Judged<T, E> + Send + Sync + 'static,
    ) -> (Call, Option<String>, Result<Option<Arc<T>>, E>) {
        let ended = self.answer(read, budget, judge).await;
        self.metrics.read(self.provider, ended.0.verdict.as_str());
        ended
    }

    async fn answer<T: Cacheable>(
        self: &Arc<Self>,
        read: &Read<'_>,
        budget: &Budget,
        judge: impl Fn(&Reply) -> Judged<T, E> + Send + Sync + 'static,
    ) -> (Call, Option<String>, Result<Option<Arc<T>>, E>) {
        let start = Instant::now();
        let ready = self.prepare::<T>(read, start);
        let mut call = Call::of(&ready.target);
        let kept = match budget.freshness() {
            Freshness::Kept => self.cache.find(&ready.key, start),
            Freshness::Live => None,
        };
        match kept {
            Some((kept, Worth::Fresh)) => return (call.kept(Verdict::Hit, &kept, start), None, Ok(noun(kept.noun))),
            Some((kept, Worth::Stale)) => {
                self.refresh(&ready, read.credential, &budget.behind(), judge);
                return (call.kept(Verdict::Stale, &kept, start), None, Ok(noun(kept.noun)));
            }
            _ => {}
        }
        let landed = self.fetch(&ready, read.credential, budget, judge, &mut call).await;
        call.took = start.elapsed();
        let counts = |kept: &Kept| landed.outcome.allows_stale() && self.cache.counts(&ready.key, kept);
        let in_trouble = kept.filter(|(kept, _)| counts(kept));
        match in_trouble {
            Some((kept, _)) => (call.kept(Verdict::StaleIfError, &kept, Instant::now()), None, Ok(noun(kept.noun))),
            None => (call, landed.note, landed.result.map(noun)),
        }
    }

    /// The flight that reads this, begun or under way; if begun, it goes on until then.
    fn begin<T: Cacheable>(
        self: &Arc<Self>,
        ready: &Ready,
        credential: Credential<'_>,
        budget: &Budget,
        charge: Charge,
        until: Until,
        judge: impl Fn(&Reply) -> Judged<T, E> + Send + Sync + 'static,
    ) -> Joined<Landed<E>> {
        let Ready { key, url, standing, .. } = ready;
        let era = self.cache.era(standing);
        let counts = |era| self.cache.left(key, standing, era, None) == Left::All;
        self.flights.join(key, era, counts, until, |until| {
            let (upstream, credential) = (self.clone(), Carried::from(credential));
            let (key, url, standing) = (key.clone(), url.clone(), standing.clone());
            let (payer, trace) = (budget.payer(), budget.trace());
            let own = self.credentials.line(key.credential(), payer);
            async move {
                let (upstream, standing, key) = (&*upstream, &standing, &key);
                let (url, credential, own, until, charge) = (&url, &credential, &*own, &*until, &charge);
                let way = Way { upstream, url, credential, standing, own, key, payer, trace, until, charge };
                let (landed, lasts) = way.fly(judge).await;
                way.keep::<T>(&landed, lasts, era);
                landed
            }
            // Whoever polls it, what it logs is of the request that began it.
            .in_current_span()
        })
    }

    fn prepare<T: 'static>(&self, read: &Read<'_>, now: Instant) -> Ready {
        let url = address::locate(&self.base, read.path, read.query);
        let target = &url[url::Position::BeforePath..];
        let shown = match (read.masked, read.path.split_last()) {
            (true, Some((token, path))) => {
                let mask = self.memory.fingerprints.mask(token);
                let path: Vec<&str> = path.iter().copied().chain([mask.as_str()]).collect();
                address::locate(&self.base, &path, read.query)[url::Position::BeforePath..].to_owned()
            }
            _ => target.to_owned(),
        };
        let prints = &self.memory.fingerprints;
        let credential = prints.of(read.credential);
        let reader = read.reader.map(|reader| prints.of_reader(reader));
        let key = Key::new::<T>(self.provider, self.origin.clone(), target.into(), credential, reader);
        let standing = self.credentials.of(credential, now);
        Ready { key, target: shown, standing, url }
    }

    fn lost(&self, error: Error, attempts: u32) -> Landed<E> {
        let result = Err((self.explain)(error));
        Landed { result, outcome: Outcome::Lost(error), attempts, status: None, bytes: 0, note: None }
    }
}

impl<E: Clone> fmt::Debug for Upstream<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upstream").field("base", &self.base.as_str()).field("settings", &self.settings).finish()
    }
}

/// A noun as what it is. Its key names its type, so it is never another.
fn noun<T: Cacheable>(noun: Option<Noun>) -> Option<Arc<T>> {
    let noun: Arc<dyn Any + Send + Sync> = noun?;
    noun.downcast().ok()
}

/// A random number of the system; where it has none, waits are simply the shortest.
fn random() -> u64 {
    let mut bytes = [0; 8];
    let _ = aws_lc_rs::rand::fill(&mut bytes);
    u64::from_le_bytes(bytes)
}

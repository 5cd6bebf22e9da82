//! DNS by the system's resolver, with its last good answer as a fallback for a minute.
//!
//! A lookup by the system blocks a thread for as long as it takes, and cannot be cancelled. So at most one lookup of a
//! name is in flight: all callers wait for it, and it continues when they leave, because the next one would take another
//! thread. The fallback is used only if the lookup fails or is slow, and using it does not renew it. An outdated address
//! is no risk: TLS still proves the host.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::net::lookup_host;
use tokio::time::{Instant, timeout_at};

/// How long the last good answer may be used as a fallback.
const FALLBACK_MAX: Duration = Duration::from_secs(60);

type Addresses = Arc<[SocketAddr]>;

/// The result of a lookup, shared by all who wait for it. Never an empty list.
type LookupResult = Result<Addresses, Arc<io::Error>>;

/// Looks up a name; a test replaces the system's resolver.
pub type Lookup = Arc<dyn Fn(String) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> + Send + Sync>;

/// Resolves the name of one host. It forgets a name when it is asked for another.
pub struct Resolver {
    lookup: Lookup,
    slow_after: Duration,
    name: Mutex<Option<Arc<NameState>>>,
}

impl Resolver {
    /// Uses the system's resolver. After `slow_after` the fallback is used if there is one; if not, the lookup is
    /// awaited.
    pub fn new(slow_after: Duration) -> Self {
        // The port is set by the connector.
        let lookup = |name| async move { Ok(lookup_host((name, 0)).await?.collect()) }.boxed();
        Self::with_lookup(Arc::new(lookup), slow_after)
    }

    /// As [`new`](Self::new), with another lookup.
    pub fn with_lookup(lookup: Lookup, slow_after: Duration) -> Self {
        Self { lookup, slow_after, name: Mutex::default() }
    }

    fn state(&self, name: &str) -> Arc<NameState> {
        let mut state = self.name.lock().unwrap_or_else(PoisonError::into_inner);
        match &*state {
            Some(known) if known.name == name => known.clone(),
            _ => state.insert(Arc::new(NameState { name: name.to_owned(), answers: Mutex::default() })).clone(),
        }
    }

    fn addresses(&self, name: &str) -> impl Future<Output = LookupResult> + Send + use<> {
        let state = self.state(name);
        let lookup = self.lookup.clone();
        let slow_after = self.slow_after;
        async move {
            let pending = state.join_or_start(&lookup);
            let answer = match timeout_at(pending.since + slow_after, pending.answer.clone()).await {
                Ok(answer) => answer,
                Err(_) => match state.fallback() {
                    Some(addresses) => return Ok(addresses),
                    None => pending.answer.await,
                },
            };
            answer.or_else(|error| state.fallback().ok_or(error))
        }
    }
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let addresses = self.addresses(name.as_str());
        async move { Ok(Box::new(addresses.await?.to_vec().into_iter()) as Addrs) }.boxed()
    }
}

/// The lookups of one name.
struct NameState {
    name: String,
    answers: Mutex<Answers>,
}

#[derive(Default)]
struct Answers {
    /// The last good answer, and when it came.
    good: Option<(Addresses, Instant)>,
    pending: Option<PendingLookup>,
}

/// A lookup in flight.
#[derive(Clone)]
struct PendingLookup {
    since: Instant,
    answer: Shared<BoxFuture<'static, LookupResult>>,
}

impl NameState {
    /// Joins the lookup in flight, or starts one.
    fn join_or_start(self: &Arc<Self>, lookup: &Lookup) -> PendingLookup {
        let mut answers = self.answers();
        // A lookup that panicked has an answer, but nothing removed it.
        if let Some(pending) = answers.pending.as_ref().filter(|pending| pending.answer.peek().is_none()) {
            return pending.clone();
        }
        let state = self.clone();
        let looking = lookup(self.name.clone());
        let task = tokio::spawn(async move { state.record(looking.await) });
        let answer = async move { task.await.unwrap_or_else(|panicked| Err(Arc::new(panicked.into()))) };
        answers.pending.insert(PendingLookup { since: Instant::now(), answer: answer.boxed().shared() }).clone()
    }

    fn record(&self, answer: io::Result<Vec<SocketAddr>>) -> LookupResult {
        let result = match answer {
            Ok(addresses) if addresses.is_empty() => Err(Arc::new(io::ErrorKind::NotFound.into())),
            Ok(addresses) => Ok(addresses.into()),
            Err(error) => Err(Arc::new(error)),
        };
        let mut answers = self.answers();
        answers.pending = None;
        if let Ok(addresses) = &result {
            answers.good = Some((Arc::clone(addresses), Instant::now()));
        }
        result
    }

    /// Returns the last good answer, unless it is too old.
    fn fallback(&self) -> Option<Addresses> {
        let answers = self.answers();
        let (addresses, since) = answers.good.as_ref()?;
        (since.elapsed() <= FALLBACK_MAX).then(|| addresses.clone())
    }

    fn answers(&self) -> MutexGuard<'_, Answers> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::future::join_all;
    use tokio::time::{advance, sleep, timeout};

    use super::*;

    const SLOW_AFTER: Duration = Duration::from_millis(500);
    const NO_DELAY: Duration = Duration::ZERO;
    const LONG_DELAY: Duration = Duration::from_secs(30);

    #[derive(Clone, Copy)]
    enum LookupAnswer {
        /// Addresses with these last octets.
        Good(&'static [u8]),
        Failed,
        ConnectionLost,
    }

    use LookupAnswer::{ConnectionLost, Failed, Good};

    /// A resolver with answers that a test sets, each with a delay.
    struct FakeDns {
        resolver: Resolver,
        answer: Arc<Mutex<(Duration, LookupAnswer)>>,
        lookups: Arc<AtomicUsize>,
    }

    impl FakeDns {
        fn new() -> Self {
            let (answer, lookups) = (Arc::new(Mutex::new((NO_DELAY, Failed))), Arc::new(AtomicUsize::new(0)));
            let (setting, counting) = (answer.clone(), lookups.clone());
            let lookup = move |_| {
                counting.fetch_add(1, Ordering::Relaxed);
                let (after, answer) = *setting.lock().unwrap();
                async move {
                    sleep(after).await;
                    match answer {
                        Good(ends) => Ok(ends.iter().map(|end| SocketAddr::from(([192, 0, 2, *end], 0))).collect()),
                        Failed => Err(io::Error::other("no server replies")),
                        ConnectionLost => panic!("no thread"),
                    }
                }
                .boxed()
            };
            Self { resolver: Resolver::with_lookup(Arc::new(lookup), SLOW_AFTER), answer, lookups }
        }

        fn set(&self, after: Duration, answer: LookupAnswer) {
            *self.answer.lock().unwrap() = (after, answer);
        }

        fn lookups(&self) -> usize {
            self.lookups.load(Ordering::Relaxed)
        }

        /// The last octets of the addresses; empty if the resolution fails.
        async fn octets(&self, name: &str) -> Vec<u8> {
            let end = |address: &SocketAddr| address.ip().to_string().rsplit('.').next().unwrap().parse().unwrap();
            self.resolver.addresses(name).await.map(|found| found.iter().map(end).collect()).unwrap_or_default()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn each_resolution_looks_the_name_up() {
        let fake = FakeDns::new();
        fake.set(NO_DELAY, Good(&[1, 2]));
        assert_eq!(fake.octets("host").await, [1, 2]);
        fake.set(NO_DELAY, Good(&[3]));
        assert_eq!(fake.octets("host").await, [3]);
        assert_eq!(fake.lookups(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn the_fallback_lasts_a_minute_and_use_does_not_renew_it() {
        let fake = FakeDns::new();
        fake.set(NO_DELAY, Good(&[1]));
        fake.octets("host").await;
        for trouble in [Failed, Good(&[])] {
            fake.set(NO_DELAY, trouble);
            advance(FALLBACK_MAX / 2).await;
            assert_eq!(fake.octets("host").await, [1]);
        }
        advance(Duration::from_millis(1)).await;
        assert!(fake.octets("host").await.is_empty());
        assert_eq!(fake.lookups(), 4);
    }

    #[tokio::test(start_paused = true)]
    async fn there_is_no_fallback_for_a_name_that_was_never_resolved() {
        let fake = FakeDns::new();
        assert!(fake.octets("host").await.is_empty());
        fake.set(NO_DELAY, Good(&[1]));
        fake.octets("host").await;
        fake.set(NO_DELAY, Failed);
        assert!(fake.octets("other").await.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_lookup_uses_the_fallback_and_then_at_once() {
        let fake = FakeDns::new();
        fake.set(NO_DELAY, Good(&[1]));
        fake.octets("host").await;
        fake.set(LONG_DELAY, Good(&[2]));
        let began = Instant::now();
        assert_eq!(fake.octets("host").await, [1]);
        assert_eq!(began.elapsed().as_millis(), SLOW_AFTER.as_millis());
        assert_eq!(fake.octets("host").await, [1]);
        assert_eq!(began.elapsed().as_millis(), SLOW_AFTER.as_millis());
        sleep(LONG_DELAY).await;
        fake.set(NO_DELAY, Failed);
        assert_eq!(fake.octets("host").await, [2], "the lookup ended after its waiters left");
        assert_eq!(fake.lookups(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_lookup_without_fallback_is_awaited() {
        let fake = FakeDns::new();
        fake.set(LONG_DELAY, Good(&[1]));
        assert_eq!(fake.octets("host").await, [1]);
    }

    #[tokio::test(start_paused = true)]
    async fn concurrent_resolutions_share_one_lookup() {
        let fake = FakeDns::new();
        fake.set(LONG_DELAY, Good(&[1]));
        assert!(timeout(SLOW_AFTER, fake.octets("host")).await.is_err());
        let found = join_all((0..100).map(|_| fake.octets("host"))).await;
        assert!(found.iter().all(|found| *found == [1]));
        assert_eq!(fake.lookups(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_lookup_that_panicked_is_repeated() {
        let fake = FakeDns::new();
        fake.set(NO_DELAY, ConnectionLost);
        assert!(fake.octets("host").await.is_empty());
        fake.set(NO_DELAY, Good(&[1]));
        assert_eq!(fake.octets("host").await, [1]);
    }

    #[tokio::test]
    async fn localhost_resolves_to_loopback() {
        let found = Resolver::new(SLOW_AFTER).resolve("localhost".parse().unwrap()).await.unwrap();
        assert!(found.into_iter().all(|address| address.ip().is_loopback()));
    }
}

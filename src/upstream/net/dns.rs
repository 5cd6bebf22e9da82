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
    const AT_ONCE: Duration = Duration::ZERO;
    const HANGING: Duration = Duration::from_secs(30);

    #[derive(Clone, Copy)]
    enum Says {
        /// The addresses that end so.
        Good(&'static [u8]),
        Failed,
        ConnectionLost,
    }

    use Says::{ConnectionLost, Failed, Good};

    /// A resolver over answers that a test sets, each given after a while.
    struct Fake {
        resolver: Resolver,
        says: Arc<Mutex<(Duration, Says)>>,
        asked: Arc<AtomicUsize>,
    }

    impl Fake {
        fn new() -> Self {
            let (says, asked) = (Arc::new(Mutex::new((AT_ONCE, Failed))), Arc::new(AtomicUsize::new(0)));
            let (saying, asking) = (says.clone(), asked.clone());
            let lookup = move |_| {
                asking.fetch_add(1, Ordering::Relaxed);
                let (after, says) = *saying.lock().unwrap();
                async move {
                    sleep(after).await;
                    match says {
                        Good(ends) => Ok(ends.iter().map(|end| SocketAddr::from(([192, 0, 2, *end], 0))).collect()),
                        Failed => Err(io::Error::other("no server answers")),
                        ConnectionLost => panic!("no thread is left"),
                    }
                }
                .boxed()
            };
            Self { resolver: Resolver::with_lookup(Arc::new(lookup), SLOW_AFTER), says, asked }
        }

        fn says(&self, after: Duration, says: Says) {
            *self.says.lock().unwrap() = (after, says);
        }

        fn asked(&self) -> usize {
            self.asked.load(Ordering::Relaxed)
        }

        /// How the addresses end that are found now; none when it fails.
        async fn finds(&self, name: &str) -> Vec<u8> {
            let end = |address: &SocketAddr| address.ip().to_string().rsplit('.').next().unwrap().parse().unwrap();
            self.resolver.addresses(name).await.map(|found| found.iter().map(end).collect()).unwrap_or_default()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_looked_up_is_given_and_asked_for_each_time() {
        let fake = Fake::new();
        fake.says(AT_ONCE, Good(&[1, 2]));
        assert_eq!(fake.finds("host").await, [1, 2]);
        fake.says(AT_ONCE, Good(&[3]));
        assert_eq!(fake.finds("host").await, [3]);
        assert_eq!(fake.asked(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_good_addresses_stand_in_for_a_minute_and_being_used_does_not_renew_them() {
        let fake = Fake::new();
        fake.says(AT_ONCE, Good(&[1]));
        fake.finds("host").await;
        for trouble in [Failed, Good(&[])] {
            fake.says(AT_ONCE, trouble);
            advance(FALLBACK_MAX / 2).await;
            assert_eq!(fake.finds("host").await, [1]);
        }
        advance(Duration::from_millis(1)).await;
        assert!(fake.finds("host").await.is_empty());
        assert_eq!(fake.asked(), 4);
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_stands_in_for_a_name_that_was_never_found() {
        let fake = Fake::new();
        assert!(fake.finds("host").await.is_empty());
        fake.says(AT_ONCE, Good(&[1]));
        fake.finds("host").await;
        fake.says(AT_ONCE, Failed);
        assert!(fake.finds("other").await.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_answer_is_stood_in_for_after_a_while_and_at_once_when_it_is_known_to_be_slow() {
        let fake = Fake::new();
        fake.says(AT_ONCE, Good(&[1]));
        fake.finds("host").await;
        fake.says(HANGING, Good(&[2]));
        let began = Instant::now();
        assert_eq!(fake.finds("host").await, [1]);
        assert_eq!(began.elapsed().as_millis(), SLOW_AFTER.as_millis());
        assert_eq!(fake.finds("host").await, [1]);
        assert_eq!(began.elapsed().as_millis(), SLOW_AFTER.as_millis());
        sleep(HANGING).await;
        fake.says(AT_ONCE, Failed);
        assert_eq!(fake.finds("host").await, [2], "it came, though nobody waited for it");
        assert_eq!(fake.asked(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_answer_that_nothing_stands_in_for_is_waited_for() {
        let fake = Fake::new();
        fake.says(HANGING, Good(&[1]));
        assert_eq!(fake.finds("host").await, [1]);
    }

    #[tokio::test(start_paused = true)]
    async fn many_who_ask_at_once_and_after_others_left_share_one_question() {
        let fake = Fake::new();
        fake.says(HANGING, Good(&[1]));
        assert!(timeout(SLOW_AFTER, fake.finds("host")).await.is_err());
        let found = join_all((0..100).map(|_| fake.finds("host"))).await;
        assert!(found.iter().all(|found| *found == [1]));
        assert_eq!(fake.asked(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_question_that_broke_down_is_asked_anew() {
        let fake = Fake::new();
        fake.says(AT_ONCE, ConnectionLost);
        assert!(fake.finds("host").await.is_empty());
        fake.says(AT_ONCE, Good(&[1]));
        assert_eq!(fake.finds("host").await, [1]);
    }

    #[tokio::test]
    async fn the_system_knows_its_own_name() {
        let found = Resolver::new(SLOW_AFTER).resolve("localhost".parse().unwrap()).await.unwrap();
        assert!(found.into_iter().all(|address| address.ip().is_loopback()));
    }
}

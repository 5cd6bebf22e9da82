//! Where a host is: what the system's resolver says, and its last good answer for a minute when it fails or is slow.
//!
//! The system's resolver holds a thread for as long as it takes and cannot be called off. So one question about a name is
//! under way at most: all who want its answer wait for it, and it goes on when they leave, since the next one would take
//! another thread. Its answers stand in only when it has no other, and being used does not renew them. That a host is
//! still behind such an address is proved as ever, by TLS.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::net::lookup_host;
use tokio::time::{Instant, timeout_at};

/// How long a good answer stands in for one that is not there.
const STAND_IN_MAX: Duration = Duration::from_secs(60);

type Addresses = Arc<[SocketAddr]>;

/// What is found, for all who wait for it; never no address at all.
type Found = Result<Addresses, Arc<io::Error>>;

/// Asks for the addresses of a name; a test puts its own in place of the system's.
pub type Lookup = Arc<dyn Fn(String) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> + Send + Sync>;

/// Finds the addresses of one host. Another name takes the place of the one before, with all that is known of it.
pub struct Resolver {
    lookup: Lookup,
    patience: Duration,
    place: Mutex<Option<Arc<Place>>>,
}

impl Resolver {
    /// Asks the system. An answer that is not there after this time is stood in for, if an earlier one can; if none can,
    /// it is waited for.
    pub fn new(patience: Duration) -> Self {
        // The port is put in by whoever connects.
        Self::with(Arc::new(|name| async move { Ok(lookup_host((name, 0)).await?.collect()) }.boxed()), patience)
    }

    /// As `new`, with another way to ask.
    pub fn with(lookup: Lookup, patience: Duration) -> Self {
        Self { lookup, patience, place: Mutex::default() }
    }

    fn place(&self, name: &str) -> Arc<Place> {
        let mut place = self.place.lock().unwrap_or_else(PoisonError::into_inner);
        match &*place {
            Some(known) if known.name == name => known.clone(),
            _ => place.insert(Arc::new(Place { name: name.to_owned(), known: Mutex::default() })).clone(),
        }
    }

    fn find(&self, name: &str) -> impl Future<Output = Found> + Send + use<> {
        let (place, lookup, patience) = (self.place(name), self.lookup.clone(), self.patience);
        async move {
            let question = place.ask(&lookup);
            let answer = match timeout_at(question.since + patience, question.answer.clone()).await {
                Ok(answer) => answer,
                Err(_) => match place.stand_in() {
                    Some(addresses) => return Ok(addresses),
                    None => question.answer.await,
                },
            };
            answer.or_else(|error| place.stand_in().ok_or(error))
        }
    }
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let finding = self.find(name.as_str());
        async move { Ok(Box::new(finding.await?.to_vec().into_iter()) as Addrs) }.boxed()
    }
}

/// What is known of a name.
struct Place {
    name: String,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    /// The last good answer, and when it came.
    good: Option<(Addresses, Instant)>,
    question: Option<Question>,
}

/// A question under way.
#[derive(Clone)]
struct Question {
    since: Instant,
    answer: Shared<BoxFuture<'static, Found>>,
}

impl Place {
    /// The question under way, or else a new one.
    fn ask(self: &Arc<Self>, lookup: &Lookup) -> Question {
        let mut known = self.known();
        // One that broke down has an answer, and nobody who puts it away.
        if let Some(question) = known.question.as_ref().filter(|question| question.answer.peek().is_none()) {
            return question.clone();
        }
        let (place, looking) = (self.clone(), lookup(self.name.clone()));
        let task = tokio::spawn(async move { place.learn(looking.await) });
        let answer = async move { task.await.unwrap_or_else(|broken| Err(Arc::new(broken.into()))) };
        known.question.insert(Question { since: Instant::now(), answer: answer.boxed().shared() }).clone()
    }

    fn learn(&self, answer: io::Result<Vec<SocketAddr>>) -> Found {
        let found = match answer {
            Ok(addresses) if addresses.is_empty() => Err(Arc::new(io::ErrorKind::NotFound.into())),
            Ok(addresses) => Ok(addresses.into()),
            Err(error) => Err(Arc::new(error)),
        };
        let mut known = self.known();
        known.question = None;
        if let Ok(addresses) = &found {
            known.good = Some((Arc::clone(addresses), Instant::now()));
        }
        found
    }

    /// The last good answer, unless it is too old.
    fn stand_in(&self) -> Option<Addresses> {
        let known = self.known();
        let (addresses, since) = known.good.as_ref()?;
        (since.elapsed() <= STAND_IN_MAX).then(|| addresses.clone())
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::future::join_all;
    use tokio::time::{advance, sleep, timeout};

    use super::*;

    const PATIENCE: Duration = Duration::from_millis(500);
    const AT_ONCE: Duration = Duration::ZERO;
    const HANGING: Duration = Duration::from_secs(30);

    #[derive(Clone, Copy)]
    enum Says {
        /// The addresses that end so.
        Good(&'static [u8]),
        Failed,
        Broken,
    }

    use Says::{Broken, Failed, Good};

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
                        Broken => panic!("no thread is left"),
                    }
                }
                .boxed()
            };
            Self { resolver: Resolver::with(Arc::new(lookup), PATIENCE), says, asked }
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
            self.resolver.find(name).await.map(|found| found.iter().map(end).collect()).unwrap_or_default()
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
            advance(STAND_IN_MAX / 2).await;
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
        assert_eq!(began.elapsed().as_millis(), PATIENCE.as_millis());
        assert_eq!(fake.finds("host").await, [1]);
        assert_eq!(began.elapsed().as_millis(), PATIENCE.as_millis());
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
        assert!(timeout(PATIENCE, fake.finds("host")).await.is_err());
        let found = join_all((0..100).map(|_| fake.finds("host"))).await;
        assert!(found.iter().all(|found| *found == [1]));
        assert_eq!(fake.asked(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_question_that_broke_down_is_asked_anew() {
        let fake = Fake::new();
        fake.says(AT_ONCE, Broken);
        assert!(fake.finds("host").await.is_empty());
        fake.says(AT_ONCE, Good(&[1]));
        assert_eq!(fake.finds("host").await, [1]);
    }

    #[tokio::test]
    async fn the_system_knows_its_own_name() {
        let found = Resolver::new(PATIENCE).resolve("localhost".parse().unwrap()).await.unwrap();
        assert!(found.into_iter().all(|address| address.ip().is_loopback()));
    }
}

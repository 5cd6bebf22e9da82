//! What was read before, as nouns: bounded in bytes, each under the credential that it was read with.
//!
//! What is kept are the things that were understood and not the answers that they stood in: so nothing is kept that has
//! no field here, and a second reading costs no decoding. Errors are never kept.
//!
//! A second level that several processes share (Redis, Valkey) is not here yet, and no trait stands in for it, since with
//! one level that would be a guess. Its place is the flight that `Upstream::begin` makes: asked before `Way::fly`, so that
//! equal reads ask it once and within their deadline, and told in `Way::keep`, beside `put`. What it gets is this:
//! - The key as text: provider, origin, a name for the noun's type, and fingerprints of the target (it may hold a token), of
//!   the credential and of the reader. They have to be taken under a key of the settings: those of `key` are of this process.
//! - The value as bytes: the noun without what is withheld, with the version of its form, for which each noun needs a form to
//!   be written in. The host's own answer will not do, since links with a one-time mark stand in it.
//! - The lifetimes: the time of day at which it was read in place of `since`, and `lasts`; it may be put out when those and
//!   the longer of the two times for which it may be stale are over.
//! - The era, counted there for all: what a refusal or a change puts out in one process is out of date in each.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use quick_cache::sync::{Cache as Store, DefaultLifecycle};
use quick_cache::{DefaultHashBuilder, OptionsBuilder, Weighter};
use tokio::time::Instant;

use super::changes::{Change, Changes, Left, Moment};
use super::key::Key;
use super::standing::Standing;
use super::{CacheSettings, Cacheable};

/// Something that was read, of whichever type.
pub type Noun = Arc<dyn Cacheable>;

/// What an entry takes up beside its noun and its address, in bytes.
const ENTRY_BYTES: usize = 1_024;

/// The usual weight of an entry, in bytes: only a guess, from which the store plans its tables.
const USUAL_BYTES: usize = 4 * 1_024;

/// How many times as large as its answer a noun is taken to be at most: full rows have up to six times, and an answer of
/// nothing but tiny rows, which may have a hundred times, need not be kept.
const TIMES_ITS_ANSWER: usize = 6;

/// Something that is kept.
#[derive(Clone)]
pub struct Kept {
    /// What it is; none if there is no such thing.
    pub noun: Option<Noun>,
    weight: usize,
    since: Instant,
    lasts: Duration,
    era: Era,
    standing: Arc<Standing>,
}

/// What a kept answer is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Worth {
    /// For an answer.
    Fresh,
    /// For an answer, if it is read anew behind it.
    Stale,
    /// For an answer if the host can give none.
    InTrouble,
    /// For nothing.
    Nothing,
}

/// What a kept answer of this age is good for, if it is fresh for so long. That something does not exist is believed
/// while it is fresh and no longer.
pub fn worth(age: Duration, lasts: Duration, exists: bool, settings: &CacheSettings) -> Worth {
    match age {
        _ if age < lasts => Worth::Fresh,
        _ if !exists => Worth::Nothing,
        _ if age < lasts.saturating_add(settings.while_revalidate()) => Worth::Stale,
        _ if age < lasts.saturating_add(settings.if_error()) => Worth::InTrouble,
        _ => Worth::Nothing,
    }
}

impl Kept {
    /// How old it is.
    pub fn age(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.since)
    }
}

/// What was read before from one host.
pub struct Cache {
    settings: CacheSettings,
    store: Option<Store<Key, Kept, ByBytes>>,
    changes: Arc<Changes>,
}

/// When a read began: what it brings counts as long as the credential's answers do and nothing of it has changed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Era {
    generation: u64,
    moment: Moment,
}

#[derive(Clone, Copy)]
struct ByBytes;

impl Weighter<Key, Kept> for ByBytes {
    fn weight(&self, key: &Key, kept: &Kept) -> u64 {
        (ENTRY_BYTES + key.target().len() + kept.weight) as u64
    }
}

impl Cache {
    /// An empty one, for answers of so many bytes at most from a host with these changes; with no room at all it never
    /// keeps anything.
    pub fn new(settings: CacheSettings, answer_max: usize, changes: Arc<Changes>) -> Self {
        let room = settings.max_bytes;
        let store = (room > 0).then(|| store(room, answer_max)).flatten();
        Self { settings, store, changes }
    }

    /// The era of a read that begins at this moment.
    pub fn era(&self, standing: &Standing) -> Era {
        Era { generation: standing.generation(), moment: self.changes.moment() }
    }

    /// What is left of what was read in this era; without the noun, of whatever may be in the answer.
    pub fn left(&self, key: &Key, standing: &Standing, era: Era, noun: Option<&dyn Cacheable>) -> Left {
        if era.generation != standing.generation() {
            return Left::Nothing;
        }
        self.changes.left(key, era.moment, noun)
    }

    /// Whether what was found may still stand in for an answer.
    pub fn counts(&self, key: &Key, kept: &Kept) -> bool {
        self.left(key, &kept.standing, kept.era, kept.noun.as_deref()) != Left::Nothing
    }

    fn worth(&self, key: &Key, kept: &Kept, now: Instant) -> Worth {
        let worth = worth(kept.age(now), kept.lasts, kept.noun.is_some(), &self.settings);
        match self.left(key, &kept.standing, kept.era, kept.noun.as_deref()) {
            Left::All => worth,
            Left::InTrouble if kept.noun.is_some() && worth != Worth::Nothing => Worth::InTrouble,
            _ => Worth::Nothing,
        }
    }

    /// What is kept under this key and is good for anything.
    pub fn find(&self, key: &Key, now: Instant) -> Option<(Kept, Worth)> {
        let store = self.store.as_ref()?;
        let kept = store.get(key)?;
        match self.worth(key, &kept, now) {
            Worth::Nothing => {
                store.remove_if(key, |kept| self.worth(key, kept, now) == Worth::Nothing);
                None
            }
            worth => Some((kept, worth)),
        }
    }

    /// Keeps what was read in an era, unless it has changed since.
    pub fn put(&self, key: Key, read: Read) {
        let Some(store) = &self.store else { return };
        let Read { noun, weight, lasts, era, standing, now } = read;
        let lasts = if noun.is_some() { lasts } else { self.settings.absent() };
        let nothing = worth(Duration::ZERO, lasts, noun.is_some(), &self.settings) == Worth::Nothing;
        if nothing {
            // What was kept before it is out of date all the same.
            return self.remove(&key);
        }
        // What changes after this look is found out when it is looked for.
        if self.left(&key, &standing, era, noun.as_deref()) == Left::All {
            standing.kept.fetch_add(1, Ordering::Relaxed);
            store.insert(key, Kept { noun, weight, since: now, lasts, era, standing });
        }
    }

    /// How much is kept: bytes, as the bound counts them, and entries.
    pub fn size(&self) -> (u64, usize) {
        self.store.as_ref().map_or((0, 0), |store| (store.weight(), store.len()))
    }

    /// Puts out what is kept under this key.
    pub fn remove(&self, key: &Key) {
        if let Some(store) = &self.store {
            store.remove(key);
        }
    }

    /// From now on this may have changed, and so what is being read of it is neither kept nor shared with whoever asks.
    pub fn note(&self, change: Change) {
        self.changes.note(change);
    }

    /// Puts out all that was read with this credential, and sees to it that what is being read with it is not kept.
    pub fn forget(&self, key: &Key, standing: &Standing) {
        standing.renew();
        // A credential under which nothing was ever kept, such as a made-up one, costs no search.
        if let Some(store) = self.store.as_ref().filter(|_| standing.kept.swap(0, Ordering::Relaxed) > 0) {
            store.retain(|other, _| other.credential() != key.credential());
        }
    }
}

/// A store with so much room. It lies in parts of equal room, so that writers do not wait for each other, and takes no
/// entry that is larger than a part: so there are as many parts as leave each room for the largest answer.
fn store(room: usize, answer_max: usize) -> Option<Store<Key, Kept, ByBytes>> {
    let parts = room / answer_max.saturating_mul(TIMES_ITS_ANSWER).max(1);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    // The store rounds up to a power of two, and so that would make the parts too small.
    let parts = 1 << parts.clamp(1, 4 * cores).ilog2();
    let mut options = OptionsBuilder::new();
    let options = options.shards(parts).estimated_items_capacity(room / USUAL_BYTES + 1).weight_capacity(room as u64);
    let options = options.build().ok()?;
    Some(Store::with_options(options, ByBytes, DefaultHashBuilder::default(), DefaultLifecycle::default()))
}

/// What was read, to be kept.
pub struct Read {
    /// What it is; none if there is no such thing.
    pub noun: Option<Noun>,
    /// How many bytes of memory that holds.
    pub weight: usize,
    /// For how long it is fresh; that there is nothing is believed for a time of its own.
    pub lasts: Duration,
    /// When the read began.
    pub era: Era,
    /// How the credential stands.
    pub standing: Arc<Standing>,
    /// When it was read.
    pub now: Instant,
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache").field("settings", &self.settings).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;
    use secrecy::SecretString;

    use super::super::key::Fingerprints;
    use super::super::standing::Credentials;
    use super::super::{Credential, Ended, Settings};
    use super::*;

    impl Cacheable for u32 {
        fn redacted(&self) -> Option<Self> {
            None
        }

        fn memory_size(&self) -> usize {
            size_of::<Self>()
        }
    }

    struct Bench {
        prints: Fingerprints,
        credentials: Credentials,
        cache: Cache,
        now: Instant,
    }

    impl Bench {
        fn new(max_bytes: usize) -> Self {
            let settings = CacheSettings { max_bytes, ..CacheSettings::default() };
            let cache = Cache::new(settings, 8 << 20, Arc::default());
            Self {
                prints: Fingerprints::random().unwrap(),
                credentials: Credentials::new(super::super::Own::OfCredential(1), 1, Default::default()),
                cache,
                now: Instant::now(),
            }
        }

        fn key(&self, token: &str, path: &str) -> (Key, Arc<Standing>) {
            let print = self.prints.of(Credential::Bearer(&SecretString::from(token)));
            (
                Key::new::<u32>("provider", "origin".into(), path.into(), print, None),
                self.credentials.of(print, self.now),
            )
        }

        fn read(&self, standing: &Arc<Standing>, noun: Option<u32>) -> Read {
            let noun = noun.map(|noun| Arc::new(noun) as Noun);
            let era = self.cache.era(standing);
            Read { noun, weight: 100, lasts: Duration::from_secs(10), era, standing: standing.clone(), now: self.now }
        }

        fn put(&self, token: &str, path: &str) {
            let (key, standing) = self.key(token, path);
            let read = self.read(&standing, Some(1));
            self.cache.put(key, read);
        }

        fn has(&self, token: &str, path: &str) -> bool {
            self.cache.find(&self.key(token, path).0, self.now).is_some()
        }
    }

    #[test]
    fn a_credential_that_is_refused_loses_all_its_answers_and_no_other() {
        let bench = Bench::new(1 << 20);
        for (token, path) in [("a", "/1"), ("a", "/2"), ("b", "/1")] {
            bench.put(token, path);
        }
        let (key, standing) = bench.key("a", "/3");
        let under_way = bench.read(&standing, Some(3));
        bench.cache.forget(&key, &standing);
        bench.cache.put(key, under_way);
        assert!(!bench.has("a", "/1") && !bench.has("a", "/2") && !bench.has("a", "/3") && bench.has("b", "/1"));
        bench.put("a", "/1");
        assert!(bench.has("a", "/1"));
    }

    #[test]
    fn what_others_may_have_changed_only_stands_in_for_an_answer_and_is_not_kept_if_it_was_being_read() {
        let bench = Bench::new(1 << 20);
        for (token, path) in [("a", "/1"), ("b", "/1"), ("b", "/2")] {
            bench.put(token, path);
        }
        let (key, standing) = bench.key("b", "/1/3");
        let (under_way, none) = (bench.read(&standing, Some(3)), bench.read(&standing, None));
        let writer = bench.key("a", "/").0.whose();
        let (own, common, about) = (vec!["/1".to_owned()], Vec::new(), Vec::new());
        bench.cache.put(key.clone(), none);
        bench.cache.note(Change { writer, own, common, about, ended: Ended::Done });
        let worth = |token, path| bench.cache.find(&bench.key(token, path).0, bench.now).map(|(_, worth)| worth);
        assert_eq!((worth("a", "/1"), worth("b", "/1")), (None, Some(Worth::InTrouble)));
        assert_eq!((worth("b", "/1/3"), worth("b", "/2")), (None, Some(Worth::Fresh)));
        bench.cache.put(key, under_way);
        assert_eq!(worth("b", "/1/3"), None);
        bench.put("b", "/1");
        assert_eq!(worth("b", "/1"), Some(Worth::Fresh));
    }

    #[test]
    fn it_stays_within_its_bytes_and_without_any_it_keeps_nothing() {
        let bench = Bench::new(100_000);
        (0..10_000).for_each(|number| bench.put("a", &number.to_string()));
        assert!((0..10_000).filter(|number| bench.has("a", &number.to_string())).count() <= 100_000 / 1_024);
        let none = Bench::new(0);
        none.put("a", "/1");
        assert!(!none.has("a", "/1"));
    }

    #[test]
    fn the_largest_answer_finds_room_on_any_machine_and_all_stay_within_it() {
        let body_max = Settings::default().body_max_bytes;
        let usual = CacheSettings::default().max_bytes;
        for (room, answer_max) in [(usual, body_max), (1 << 30, body_max), (1 << 24, 1 << 18)] {
            let settings = CacheSettings { max_bytes: room, ..CacheSettings::default() };
            let bench = Bench { cache: Cache::new(settings, answer_max, Arc::default()), ..Bench::new(0) };
            for number in 0..100 {
                let path = number.to_string();
                let (key, standing) = bench.key("a", &path);
                let weight = answer_max * TIMES_ITS_ANSWER;
                let read = Read { weight, ..bench.read(&standing, Some(1)) };
                bench.cache.put(key, read);
                assert!(number > 0 || bench.has("a", &path), "{room} {answer_max}");
                assert!(bench.cache.size().0 <= room as u64);
            }
        }
    }

    #[test]
    fn that_a_thing_does_not_exist_is_believed_for_a_few_seconds() {
        let bench = Bench::new(1 << 20);
        let (key, standing) = bench.key("a", "/1");
        bench.cache.put(key.clone(), bench.read(&standing, None));
        let found = |seconds| bench.cache.find(&key, bench.now + Duration::from_secs(seconds)).map(|(_, worth)| worth);
        assert_eq!((found(4), found(5)), (Some(Worth::Fresh), None));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

        #[test]
        fn an_answer_is_worth_less_the_older_it_is(age in 0u64..2_000, more in 0u64..2_000, lasts in 0u64..600, exists: bool) {
            let settings = CacheSettings::default();
            let rank = |age| match worth(Duration::from_secs(age), Duration::from_secs(lasts), exists, &settings) {
                Worth::Fresh => 3,
                Worth::Stale => 2,
                Worth::InTrouble => 1,
                Worth::Nothing => 0,
            };
            prop_assert!(rank(age) >= rank(age + more));
            prop_assert_eq!(rank(age) == 3, age < lasts);
            prop_assert!(exists || [0, 3].contains(&rank(age)));
        }
    }
}

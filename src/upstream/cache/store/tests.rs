//! The cache: eviction, invalidation, size and freshness.

#![allow(clippy::unwrap_used)]
use proptest::prelude::*;
use secrecy::SecretString;

use super::*;
use crate::upstream::cache::key::Fingerprinter;
use crate::upstream::policy::throttle::CredentialRegistry;
use crate::upstream::{Credential, Settings, WriteStatus};

impl Cacheable for u32 {
    fn redacted(&self) -> Option<Self> {
        None
    }

    fn memory_size(&self) -> usize {
        size_of::<Self>()
    }
}

struct Fixture {
    fingerprinter: Fingerprinter,
    credentials: CredentialRegistry,
    cache: Cache,
    now: Instant,
}

impl Fixture {
    fn new(max_bytes: usize) -> Self {
        let settings = CacheSettings { max_bytes, ..CacheSettings::default() };
        let cache = Cache::new(settings, 8 << 20, Arc::default());
        Self {
            fingerprinter: Fingerprinter::new().unwrap(),
            credentials: CredentialRegistry::new(
                crate::upstream::ConcurrencyScope::Credential(1),
                1,
                Default::default(),
            ),
            cache,
            now: Instant::now(),
        }
    }

    fn key(&self, token: &str, path: &str) -> (Key, Arc<CredentialState>) {
        let fingerprint = self.fingerprinter.credential(Credential::Bearer(&SecretString::from(token)));
        (
            Key::new::<u32>("provider", "origin".into(), path.into(), fingerprint, None),
            self.credentials.state(fingerprint, self.now),
        )
    }

    fn read(&self, credential_state: &Arc<CredentialState>, value: Option<u32>) -> NewEntry {
        let value = value.map(|value| Arc::new(value) as CachedValue);
        let epoch = self.cache.epoch(credential_state);
        let credential_state = credential_state.clone();
        NewEntry { value, memory_size: 100, ttl: Duration::from_secs(10), epoch, credential_state, now: self.now }
    }

    fn insert(&self, token: &str, path: &str) {
        let (key, credential_state) = self.key(token, path);
        let read = self.read(&credential_state, Some(1));
        self.cache.insert(key, read);
    }

    fn has(&self, token: &str, path: &str) -> bool {
        self.cache.get(&self.key(token, path).0, self.now).is_some()
    }
}

#[test]
fn eviction_concerns_one_credential_and_its_reads_in_flight() {
    let fixture = Fixture::new(1 << 20);
    for (token, path) in [("a", "/1"), ("a", "/2"), ("b", "/1")] {
        fixture.insert(token, path);
    }
    let (key, credential_state) = fixture.key("a", "/3");
    let in_flight = fixture.read(&credential_state, Some(3));
    fixture.cache.evict_credential(&key, &credential_state);
    fixture.cache.insert(key, in_flight);
    assert!(!fixture.has("a", "/1") && !fixture.has("a", "/2") && !fixture.has("a", "/3") && fixture.has("b", "/1"));
    fixture.insert("a", "/1");
    assert!(fixture.has("a", "/1"));
}

#[test]
fn a_write_of_another_leaves_stale_if_error_and_skips_reads_in_flight() {
    let fixture = Fixture::new(1 << 20);
    for (token, path) in [("a", "/1"), ("b", "/1"), ("b", "/2")] {
        fixture.insert(token, path);
    }
    let (key, credential_state) = fixture.key("b", "/1/3");
    let (in_flight, none) = (fixture.read(&credential_state, Some(3)), fixture.read(&credential_state, None));
    let writer = fixture.key("a", "/").0.owner();
    let (own, common, about) = (vec!["/1".to_owned()], Vec::new(), Vec::new());
    fixture.cache.insert(key.clone(), none);
    fixture.cache.invalidate(Invalidation {
        writer,
        per_caller: own,
        shared: common,
        references: about,
        status: WriteStatus::Done,
    });
    let freshness_of =
        |token, path| fixture.cache.get(&fixture.key(token, path).0, fixture.now).map(|(_, freshness_of)| freshness_of);
    assert_eq!((freshness_of("a", "/1"), freshness_of("b", "/1")), (None, Some(Freshness::StaleIfError)));
    assert_eq!((freshness_of("b", "/1/3"), freshness_of("b", "/2")), (None, Some(Freshness::Fresh)));
    fixture.cache.insert(key, in_flight);
    assert_eq!(freshness_of("b", "/1/3"), None);
    fixture.insert("b", "/1");
    assert_eq!(freshness_of("b", "/1"), Some(Freshness::Fresh));
}

#[test]
fn the_cache_stays_within_its_bytes_and_zero_disables_it() {
    let fixture = Fixture::new(100_000);
    (0..10_000).for_each(|number| fixture.insert("a", &number.to_string()));
    assert!((0..10_000).filter(|number| fixture.has("a", &number.to_string())).count() <= 100_000 / 1_024);
    let none = Fixture::new(0);
    none.insert("a", "/1");
    assert!(!none.has("a", "/1"));
}

#[test]
fn the_largest_value_fits_whatever_the_number_of_cores() {
    let body_max = Settings::default().body_max_bytes;
    let usual = CacheSettings::default().max_bytes;
    for (max_bytes, reply_max) in [(usual, body_max), (1 << 30, body_max), (1 << 24, 1 << 18)] {
        let settings = CacheSettings { max_bytes, ..CacheSettings::default() };
        let fixture = Fixture { cache: Cache::new(settings, reply_max, Arc::default()), ..Fixture::new(0) };
        for number in 0..100 {
            let path = number.to_string();
            let (key, credential_state) = fixture.key("a", &path);
            let memory_size = reply_max * VALUE_TO_REPLY_MAX;
            let read = NewEntry { memory_size, ..fixture.read(&credential_state, Some(1)) };
            fixture.cache.insert(key, read);
            assert!(number > 0 || fixture.has("a", &path), "{max_bytes} {reply_max}");
            assert!(fixture.cache.size().0 <= max_bytes as u64);
        }
    }
}

#[test]
fn not_found_is_cached_for_a_few_seconds() {
    let fixture = Fixture::new(1 << 20);
    let (key, credential_state) = fixture.key("a", "/1");
    fixture.cache.insert(key.clone(), fixture.read(&credential_state, None));
    let found = |seconds| {
        fixture.cache.get(&key, fixture.now + Duration::from_secs(seconds)).map(|(_, freshness_of)| freshness_of)
    };
    assert_eq!((found(4), found(5)), (Some(Freshness::Fresh), None));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn freshness_never_improves_with_age(age in 0u64..2_000, more in 0u64..2_000, ttl in 0u64..600, exists: bool) {
        let settings = CacheSettings::default();
        let rank = |age| match freshness(Duration::from_secs(age), Duration::from_secs(ttl), exists, &settings) {
            Freshness::Fresh => 3,
            Freshness::Stale => 2,
            Freshness::StaleIfError => 1,
            Freshness::Expired => 0,
        };
        prop_assert!(rank(age) >= rank(age + more));
        prop_assert_eq!(rank(age) == 3, age < ttl);
        prop_assert!(exists || [0, 3].contains(&rank(age)));
    }
}

//! The cache of decoded values: bounded in bytes, each entry under the credential that read it.
//!
//! Values are cached, not replies. So nothing is cached that the schema does not know, and a hit needs no decoding.
//! Errors are never cached.
//!
//! There is no second level that several processes share (Redis, Valkey), and no trait for one: with one level it would
//! be a guess. Its place is inside the single flight that `Upstream::join_or_start` starts: looked up before the first
//! attempt, and filled where `Upstream::update_cache` fills this one. An entry there would need:
//! - The key as text: provider, origin, a name of the value's type, and fingerprints of target, credential and reader.
//!   Those must be made under a key from the settings, because the key of `Fingerprinter` is of this process.
//! - The value as bytes: the redacted value with a version of its format. The reply itself contains one-time links.
//! - The time of day at which it was read, and its TTL. It may expire after the TTL and the longer stale period.
//! - The epoch, counted there for all processes, so that an invalidation reaches each of them.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use quick_cache::sync::{Cache as Store, DefaultLifecycle};
use quick_cache::{DefaultHashBuilder, OptionsBuilder, Weighter};
use tokio::time::Instant;

use crate::upstream::cache::invalidation::{Invalidation, InvalidationLog, Validity, Version};
use crate::upstream::cache::key::Key;
use crate::upstream::policy::throttle::CredentialState;
use crate::upstream::reply::{Cacheable, CachedValue};
use crate::upstream::settings::CacheSettings;

/// The memory of an entry without its value and its target, in bytes.
const ENTRY_BYTES: usize = 1_024;

/// The expected memory of an entry, in bytes. The store sizes its tables by it.
const TYPICAL_BYTES: usize = 4 * 1_024;

/// How many times the size of its reply a value may take.
///
/// Full rows take up to six times. A reply of many tiny rows may take a hundred times, and need not be cached.
const VALUE_TO_REPLY_MAX: usize = 6;

/// A cached value.
#[derive(Clone)]
pub struct CacheEntry {
    /// The value; `None` if there is no such object.
    pub value: Option<CachedValue>,
    memory_size: usize,
    read_at: Instant,
    ttl: Duration,
    epoch: Epoch,
    credential_state: Arc<CredentialState>,
}

impl CacheEntry {
    /// Returns the age of the entry.
    pub fn age(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.read_at)
    }
}

/// What a cached entry may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// It is served.
    Fresh,
    /// It is served while it is revalidated in the background.
    Stale,
    /// It is served only if the host fails.
    StaleIfError,
    /// It is never served.
    Expired,
}

/// Returns the freshness by age alone. That an object does not exist is believed only while it is fresh.
pub fn freshness(age: Duration, ttl: Duration, exists: bool, settings: &CacheSettings) -> Freshness {
    match age {
        _ if age < ttl => Freshness::Fresh,
        _ if !exists => Freshness::Expired,
        _ if age < ttl.saturating_add(settings.while_revalidate()) => Freshness::Stale,
        _ if age < ttl.saturating_add(settings.if_error()) => Freshness::StaleIfError,
        _ => Freshness::Expired,
    }
}

/// The cache of one host.
pub struct Cache {
    settings: CacheSettings,
    store: Option<Store<Key, CacheEntry, MemoryWeighter>>,
    invalidations: Arc<InvalidationLog>,
}

/// When a read started. Its value is valid until its credential's entries are evicted or an invalidation concerns it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Epoch {
    generation: u64,
    version: Version,
}

#[derive(Clone, Copy)]
struct MemoryWeighter;

impl Weighter<Key, CacheEntry> for MemoryWeighter {
    fn weight(&self, key: &Key, entry: &CacheEntry) -> u64 {
        (ENTRY_BYTES + key.target().len() + entry.memory_size) as u64
    }
}

impl Cache {
    /// An empty cache for replies of at most `reply_max` bytes. With 0 bytes of memory it never stores anything.
    pub fn new(settings: CacheSettings, reply_max: usize, invalidations: Arc<InvalidationLog>) -> Self {
        let max_bytes = settings.max_bytes;
        let store = (max_bytes > 0).then(|| store(max_bytes, reply_max)).flatten();
        Self { settings, store, invalidations }
    }

    /// Returns the epoch of a read that starts now.
    pub fn epoch(&self, credential_state: &CredentialState) -> Epoch {
        Epoch { generation: credential_state.generation(), version: self.invalidations.version() }
    }

    /// Returns the validity of a value that was read in `epoch`. Without the value, the least that it can be.
    pub fn validity(
        &self,
        key: &Key,
        credential_state: &CredentialState,
        epoch: Epoch,
        value: Option<&dyn Cacheable>,
    ) -> Validity {
        if epoch.generation != credential_state.generation() {
            return Validity::Invalid;
        }
        self.invalidations.validity(key, epoch.version, value)
    }

    /// Whether an entry that was found earlier may still be served if the host fails.
    pub fn is_usable(&self, key: &Key, entry: &CacheEntry) -> bool {
        self.entry_validity(key, entry) != Validity::Invalid
    }

    /// Returns the entry under this key and its freshness, unless it is expired.
    pub fn get(&self, key: &Key, now: Instant) -> Option<(CacheEntry, Freshness)> {
        let store = self.store.as_ref()?;
        let entry = store.get(key)?;
        match self.entry_freshness(key, &entry, now) {
            Freshness::Expired => {
                store.remove_if(key, |entry| self.entry_freshness(key, entry, now) == Freshness::Expired);
                None
            }
            freshness => Some((entry, freshness)),
        }
    }

    fn entry_validity(&self, key: &Key, entry: &CacheEntry) -> Validity {
        self.validity(key, &entry.credential_state, entry.epoch, entry.value.as_deref())
    }

    fn entry_freshness(&self, key: &Key, entry: &CacheEntry, now: Instant) -> Freshness {
        let exists = entry.value.is_some();
        let by_age = freshness(entry.age(now), entry.ttl, exists, &self.settings);
        match self.entry_validity(key, entry) {
            Validity::Valid => by_age,
            Validity::StaleIfError if exists && by_age != Freshness::Expired => Freshness::StaleIfError,
            _ => Freshness::Expired,
        }
    }

    /// Stores what was read, unless it is invalid by now.
    pub fn insert(&self, key: Key, new: NewEntry) {
        let Some(store) = &self.store else { return };
        let NewEntry { value, memory_size, ttl, epoch, credential_state, now } = new;
        let ttl = if value.is_some() { ttl } else { self.settings.absent() };
        if freshness(Duration::ZERO, ttl, value.is_some(), &self.settings) == Freshness::Expired {
            // The new value is not stored, but it proves that the old one is out of date.
            return self.remove(&key);
        }
        // An invalidation after this check is found when the entry is looked up.
        if self.validity(&key, &credential_state, epoch, value.as_deref()) == Validity::Valid {
            credential_state.count_cached_entry();
            store.insert(key, CacheEntry { value, memory_size, read_at: now, ttl, epoch, credential_state });
        }
    }

    /// Returns the size of the cache: bytes, as the bound counts them, and entries.
    pub fn size(&self) -> (u64, usize) {
        self.store.as_ref().map_or((0, 0), |store| (store.weight(), store.len()))
    }

    /// Removes the entry under this key.
    pub fn remove(&self, key: &Key) {
        if let Some(store) = &self.store {
            store.remove(key);
        }
    }

    /// Records an invalidation. Reads in flight that it concerns are neither cached nor joined any more.
    pub fn invalidate(&self, invalidation: Invalidation) {
        self.invalidations.record(invalidation);
    }

    /// Evicts all entries of this credential. Its reads in flight are not cached.
    pub fn evict_credential(&self, key: &Key, credential_state: &CredentialState) {
        // A credential without entries, such as an invented one, costs no scan.
        let had_entries = credential_state.invalidate_entries();
        if let Some(store) = self.store.as_ref().filter(|_| had_entries) {
            store.retain(|other, _| other.credential() != key.credential());
        }
    }
}

/// Makes a store of `max_bytes`.
///
/// The store has shards of equal size, so that writers do not block each other. It takes no entry that is larger than a
/// shard, so the number of shards is chosen such that the largest value fits into one.
fn store(max_bytes: usize, reply_max: usize) -> Option<Store<Key, CacheEntry, MemoryWeighter>> {
    let shards = max_bytes / reply_max.saturating_mul(VALUE_TO_REPLY_MAX).max(1);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    // The store rounds up to a power of two, which would make the shards too small. So this rounds down.
    let shards = 1 << shards.clamp(1, 4 * cores).ilog2();
    let mut options = OptionsBuilder::new();
    let options = options.shards(shards).estimated_items_capacity(max_bytes / TYPICAL_BYTES + 1);
    let options = options.weight_capacity(max_bytes as u64).build().ok()?;
    Some(Store::with_options(options, MemoryWeighter, DefaultHashBuilder::default(), DefaultLifecycle::default()))
}

/// A value that was just read.
pub struct NewEntry {
    /// The value; `None` if there is no such object.
    pub value: Option<CachedValue>,
    /// The memory of the value, in bytes.
    pub memory_size: usize,
    /// How long it is fresh. For an absent object the setting `absent_seconds` applies instead.
    pub ttl: Duration,
    /// When the read started.
    pub epoch: Epoch,
    /// The state of the credential.
    pub credential_state: Arc<CredentialState>,
    /// When it was read.
    pub now: Instant,
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache").field("settings", &self.settings).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;

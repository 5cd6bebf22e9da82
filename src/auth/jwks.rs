//! The issuer's public keys: parsed from a key set (RFC 7517), cached, and refreshed in the background.
//!
//! Keys are fetched at start, every ten minutes, and when a token names an unknown key. One task fetches, so at most one
//! fetch is in flight and a client that disconnects cancels nothing. An unknown key causes at most one fetch a minute,
//! so invented key IDs put no load on the issuer. If a fetch fails or returns no usable key, the last good keys stay in
//! use; before the first success no token is accepted. The location of the key set comes from the settings and never
//! from a token.

mod file;
mod http_source;
mod key;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use jsonwebtoken::Algorithm;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout};

pub use self::file::JwksFile;
pub use self::http_source::HttpSource;
pub use self::key::VerifyingKey;
use super::credential_error::CredentialError;

/// The maximum size of a key set, in bytes.
pub const BODY_MAX_BYTES: usize = 256 << 10;

/// The maximum number of keys in a set, including keys that cannot be used.
pub const KEYS_MAX: usize = 100;

/// The maximum length of a `kid`, in bytes.
pub const KID_MAX_BYTES: usize = 256;

/// The time between two fetches while fetches succeed.
const REFRESH_INTERVAL: Duration = Duration::from_secs(600);

/// The time until the next fetch after one has failed.
const RETRY_INTERVAL: Duration = Duration::from_secs(10);

/// The minimum time between two fetches that unknown key IDs cause.
const UNKNOWN_KID_INTERVAL: Duration = Duration::from_secs(60);

/// The maximum duration of a fetch.
const FETCH_TIMEOUT: Duration = Duration::from_secs(10);

/// The maximum time that one verification waits for a fetch.
const WAIT_TIMEOUT: Duration = Duration::from_secs(3);

/// A place that key sets are fetched from.
pub trait JwksSource: Send + Sync + 'static {
    /// Fetches the text of the key set, up to [`BODY_MAX_BYTES`].
    ///
    /// # Errors
    /// What is wrong, for the log, without URL or content.
    fn fetch(&self) -> BoxFuture<'_, Result<Bytes, String>>;
}

/// The usable keys of one key set.
#[derive(Debug)]
pub struct KeySet {
    /// Keys with the same ID differ in their algorithm.
    by_kid: HashMap<Box<str>, Vec<Arc<VerifyingKey>>>,
    /// The usable key, if there is exactly one.
    only: Option<Arc<VerifyingKey>>,
}

/// A cache of an issuer's keys. Dropping it ends the task that refreshes them.
pub struct JwksCache {
    shared: Arc<Shared>,
    task: AbortHandle,
}

struct Shared {
    source: Box<dyn JwksSource>,
    keys: ArcSwapOption<KeySet>,
    state: watch::Sender<FetchState>,
}

struct FetchState {
    /// Whether a fetch is in flight or about to start.
    is_fetching: bool,
    /// When an unknown key ID last caused a fetch.
    unknown_kid_at: Option<Instant>,
}

#[derive(Deserialize)]
struct Jwks<'a> {
    #[serde(borrow)]
    keys: Vec<&'a RawValue>,
}

#[derive(Clone)]
struct NamedKey {
    kid: Option<String>,
    key: Arc<VerifyingKey>,
}

impl KeySet {
    /// Parses a JWK set.
    ///
    /// Keys that cannot be used are ignored, as RFC 7517 requires. A key that is listed twice counts once. Keys of
    /// different kinds may share a `kid`; two keys of one kind with the same `kid` are ambiguous, so both are ignored.
    ///
    /// # Errors
    /// What is wrong, without the content. A set without a usable key is an error.
    pub fn parse(body: &[u8]) -> Result<Self, &'static str> {
        if body.len() > BODY_MAX_BYTES {
            return Err("the key set exceeds the limit of 256 KiB");
        }
        let jwks: Jwks = serde_json::from_slice(body).map_err(|_| "not a JWK set")?;
        if jwks.keys.len() > KEYS_MAX {
            return Err("the key set exceeds the limit of 100 keys");
        }
        let keys = unambiguous(distinct(jwks.keys.iter().filter_map(|text| NamedKey::parse(text.get()))));
        let only = match &*keys {
            [] => {
                return Err(
                    "the key set has no usable key: RSA with 2048 bits or more, P-256 or Ed25519, for signatures",
                );
            }
            [first, rest @ ..] => rest.iter().all(|other| other.key.is_same(&first.key)).then(|| first.key.clone()),
        };
        let mut by_kid: HashMap<Box<str>, Vec<_>> = HashMap::new();
        for NamedKey { kid, key } in keys {
            if let Some(kid) = kid {
                by_kid.entry(kid.into_boxed_str()).or_default().push(key);
            }
        }
        Ok(Self { by_kid, only })
    }

    /// Returns the key with this ID, preferably one for this algorithm.
    ///
    /// Without an ID, returns the only key of the set. If the only key has no ID, it is returned for every ID, as long
    /// as the algorithm fits: the ID is a hint (RFC 7515, section 4.1.4).
    pub fn find(&self, kid: Option<&str>, algorithm: Algorithm) -> Option<&Arc<VerifyingKey>> {
        let fits = |key: &&Arc<VerifyingKey>| key.algorithm == algorithm;
        let Some(kid) = kid else { return self.only.as_ref() };
        match self.by_kid.get(kid) {
            Some(keys) => keys.iter().find(fits).or(keys.first()),
            None if self.by_kid.is_empty() => self.only.as_ref().filter(fits),
            None => None,
        }
    }
}

impl NamedKey {
    fn parse(text: &str) -> Option<Self> {
        let (kid, key) = VerifyingKey::parse(text)?;
        Some(Self { kid, key: Arc::new(key) })
    }
}

fn distinct(keys: impl Iterator<Item = NamedKey>) -> Vec<NamedKey> {
    let mut distinct: Vec<NamedKey> = Vec::new();
    for new in keys {
        if !distinct.iter().any(|old| old.kid == new.kid && old.key.is_same(&new.key)) {
            distinct.push(new);
        }
    }
    distinct
}

/// Removes distinct keys that share both ID and algorithm.
fn unambiguous(keys: Vec<NamedKey>) -> Vec<NamedKey> {
    let has_same_name = |one: &NamedKey, other: &NamedKey| {
        one.kid.is_some() && one.kid == other.kid && one.key.algorithm == other.key.algorithm
    };
    let count = |key: &NamedKey| keys.iter().filter(|other| has_same_name(key, other)).count();
    keys.iter().filter(|key| count(key) < 2).cloned().collect()
}

impl JwksCache {
    /// Starts the cache with these keys, or fetches at once if there are none.
    ///
    /// # Errors
    /// If it is called outside of a tokio runtime.
    pub fn start(source: Box<dyn JwksSource>, first: Option<KeySet>) -> Result<Self, String> {
        let runtime = Handle::try_current().map_err(|_| "the key set can be fetched within a tokio runtime only")?;
        let state = watch::Sender::new(FetchState { is_fetching: first.is_none(), unknown_kid_at: None });
        let keys = ArcSwapOption::from(first.map(Arc::new));
        let shared = Arc::new(Shared { source, keys, state });
        let task = runtime.spawn(run(Arc::clone(&shared))).abort_handle();
        Ok(Self { shared, task })
    }

    /// Fetches now. The current keys stay in use until the fetch succeeds.
    pub fn refresh(&self) {
        self.shared.state.send_if_modified(|state| !std::mem::replace(&mut state.is_fetching, true));
    }

    /// Finds a key as [`KeySet::find`] does. Waits up to three seconds for a fetch that may return it.
    ///
    /// # Errors
    /// `UnknownKey`, or `Unavailable` while no key set has been fetched yet.
    pub async fn key(&self, kid: Option<&str>, algorithm: Algorithm) -> Result<Arc<VerifyingKey>, CredentialError> {
        let error = match self.cached_key(kid, algorithm) {
            Ok(key) => return Ok(key),
            Err(error) => error,
        };
        let is_fetching = match (error, kid) {
            (CredentialError::Unavailable, _) => self.shared.state.borrow().is_fetching,
            (_, Some(_)) => self.shared.fetch_for_unknown_kid(),
            (_, None) => false,
        };
        if !is_fetching {
            return Err(error);
        }
        let mut state = self.shared.state.subscribe();
        let _ = timeout(WAIT_TIMEOUT, state.wait_for(|state| !state.is_fetching)).await;
        self.cached_key(kid, algorithm)
    }

    /// Finds a key as [`KeySet::find`] does, without a fetch.
    ///
    /// # Errors
    /// `UnknownKey`, or `Unavailable` while no key set has been fetched yet.
    pub fn cached_key(&self, kid: Option<&str>, algorithm: Algorithm) -> Result<Arc<VerifyingKey>, CredentialError> {
        let keys = self.shared.keys.load();
        let keys = keys.as_ref().ok_or(CredentialError::Unavailable)?;
        keys.find(kid, algorithm).cloned().ok_or(CredentialError::UnknownKey)
    }
}

impl Drop for JwksCache {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Shared {
    /// Starts a fetch unless an unknown key ID caused one within the last minute. Returns whether one is in flight.
    fn fetch_for_unknown_kid(&self) -> bool {
        let now = Instant::now();
        self.state.send_if_modified(|state| {
            let is_due = !state.is_fetching && state.unknown_kid_at.is_none_or(|at| now - at >= UNKNOWN_KID_INTERVAL);
            if is_due {
                state.is_fetching = true;
                state.unknown_kid_at = Some(now);
            }
            is_due
        });
        self.state.borrow().is_fetching
    }

    async fn fetch(&self) -> Result<KeySet, String> {
        let body = timeout(FETCH_TIMEOUT, self.source.fetch()).await.map_err(|_| "timed out")??;
        Ok(KeySet::parse(&body)?)
    }
}

/// Fetches whenever it is due or requested, until the task is aborted.
async fn run(shared: Arc<Shared>) {
    let mut state = shared.state.subscribe();
    let mut is_healthy = true;
    loop {
        if shared.state.borrow().is_fetching {
            is_healthy = fetch_and_store(&shared, is_healthy).await;
            shared.state.send_modify(|state| state.is_fetching = false);
        }
        let pause = if is_healthy { REFRESH_INTERVAL } else { RETRY_INTERVAL };
        if timeout(pause, state.wait_for(|state| state.is_fetching)).await.is_err() {
            shared.state.send_modify(|state| state.is_fetching = true);
        }
    }
}

/// Fetches once and returns whether that succeeded. Logs only changes between success and failure.
async fn fetch_and_store(shared: &Shared, was_healthy: bool) -> bool {
    match shared.fetch().await {
        Ok(keys) => {
            if !was_healthy {
                tracing::info!("the issuer's key set can be fetched again");
            }
            shared.keys.store(Some(Arc::new(keys)));
            true
        }
        Err(cause) => {
            if was_healthy {
                let has_keys = shared.keys.load().is_some();
                tracing::warn!(
                    cause,
                    has_keys,
                    "the issuer's key set cannot be fetched; the last good keys stay in use"
                );
            }
            false
        }
    }
}

#[cfg(test)]
mod tests;

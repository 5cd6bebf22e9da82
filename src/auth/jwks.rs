//! The issuer's keys: fetched at start, every ten minutes, and when a token names a key that is not known.
//!
//! A task of its own fetches, so a client that goes away ends no fetch, and however many ask, one is under way. A name
//! that is not known makes it fetch at most once a minute: whoever invents names costs the issuer nothing. When the
//! issuer cannot be had, or sends nothing that can be used, the last good keys stay in use; until there are any, no
//! token is good. Where the keys are fetched is settled at start; nothing in a token can change it.

mod file;
mod key;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout};

pub use self::file::File;
pub use self::key::Key;
use super::credential_error::CredentialError;

/// The largest key set taken, in bytes.
pub const BODY_MAX_BYTES: usize = 256 << 10;

/// The most keys that a set may hold, those included that are of no use here.
pub const KEYS_MAX: usize = 100;

/// The longest name of a key, in bytes.
pub const KID_LENGTH_MAX: usize = 256;

/// How long good keys are used before they are fetched afresh.
const FRESH: Duration = Duration::from_secs(600);

/// How soon it is tried again after keys could not be had.
const AGAIN: Duration = Duration::from_secs(10);

/// The least time between two fetches made because a token names a key that is not known.
const UNKNOWN: Duration = Duration::from_secs(60);

/// The longest that one fetch may take.
const FETCH_MAX: Duration = Duration::from_secs(10);

/// The longest that the check of a token waits for a fetch.
const WAIT_MAX: Duration = Duration::from_secs(3);

/// Where key sets come from.
pub trait Source: Send + Sync + 'static {
    /// Fetches the set's text. It stops by itself at [`BODY_MAX_BYTES`].
    ///
    /// # Errors
    /// What is wrong, for the log: without a URL or content.
    fn fetch(&self) -> BoxFuture<'_, Result<Bytes, String>>;
}

/// The keys that can be used, out of one set.
#[derive(Debug)]
pub struct Set {
    named: HashMap<Box<str>, Arc<Key>>,
    /// The only key there is.
    only: Option<Arc<Key>>,
}

/// The keys of an issuer, kept fresh until this is dropped.
pub struct JwksCache {
    shared: Arc<Shared>,
    task: AbortHandle,
}

struct Shared {
    source: Box<dyn Source>,
    set: ArcSwapOption<Set>,
    state: watch::Sender<State>,
}

/// What the fetching task does.
struct State {
    /// Whether a fetch is under way or about to begin.
    is_busy: bool,
    /// When it was last told to fetch because of a key that is not known.
    asked: Option<Instant>,
}

#[derive(Deserialize)]
struct Payload<'a> {
    #[serde(borrow)]
    keys: Vec<&'a RawValue>,
}

impl Set {
    /// Takes a key set as RFC 7517 has it. Keys that are of no use here are passed over, as it asks; a name that two
    /// keys have would leave open which is meant, so neither is taken.
    ///
    /// # Errors
    /// What is wrong, without its content; also when no key can be used.
    pub fn parse(body: &[u8]) -> Result<Self, &'static str> {
        if body.len() > BODY_MAX_BYTES {
            return Err("the key set is larger than 256 KiB");
        }
        let payload: Payload = serde_json::from_slice(body).map_err(|_| "this is no key set")?;
        if payload.keys.len() > KEYS_MAX {
            return Err("the key set has more than 100 keys");
        }
        let mut keys: Vec<(Option<String>, Arc<Key>)> = Vec::new();
        keys.extend(payload.keys.iter().filter_map(|text| Key::parse(text.get())).map(|(kid, key)| (kid, key.into())));
        let times = |kid: &Option<String>| keys.iter().filter(|(other, _)| kid.is_some() && other == kid).count();
        let unique: Vec<_> = keys.iter().filter(|(kid, _)| times(kid) < 2).cloned().collect();
        let only = match &*unique {
            [] => {
                return Err("the key set holds no key that can be used: RSA of 2048 bits, P-256 or Ed25519, to verify");
            }
            [(_, key)] => Some(Arc::clone(key)),
            _ => None,
        };
        let named = unique.into_iter().filter_map(|(kid, key)| Some((kid?.into_boxed_str(), key))).collect();
        Ok(Self { named, only })
    }

    /// The key of this name; without a name, the only key there is.
    pub fn key(&self, kid: Option<&str>) -> Option<&Arc<Key>> {
        match kid {
            Some(kid) => self.named.get(kid),
            None => self.only.as_ref(),
        }
    }
}

impl JwksCache {
    /// Begins to keep keys: with these, or by fetching at once.
    ///
    /// # Errors
    /// When there is no tokio runtime around.
    pub fn start(source: Box<dyn Source>, first: Option<Set>) -> Result<Self, String> {
        let runtime = Handle::try_current().map_err(|_| "the issuer's keys are kept within a tokio runtime only")?;
        let state = State { is_busy: first.is_none(), asked: None };
        let set = ArcSwapOption::from(first.map(Arc::new));
        let shared = Arc::new(Shared { source, set, state: watch::Sender::new(state) });
        let task = runtime.spawn(keep(Arc::clone(&shared))).abort_handle();
        Ok(Self { shared, task })
    }

    /// Fetches at once; the keys at hand stay until that has brought others.
    pub fn renew(&self) {
        self.shared.state.send_if_modified(|state| !std::mem::replace(&mut state.is_busy, true));
    }

    /// The key of this name, or without a name the only one; waits for a fetch if that may bring it, up to three
    /// seconds.
    ///
    /// # Errors
    /// `UnknownKey`, or `Unavailable` as long as no keys could be had.
    pub async fn key(&self, kid: Option<&str>) -> Result<Arc<Key>, CredentialError> {
        let reason = match self.shared.key(kid) {
            Ok(key) => return Ok(key),
            Err(reason) => reason,
        };
        let is_worth_waiting = match (reason, kid) {
            (CredentialError::Unavailable, _) => self.shared.state.borrow().is_busy,
            (_, Some(_)) => self.shared.ask(),
            (_, None) => false,
        };
        if !is_worth_waiting {
            return Err(reason);
        }
        let mut state = self.shared.state.subscribe();
        let _ = timeout(WAIT_MAX, state.wait_for(|state| !state.is_busy)).await;
        self.shared.key(kid)
    }

    /// The key of this name, or without a name the only one, if it is there; fetches nothing.
    ///
    /// # Errors
    /// `UnknownKey`, or `Unavailable` as long as no keys could be had.
    pub fn key_at_hand(&self, kid: Option<&str>) -> Result<Arc<Key>, CredentialError> {
        self.shared.key(kid)
    }
}

impl Drop for JwksCache {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Shared {
    fn key(&self, kid: Option<&str>) -> Result<Arc<Key>, CredentialError> {
        let set = self.set.load();
        let set = set.as_ref().ok_or(CredentialError::Unavailable)?;
        set.key(kid).cloned().ok_or(CredentialError::UnknownKey)
    }

    /// Asks for a fetch, unless that was done within the last minute; tells whether one is under way.
    fn ask(&self) -> bool {
        let now = Instant::now();
        self.state.send_if_modified(|state| {
            let is_due = !state.is_busy && state.asked.is_none_or(|asked| now - asked >= UNKNOWN);
            if is_due {
                (state.is_busy, state.asked) = (true, Some(now));
            }
            is_due
        });
        self.state.borrow().is_busy
    }

    async fn fetch(&self) -> Result<Set, String> {
        let body = timeout(FETCH_MAX, self.source.fetch()).await.map_err(|_| "no answer in time")??;
        Ok(Set::parse(&body)?)
    }
}

/// Fetches when it is time or somebody asks, for ever.
async fn keep(shared: Arc<Shared>) {
    let mut state = shared.state.subscribe();
    let mut was_good = true;
    loop {
        if shared.state.borrow().is_busy {
            was_good = refresh(&shared, was_good).await;
            shared.state.send_modify(|state| state.is_busy = false);
        }
        let pause = if was_good { FRESH } else { AGAIN };
        if timeout(pause, state.wait_for(|state| state.is_busy)).await.is_err() {
            shared.state.send_modify(|state| state.is_busy = true);
        }
    }
}

/// Fetches once and tells whether that went well; only a change is logged.
async fn refresh(shared: &Shared, was_good: bool) -> bool {
    match shared.fetch().await {
        Ok(set) => {
            if !was_good {
                tracing::info!(keys = set.named.len(), "the issuer's keys can be had again");
            }
            shared.set.store(Some(Arc::new(set)));
            true
        }
        Err(cause) => {
            if was_good {
                let has_keys = shared.set.load().is_some();
                tracing::warn!(cause, has_keys, "the issuer's keys cannot be had; the last good ones stay in use");
            }
            false
        }
    }
}

#[cfg(test)]
mod tests;

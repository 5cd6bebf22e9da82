//! Checks that a WordPress.com token was issued to this gateway's own application.
//!
//! Without the check, a token that a person gave to another application would also open this gateway (token
//! substitution). WordPress.com is asked, and its answer is cached for a minute by [`TokenHash`]. A failed call is not
//! cached. While calls fail, a token that was ours within the last five minutes stays ours: the application of a token
//! never changes. A revoked token stays known for as long, but WordPress.com refuses it anyway.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use secrecy::SecretString;
use tokio::sync::OnceCell;

use super::token_hash::TokenHash;
use super::ttl_map::TtlMap;

/// How long an answer is cached.
const TTL: Duration = Duration::from_secs(60);

/// How long the last positive answer replaces one that cannot be fetched.
const STALE_IF_ERROR_TTL: Duration = Duration::from_secs(300);

/// The application that a token was issued to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// The gateway's own application.
    ThisApplication,
    /// Another application, or none because it is not a token.
    OtherApplication,
    /// The answer cannot be fetched at present.
    Unknown,
}

/// Asks which application a token was issued to.
pub trait CheckAudience: Send + Sync {
    /// Asks once, without a cache.
    fn check_audience<'a>(&'a self, token: &'a SecretString) -> BoxFuture<'a, Audience>;
}

/// A cache of [`Audience`] by token.
pub(super) struct AudienceCache {
    checker: Arc<dyn CheckAudience>,
    audiences: TtlMap<TokenHash, Audience>,
    /// The tokens of this application, for [`STALE_IF_ERROR_TTL`].
    ours: TtlMap<TokenHash, ()>,
}

impl AudienceCache {
    /// Makes an empty cache over `checker`.
    pub(super) fn new(checker: Arc<dyn CheckAudience>) -> Self {
        Self { checker, audiences: TtlMap::new(TTL), ours: TtlMap::new(STALE_IF_ERROR_TTL) }
    }

    /// Returns whether this cache asks this checker.
    pub(super) fn uses(&self, checker: &Arc<dyn CheckAudience>) -> bool {
        Arc::ptr_eq(&self.checker, checker)
    }

    /// Returns the audience of a token, from the cache or from the checker.
    pub(super) async fn audience(&self, token: &SecretString, hash: TokenHash) -> Audience {
        self.get_or_check(hash, || self.checker.check_audience(token)).await
    }

    /// Returns the audience of a token, from the cache or from `check`.
    async fn get_or_check<C: Future<Output = Audience>>(&self, hash: TokenHash, check: impl FnOnce() -> C) -> Audience {
        if let Some(audience) = self.cached(hash) {
            return audience;
        }
        let audience = check().await;
        match audience {
            Audience::ThisApplication => self.ours.insert(hash, ()),
            Audience::OtherApplication => self.ours.remove(&hash),
            Audience::Unknown if self.was_this_application(hash) => return Audience::ThisApplication,
            Audience::Unknown => return Audience::Unknown,
        }
        self.audiences.insert(hash, audience);
        audience
    }

    /// Returns the cached audience of a token.
    pub(super) fn cached(&self, hash: TokenHash) -> Option<Audience> {
        self.audiences.get(&hash)
    }

    /// Returns whether a token was issued to this application, as known within [`STALE_IF_ERROR_TTL`].
    pub(super) fn was_this_application(&self, hash: TokenHash) -> bool {
        self.ours.get(&hash).is_some()
    }
}

/// A check that happens when the token is first used, at most once per request.
pub(super) struct PendingCheck {
    cache: Arc<AudienceCache>,
    hash: TokenHash,
    audience: OnceCell<Audience>,
}

impl PendingCheck {
    /// Makes the pending check of a token.
    pub(super) fn new(cache: Arc<AudienceCache>, hash: TokenHash) -> Self {
        Self { cache, hash, audience: OnceCell::new() }
    }

    /// Returns the audience, with `check` if it is not known yet.
    pub(super) async fn resolve<C: Future<Output = Audience>>(&self, check: impl FnOnce() -> C) -> Audience {
        *self.audience.get_or_init(|| self.cache.get_or_check(self.hash, check)).await
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::auth::token_hash::TokenHasher;

    /// Knows two tokens by their hashes and counts its calls.
    struct CountingChecker {
        hasher: TokenHasher,
        known: [(TokenHash, Audience); 2],
        calls: AtomicUsize,
    }

    impl CountingChecker {
        fn new() -> Self {
            let hasher = TokenHasher::random().unwrap();
            let known = [("ours", Audience::ThisApplication), ("other", Audience::OtherApplication)];
            let known = known.map(|(token, audience)| (hasher.hash(&SecretString::from(token)), audience));
            Self { hasher, known, calls: AtomicUsize::new(0) }
        }
    }

    impl CheckAudience for CountingChecker {
        fn check_audience<'a>(&'a self, token: &'a SecretString) -> BoxFuture<'a, Audience> {
            self.calls.fetch_add(1, Ordering::Relaxed);
            let hash = self.hasher.hash(token);
            let known = self.known.iter().find(|(known, _)| *known == hash);
            Box::pin(std::future::ready(known.map_or(Audience::Unknown, |(_, audience)| *audience)))
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_is_cached_for_a_minute_and_a_failure_is_not() {
        let checker = Arc::new(CountingChecker::new());
        let hasher = TokenHasher::random().unwrap();
        let cache = AudienceCache::new(checker.clone());
        let audience = async |token: &str| {
            let token = SecretString::from(token);
            cache.audience(&token, hasher.hash(&token)).await
        };
        for _ in 0..3 {
            assert_eq!(audience("ours").await, Audience::ThisApplication);
            assert_eq!(audience("other").await, Audience::OtherApplication);
        }
        assert_eq!(checker.calls.load(Ordering::Relaxed), 2);
        for _ in 0..3 {
            assert_eq!(audience("unknown").await, Audience::Unknown);
        }
        assert_eq!(checker.calls.load(Ordering::Relaxed), 5);
        tokio::time::advance(TTL).await;
        audience("ours").await;
        assert_eq!(checker.calls.load(Ordering::Relaxed), 6);
    }

    #[tokio::test(start_paused = true)]
    async fn a_positive_answer_is_used_for_five_minutes_while_calls_fail() {
        let cache = AudienceCache::new(Arc::new(CountingChecker::new()));
        let hasher = TokenHasher::random().unwrap();
        let [hash, other] = ["one", "other"].map(|token| hasher.hash(&SecretString::from(token)));
        let check = async |hash, audience| cache.get_or_check(hash, || std::future::ready(audience)).await;
        for hash in [hash, other] {
            assert_eq!(check(hash, Audience::ThisApplication).await, Audience::ThisApplication);
        }
        tokio::time::advance(TTL).await;
        assert_eq!((cache.cached(hash), cache.was_this_application(hash)), (None, true));
        assert_eq!(check(hash, Audience::Unknown).await, Audience::ThisApplication);
        assert_eq!(check(other, Audience::OtherApplication).await, Audience::OtherApplication);
        tokio::time::advance(TTL).await;
        assert_eq!(check(other, Audience::Unknown).await, Audience::Unknown);
        assert!(!cache.was_this_application(other));
        assert_eq!(check(hash, Audience::Unknown).await, Audience::ThisApplication);
        tokio::time::advance(STALE_IF_ERROR_TTL).await;
        assert_eq!(check(hash, Audience::Unknown).await, Audience::Unknown);
        assert!(!cache.was_this_application(hash));
    }
}

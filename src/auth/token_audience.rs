//! Whether a WordPress.com token was issued to the gateway's own application: asked of WordPress.com, kept for a minute.
//!
//! Without it, a token that somebody else's application was given opens this gateway as well as one of its own
//! (substitution). What is kept is a mark of the token, never the token; what could not be told is not kept. While it cannot
//! be told, a token that was the gateway's own some minutes ago still is: to whom one was issued does not change. One that is
//! revoked goes on being known as long, and WordPress.com refuses it all the same.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use secrecy::SecretString;
use tokio::sync::OnceCell;

use super::token_hash::TokenHash;
use super::ttl_map::TtlMap;

/// How long an answer is kept.
const KEPT: Duration = Duration::from_secs(60);

/// How long the last good answer stands in for one that cannot be had: as long as what was read with the token does, unless
/// the settings say otherwise of that.
const STANDS_IN: Duration = Duration::from_secs(300);

/// To whom a token was issued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// To the gateway's own application.
    ThisApplication,
    /// To another one, or to nobody: it is no token.
    OtherApplication,
    /// It cannot be told at present.
    Unknown,
}

/// Asks to whom a token was issued.
pub trait CheckAudience: Send + Sync {
    /// Asks once.
    fn prove<'a>(&'a self, token: &'a SecretString) -> BoxFuture<'a, Audience>;
}

/// The answers of the last minute, and whom to ask for others.
pub(super) struct AudienceCache {
    prover: Arc<dyn CheckAudience>,
    kept: TtlMap<Audience>,
    ours: TtlMap<()>,
}

impl AudienceCache {
    /// Nothing known yet.
    pub(super) fn new(prover: Arc<dyn CheckAudience>) -> Self {
        Self { prover, kept: TtlMap::new(KEPT), ours: TtlMap::new(STANDS_IN) }
    }

    /// Whether they come from this one.
    pub(super) fn are_of(&self, prover: &Arc<dyn CheckAudience>) -> bool {
        Arc::ptr_eq(&self.prover, prover)
    }

    /// To whom this token, of this mark, was issued.
    pub(super) async fn of(&self, token: &SecretString, mark: TokenHash) -> Audience {
        self.by(mark, || self.prover.prove(token)).await
    }

    /// The same of the token of this mark, by this question if nobody knows.
    async fn by<Q: Future<Output = Audience>>(&self, mark: TokenHash, question: impl FnOnce() -> Q) -> Audience {
        if let Some(proof) = self.known(mark) {
            return proof;
        }
        let proof = question().await;
        match proof {
            Audience::ThisApplication => self.ours.put(mark, ()),
            Audience::OtherApplication => self.ours.forget(mark),
            Audience::Unknown if self.ours.get(mark).is_some() => return Audience::ThisApplication,
            Audience::Unknown => return Audience::Unknown,
        }
        self.kept.put(mark, proof);
        proof
    }

    /// To whom the token of this mark was issued, if that need not be asked.
    pub(super) fn known(&self, mark: TokenHash) -> Option<Audience> {
        self.kept.get(mark)
    }

    /// Whether the token of this mark is known to be the gateway's own application's, be it from some minutes ago.
    pub(super) fn is_ours(&self, mark: TokenHash) -> bool {
        self.ours.get(mark).is_some()
    }
}

/// A token of which nobody knows yet to whom it was issued. It is found out when it is first to be used, once for a request.
pub(super) struct PendingCheck {
    proofs: Arc<AudienceCache>,
    mark: TokenHash,
    proof: OnceCell<Audience>,
}

impl PendingCheck {
    /// Of the token of this mark.
    pub(super) fn of(proofs: Arc<AudienceCache>, mark: TokenHash) -> Self {
        Self { proofs, mark, proof: OnceCell::new() }
    }

    /// Ends it, by this question if nobody knows.
    pub(super) async fn end<Q: Future<Output = Audience>>(&self, question: impl FnOnce() -> Q) -> Audience {
        *self.proof.get_or_init(|| self.proofs.by(self.mark, question)).await
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::auth::token_hash::TokenHasher;

    /// Knows two tokens by their marks, and counts what it is asked.
    struct Counted {
        marker: TokenHasher,
        known: [(TokenHash, Audience); 2],
        asked: AtomicUsize,
    }

    impl Counted {
        fn build() -> Self {
            let marker = TokenHasher::build().unwrap();
            let known = [("ours", Audience::ThisApplication), ("foreign", Audience::OtherApplication)];
            let known = known.map(|(token, proof)| (marker.mark(&SecretString::from(token)), proof));
            Self { marker, known, asked: AtomicUsize::new(0) }
        }
    }

    impl CheckAudience for Counted {
        fn prove<'a>(&'a self, token: &'a SecretString) -> BoxFuture<'a, Audience> {
            self.asked.fetch_add(1, Ordering::Relaxed);
            let mark = self.marker.mark(token);
            let proof =
                self.known.iter().find(|(known, _)| *known == mark).map_or(Audience::Unknown, |(_, proof)| *proof);
            Box::pin(std::future::ready(proof))
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_is_kept_for_a_minute_and_no_answer_is_not() {
        let (prover, marker) = (Arc::new(Counted::build()), TokenHasher::build().unwrap());
        let proofs = AudienceCache::new(prover.clone());
        let ask = async |token: &str| {
            let token = SecretString::from(token);
            proofs.of(&token, marker.mark(&token)).await
        };
        for _ in 0..3 {
            assert_eq!(
                (ask("ours").await, ask("foreign").await),
                (Audience::ThisApplication, Audience::OtherApplication)
            );
        }
        assert_eq!(prover.asked.load(Ordering::Relaxed), 2);
        for _ in 0..3 {
            assert_eq!(ask("odd").await, Audience::Unknown);
        }
        assert_eq!(prover.asked.load(Ordering::Relaxed), 5);
        tokio::time::advance(KEPT).await;
        ask("ours").await;
        assert_eq!(prover.asked.load(Ordering::Relaxed), 6);
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_ours_still_is_for_minutes_while_it_cannot_be_told_and_no_longer_once_it_is() {
        let (prover, marker) = (Arc::new(Counted::build()), TokenHasher::build().unwrap());
        let proofs = AudienceCache::new(prover);
        let [mark, other] = ["one", "other"].map(|token| marker.mark(&SecretString::from(token)));
        let told = async |mark, proof| proofs.by(mark, || std::future::ready(proof)).await;
        for mark in [mark, other] {
            assert_eq!(told(mark, Audience::ThisApplication).await, Audience::ThisApplication);
        }
        tokio::time::advance(KEPT).await;
        assert_eq!((proofs.known(mark), proofs.is_ours(mark)), (None, true));
        assert_eq!(told(mark, Audience::Unknown).await, Audience::ThisApplication);
        assert_eq!(told(other, Audience::OtherApplication).await, Audience::OtherApplication);
        tokio::time::advance(KEPT).await;
        assert_eq!((told(other, Audience::Unknown).await, proofs.is_ours(other)), (Audience::Unknown, false));
        assert_eq!(told(mark, Audience::Unknown).await, Audience::ThisApplication);
        tokio::time::advance(STANDS_IN).await;
        assert_eq!((told(mark, Audience::Unknown).await, proofs.is_ours(mark)), (Audience::Unknown, false));
    }
}

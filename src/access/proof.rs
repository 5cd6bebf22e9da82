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

use super::kept::Kept;
use super::mark::Mark;

/// How long an answer is kept.
const KEPT: Duration = Duration::from_secs(60);

/// How long the last good answer stands in for one that cannot be had: as long as what was read with the token does, unless
/// the settings say otherwise of that.
const STANDS_IN: Duration = Duration::from_secs(300);

/// To whom a token was issued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// To the gateway's own application.
    Ours,
    /// To another one, or to nobody: it is no token.
    Foreign,
    /// It cannot be told at present.
    Unknown,
}

/// Asks to whom a token was issued.
pub trait Prove: Send + Sync {
    /// Asks once.
    fn prove<'a>(&'a self, token: &'a SecretString) -> BoxFuture<'a, Proof>;
}

/// The answers of the last minute, and whom to ask for others.
pub(super) struct Proofs {
    prover: Arc<dyn Prove>,
    kept: Kept<Proof>,
    ours: Kept<()>,
}

impl Proofs {
    /// Nothing known yet.
    pub(super) fn new(prover: Arc<dyn Prove>) -> Self {
        Self { prover, kept: Kept::new(KEPT), ours: Kept::new(STANDS_IN) }
    }

    /// Whether they come from this one.
    pub(super) fn are_of(&self, prover: &Arc<dyn Prove>) -> bool {
        Arc::ptr_eq(&self.prover, prover)
    }

    /// To whom this token, of this mark, was issued.
    pub(super) async fn of(&self, token: &SecretString, mark: Mark) -> Proof {
        self.by(mark, || self.prover.prove(token)).await
    }

    /// The same of the token of this mark, by this question if nobody knows.
    async fn by<Q: Future<Output = Proof>>(&self, mark: Mark, question: impl FnOnce() -> Q) -> Proof {
        if let Some(proof) = self.known(mark) {
            return proof;
        }
        let proof = question().await;
        match proof {
            Proof::Ours => self.ours.put(mark, ()),
            Proof::Foreign => self.ours.forget(mark),
            Proof::Unknown if self.ours.get(mark).is_some() => return Proof::Ours,
            Proof::Unknown => return Proof::Unknown,
        }
        self.kept.put(mark, proof);
        proof
    }

    /// To whom the token of this mark was issued, if that need not be asked.
    pub(super) fn known(&self, mark: Mark) -> Option<Proof> {
        self.kept.get(mark)
    }

    /// Whether the token of this mark is known to be the gateway's own application's, be it from some minutes ago.
    pub(super) fn is_ours(&self, mark: Mark) -> bool {
        self.ours.get(mark).is_some()
    }
}

/// A token of which nobody knows yet to whom it was issued. It is found out when it is first to be used, once for a request.
pub(super) struct Doubt {
    proofs: Arc<Proofs>,
    mark: Mark,
    proof: OnceCell<Proof>,
}

impl Doubt {
    /// Of the token of this mark.
    pub(super) fn of(proofs: Arc<Proofs>, mark: Mark) -> Self {
        Self { proofs, mark, proof: OnceCell::new() }
    }

    /// Ends it, by this question if nobody knows.
    pub(super) async fn end<Q: Future<Output = Proof>>(&self, question: impl FnOnce() -> Q) -> Proof {
        *self.proof.get_or_init(|| self.proofs.by(self.mark, question)).await
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::access::mark::Marker;

    /// Knows two tokens by their marks, and counts what it is asked.
    struct Counted {
        marker: Marker,
        known: [(Mark, Proof); 2],
        asked: AtomicUsize,
    }

    impl Counted {
        fn build() -> Self {
            let marker = Marker::build().unwrap();
            let known = [("ours", Proof::Ours), ("foreign", Proof::Foreign)];
            let known = known.map(|(token, proof)| (marker.mark(&SecretString::from(token)), proof));
            Self { marker, known, asked: AtomicUsize::new(0) }
        }
    }

    impl Prove for Counted {
        fn prove<'a>(&'a self, token: &'a SecretString) -> BoxFuture<'a, Proof> {
            self.asked.fetch_add(1, Ordering::Relaxed);
            let mark = self.marker.mark(token);
            let proof = self.known.iter().find(|(known, _)| *known == mark).map_or(Proof::Unknown, |(_, proof)| *proof);
            Box::pin(std::future::ready(proof))
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_is_kept_for_a_minute_and_no_answer_is_not() {
        let (prover, marker) = (Arc::new(Counted::build()), Marker::build().unwrap());
        let proofs = Proofs::new(prover.clone());
        let ask = async |token: &str| {
            let token = SecretString::from(token);
            proofs.of(&token, marker.mark(&token)).await
        };
        for _ in 0..3 {
            assert_eq!((ask("ours").await, ask("foreign").await), (Proof::Ours, Proof::Foreign));
        }
        assert_eq!(prover.asked.load(Ordering::Relaxed), 2);
        for _ in 0..3 {
            assert_eq!(ask("odd").await, Proof::Unknown);
        }
        assert_eq!(prover.asked.load(Ordering::Relaxed), 5);
        tokio::time::advance(KEPT).await;
        ask("ours").await;
        assert_eq!(prover.asked.load(Ordering::Relaxed), 6);
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_ours_still_is_for_minutes_while_it_cannot_be_told_and_no_longer_once_it_is() {
        let (prover, marker) = (Arc::new(Counted::build()), Marker::build().unwrap());
        let proofs = Proofs::new(prover);
        let [mark, other] = ["one", "other"].map(|token| marker.mark(&SecretString::from(token)));
        let told = async |mark, proof| proofs.by(mark, || std::future::ready(proof)).await;
        for mark in [mark, other] {
            assert_eq!(told(mark, Proof::Ours).await, Proof::Ours);
        }
        tokio::time::advance(KEPT).await;
        assert_eq!((proofs.known(mark), proofs.is_ours(mark)), (None, true));
        assert_eq!(told(mark, Proof::Unknown).await, Proof::Ours);
        assert_eq!(told(other, Proof::Foreign).await, Proof::Foreign);
        tokio::time::advance(KEPT).await;
        assert_eq!((told(other, Proof::Unknown).await, proofs.is_ours(other)), (Proof::Unknown, false));
        assert_eq!(told(mark, Proof::Unknown).await, Proof::Ours);
        tokio::time::advance(STANDS_IN).await;
        assert_eq!((told(mark, Proof::Unknown).await, proofs.is_ours(mark)), (Proof::Unknown, false));
    }
}

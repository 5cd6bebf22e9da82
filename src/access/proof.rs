//! Whether a WordPress.com token was issued to the gateway's own application: asked of WordPress.com, kept for a minute.
//!
//! Without it, a token that somebody else's application was given opens this gateway as well as one of its own
//! (substitution). What is kept is a mark of the token, never the token; what could not be told is not kept. A token that
//! is revoked goes on being known for that minute, and WordPress.com refuses it all the same.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use secrecy::SecretString;

use super::kept::Kept;
use super::mark::Mark;

/// How long an answer is kept.
const KEPT: Duration = Duration::from_secs(60);

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
}

impl Proofs {
    /// Nothing known yet.
    pub(super) fn new(prover: Arc<dyn Prove>) -> Self {
        Self { prover, kept: Kept::new(KEPT) }
    }

    /// Whether they come from this one.
    pub(super) fn are_of(&self, prover: &Arc<dyn Prove>) -> bool {
        Arc::ptr_eq(&self.prover, prover)
    }

    /// To whom this token, of this mark, was issued.
    pub(super) async fn of(&self, token: &SecretString, mark: Mark) -> Proof {
        if let Some(proof) = self.kept.get(mark) {
            return proof;
        }
        let proof = self.prover.prove(token).await;
        if proof != Proof::Unknown {
            self.kept.put(mark, proof);
        }
        proof
    }

    /// Whether it is known to whom the token of this mark was issued.
    pub(super) fn has(&self, mark: Mark) -> bool {
        self.kept.get(mark).is_some()
    }

    /// Whether the token of this mark is known to be the gateway's own application's.
    pub(super) fn is_ours(&self, mark: Mark) -> bool {
        self.kept.get(mark) == Some(Proof::Ours)
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
}

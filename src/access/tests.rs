//! What is known of a token outlasts the minute for which it is known whose it is.
#![allow(clippy::unwrap_used)]

use futures_util::future::BoxFuture;

use super::*;

/// Takes each token for the gateway's own application's.
struct Ours;

impl Prove for Ours {
    fn prove<'a>(&'a self, _: &'a SecretString) -> BoxFuture<'a, Proof> {
        Box::pin(std::future::ready(Proof::Ours))
    }
}

async fn admit(access: &Access, token: &str, effort: Effort) -> Result<Caller, Rejection> {
    let shown = Presented { wordpress_token: Some(token), ..Presented::default() };
    access.admit(shown, SystemTime::UNIX_EPOCH, effort, |_| Ok(())).await
}

#[tokio::test(start_paused = true)]
async fn whose_a_token_is_can_be_asked_again_for_one_that_was_accepted_lately_and_for_no_guess() {
    let outside = Outside { prover: Some(Arc::new(Ours)), key_sets: &|_| Err("no issuer".to_owned()) };
    let access = Access::build(&Settings::default(), outside, None, SystemTime::UNIX_EPOCH).unwrap();
    let known = admit(&access, "known", Effort::Full).await.unwrap();
    known.wordpress().unwrap().note_accepted();
    access.learn(&known);
    tokio::time::advance(Duration::from_secs(61)).await;
    assert!(admit(&access, "known", Effort::AtHand).await.is_ok());
    assert_eq!(admit(&access, "guess", Effort::AtHand).await.unwrap_err().fault, Fault::Unasked);
    tokio::time::advance(ACCEPTED_FOR).await;
    assert_eq!(admit(&access, "known", Effort::AtHand).await.unwrap_err().fault, Fault::Unasked);
}

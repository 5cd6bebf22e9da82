//! What is known of a token outlasts the minute for which it is known whose it is.
#![allow(clippy::unwrap_used)]

use futures_util::future::BoxFuture;

use super::*;

/// Takes each token for the gateway's own application's.
struct Ours;

impl CheckAudience for Ours {
    fn prove<'a>(&'a self, _: &'a SecretString) -> BoxFuture<'a, Audience> {
        Box::pin(std::future::ready(Audience::ThisApplication))
    }
}

async fn admit(access: &Authenticator, token: &str, effort: LookupMode) -> Result<Caller, Rejection> {
    let shown = Credentials { wordpress_token: Some(token), ..Credentials::default() };
    access.admit(shown, SystemTime::UNIX_EPOCH, effort, |_| Ok(())).await
}

#[tokio::test(start_paused = true)]
async fn whose_a_token_is_can_be_asked_again_for_one_that_was_accepted_lately_and_for_no_guess() {
    let outside = Dependencies { prover: Some(Arc::new(Ours)), jwks_source: &|_| Err("no issuer".to_owned()) };
    let access = Authenticator::from_settings(&Settings::default(), outside, None, SystemTime::UNIX_EPOCH).unwrap();
    let known = admit(&access, "known", LookupMode::AllowFetch).await.unwrap();
    known.wordpress().unwrap().record_accepted();
    access.record_token_result(&known);
    tokio::time::advance(Duration::from_secs(61)).await;
    assert!(admit(&access, "known", LookupMode::CachedOnly).await.is_ok());
    assert_eq!(admit(&access, "guess", LookupMode::CachedOnly).await.unwrap_err().fault, RejectionReason::NotChecked);
    tokio::time::advance(ACCEPTED_FOR).await;
    assert_eq!(admit(&access, "known", LookupMode::CachedOnly).await.unwrap_err().fault, RejectionReason::NotChecked);
}

//! Credentials that are too large, and what is remembered of a WordPress.com token.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures_util::future::BoxFuture;

use super::authenticator::ACCEPTED_TTL;
use super::token_audience::{Audience, CheckAudience};
use super::*;

/// Reports every token as issued to this application.
struct AcceptAll;

impl CheckAudience for AcceptAll {
    fn check_audience<'a>(&'a self, _: &'a SecretString) -> BoxFuture<'a, Audience> {
        Box::pin(std::future::ready(Audience::ThisApplication))
    }
}

fn authenticator() -> Authenticator {
    Authenticator::from_settings(&Settings::default(), Some(Arc::new(AcceptAll)), None, SystemTime::UNIX_EPOCH).unwrap()
}

async fn authenticate(
    authenticator: &Authenticator,
    credentials: Credentials<'_>,
    lookup: LookupMode,
) -> Result<Caller, Rejection> {
    authenticator.authenticate(credentials, SystemTime::UNIX_EPOCH, lookup, |_| Ok(())).await
}

#[tokio::test(start_paused = true)]
async fn without_calls_a_recently_accepted_token_is_known_and_a_guess_is_not() {
    let authenticator = authenticator();
    let token = async |token, lookup| {
        let credentials = Credentials { wordpress_token: Some(token), ..Credentials::default() };
        authenticate(&authenticator, credentials, lookup).await
    };
    let known = token("known", LookupMode::AllowFetch).await.unwrap();
    known.wordpress().unwrap().record_accepted();
    authenticator.record_token_result(&known);
    tokio::time::advance(Duration::from_secs(61)).await;
    assert!(token("known", LookupMode::CachedOnly).await.is_ok());
    let rejection = token("guess", LookupMode::CachedOnly).await.unwrap_err();
    assert_eq!(rejection.reason, RejectionReason::NotChecked);
    tokio::time::advance(ACCEPTED_TTL).await;
    let rejection = token("known", LookupMode::CachedOnly).await.unwrap_err();
    assert_eq!(rejection.reason, RejectionReason::NotChecked);
}

#[tokio::test]
async fn a_credential_above_its_limit_is_too_large_and_one_at_the_limit_is_not() {
    let authenticator = authenticator();
    let text = "x".repeat(BEARER_MAX_BYTES + 1);
    for prefix in ["", "cg_shop_", "a.b."] {
        for (length, reason) in
            [(BEARER_MAX_BYTES, None), (BEARER_MAX_BYTES + 1, Some(RejectionReason::TooLarge(BEARER_MAX_BYTES)))]
        {
            let authorization = format!("Bearer {prefix}{}", &text[..length - prefix.len()]);
            let credentials = Credentials { authorization: Some(&authorization), ..Credentials::default() };
            let found = authenticate(&authenticator, credentials, LookupMode::AllowFetch).await.unwrap_err();
            assert_eq!(found.header, CredentialHeader::Authorization);
            let is_too_large = matches!(found.reason, RejectionReason::TooLarge(_));
            assert!(reason.is_none_or(|reason| found.reason == reason) && is_too_large == reason.is_some(), "{prefix}");
        }
    }
    for (length, expected) in [
        (WORDPRESS_TOKEN_MAX_BYTES, Ok(())),
        (WORDPRESS_TOKEN_MAX_BYTES + 1, Err(RejectionReason::TooLarge(WORDPRESS_TOKEN_MAX_BYTES))),
    ] {
        let credentials = Credentials { wordpress_token: Some(&text[..length]), ..Credentials::default() };
        let found = authenticate(&authenticator, credentials, LookupMode::AllowFetch).await;
        assert_eq!(found.map(|_| ()).map_err(|rejection| rejection.reason), expected);
    }
}

//! Reads who asks out of a request's headers; one credential per header, no guessing.
//!
//! A credential that is there and not good ends the request, even if the operation needs none: a client that believes
//! to be somebody must not be answered as nobody. Which check it failed stands in the log and not in the answer.

use std::time::SystemTime;

use axum::http::{HeaderMap, HeaderName, header};

use super::graphql::{Fault, Refusal};
use super::limits::Wait;
use crate::auth::token_hash::TokenHash;
use crate::auth::{self, Authenticator, Caller, CredentialHeader, Credentials, LookupMode, Rejection};
use crate::graph::error::{Code, Error};

/// Carries the person's OAuth token for WordPress.com, passed on to it and kept nowhere.
const WORDPRESS_TOKEN: HeaderName = HeaderName::from_static("x-wordpress-token");

/// The request headers on which an answer depends.
pub(super) const VARY: &str = "Accept, Origin, Authorization, X-WordPress-Token, X-Commongraph-Cost, X-Commongraph-Deadline, X-Commongraph-Explain";

/// The headers by which a request says who asks.
pub(super) const HEADERS: [HeaderName; 2] = [header::AUTHORIZATION, WORDPRESS_TOKEN];

/// What a request with a bad credential is told by header.
pub(super) const CHALLENGE: &str = "Bearer realm=\"commongraph\", error=\"invalid_token\"";

/// Why nobody is let in.
pub(super) enum Unmet {
    /// A credential is not good.
    Bad(Rejection),
    /// It takes a call to find out, and that is to wait.
    Wait(Wait),
}

impl From<Rejection> for Unmet {
    fn from(rejection: Rejection) -> Self {
        Unmet::Bad(rejection)
    }
}

/// Makes the caller that these headers describe. Before a provider is asked about them, `may_ask` is.
///
/// # Errors
/// If a credential is there and not good: a broken credential is never taken for a missing one. Or if `may_ask` says so.
pub(super) async fn caller<T>(
    access: &Authenticator,
    headers: &HeaderMap,
    effort: LookupMode,
    may_ask: impl FnOnce(TokenHash) -> Result<T, Wait>,
) -> Result<Caller, Unmet> {
    access.admit(presented(headers)?, SystemTime::now(), effort, |mark| may_ask(mark).map_err(Unmet::Wait)).await
}

fn presented(headers: &HeaderMap) -> Result<Credentials<'_>, Rejection> {
    let authorization = single(headers, &header::AUTHORIZATION, CredentialHeader::Authorization)?;
    let wordpress_token = single(headers, &WORDPRESS_TOKEN, CredentialHeader::WordPressToken)?;
    Ok(Credentials { authorization, wordpress_token })
}

/// The one value of a header; empty if it is no text, which no credential is.
fn single<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
    credential: CredentialHeader,
) -> Result<Option<&'a str>, Rejection> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => Ok(Some(value.to_str().unwrap_or_default())),
        (Some(_), Some(_)) => Err(Rejection { credential, fault: auth::RejectionReason::InvalidFormat }),
    }
}

/// What a caller is told whose credential is not good.
pub(super) fn refuse(rejection: Rejection) -> Refusal {
    let Rejection { credential, fault } = rejection;
    let message = match (credential, fault) {
        (_, auth::RejectionReason::Invalid(reason)) => {
            tracing::info!(reason = reason.as_str(), "a credential was refused");
            if reason.is_unavailable() {
                let message = "The credential in Authorization cannot be checked at present; ask again later.";
                return Refusal::new(Fault::Unavailable, Error::own(Code::ProviderUnavailable, message));
            }
            format!("The credential in Authorization {}.", reason.told())
        }
        (CredentialHeader::Authorization, _) => {
            "Authorization takes the word Bearer and one credential: a person's JWT or a service's key.".to_owned()
        }
        (CredentialHeader::WordPressToken, auth::RejectionReason::OtherApplication) => {
            "The token in X-WordPress-Token was not issued for this gateway.".to_owned()
        }
        (CredentialHeader::WordPressToken, auth::RejectionReason::NotAllowed) => {
            "This gateway serves one person, whose token it has: send no X-WordPress-Token.".to_owned()
        }
        (CredentialHeader::WordPressToken, auth::RejectionReason::NotChecked) => {
            "The token in X-WordPress-Token cannot be checked at present; ask again later.".to_owned()
        }
        (CredentialHeader::WordPressToken, auth::RejectionReason::InvalidFormat) => {
            "X-WordPress-Token takes one token, without spaces or a scheme.".to_owned()
        }
    };
    Refusal::new(Fault::Unauthenticated, Error::own(Code::Unauthenticated, message))
}

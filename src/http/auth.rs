//! Authenticates a request by its headers.
//!
//! A credential that is present but not valid ends the request, even if the operation needs none: a client with a broken
//! credential must not be served as an anonymous one. Which check failed is logged and not sent.

use std::time::SystemTime;

use axum::http::{HeaderMap, HeaderName, header};

use super::graphql::{RequestError, RequestErrorKind};
use super::rate_limits::RetryAfter;
use crate::auth::token_hash::TokenHash;
use crate::auth::{Authenticator, Caller, CredentialError, CredentialHeader, Credentials};
use crate::auth::{LookupMode, Rejection, RejectionReason};
use crate::graph::error::{Error, ErrorCode};

/// Carries the person's OAuth token for WordPress.com. It is sent to WordPress.com and never stored.
const WORDPRESS_TOKEN: HeaderName = HeaderName::from_static("x-wordpress-token");

/// The request headers that a response depends on.
pub(super) const VARY: &str = "Accept, Origin, Authorization, X-WordPress-Token, X-Commongraph-Cost, X-Commongraph-Deadline, X-Commongraph-Explain";

/// The headers that carry credentials.
pub(super) const HEADERS: [HeaderName; 2] = [header::AUTHORIZATION, WORDPRESS_TOKEN];

/// The `WWW-Authenticate` header of a response to an invalid credential.
pub(super) const CHALLENGE: &str = "Bearer realm=\"commongraph\", error=\"invalid_token\"";

/// Why a request is not authenticated.
pub(super) enum AuthError {
    /// A credential is not valid.
    Rejected(Rejection),
    /// The check needs a call, which must wait.
    RateLimited(RetryAfter),
}

impl From<Rejection> for AuthError {
    fn from(rejection: Rejection) -> Self {
        AuthError::Rejected(rejection)
    }
}

/// Authenticates a request. Before WordPress.com is asked about a token, `before_call` is called.
///
/// # Errors
/// If a credential is present but not valid, or if `before_call` fails.
pub(super) async fn caller<T>(
    authenticator: &Authenticator,
    headers: &HeaderMap,
    lookup: LookupMode,
    before_call: impl FnOnce(TokenHash) -> Result<T, RetryAfter>,
) -> Result<Caller, AuthError> {
    let before_call = |token| before_call(token).map_err(AuthError::RateLimited);
    authenticator.authenticate(credentials(headers)?, SystemTime::now(), lookup, before_call).await
}

fn credentials(headers: &HeaderMap) -> Result<Credentials<'_>, Rejection> {
    let authorization = single_value(headers, &header::AUTHORIZATION, CredentialHeader::Authorization)?;
    let wordpress_token = single_value(headers, &WORDPRESS_TOKEN, CredentialHeader::WordPressToken)?;
    Ok(Credentials { authorization, wordpress_token })
}

/// Returns the only value of a header. A value that is not text is returned as empty, which no credential is.
fn single_value<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
    header: CredentialHeader,
) -> Result<Option<&'a str>, Rejection> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => Ok(Some(value.to_str().unwrap_or_default())),
        (Some(_), Some(_)) => Err(Rejection { header, reason: RejectionReason::InvalidFormat }),
    }
}

/// Returns the error response for a rejected credential, and logs the reason.
pub(super) fn refuse(rejection: Rejection) -> RequestError {
    let Rejection { header, reason } = rejection;
    let message = match (header, reason) {
        (_, RejectionReason::Invalid(error)) => return refuse_invalid(error),
        (_, RejectionReason::TooLarge(limit)) => too_large(header, limit),
        (CredentialHeader::Authorization, _) => {
            "Authorization requires the word Bearer and one credential: a JWT or a service key.".to_owned()
        }
        (CredentialHeader::WordPressToken, RejectionReason::OtherApplication) => {
            "The token in X-WordPress-Token was issued to another application.".to_owned()
        }
        (CredentialHeader::WordPressToken, RejectionReason::NotAllowed) => {
            "X-WordPress-Token is not allowed: this gateway serves one person and has their token.".to_owned()
        }
        (CredentialHeader::WordPressToken, RejectionReason::NotChecked) => {
            "The token in X-WordPress-Token cannot be checked at present. Retry later.".to_owned()
        }
        (CredentialHeader::WordPressToken, RejectionReason::InvalidFormat) => {
            "X-WordPress-Token requires one token, without spaces or a scheme.".to_owned()
        }
    };
    RequestError::new(RequestErrorKind::Unauthenticated, Error::new(ErrorCode::Unauthenticated, message))
}

fn refuse_invalid(error: CredentialError) -> RequestError {
    tracing::info!(reason = error.as_str(), "a credential was rejected");
    let message = format!("The credential in Authorization {}.", error.client_message());
    if error.is_unavailable() {
        let error = Error::new(ErrorCode::ProviderUnavailable, format!("{message} Retry later."));
        return RequestError::new(RequestErrorKind::Unavailable, error);
    }
    RequestError::new(RequestErrorKind::Unauthenticated, Error::new(ErrorCode::Unauthenticated, message))
}

fn too_large(header: CredentialHeader, limit: usize) -> String {
    let what = match header {
        CredentialHeader::Authorization => "credential in Authorization",
        CredentialHeader::WordPressToken => "token in X-WordPress-Token",
    };
    tracing::info!(reason = "too-large", "a credential was rejected");
    format!("The {what} is too large: it exceeds the limit of {limit} bytes.")
}

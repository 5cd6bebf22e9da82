//! Checks with `/oauth2/token-info` that a token was issued to the gateway's own application.
//!
//! The endpoint takes the token in the query string, so no record of the call contains the query. For a token of
//! another application, and for an invalid token, it returns an OAuth error with status 400. Only that error, and a
//! response that names another application, mean that the token is foreign. Any other response leaves the audience
//! unknown, and the token is not used.

use futures_util::future::{BoxFuture, FutureExt};
use secrecy::SecretString;
use serde::Deserialize;

use super::{WordPress, verdict};
use crate::auth::token_audience::{Audience, CheckAudience};
use crate::model::Provider;
use crate::provider::{CallContext, Error, Reason, lenient};
use crate::upstream::{Budget, CacheMode, Cacheable, Credential, Decoded, Interpreted, Read, Reply};

/// The OAuth error for a token of another application, and for an invalid token.
const FOREIGN_TOKEN_ERROR: &str = "invalid_request";

#[derive(Default, Deserialize)]
#[serde(default)]
struct Payload {
    client_id: lenient::Scalar,
    error: lenient::Scalar,
}

impl WordPress {
    /// The audience of this token. Without a configured application, every token is accepted and no call is made.
    pub(super) async fn token_audience(&self, token: &SecretString, calls: &CallContext) -> Audience {
        let Some(client_id) = &self.client_id else { return Audience::ThisApplication };
        let read = Read {
            path: &["oauth2", "token-info"],
            query: &[("client_id", client_id)],
            masked: false,
            credential: Credential::Parameter("token", token),
            reader: None,
        };
        let client_id = client_id.clone();
        let judge = move |reply: &Reply| {
            // Not cached here: the caller of the check caches the audience.
            let result = parse_audience(reply, &client_id)
                .map(|audience| Some(Decoded { value: CheckedAudience(audience), ttl: None }));
            Interpreted { result, note: None }
        };
        match calls.read(Provider::WordPress, &self.upstream, &read, judge).await {
            Ok(Some(checked)) => checked.0,
            Ok(None) | Err(_) => Audience::Unknown,
        }
    }
}

/// The audience of a token, in the form that a read returns.
struct CheckedAudience(Audience);

impl Cacheable for CheckedAudience {
    fn redacted(&self) -> Option<Self> {
        None
    }

    fn memory_size(&self) -> usize {
        size_of::<Self>()
    }
}

impl CheckAudience for WordPress {
    fn check_audience<'a>(&'a self, token: &'a SecretString) -> BoxFuture<'a, Audience> {
        let calls = CallContext::with_budget(Budget::new(1).with_cache_mode(CacheMode::Live));
        async move { self.token_audience(token, &calls).await }.boxed()
    }
}

/// Reads the audience from a response, if it contains one.
fn parse_audience(reply: &Reply, client_id: &str) -> Result<Audience, Error> {
    let payload: Payload = serde_json::from_slice(&reply.body).unwrap_or_default();
    let named = payload.client_id.text();
    let error = payload.error.text();
    match (reply.status, named, error) {
        (200, Some(named), None) if named == client_id => Ok(Audience::ThisApplication),
        (200, Some(_), None) => Ok(Audience::OtherApplication),
        (400, None, Some(error)) if error == FOREIGN_TOKEN_ERROR => Ok(Audience::OtherApplication),
        // Any other error concerns the request and says nothing about the token.
        (status, ..) => Err(match verdict::interpret(reply) {
            Err(error) if matches!(error.reason, Reason::Throttled | Reason::Unavailable) => error,
            _ => {
                let error = Error::new(
                    Provider::WordPress,
                    Reason::Malformed,
                    "the response does not name the token's application",
                );
                Error { status: Some(status), ..error }
            }
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_foreign_only_if_the_response_says_so() {
        let judged = |status: u16, body: &str| {
            let body = body.to_owned().into();
            parse_audience(&Reply { status, content_type: None, retry_after: None, body }, "90210")
                .unwrap_or(Audience::Unknown)
        };
        for (status, body, audience) in [
            (200, r#"{"client_id":"90210","user_id":"1","blog_id":null,"scope":"global"}"#, Audience::ThisApplication),
            (200, r#"{"client_id":90210}"#, Audience::ThisApplication),
            (200, r#"{"client_id":"90211"}"#, Audience::OtherApplication),
            (
                400,
                r#"{"error":"invalid_request","error_description":"The specified token is invalid."}"#,
                Audience::OtherApplication,
            ),
            (400, r#"{"error":"invalid_client"}"#, Audience::Unknown),
            (200, "{}", Audience::Unknown),
            (200, "[]", Audience::Unknown),
            (200, "<html>", Audience::Unknown),
            (429, r#"{"error":"invalid_request"}"#, Audience::Unknown),
            (503, "", Audience::Unknown),
        ] {
            assert_eq!(judged(status, body), audience, "{status} {body}");
        }
    }
}

//! Asks WordPress.com whether a token was issued to the gateway's own application: `/oauth2/token-info`.
//!
//! It takes the token in the query, which no description of the call has. The answer for a token of another application,
//! or for no token at all, is an OAuth error with status 400; only that, and an answer that names another application,
//! say that a token is foreign. Whatever else comes says nothing about the token, and then it is not used.

use futures_util::future::{BoxFuture, FutureExt};
use secrecy::SecretString;
use serde::Deserialize;

use super::{WordPress, verdict};
use crate::auth::token_audience::{Audience, CheckAudience};
use crate::model::Provider;
use crate::provider::{CallContext, Error, Reason, lenient};
use crate::upstream::{Budget, Cacheable, Credential, Fresh, Freshness, Judged, Read, Reply};

/// The OAuth error for what is no token of this application.
const NOT_A_TOKEN: &str = "invalid_request";

#[derive(Default, Deserialize)]
#[serde(default)]
struct Payload {
    client_id: lenient::Scalar,
    error: lenient::Scalar,
}

impl WordPress {
    /// To whom this token was issued, asked by one of these calls; where no application is named, every token is ours.
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
            // What is told is remembered where it is used, and not here.
            let result = parse_audience(reply, &client_id)
                .map(|audience| Some(Fresh { noun: CheckedAudience(audience), lasts: None }));
            Judged { result, note: None }
        };
        match calls.read(Provider::WordPress, &self.upstream, &read, judge).await {
            Ok(Some(checked)) => checked.0,
            Ok(None) | Err(_) => Audience::Unknown,
        }
    }
}

/// What WordPress.com told of a token.
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
        let calls = CallContext::with_budget(Budget::calls(1).with(Freshness::Live));
        async move { self.token_audience(token, &calls).await }.boxed()
    }
}

/// What an answer tells of the token, if it does.
fn parse_audience(reply: &Reply, client_id: &str) -> Result<Audience, Error> {
    let payload: Payload = serde_json::from_slice(&reply.body).unwrap_or_default();
    let (named, error) = (payload.client_id.text(), payload.error.text());
    match (reply.status, named, error) {
        (200, Some(named), None) if named == client_id => Ok(Audience::ThisApplication),
        (200, Some(_), None) => Ok(Audience::OtherApplication),
        (400, None, Some(error)) if error == NOT_A_TOKEN => Ok(Audience::OtherApplication),
        // Any other refusal says that the question was not understood, and nothing of the token.
        (status, ..) => Err(match verdict::interpret(reply) {
            Err(error) if matches!(error.reason, Reason::Throttled | Reason::Unavailable) => error,
            _ => {
                let error = Error::new(Provider::WordPress, Reason::Malformed, "whose a token is cannot be told");
                Error { status: Some(status), ..error }
            }
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_foreign_only_if_that_is_said() {
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

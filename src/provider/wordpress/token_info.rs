//! Asks WordPress.com whether a token was issued to the gateway's own application: `/oauth2/token-info`.
//!
//! It takes the token in the query, which no description of the call has. The answer for a token of another application,
//! or for no token at all, is an OAuth error with status 400; only that, and an answer that names another application,
//! say that a token is foreign. Whatever else comes says nothing about the token, and then it is not used.

use std::sync::Arc;

use futures_util::future::{BoxFuture, FutureExt};
use secrecy::SecretString;
use serde::Deserialize;

use super::WordPress;
use crate::access::proof::{Proof, Prove};
use crate::model::Provider;
use crate::provider::{Error, lenient};
use crate::upstream::{Credential, Read, Reply};

/// The OAuth error for what is no token of this application.
const NOT_A_TOKEN: &str = "invalid_request";

/// Asks for one application.
pub struct TokenInfo {
    host: Arc<WordPress>,
    client_id: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Payload {
    client_id: lenient::Loose,
    error: lenient::Loose,
}

impl TokenInfo {
    /// Asks this host, for the application with this ID.
    pub fn new(host: Arc<WordPress>, client_id: String) -> Self {
        Self { host, client_id }
    }

    async fn ask(&self, token: &SecretString) -> Proof {
        let read = Read {
            path: &["oauth2", "token-info"],
            query: &[("client_id", &self.client_id)],
            credential: Credential::Parameter("token", token),
        };
        let (call, reply) = self.host.upstream.get(&read).await;
        let proof = reply.as_ref().map_or(Proof::Unknown, |reply| judge(reply, &self.client_id));
        if let Err(error) = reply {
            Error::from((Provider::WordPress, error)).tell(&call.target);
        } else if proof == Proof::Unknown {
            tracing::warn!(target = call.target, status = call.status, "whose a token is cannot be told");
        }
        proof
    }
}

impl Prove for TokenInfo {
    fn prove<'a>(&'a self, token: &'a SecretString) -> BoxFuture<'a, Proof> {
        self.ask(token).boxed()
    }
}

fn judge(reply: &Reply, client_id: &str) -> Proof {
    let payload: Payload = match serde_json::from_slice(&reply.body) {
        Ok(payload) => payload,
        Err(_) => return Proof::Unknown,
    };
    let (named, error) = (payload.client_id.text(), payload.error.text());
    match (reply.status, named, error) {
        (200, Some(named), None) if named == client_id => Proof::Ours,
        (200, Some(_), None) => Proof::Foreign,
        (400, None, Some(error)) if error == NOT_A_TOKEN => Proof::Foreign,
        _ => Proof::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_foreign_only_if_that_is_said() {
        let judged = |status: u16, body: &str| {
            let body = body.to_owned().into();
            judge(&Reply { status, content_type: None, retry_after: None, body }, "90210")
        };
        for (status, body, proof) in [
            (200, r#"{"client_id":"90210","user_id":"1","blog_id":null,"scope":"global"}"#, Proof::Ours),
            (200, r#"{"client_id":90210}"#, Proof::Ours),
            (200, r#"{"client_id":"90211"}"#, Proof::Foreign),
            (
                400,
                r#"{"error":"invalid_request","error_description":"The specified token is invalid."}"#,
                Proof::Foreign,
            ),
            (400, r#"{"error":"invalid_client"}"#, Proof::Unknown),
            (200, "{}", Proof::Unknown),
            (200, "[]", Proof::Unknown),
            (200, "<html>", Proof::Unknown),
            (429, r#"{"error":"invalid_request"}"#, Proof::Unknown),
            (503, "", Proof::Unknown),
        ] {
            assert_eq!(judged(status, body), proof, "{status} {body}");
        }
    }
}

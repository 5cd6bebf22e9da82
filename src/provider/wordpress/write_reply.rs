//! Interprets the reply to a write: done, absent, refused, or inconclusive.
//!
//! A good status alone proves nothing: a maintenance page and a proxy answer 200 too. So each write states what affirms
//! it, and which error codes mean that its object does not exist.
//!
//! | write | affirmed by | absent by | source |
//! |---|---|---|---|
//! | revoke an application | `success: true` or `deleted: true` | `unknown_application_access_token`, `not_found` | documented |
//! | delete a Keyring connection | the same flags, or the connection itself, by its `ID` | `not_found`, and the refusal for another person's connection | the documented sample is the connection; the flags are those of the sister calls |
//! | the same by version 2 | also `true`, or status 204 | the same | the Publicize delete of version 2 answers `true`; RFC 9110, section 9.3.5 |
//! | share a Publicize connection | the connection with `shared` as requested | `not_found`, `unknown_blog` | documented |
//!
//! A reply that names another object, or that contradicts itself, is malformed: the outcome of the write is then
//! uncertain. No text of an error here holds content of the reply.

use serde::Deserialize;

use super::verdict::{self, Verdict};
use super::{KeyringApi, malformed};
use crate::model::{ApplicationId, KeyringId, Provider, PublicizeId};
use crate::provider::lenient::{self, MaybeObject, Scalar};
use crate::provider::{Error, Reason};
use crate::upstream::{Reply, WriteReply};

/// The write that a reply answers.
#[derive(Clone, Copy, Debug)]
pub(super) enum SentWrite {
    /// Access was taken from an application.
    Revoke(ApplicationId),
    /// A Keyring connection was deleted through this API.
    Disconnect(KeyringId, KeyringApi),
    /// A Publicize connection was shared, or no longer.
    Share(PublicizeId, bool),
}

/// What a body says of the write, whatever the status of its reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Statement {
    /// The write is done.
    Affirmed,
    /// The object itself, which affirms a delete unless the reply is an error.
    Echoed,
    /// The write is not done.
    Denied,
    /// Nothing, or statements that exclude each other.
    Inconclusive,
}

/// The parts of a body that say something of a write.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Body {
    #[serde(rename = "ID")]
    id: Scalar,
    #[serde(rename = "keyring_connection_ID")]
    keyring_id: Scalar,
    success: Scalar,
    deleted: Scalar,
    shared: Scalar,
    /// The deleted object, as version 2 of the API names it.
    previous: MaybeObject<Named>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Named {
    #[serde(rename = "ID")]
    id: Scalar,
}

/// Interprets the reply to a write.
///
/// # Errors
/// `Refused` and the like when WordPress.com says that nothing was changed; `Malformed` when the reply is inconclusive.
pub(super) fn interpret(reply: &Reply, write: SentWrite) -> Result<WriteReply, Error> {
    let statement = write.statement(&reply.body);
    match verdict::interpret_write(reply) {
        Ok(Verdict::Content) if write.is_affirmed(reply, statement) => Ok(WriteReply::Changed),
        Ok(Verdict::Content) if statement == Statement::Denied => {
            Err(Error::new(Provider::WordPress, Reason::Refused, "the reply says that nothing was changed"))
        }
        Ok(Verdict::Content) => Err(malformed("the reply does not say that the write is done".to_owned())),
        _ if statement == Statement::Affirmed => Err(malformed("an error that says that the write is done".to_owned())),
        Ok(Verdict::Absent { code }) if write.is_absent(code.as_deref()) => Ok(WriteReply::Absent),
        Ok(Verdict::Absent { .. }) => Err(malformed("not found, but not said of the object".to_owned())),
        Err(error) => Err(error),
    }
}

impl SentWrite {
    /// Whether a reply that is no error says that the write is done. A 202 or 207 does not, whatever its body says.
    fn is_affirmed(self, reply: &Reply, statement: Statement) -> bool {
        match (reply.status, self) {
            (200 | 201, _) => matches!(statement, Statement::Affirmed | Statement::Echoed),
            (204, Self::Disconnect(_, KeyringApi::V2)) => reply.body.is_empty(),
            _ => false,
        }
    }

    /// Whether an error code says that the object of the write does not exist, or not for this person.
    fn is_absent(self, code: Option<&str>) -> bool {
        let codes: &[&str] = match self {
            Self::Revoke(_) => &["unknown_application_access_token", "not_found"],
            Self::Disconnect(..) => &["not_found", "authorization_required"],
            Self::Share(..) => &["not_found", "unknown_blog"],
        };
        code.is_some_and(|code| codes.contains(&code))
    }

    fn statement(self, body: &[u8]) -> Statement {
        if matches!(self, Self::Disconnect(_, KeyringApi::V2)) && body.trim_ascii() == b"true" {
            return Statement::Affirmed;
        }
        let body: MaybeObject<Body> = lenient::decode(Provider::WordPress, body).unwrap_or_default();
        let Some(body) = body.0.filter(|body| !self.names_another(body)) else { return Statement::Inconclusive };
        let flags = [body.success.boolean(), body.deleted.boolean()];
        match (flags.contains(&Some(true)), flags.contains(&Some(false)), self) {
            (true, true, _) => Statement::Inconclusive,
            (false, true, _) => Statement::Denied,
            (_, false, Self::Share(_, wanted)) if body.shared.boolean() == Some(wanted) => Statement::Affirmed,
            (_, false, Self::Share(..)) => Statement::Inconclusive,
            (true, false, _) => Statement::Affirmed,
            (false, false, _) if self.is_echoed(&body) => Statement::Echoed,
            (false, false, _) => Statement::Inconclusive,
        }
    }

    /// Whether the body is the deleted connection. The documented sample is a Publicize connection that depends on it.
    fn is_echoed(self, body: &Body) -> bool {
        match self {
            Self::Disconnect(key, _) => [&body.id, &body.keyring_id].iter().any(|id| id.id() == Some(key.0)),
            Self::Revoke(_) | Self::Share(..) => false,
        }
    }

    fn names_another(self, body: &Body) -> bool {
        let previous = body.previous.0.as_ref().and_then(|previous| previous.id.id());
        let own = match self {
            Self::Revoke(key) => key.0,
            Self::Disconnect(key, _) if body.keyring_id.id().is_some() => {
                return body.keyring_id.id() != Some(key.0);
            }
            Self::Disconnect(key, _) => key.0,
            Self::Share(key, _) => key.id,
        };
        [body.id.id(), previous].into_iter().flatten().any(|id| id != own)
    }
}

#[cfg(test)]
mod tests;

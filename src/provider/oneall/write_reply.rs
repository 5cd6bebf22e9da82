//! Interprets the reply to a write: done, absent, refused, or inconclusive.
//!
//! The envelope holds up to two statuses. `request.status` says that OneAll understood the request, and only
//! `result.status` says that the operation succeeded. Where a reply has no `result.status`, its data may say so:
//!
//! | write | confirmed by | source |
//! |---|---|---|
//! | synchronize an identity | `result.status`, or the identity under `data.identity` | documented; the identity is read by OneAll's Node client |
//! | relink it | `result.status`, or the new owner under `data.user` | documented |
//! | delete it | `result.status` | documented for users; the body of this reply is not shown |
//!
//! A status confirms with the code 200 or 201, and the flag `success` or none. `error` and `scheduled` do not. A reply
//! that names another object, or that contradicts itself, is malformed: the outcome of the write is then uncertain.
//! OneAll has no error identifiers, so only the code 404 of an envelope says that the object is absent.

use serde::Deserialize;

use super::envelope::{self, Envelope, Status};
use super::malformed;
use crate::model::{IdentityToken, UserToken};
use crate::provider::Error;
use crate::provider::lenient::{MaybeObject, Scalar};
use crate::upstream::{Reply, WriteReply};

/// The write that a reply answers.
#[derive(Clone, Debug)]
pub(super) enum SentWrite {
    /// An identity was synchronized with its social network.
    Synchronize(IdentityToken),
    /// An identity was moved to this user.
    Relink(IdentityToken, UserToken),
    /// An identity was deleted.
    Delete(IdentityToken),
}

/// The parts of `result.data` that say which object a reply is about.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Data {
    identity: MaybeObject<Named>,
    user: MaybeObject<Named>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Named {
    identity_token: Scalar,
    user_token: Scalar,
}

/// Interprets the reply to a write.
///
/// # Errors
/// `Refused` and the like when OneAll says that nothing was changed; `Malformed` when the reply is inconclusive.
pub(super) fn interpret(reply: &Reply, write: &SentWrite) -> Result<WriteReply, Error> {
    let envelope = envelope::parse::<Data>(reply);
    let statuses = envelope::statuses(reply);
    if is_contradictory(reply.status, &statuses) {
        return Err(malformed("the statuses contradict each other".to_owned()));
    }
    let done = match envelope? {
        Some(envelope) => envelope.exists()?.then_some(envelope),
        None => None,
    };
    match done {
        Some(envelope) if write.is_confirmed(reply.status, &envelope) => Ok(WriteReply::Changed),
        Some(_) => Err(malformed("the reply does not say that the write is done".to_owned())),
        None if statuses.iter().any(|status| status.code == Some(404)) => Ok(WriteReply::Absent),
        None => Err(malformed("not found, but not said of the object".to_owned())),
    }
}

impl SentWrite {
    /// Whether a reply without an error says that the write is done.
    fn is_confirmed(&self, http: u16, envelope: &Envelope<Data>) -> bool {
        let Envelope { meta, result, data } = envelope;
        let [identity, new_owner, user] = data.as_ref().map(Data::tokens).unwrap_or_default();
        let names_another = match self {
            Self::Synchronize(token) | Self::Delete(token) => differs(&identity, token.as_str()),
            Self::Relink(token, owner) => {
                differs(&identity, token.as_str())
                    || [&new_owner, &user].iter().any(|named| differs(named, owner.as_str()))
            }
        };
        let shows_state = match self {
            Self::Synchronize(token) => identity.as_deref() == Some(token.as_str()),
            Self::Relink(_, owner) => user.as_deref() == Some(owner.as_str()),
            Self::Delete(_) => false,
        };
        let is_confirmed = match result {
            Some(result) => {
                result.confirms_success() && (meta.status.confirms_success() || meta.status == Status::default())
            }
            None => meta.status.confirms_success() && shows_state,
        };
        matches!(http, 200 | 201) && is_confirmed && !names_another
    }
}

impl Data {
    /// The identity's token, the owner that it names, and the user's token.
    fn tokens(&self) -> [Option<String>; 3] {
        let identity = self.identity.0.as_ref();
        let user = self.user.0.as_ref();
        [
            identity.and_then(|identity| identity.identity_token.clone().text()),
            identity.and_then(|identity| identity.user_token.clone().text()),
            user.and_then(|user| user.user_token.clone().text()),
        ]
    }
}

fn differs(named: &Option<String>, own: &str) -> bool {
    named.as_deref().is_some_and(|named| named != own)
}

/// Whether one status reports success while another one, or its own flag, reports failure.
fn is_contradictory(http: u16, statuses: &[Status]) -> bool {
    let is_flagged = |status: &Status| status.flag.as_deref().is_some_and(|flag| flag.eq_ignore_ascii_case("success"));
    let misflagged = statuses.iter().any(|status| status.is_error() && is_flagged(status));
    let fails = http >= 400 || statuses.iter().any(Status::is_error);
    // The last status is the result. An understood request whose operation failed is no contradiction.
    let succeeds = if http >= 400 {
        statuses.iter().any(Status::confirms_success)
    } else {
        statuses.last().is_some_and(Status::confirms_success)
    };
    misflagged || (fails && succeeds)
}

#[cfg(test)]
mod tests;

//! What a good token claims: each claim of the type that it must have, and the times held against the clock.
//!
//! A claim of the wrong type is refused and never taken for an absent one. Times are whole seconds; a clock that stands
//! before 1970 proves nothing, so then no token is good.

use std::fmt;
use std::time::{Duration, SystemTime};

use serde_json::Value;

use super::token::Object;
use crate::auth::credential_error::CredentialError;
use crate::auth::scope::Scopes;

/// How far the issuer's clock and ours may be apart.
pub const LEEWAY: Duration = Duration::from_secs(30);

/// The longest `sub` taken, in characters.
const SUBJECT_LENGTH_MAX: usize = 256;

/// The longest token of a OneAll user, in bytes; theirs have 36.
const USER_LENGTH_MAX: usize = 128;

/// The last second of the year 9999; a later time is a mistake, such as milliseconds.
const SECONDS_MAX: u64 = 253_402_300_799;

/// Who the token's bearer is, and what the token is good for.
#[derive(Clone, PartialEq, Eq)]
pub struct Claims {
    /// `sub`: the person's ID at the issuer; 1 to 256 characters, none of them a control character.
    pub subject: String,
    /// The person's user token at OneAll, if the token binds one.
    pub oneall_user: Option<String>,
    /// The scopes of ours that it names.
    pub scopes: Scopes,
}

impl Claims {
    pub(super) fn read(
        claimed: &Object,
        issuer: &str,
        user_claim: &str,
        now: SystemTime,
    ) -> Result<Self, CredentialError> {
        let expires = seconds(claimed, "exp")?.ok_or(CredentialError::Malformed)?;
        let not_before = seconds(claimed, "nbf")?;
        // The library takes a list of issuers too.
        if claimed.get("iss").and_then(Value::as_str) != Some(issuer) {
            return Err(CredentialError::WrongIssuer);
        }
        let subject = text(claimed, "sub")?.filter(|sub| is_subject(sub)).ok_or(CredentialError::Malformed)?;
        let oneall_user = match text(claimed, user_claim)? {
            Some(user) if is_oneall_user_token(user) => Some(user.to_owned()),
            Some(_) => return Err(CredentialError::Malformed),
            None => None,
        };
        let scopes = text(claimed, "scope")?.map_or(Scopes::NONE, Scopes::from_claim);
        let now = now.duration_since(SystemTime::UNIX_EPOCH).map_err(|_| CredentialError::NotYetValid)?;
        if now >= expires + LEEWAY {
            return Err(CredentialError::Expired);
        }
        if not_before.is_some_and(|begin| begin > now + LEEWAY) {
            return Err(CredentialError::NotYetValid);
        }
        Ok(Self { subject: subject.to_owned(), oneall_user, scopes })
    }
}

/// Whether a text can be the token of a OneAll user.
pub fn is_oneall_user_token(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    (1..=USER_LENGTH_MAX).contains(&text.len()) && text.bytes().all(plain)
}

fn is_subject(text: &str) -> bool {
    (1..=SUBJECT_LENGTH_MAX).contains(&text.chars().count()) && !text.chars().any(char::is_control)
}

/// A time since 1970, if the claim is there.
fn seconds(claimed: &Object, name: &str) -> Result<Option<Duration>, CredentialError> {
    let Some(value) = claimed.get(name) else { return Ok(None) };
    let seconds = value.as_u64().filter(|seconds| *seconds <= SECONDS_MAX).ok_or(CredentialError::Malformed)?;
    Ok(Some(Duration::from_secs(seconds)))
}

fn text<'a>(claimed: &'a Object, name: &str) -> Result<Option<&'a str>, CredentialError> {
    claimed.get(name).map(|value| value.as_str().ok_or(CredentialError::Malformed)).transpose()
}

impl fmt::Debug for Claims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claims").field("scopes", &self.scopes).finish_non_exhaustive()
    }
}

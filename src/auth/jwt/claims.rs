//! Reads the claims of a JWT whose signature is valid, and checks them.
//!
//! A claim with the wrong type rejects the token; it is never treated as absent. Only `scope`, `scp` and the claim of
//! the OneAll user may be `null`, because issuers write that for "none". A system clock before 1970 rejects every token.

use std::fmt;
use std::time::{Duration, SystemTime};

use serde_json::Value;

use super::token::Object;
use crate::auth::credential_error::CredentialError;
use crate::auth::scope::{Scope, Scopes};

/// The tolerated difference between the issuer's clock and ours.
pub const LEEWAY: Duration = Duration::from_secs(30);

/// The maximum length of `sub`, in characters.
const SUBJECT_MAX_CHARS: usize = 256;

/// The maximum length of a OneAll user token, in bytes. OneAll's have 36.
const USER_TOKEN_MAX_BYTES: usize = 128;

/// The last second of the year 9999. A later time is a mistake, such as milliseconds.
const SECONDS_MAX: f64 = 253_402_300_799.0;

/// The claims that carry scopes, by precedence: RFC 8693 and RFC 9068, then Entra ID, Okta and Ory.
const SCOPE_CLAIMS: [&str; 2] = ["scope", "scp"];

/// What the settings require of the claims.
pub(super) struct Expected<'a> {
    pub(super) issuer: &'a str,
    pub(super) audience: &'a str,
    /// The name of the claim that holds the OneAll user token.
    pub(super) oneall_user_claim: &'a str,
}

/// The claims of a valid token that the gateway uses.
#[derive(Clone, PartialEq, Eq)]
pub struct Claims {
    /// `sub`: the person's ID at the issuer. 1 to 256 characters without control characters.
    pub subject: String,
    /// The person's OneAll user token, if the token has one.
    pub oneall_user: Option<String>,
    /// The scopes in the token that this gateway knows.
    pub scopes: Scopes,
}

impl Claims {
    pub(super) fn read(claims: &Object, expected: &Expected<'_>, now: SystemTime) -> Result<Self, CredentialError> {
        let expires = numeric_date(claims, "exp")?.ok_or(CredentialError::Malformed)?;
        let not_before = numeric_date(claims, "nbf")?;
        let subject = claims.get("sub").and_then(Value::as_str).filter(|sub| is_subject(sub));
        let subject = subject.ok_or(CredentialError::Malformed)?.to_owned();
        let oneall_user = oneall_user(claims, expected.oneall_user_claim)?;
        let scopes = scopes(claims)?;
        check_issuer(claims, expected.issuer)?;
        check_audience(claims, expected.audience)?;
        let now = now.duration_since(SystemTime::UNIX_EPOCH).map_err(|_| CredentialError::NotYetValid)?;
        if now >= expires + LEEWAY {
            return Err(CredentialError::Expired);
        }
        if not_before.is_some_and(|begin| begin > now + LEEWAY) {
            return Err(CredentialError::NotYetValid);
        }
        Ok(Self { subject, oneall_user, scopes })
    }
}

/// Returns whether a text can be a OneAll user token.
pub fn is_oneall_user_token(text: &str) -> bool {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    (1..=USER_TOKEN_MAX_BYTES).contains(&text.len()) && text.bytes().all(is_plain)
}

fn is_subject(text: &str) -> bool {
    (1..=SUBJECT_MAX_CHARS).contains(&text.chars().count()) && !text.chars().any(char::is_control)
}

/// Reads a NumericDate (RFC 7519, section 2): seconds since 1970, possibly with a fraction.
fn numeric_date(claims: &Object, name: &str) -> Result<Option<Duration>, CredentialError> {
    let Some(value) = claims.get(name) else { return Ok(None) };
    let seconds = value.as_f64().filter(|seconds| (0.0..=SECONDS_MAX).contains(seconds));
    let date = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    date.map(Some).ok_or(CredentialError::Malformed)
}

fn oneall_user(claims: &Object, name: &str) -> Result<Option<String>, CredentialError> {
    match claims.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(user)) if is_oneall_user_token(user) => Ok(Some(user.clone())),
        Some(_) => Err(CredentialError::Malformed),
    }
}

/// Reads the scopes: one text with spaces between them, or a list. A list entry is one scope, whatever it contains.
fn scopes(claims: &Object) -> Result<Scopes, CredentialError> {
    let mut present = SCOPE_CLAIMS.iter().filter_map(|name| claims.get(name)).filter(|value| !value.is_null());
    match present.next() {
        None => Ok(Scopes::NONE),
        Some(Value::String(text)) => Ok(Scopes::from_claim(text)),
        Some(Value::Array(list)) => {
            let names = texts(list)?;
            Ok(names.into_iter().filter_map(Scope::parse).collect())
        }
        Some(_) => Err(CredentialError::Malformed),
    }
}

/// `iss` must be one text. A list is refused even if it contains the right issuer.
fn check_issuer(claims: &Object, expected: &str) -> Result<(), CredentialError> {
    match claims.get("iss") {
        Some(Value::String(issuer)) if issuer == expected => Ok(()),
        Some(Value::String(_) | Value::Array(_)) => Err(CredentialError::WrongIssuer),
        _ => Err(CredentialError::Malformed),
    }
}

fn check_audience(claims: &Object, expected: &str) -> Result<(), CredentialError> {
    let is_expected = match claims.get("aud") {
        Some(Value::String(audience)) => audience == expected,
        Some(Value::Array(list)) => texts(list)?.contains(&expected),
        _ => return Err(CredentialError::Malformed),
    };
    if is_expected { Ok(()) } else { Err(CredentialError::WrongAudience) }
}

fn texts(list: &[Value]) -> Result<Vec<&str>, CredentialError> {
    list.iter().map(|entry| entry.as_str().ok_or(CredentialError::Malformed)).collect()
}

impl fmt::Debug for Claims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claims").field("scopes", &self.scopes).finish_non_exhaustive()
    }
}

//! Authentication and authorization: who makes a request, and what they may read or change.
//!
//! Each header carries one credential. `Authorization: Bearer` is the JWT of a person or the key of a service, and
//! identifies the caller. `X-WordPress-Token` is the OAuth token of a person, used for this request only; it identifies
//! nobody by itself. A credential that is present but not valid ends the request; it is never treated as absent.
//!
//! [`Authenticator`] turns credentials into a [`Caller`] once per request. What a caller may do is expressed as grants,
//! which only this module can create and every read or write at a provider requires.

mod authenticator;
pub mod caller;
pub mod credential_error;
pub mod digest;
pub mod grant;
pub mod jwks;
pub mod jwt;
pub mod policy;
pub mod pseudonym;
pub mod scope;
pub mod service_key;
pub mod token_audience;
pub mod token_hash;
mod ttl_map;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use secrecy::SecretString;
use serde::Deserialize;

pub use self::authenticator::Authenticator;
pub use self::caller::{Caller, Principal};
pub use self::credential_error::CredentialError;
pub use self::grant::{Denied, OneAllGrant, WordPressGrant};
pub use self::jwt::is_oneall_user_token;
pub use self::scope::{Scope, Scopes};

/// The maximum length of a JWT or a service key, in bytes.
pub const BEARER_MAX_BYTES: usize = 8 << 10;

/// The maximum length of a WordPress.com token, in bytes. WordPress.com's have 64.
pub const WORDPRESS_TOKEN_MAX_BYTES: usize = 1 << 10;

/// Authentication.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The JWTs of persons.
    pub jwt: jwt::Settings,
    /// The keys of services, by key ID.
    pub keys: BTreeMap<String, service_key::Settings>,
    /// Whether a WordPress.com token authenticates a request without a JWT or a service key.
    pub wordpress_alone: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { jwt: jwt::Settings::default(), keys: BTreeMap::new(), wordpress_alone: true }
    }
}

impl Settings {
    /// Returns whether any caller can be identified.
    pub fn is_configured(&self) -> bool {
        self.jwt.is_set() || !self.keys.is_empty()
    }
}

/// The credentials of a request, each as the whole value of its header.
#[derive(Clone, Copy, Default)]
pub struct Credentials<'a> {
    /// `Authorization`.
    pub authorization: Option<&'a str>,
    /// `X-WordPress-Token`.
    pub wordpress_token: Option<&'a str>,
}

/// The header of a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialHeader {
    /// `Authorization`.
    Authorization,
    /// `X-WordPress-Token`.
    WordPressToken,
}

/// Whether checking a credential may call an issuer or a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LookupMode {
    /// Calls are allowed.
    AllowFetch,
    /// Only cached results are used. A credential that needs a call is rejected.
    CachedOnly,
}

/// Why a request is rejected: the header, and what is wrong with its credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// The header.
    pub header: CredentialHeader,
    /// What is wrong.
    pub reason: RejectionReason,
}

impl Rejection {
    /// Returns whether the credential may be a guess. An expired credential is genuine, and one that cannot be checked
    /// may be.
    pub fn may_be_guess(self) -> bool {
        use CredentialError::{Expired, NotYetValid, Unavailable};
        !matches!(self.reason, RejectionReason::Invalid(Expired | NotYetValid | Unavailable))
    }
}

/// What is wrong with a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RejectionReason {
    /// The header does not contain exactly one credential in the required format.
    InvalidFormat,
    /// The credential is longer than this many bytes.
    TooLarge(usize),
    /// The JWT or service key is not valid.
    Invalid(CredentialError),
    /// The WordPress.com token was issued to another application, or is not a token.
    OtherApplication,
    /// Checking the WordPress.com token needs a call, and [`LookupMode::CachedOnly`] forbids it.
    NotChecked,
    /// A gateway in personal mode has its own WordPress.com token and accepts no other.
    NotAllowed,
}

/// Reads a WordPress.com token: 1 to 1,024 characters of visible ASCII without spaces, so that it fits in a header.
///
/// # Errors
/// [`RejectionReason::TooLarge`] or [`RejectionReason::InvalidFormat`].
pub fn parse_wordpress_token(text: &str) -> Result<SecretString, RejectionReason> {
    check_length(text, WORDPRESS_TOKEN_MAX_BYTES)?;
    is_visible_ascii(text).then(|| SecretString::from(text)).ok_or(RejectionReason::InvalidFormat)
}

/// Reads the credential of an `Authorization` header: `Bearer`, one or more spaces, and one word.
fn parse_bearer(text: &str) -> Result<&str, RejectionReason> {
    let (scheme, credential) = text.split_once(' ').ok_or(RejectionReason::InvalidFormat)?;
    let credential = credential.trim_start_matches(' ');
    if !scheme.eq_ignore_ascii_case("Bearer") || !is_visible_ascii(credential) {
        return Err(RejectionReason::InvalidFormat);
    }
    check_length(credential, BEARER_MAX_BYTES)?;
    Ok(credential)
}

fn is_visible_ascii(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}

fn check_length(text: &str, max: usize) -> Result<(), RejectionReason> {
    if text.len() <= max { Ok(()) } else { Err(RejectionReason::TooLarge(max)) }
}

#[cfg(test)]
mod tests;

//! Service keys: `cg_<id>_<secret>`, the credential of a server that makes requests in its own name.
//!
//! The settings contain the SHA-256 digest of the whole key, never the key. A key has 32 random bytes, so a slow hash
//! would add cost and no protection. A key is found by its ID, which is not secret. Digests are compared in constant
//! time, also for an unknown ID. A key without an expiry is refused, because a key that is never renewed is never
//! revoked.

mod settings;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::SecretString;

pub use self::settings::{ACTIVE_KEYS_MAX, ExpiresAt, Expiry, Settings, expiring, is_valid_service_name, validate};
use super::credential_error::CredentialError;
use super::digest::Digest;
use super::scope::Scopes;

/// The prefix of every key.
pub const PREFIX: &str = "cg_";

/// The number of random bytes in a key.
pub const SECRET_BYTES: usize = 32;

/// The length of an encoded secret, in characters.
const SECRET_CHARS: usize = 43;

/// The maximum length of a key ID, in characters.
const ID_MAX_CHARS: usize = 32;

/// The digest that a key with an unknown ID is compared with. No text with this digest is known.
const DUMMY_DIGEST: Digest = Digest([0; 32]);

/// The service of a valid key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceKey {
    /// The name of the service.
    pub service: Box<str>,
    /// The scopes of the key.
    pub scopes: Scopes,
    /// When the key expires.
    pub expires_at: SystemTime,
}

/// The keys of all services, by key ID.
#[derive(Default)]
pub struct ServiceKeys(BTreeMap<Box<str>, (Digest, Arc<ServiceKey>)>);

/// A new key.
#[derive(Debug)]
pub struct GeneratedKey {
    /// The key, `cg_<id>_<secret>`. It is printed once and not stored.
    pub text: SecretString,
    /// The digest of the key, for the settings.
    pub sha256: Digest,
}

impl ServiceKeys {
    /// Reads the keys of the settings.
    ///
    /// # Errors
    /// One line that names the setting and what is expected, never the value.
    pub fn from_settings(settings: &BTreeMap<String, Settings>, now: SystemTime) -> Result<Self, String> {
        validate(settings, now)?;
        let key = |(id, key): (&String, &Settings)| {
            let (service, digest, end) = (key.service.as_deref()?, key.sha256?, key.expires_at?);
            let found = ServiceKey { service: service.into(), scopes: key.scopes, expires_at: end.0 };
            Some((id.as_str().into(), (digest, Arc::new(found))))
        };
        Ok(Self(settings.iter().filter_map(key).collect()))
    }

    /// Verifies a key and returns its service.
    ///
    /// # Errors
    /// Why the key is rejected.
    pub fn verify(&self, text: &str, now: SystemTime) -> Result<Arc<ServiceKey>, CredentialError> {
        let id = parse_id(text).ok_or(CredentialError::Malformed)?;
        let known = self.0.get(id);
        let expected = known.map_or(&DUMMY_DIGEST, |(digest, _)| digest);
        let is_same = verify_slices_are_equal(&Digest::sha256(text).0, &expected.0).is_ok();
        let (_, key) = known.ok_or(CredentialError::UnknownKey)?;
        match is_same {
            false => Err(CredentialError::BadSignature),
            true if now >= key.expires_at => Err(CredentialError::Expired),
            true => Ok(Arc::clone(key)),
        }
    }
}

impl fmt::Debug for ServiceKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// Returns whether a text starts as a service key does. No JWT starts like this.
pub fn has_prefix(text: &str) -> bool {
    text.starts_with(PREFIX)
}

/// Returns whether a text can be a key ID.
pub fn is_valid_id(text: &str) -> bool {
    (1..=ID_MAX_CHARS).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
}

/// Makes a key from an ID and random bytes. Returns `None` if the ID is not valid.
pub fn generate(id: &str, random: &[u8; SECRET_BYTES]) -> Option<GeneratedKey> {
    let text = is_valid_id(id).then(|| format!("{PREFIX}{id}_{}", URL_SAFE_NO_PAD.encode(random)))?;
    Some(GeneratedKey { sha256: Digest::sha256(&text), text: SecretString::from(text) })
}

/// Returns the ID in a key, if the key has exactly the right format.
fn parse_id(text: &str) -> Option<&str> {
    let (id, secret) = text.strip_prefix(PREFIX)?.split_once('_')?;
    let is_secret =
        secret.len() == SECRET_CHARS && URL_SAFE_NO_PAD.decode(secret).is_ok_and(|bytes| bytes.len() == SECRET_BYTES);
    (is_valid_id(id) && is_secret).then_some(id)
}

#[cfg(test)]
mod tests;

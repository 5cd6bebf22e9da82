//! Service keys: `cg_<id>_<secret>`, what a server shows to ask in its own name.
//!
//! The settings hold the SHA-256 digest of a key's whole text, never the text. 32 random bytes cannot be guessed from
//! it, so a slow hash would cost and protect nothing. A key is looked up by its ID, which is no secret; the digests are
//! compared in constant time, and an ID that is not known is compared with a digest that nothing has. A key without an
//! end is refused: what nobody has to renew is never taken back.

mod settings;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::SecretString;

pub use self::settings::{ExpiresAt, LIVE_KEYS_MAX, Settings, check, is_service};
use super::credential_error::CredentialError;
use super::digest::Digest;
use super::scope::Scopes;

/// What the text of every key begins with.
pub const PREFIX: &str = "cg_";

/// The random bytes in a key.
pub const SECRET_BYTES: usize = 32;

/// The length of a key's secret as text, in characters.
const SECRET_LENGTH: usize = 43;

/// The longest ID of a key, in characters.
const ID_LENGTH_MAX: usize = 32;

/// What a key of unknown ID is compared with; no text is known whose digest this is.
const DUMMY: Digest = Digest([0; 32]);

/// A key that was shown and is good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceKey {
    /// Whose it is.
    pub service: Box<str>,
    /// What it is good for.
    pub scopes: Scopes,
    /// When it ends.
    pub expires_at: SystemTime,
}

/// The keys of all services.
#[derive(Default)]
pub struct ServiceKeys(BTreeMap<Box<str>, (Digest, Arc<ServiceKey>)>);

/// A key that was just made.
#[derive(Debug)]
pub struct GeneratedKey {
    /// The whole text, `cg_<id>_<secret>`: shown once and kept nowhere.
    pub text: SecretString,
    /// The digest of that text, for the settings.
    pub sha256: Digest,
}

impl ServiceKeys {
    /// Takes the keys of the settings, by their IDs.
    ///
    /// # Errors
    /// One line that names the setting and what is wanted, never the value.
    pub fn from_settings(settings: &BTreeMap<String, Settings>, now: SystemTime) -> Result<Self, String> {
        check(settings, now)?;
        let key = |(id, key): (&String, &Settings)| {
            let (service, digest, end) = (key.service.as_deref()?, key.sha256?, key.expires_at?);
            let found = ServiceKey { service: service.into(), scopes: key.scopes, expires_at: end.0 };
            Some((id.as_str().into(), (digest, Arc::new(found))))
        };
        Ok(Self(settings.iter().filter_map(key).collect()))
    }

    /// The key whose text this is.
    ///
    /// # Errors
    /// Why it is refused.
    pub fn verify(&self, text: &str, now: SystemTime) -> Result<Arc<ServiceKey>, CredentialError> {
        let id = id_of(text).ok_or(CredentialError::Malformed)?;
        let known = self.0.get(id);
        let expected = known.map_or(&DUMMY, |(digest, _)| digest);
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

/// Whether a text can only be meant as a service key, good or not. No JWT begins like one.
pub fn is_meant(text: &str) -> bool {
    text.starts_with(PREFIX)
}

/// Whether a text can be the ID of a key.
pub fn is_id(text: &str) -> bool {
    (1..=ID_LENGTH_MAX).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
}

/// Makes the key of this ID out of random bytes; `None` if the ID can be none.
pub fn generate(id: &str, random: &[u8; SECRET_BYTES]) -> Option<GeneratedKey> {
    let text = is_id(id).then(|| format!("{PREFIX}{id}_{}", URL_SAFE_NO_PAD.encode(random)))?;
    Some(GeneratedKey { sha256: Digest::sha256(&text), text: SecretString::from(text) })
}

/// The ID in a key's text, if that is one to the letter.
fn id_of(text: &str) -> Option<&str> {
    let (id, secret) = text.strip_prefix(PREFIX)?.split_once('_')?;
    let is_secret =
        secret.len() == SECRET_LENGTH && URL_SAFE_NO_PAD.decode(secret).is_ok_and(|bytes| bytes.len() == SECRET_BYTES);
    (is_id(id) && is_secret).then_some(id)
}

#[cfg(test)]
mod tests;

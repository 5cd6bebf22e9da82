//! The cache key: provider, URL, credential, reader and type of one response.
//!
//! A key cannot be made without a credential, because an entry under a URL alone would be visible to everybody. The key
//! contains the credential's fingerprint under a key of this process, so printing or logging it reveals nothing.

use std::any::TypeId;
use std::sync::Arc;

use secrecy::ExposeSecret;

use crate::keyed_hash::{KeyedHash, KeyedHasher};
use crate::upstream::request::Credential;

/// The key of one cached or shared response.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    provider: &'static str,
    origin: Arc<str>,
    target: Arc<str>,
    credential: Fingerprint,
    reader: Option<Fingerprint>,
    value_type: TypeId,
}

impl Key {
    /// Makes the key of the response at `target`, a path with its query, decoded as a `T`.
    ///
    /// With a reader, the response belongs to that reader alone.
    pub fn new<T: 'static>(
        provider: &'static str,
        origin: Arc<str>,
        target: Arc<str>,
        credential: Fingerprint,
        reader: Option<Fingerprint>,
    ) -> Self {
        Self { provider, origin, target, credential, reader, value_type: TypeId::of::<T>() }
    }

    /// Returns the path with its query.
    pub fn target(&self) -> &Arc<str> {
        &self.target
    }

    /// Returns the credential that the response was read with.
    pub fn credential(&self) -> Fingerprint {
        self.credential
    }

    /// Returns who may be served the response.
    pub fn owner(&self) -> CacheOwner {
        CacheOwner { credential: self.credential, reader: self.reader }
    }
}

/// Who may be served a cached response: all who use a credential, or one reader among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheOwner {
    credential: Fingerprint,
    reader: Option<Fingerprint>,
}

/// The fingerprint of a credential or a reader. It replaces the credential in keys, maps and logs.
pub type Fingerprint = KeyedHash;

/// Makes fingerprints under a random key, which never leaves the process.
#[derive(Debug)]
pub struct Fingerprinter(KeyedHasher);

impl Fingerprinter {
    /// Makes the random key.
    ///
    /// # Errors
    /// If the system has no random bytes.
    pub fn new() -> Result<Self, String> {
        KeyedHasher::random().map(Self)
    }

    /// Returns the fingerprint of a credential. A token has the same fingerprint in a header and in a parameter, so that
    /// its concurrency and its throttling are counted once.
    pub fn credential(&self, credential: Credential<'_>) -> Fingerprint {
        match credential {
            Credential::Bearer(token) | Credential::Parameter(_, token) => {
                self.0.hash_parts(&[token.expose_secret().as_bytes()])
            }
            Credential::Basic(name, password) => {
                self.0.hash_parts(&[name.expose_secret().as_bytes(), password.expose_secret().as_bytes()])
            }
        }
    }

    /// Returns the fingerprint of a reader.
    pub fn reader(&self, reader: &str) -> Fingerprint {
        self.0.hash(reader.as_bytes())
    }

    /// Returns a short text that replaces `text` in logs: the same for the same text within this process.
    pub fn mask(&self, text: &str) -> String {
        format!("~{:.8}", self.0.hash(text.as_bytes()).to_hex())
    }
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;

    use super::*;

    #[test]
    fn a_fingerprint_covers_the_whole_credential_and_one_process() -> Result<(), String> {
        let (here, there) = (Fingerprinter::new()?, Fingerprinter::new()?);
        let [a, ab, b, bc, c] = ["a", "ab", "b", "bc", "c"].map(SecretString::from);
        let fingerprint = here.credential(Credential::Basic(&a, &bc));
        assert_eq!(fingerprint, here.credential(Credential::Basic(&a, &bc)));
        for other in [Credential::Basic(&ab, &c), Credential::Basic(&bc, &a), Credential::Bearer(&a)] {
            assert_ne!(fingerprint, here.credential(other));
        }
        assert_ne!(here.credential(Credential::Bearer(&a)), here.credential(Credential::Bearer(&b)));
        assert_eq!(here.credential(Credential::Bearer(&a)), here.credential(Credential::Parameter("token", &a)));
        assert_ne!(fingerprint, there.credential(Credential::Basic(&a, &bc)));
        assert_ne!(here.mask("a"), there.mask("a"));
        assert!(!format!("{fingerprint:?}{here:?}").contains(|c: char| c.is_ascii_digit()));
        Ok(())
    }
}

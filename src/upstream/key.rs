//! Under what an answer is kept or shared: whose it is, from where, and with which credential it was read.
//!
//! A key cannot be made without the credential, because an answer kept under an address alone is everybody's. What
//! stands in a key is no credential but its fingerprint under a key of this process, so that nothing that holds or
//! prints keys can give one away.

use std::any::TypeId;
use std::sync::Arc;

use secrecy::ExposeSecret;

use super::Credential;
use crate::keyed_hash::{KeyedHash, KeyedHasher};

/// Names one answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    provider: &'static str,
    origin: Arc<str>,
    target: Arc<str>,
    credential: Fingerprint,
    reader: Option<Fingerprint>,
    noun: TypeId,
}

impl Key {
    /// The key of what this host answers at `target`, its path with the query, to this credential, taken as a `T`; for one
    /// reader alone if there is one.
    pub fn new<T: 'static>(
        provider: &'static str,
        origin: Arc<str>,
        target: Arc<str>,
        credential: Fingerprint,
        reader: Option<Fingerprint>,
    ) -> Self {
        Self { provider, origin, target, credential, reader, noun: TypeId::of::<T>() }
    }

    /// The address: its path with the query.
    pub fn target(&self) -> &Arc<str> {
        &self.target
    }

    /// The credential with which it was read.
    pub fn credential(&self) -> Fingerprint {
        self.credential
    }

    /// Whose it is.
    pub fn whose(&self) -> Whose {
        Whose { credential: self.credential, reader: self.reader }
    }
}

/// Who is given what is kept or shared: all who read with a credential, or one of them alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Whose {
    credential: Fingerprint,
    reader: Option<Fingerprint>,
}

/// The fingerprint of a credential or a reader. It replaces the credential in keys, maps and logs.
pub type Fingerprint = KeyedHash;

/// Makes fingerprints under a random key, which never leaves the process.
#[derive(Debug)]
pub struct Fingerprints(KeyedHasher);

impl Fingerprints {
    /// Makes the random key.
    ///
    /// # Errors
    /// If the system has no random bytes.
    pub fn random() -> Result<Self, String> {
        KeyedHasher::random().map(Self)
    }

    /// Returns the fingerprint of a credential. A token has the same fingerprint in a header and in a parameter, so that
    /// its concurrency and its throttling are counted once.
    pub fn of(&self, credential: Credential<'_>) -> Fingerprint {
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
    pub fn of_reader(&self, reader: &str) -> Fingerprint {
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
    fn a_fingerprint_is_of_the_whole_credential_and_of_this_process() -> Result<(), String> {
        let (here, there) = (Fingerprints::random()?, Fingerprints::random()?);
        let [a, ab, b, bc, c] = ["a", "ab", "b", "bc", "c"].map(SecretString::from);
        let print = here.of(Credential::Basic(&a, &bc));
        assert_eq!(print, here.of(Credential::Basic(&a, &bc)));
        for other in [Credential::Basic(&ab, &c), Credential::Basic(&bc, &a), Credential::Bearer(&a)] {
            assert_ne!(print, here.of(other));
        }
        assert_ne!(here.of(Credential::Bearer(&a)), here.of(Credential::Bearer(&b)));
        assert_eq!(here.of(Credential::Bearer(&a)), here.of(Credential::Parameter("token", &a)));
        assert_ne!(print, there.of(Credential::Basic(&a, &bc)));
        assert_ne!(here.mask("a"), there.mask("a"));
        assert!(!format!("{print:?}{here:?}").contains(|c: char| c.is_ascii_digit()));
        Ok(())
    }
}

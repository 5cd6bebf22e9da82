//! Under what an answer is kept or shared: whose it is, from where, and with which credential it was read.
//!
//! A key cannot be made without the credential, because an answer kept under an address alone is everybody's. What
//! stands in a key is no credential but its fingerprint under a key of this process, so that nothing that holds or
//! prints keys can give one away.

use std::any::TypeId;
use std::fmt;
use std::sync::Arc;

use aws_lc_rs::{hmac, rand::SystemRandom};
use secrecy::ExposeSecret;

use super::Credential;

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

/// Stands for a credential: equal for equal ones within this process, and nothing can be told from it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 32]);

impl From<hmac::Tag> for Fingerprint {
    fn from(tag: hmac::Tag) -> Self {
        let mut print = [0; 32];
        print.copy_from_slice(tag.as_ref());
        Self(print)
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fingerprint")
    }
}

/// Takes fingerprints, under a random key that never leaves it.
pub struct Fingerprints(hmac::Key);

impl Fingerprints {
    /// Makes the random key.
    ///
    /// # Errors
    /// When the system has no random numbers.
    pub fn random() -> Result<Self, String> {
        let key = hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new());
        key.map(Self).map_err(|_| "the system gives no random numbers".to_owned())
    }

    /// The fingerprint of a credential.
    pub fn of(&self, credential: Credential<'_>) -> Fingerprint {
        let mut context = hmac::Context::with_key(&self.0);
        let mut part = |bytes: &[u8]| {
            // The length stands before each part, so that no two pairs run together to the same text.
            context.update(&bytes.len().to_le_bytes());
            context.update(bytes);
        };
        match credential {
            // The same token, wherever it is shown: it has its turns, and is shut out, once.
            Credential::Bearer(token) | Credential::Parameter(_, token) => part(token.expose_secret().as_bytes()),
            Credential::Basic(name, password) => {
                part(name.expose_secret().as_bytes());
                part(password.expose_secret().as_bytes());
            }
        }
        Fingerprint::from(context.sign())
    }

    /// The fingerprint of who reads.
    pub fn of_reader(&self, reader: &str) -> Fingerprint {
        Fingerprint::from(hmac::sign(&self.0, reader.as_bytes()))
    }

    /// A short word that stands for a text in records, the same for the same text within this process.
    pub fn mask(&self, text: &str) -> String {
        let tag = hmac::sign(&self.0, text.as_bytes());
        tag.as_ref().iter().take(4).fold("~".to_owned(), |mask, byte| mask + &format!("{byte:02x}"))
    }
}

impl fmt::Debug for Fingerprints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fingerprints")
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

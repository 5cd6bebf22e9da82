//! Pseudonyms: they replace people and objects in the audit log, so that the log itself identifies nobody.
//!
//! A pseudonym is an HMAC-SHA256 and not a plain hash, because numbers and e-mail addresses can be guessed and a key
//! cannot. With a key from the settings, an object has the same pseudonym on every instance, and the holder of the key
//! can find all lines about it. With a random key, pseudonyms are stable only within the process. A pseudonym cannot be
//! reversed.

use secrecy::{ExposeSecret, SecretString};

use super::caller::Principal;
use crate::keyed_hash::KeyedHasher;

/// The minimum length of a key, in bytes.
pub const KEY_MIN_BYTES: usize = 32;

/// Makes pseudonyms under one key.
#[derive(Clone)]
pub struct Pseudonymizer(KeyedHasher);

impl Pseudonymizer {
    /// Uses this key, or a random one if there is none.
    ///
    /// # Errors
    /// If the system has no random bytes.
    pub fn new(key: Option<&SecretString>) -> Result<Self, String> {
        match key {
            Some(key) => Ok(Self(KeyedHasher::with_key(key.expose_secret().as_bytes()))),
            None => KeyedHasher::random().map(Self),
        }
    }

    /// Returns the pseudonym of an object of this kind (`subject` or `object`): the HMAC of `kind:text`, as 64
    /// hexadecimal digits.
    pub fn pseudonym(&self, kind: &str, text: &str) -> String {
        self.0.hash(format!("{kind}:{text}").as_bytes()).to_hex()
    }

    /// Returns the name of a principal for the log. A service is no person, so its own name is used. A person has a
    /// pseudonym. The owner of a WordPress.com token has the hash of the token, which is stable within the process.
    pub fn for_principal(&self, principal: &Principal) -> Option<String> {
        match principal {
            Principal::Service { name, .. } => Some(name.to_string()),
            Principal::User { subject } => Some(self.pseudonym("subject", subject)),
            Principal::WordPress { token, .. } => Some(token.to_hex()),
            Principal::Anonymous | Principal::Personal | Principal::Operator => None,
        }
    }
}

/// Returns whether a key is long enough.
pub fn is_valid_key(key: &SecretString) -> bool {
    key.expose_secret().len() >= KEY_MIN_BYTES
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    fn with_key(key: &str) -> Pseudonymizer {
        Pseudonymizer::new(Some(&SecretString::from(key))).unwrap()
    }

    #[test]
    fn a_pseudonym_is_the_hmac_that_openssl_computes() {
        // printf %s object:abc | openssl dgst -sha256 -hmac 0123456789abcdef0123456789abcdef
        let pseudonymizer = with_key("0123456789abcdef0123456789abcdef");
        assert_eq!(
            pseudonymizer.pseudonym("object", "abc"),
            "e446efc2d643ec25edfedfb11aaec9b246a586212fb70298fd9867e1a9a8ba19"
        );
    }

    #[test]
    fn a_random_key_is_unique() {
        let [ours, theirs] = [Pseudonymizer::new(None).unwrap(), Pseudonymizer::new(None).unwrap()];
        assert_eq!(ours.pseudonym("object", "1"), ours.clone().pseudonym("object", "1"));
        assert_ne!(ours.pseudonym("object", "1"), theirs.pseudonym("object", "1"));
    }

    #[test]
    fn a_key_must_be_long_enough() {
        assert!(
            is_valid_key(&SecretString::from("k".repeat(32))) && !is_valid_key(&SecretString::from("k".repeat(31)))
        );
    }

    proptest! {
        #[test]
        fn a_pseudonym_depends_on_text_kind_and_key(text in ".{0,40}", other in ".{0,40}") {
            prop_assume!(text != other);
            let pseudonymizer = with_key("0123456789abcdef0123456789abcdef");
            let pseudonym = pseudonymizer.pseudonym("object", &text);
            prop_assert!(pseudonym.len() == 64 && pseudonym.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)));
            prop_assert_eq!(&pseudonym, &pseudonymizer.pseudonym("object", &text));
            prop_assert_ne!(&pseudonym, &pseudonymizer.pseudonym("object", &other));
            prop_assert_ne!(&pseudonym, &pseudonymizer.pseudonym("subject", &text));
            prop_assert_ne!(&pseudonym, &with_key("another-key-another-key-another-").pseudonym("object", &text));
        }
    }
}

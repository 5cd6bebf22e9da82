//! Hashes of secrets: equal for equal secrets within this process, and useless to anybody else.
//!
//! A hash is an HMAC-SHA256 under a random key that never leaves the process. A hash in a map or a memory dump reveals
//! nothing about the secret, not even whether a guess is right.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac::{self, HMAC_SHA256, Key};
use aws_lc_rs::rand::SystemRandom;
use secrecy::{ExposeSecret, SecretString};

/// The hash of a secret. It replaces the secret as a key in maps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// Makes one of 256 hashes that belong to no secret.
    #[cfg(test)]
    pub fn for_test(number: u8) -> Self {
        Self([number; 32])
    }

    /// Returns the 32 bytes of the hash.
    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Hashes secrets under a random key of its own.
pub(super) struct TokenHasher(Key);

impl TokenHasher {
    /// Makes a hasher with a random key.
    ///
    /// # Errors
    /// If the system has no random bytes.
    pub(super) fn random() -> Result<Self, String> {
        let key = Key::generate(HMAC_SHA256, &SystemRandom::new());
        key.map(Self).map_err(|_| "the system has no random bytes".to_owned())
    }

    /// Returns the hash of a secret.
    pub(super) fn hash(&self, secret: &SecretString) -> TokenHash {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(hmac::sign(&self.0, secret.expose_secret().as_bytes()).as_ref());
        TokenHash(bytes)
    }
}

/// Returns whether two secrets are equal or both absent, in constant time.
pub fn is_same_secret(one: Option<&SecretString>, other: Option<&SecretString>) -> bool {
    let digest = |secret: &SecretString| digest(&SHA256, secret.expose_secret().as_bytes());
    match (one.map(digest), other.map(digest)) {
        (Some(one), Some(other)) => verify_slices_are_equal(one.as_ref(), other.as_ref()).is_ok(),
        (one, other) => one.is_none() && other.is_none(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn secrets_are_compared_by_content() {
        let [one, again, other] = ["one", "one", "other"].map(SecretString::from);
        assert!(is_same_secret(Some(&one), Some(&again)) && is_same_secret(None, None));
        assert!(!is_same_secret(Some(&one), Some(&other)));
        assert!(!is_same_secret(Some(&one), None) && !is_same_secret(None, Some(&one)));
    }

    #[test]
    fn a_hash_depends_on_the_secret_and_on_the_process() {
        let ours = TokenHasher::random().unwrap();
        let theirs = TokenHasher::random().unwrap();
        let [one, other] = ["one", "other"].map(SecretString::from);
        assert_eq!(ours.hash(&one), ours.hash(&one));
        assert_ne!(ours.hash(&one), ours.hash(&other));
        assert_ne!(ours.hash(&one), theirs.hash(&one));
    }
}

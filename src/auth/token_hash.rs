//! Marks: a secret's stand-in, by which it is known again within this process and by nobody else.
//!
//! A mark is an HMAC under a key that is made at the start and never leaves: a mark in a table or a dump tells nothing of
//! the secret, not even whether a guess is right.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac::{self, HMAC_SHA256, Key};
use aws_lc_rs::rand::SystemRandom;
use secrecy::{ExposeSecret, SecretString};

/// A secret's stand-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// One of 256 that no secret has, for tests.
    #[cfg(test)]
    pub fn of(number: u8) -> Self {
        Self([number; 32])
    }

    /// What it is made of: 32 bytes.
    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Makes marks.
pub(super) struct TokenHasher(Key);

impl TokenHasher {
    /// A marker under a key of its own.
    ///
    /// # Errors
    /// A sentence, if the system has no random bytes.
    pub(super) fn build() -> Result<Self, String> {
        let key = Key::generate(HMAC_SHA256, &SystemRandom::new());
        key.map(Self).map_err(|_| "the system gives no random bytes".to_owned())
    }

    /// The mark of this secret.
    pub(super) fn mark(&self, secret: &SecretString) -> TokenHash {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(hmac::sign(&self.0, secret.expose_secret().as_bytes()).as_ref());
        TokenHash(bytes)
    }
}

/// Whether two secrets are the same, or both are missing; how long that takes says nothing of what they hold.
pub fn is_same(one: Option<&SecretString>, other: Option<&SecretString>) -> bool {
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
    fn two_secrets_are_the_same_if_they_hold_the_same() {
        let [one, again, other] = ["one", "one", "other"].map(SecretString::from);
        assert!(is_same(Some(&one), Some(&again)) && is_same(None, None));
        assert!(!is_same(Some(&one), Some(&other)) && !is_same(Some(&one), None) && !is_same(None, Some(&one)));
    }

    #[test]
    fn a_mark_knows_its_secret_again_within_its_process_only() {
        let (ours, theirs) = (TokenHasher::build().unwrap(), TokenHasher::build().unwrap());
        let [one, other] = ["one", "other"].map(SecretString::from);
        assert_eq!(ours.mark(&one), ours.mark(&one));
        assert_ne!(ours.mark(&one), ours.mark(&other));
        assert_ne!(ours.mark(&one), theirs.mark(&one));
    }
}

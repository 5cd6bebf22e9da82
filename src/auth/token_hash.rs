//! Hashes of credentials, which replace them as keys in maps, and the comparison of secrets in constant time.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use secrecy::{ExposeSecret, SecretString};

use crate::keyed_hash::{KeyedHash, KeyedHasher};

/// The hash of a credential.
pub type TokenHash = KeyedHash;

/// Hashes credentials under a random key of its own.
pub(super) struct TokenHasher(KeyedHasher);

impl TokenHasher {
    /// Makes a hasher with a random key.
    ///
    /// # Errors
    /// If the system has no random bytes.
    pub(super) fn random() -> Result<Self, String> {
        KeyedHasher::random().map(Self)
    }

    /// Returns the hash of a credential.
    pub(super) fn hash(&self, credential: &SecretString) -> TokenHash {
        self.0.hash(credential.expose_secret().as_bytes())
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
    use super::*;

    #[test]
    fn secrets_are_compared_by_content() {
        let [one, again, other] = ["one", "one", "other"].map(SecretString::from);
        assert!(is_same_secret(Some(&one), Some(&again)) && is_same_secret(None, None));
        assert!(!is_same_secret(Some(&one), Some(&other)));
        assert!(!is_same_secret(Some(&one), None) && !is_same_secret(None, Some(&one)));
    }
}

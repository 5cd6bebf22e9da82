//! Keyed hashes (HMAC-SHA256), used where a secret or an identifier itself must not be stored or logged.
//!
//! Under a random key, a hash is equal for equal texts within this process and reveals nothing about the text, not even
//! whether a guess is right. Under a key from the settings, it is also equal on every instance.

use std::fmt::{self, Write};

use aws_lc_rs::hmac::{self, HMAC_SHA256};
use aws_lc_rs::rand::SystemRandom;

/// The hash of a text.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyedHash([u8; 32]);

impl KeyedHash {
    /// Makes one of 256 hashes that belong to no text.
    #[cfg(test)]
    pub fn for_test(number: u8) -> Self {
        Self([number; 32])
    }

    /// Returns the hash as 64 hexadecimal digits.
    pub fn to_hex(self) -> String {
        self.0.iter().fold(String::with_capacity(64), |mut digits, byte| {
            let _ = write!(digits, "{byte:02x}");
            digits
        })
    }
}

impl From<hmac::Tag> for KeyedHash {
    fn from(tag: hmac::Tag) -> Self {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(tag.as_ref());
        Self(bytes)
    }
}

impl fmt::Debug for KeyedHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyedHash")
    }
}

/// Hashes texts under one key.
#[derive(Clone)]
pub struct KeyedHasher(hmac::Key);

impl KeyedHasher {
    /// Uses a random key, which never leaves the process.
    ///
    /// # Errors
    /// If the system has no random bytes.
    pub fn random() -> Result<Self, String> {
        let key = hmac::Key::generate(HMAC_SHA256, &SystemRandom::new());
        key.map(Self).map_err(|_| "the system has no random bytes".to_owned())
    }

    /// Uses this key.
    pub fn with_key(key: &[u8]) -> Self {
        Self(hmac::Key::new(HMAC_SHA256, key))
    }

    /// Hashes a text.
    pub fn hash(&self, text: &[u8]) -> KeyedHash {
        hmac::sign(&self.0, text).into()
    }

    /// Hashes several texts as one. Each is preceded by its length, so that different lists never hash the same bytes.
    pub fn hash_parts(&self, parts: &[&[u8]]) -> KeyedHash {
        let mut context = hmac::Context::with_key(&self.0);
        for part in parts {
            context.update(&part.len().to_le_bytes());
            context.update(part);
        }
        context.sign().into()
    }
}

impl fmt::Debug for KeyedHasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyedHasher")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_hash_depends_on_text_and_key() {
        let hasher = KeyedHasher::random().unwrap();
        assert_eq!(hasher.hash(b"one"), hasher.clone().hash(b"one"));
        assert_ne!(hasher.hash(b"one"), hasher.hash(b"other"));
        assert_ne!(hasher.hash(b"one"), KeyedHasher::random().unwrap().hash(b"one"));
        assert_eq!(KeyedHasher::with_key(b"key").hash(b"one"), KeyedHasher::with_key(b"key").hash(b"one"));
    }

    #[test]
    fn parts_do_not_run_together() {
        let hasher = KeyedHasher::random().unwrap();
        assert_ne!(hasher.hash_parts(&[b"ab", b"c"]), hasher.hash_parts(&[b"a", b"bc"]));
        assert_ne!(hasher.hash_parts(&[b"abc"]), hasher.hash_parts(&[b"abc", b""]));
    }

    #[test]
    fn debug_output_contains_no_bytes() {
        let hasher = KeyedHasher::random().unwrap();
        assert_eq!(format!("{hasher:?} {:?}", hasher.hash(b"one")), "KeyedHasher KeyedHash");
        assert_eq!(KeyedHash::for_test(10).to_hex(), "0a".repeat(32));
    }
}

//! Pseudonymizer: what stands in the audit log for a person or a thing, so that the log itself names nobody.
//!
//! An alias is an HMAC-SHA256, not a plain hash: numbers and e-mail addresses can be guessed, a key cannot. Under a key
//! from the settings the same thing has the same alias for ever, on every instance, and whoever holds the key can find
//! all lines about it; under a key of the process's own that ends with the process. Nobody gets from an alias back.

use std::fmt::Write;

use aws_lc_rs::hmac::{self, HMAC_SHA256, Key};
use aws_lc_rs::rand::SystemRandom;
use secrecy::{ExposeSecret, SecretString};

use super::caller::Principal;

/// The shortest key taken, in bytes.
pub const KEY_LENGTH_MIN: usize = 32;

/// Makes aliases.
#[derive(Clone)]
pub struct Pseudonymizer(Key);

impl Pseudonymizer {
    /// Pseudonymizer under this key, or under one that nobody else will ever have.
    ///
    /// # Errors
    /// A sentence, if the system has no random bytes.
    pub fn new(key: Option<&SecretString>) -> Result<Self, String> {
        match key {
            Some(key) => Ok(Self(Key::new(HMAC_SHA256, key.expose_secret().as_bytes()))),
            None => {
                let key = Key::generate(HMAC_SHA256, &SystemRandom::new());
                key.map(Self).map_err(|_| "the system gives no random bytes".to_owned())
            }
        }
    }

    /// The alias of a thing of this kind, which is `subject` or `object`: 64 hexadecimal digits, the HMAC of
    /// `kind:text`.
    pub fn of(&self, kind: &str, text: &str) -> String {
        let mut context = hmac::Context::with_key(&self.0);
        [kind, ":", text].iter().for_each(|part| context.update(part.as_bytes()));
        hexadecimal(context.sign().as_ref())
    }

    /// The name of who asks: a service's is its own, since it is no person's; a person's is an alias, and whoever has
    /// nothing but a WordPress.com token has the token's mark, which is of this process alone. None for who has no name.
    pub fn for_principal(&self, principal: &Principal) -> Option<String> {
        match principal {
            Principal::Service { name, .. } => Some(name.to_string()),
            Principal::User { subject } => Some(self.of("subject", subject)),
            Principal::WordPress { token, .. } => Some(hexadecimal(token.as_bytes())),
            Principal::Anonymous | Principal::Personal | Principal::Operator => None,
        }
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    let mut digits = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        let _ = write!(digits, "{byte:02x}");
    }
    digits
}

/// Whether this can be a key.
pub fn is_key(key: &SecretString) -> bool {
    key.expose_secret().len() >= KEY_LENGTH_MIN
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    fn under(key: &str) -> Pseudonymizer {
        Pseudonymizer::new(Some(&SecretString::from(key))).unwrap()
    }

    #[test]
    fn an_alias_is_the_hmac_that_openssl_makes() {
        // printf %s object:abc | openssl dgst -sha256 -hmac 0123456789abcdef0123456789abcdef
        let aliases = under("0123456789abcdef0123456789abcdef");
        assert_eq!(aliases.of("object", "abc"), "e446efc2d643ec25edfedfb11aaec9b246a586212fb70298fd9867e1a9a8ba19");
    }

    #[test]
    fn a_key_of_its_own_is_nobody_elses() {
        let [ours, theirs] = [Pseudonymizer::new(None).unwrap(), Pseudonymizer::new(None).unwrap()];
        assert_eq!(ours.of("object", "1"), ours.clone().of("object", "1"));
        assert_ne!(ours.of("object", "1"), theirs.of("object", "1"));
    }

    #[test]
    fn a_key_is_long() {
        assert!(is_key(&SecretString::from("k".repeat(32))) && !is_key(&SecretString::from("k".repeat(31))));
    }

    proptest! {
        #[test]
        fn an_alias_tells_things_kinds_and_keys_apart_and_shows_nothing(text in ".{0,40}", other in ".{0,40}") {
            prop_assume!(text != other);
            let aliases = under("0123456789abcdef0123456789abcdef");
            let alias = aliases.of("object", &text);
            prop_assert!(alias.len() == 64 && alias.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)));
            prop_assert_eq!(&alias, &aliases.of("object", &text));
            prop_assert_ne!(&alias, &aliases.of("object", &other));
            prop_assert_ne!(&alias, &aliases.of("subject", &text));
            prop_assert_ne!(&alias, &under("another-key-another-key-another-").of("object", &text));
        }
    }
}

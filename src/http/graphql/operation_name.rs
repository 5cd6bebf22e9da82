//! The name of an operation in the log. The client chooses it, so it could hold a secret or control characters.

use crate::auth::digest::Digest;

/// The longest name that is logged as it is, in bytes.
const NAME_LENGTH_MAX: usize = 64;

/// Returns a name that is safe to log: a short name of letters, digits and underscores as it is, any other as a hash.
pub(in crate::http) fn loggable_name(name: &str) -> String {
    let is_word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    if (1..=NAME_LENGTH_MAX).contains(&name.len()) && name.bytes().all(is_word) {
        return name.to_owned();
    }
    format!("sha256:{:.16}", Digest::sha256(name).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_short_word_is_logged_as_it_is() {
        assert_eq!(loggable_name("Accounts_2"), "Accounts_2");
        assert_eq!(loggable_name(&"x".repeat(NAME_LENGTH_MAX)).len(), NAME_LENGTH_MAX);
        let too_long = "x".repeat(NAME_LENGTH_MAX + 1);
        for other in ["", "a b", "a\nb", "eyJhbGciOiJIUzI1NiJ9.e30.x", "\u{1b}[31m", "é", &too_long] {
            let logged = loggable_name(other);
            assert!(logged.starts_with("sha256:") && logged.len() == 23, "{logged}");
        }
        assert_ne!(loggable_name("a b"), loggable_name("a c"));
    }
}

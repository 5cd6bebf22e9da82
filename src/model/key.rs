//! The providers' own keys, each with a type of its own and validated when parsed.
//!
//! Keys become segments of the providers' URL paths. Numeric keys are numbers, and OneAll's tokens have a small alphabet, so
//! a key can never change the rest of a path.

use std::fmt;

use super::heap_size::HeapSize;

/// The maximum length of a token, in bytes. OneAll's tokens have 36.
const TOKEN_LENGTH_MAX: usize = 128;

/// The maximum length of the key of a service or plugin, in bytes.
const SLUG_LENGTH_MAX: usize = 64;

/// Parses the key of a service or plugin: 1 to 64 characters out of `0-9 A-Z a-z _ -`.
pub fn slug(text: &str) -> Option<String> {
    is_slug(text).then(|| text.to_owned())
}

/// Whether a text is a valid slug, so that it is safe to show, to log and to use in a path.
pub fn is_slug(text: &str) -> bool {
    is_word(text, SLUG_LENGTH_MAX)
}

fn is_word(text: &str, length_max: usize) -> bool {
    let is_allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    (1..=length_max).contains(&text.len()) && text.bytes().all(is_allowed)
}

macro_rules! numeric_key {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, HeapSize)]
        pub struct $name(pub u64);

        impl $name {
            /// Parses decimal digits. Signs and spaces are not allowed.
            pub fn parse(text: &str) -> Option<Self> {
                let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
                digits.then(|| text.parse().ok()).flatten().map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

macro_rules! token_key {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, HeapSize)]
        pub struct $name(String);

        impl $name {
            /// Parses 1 to 128 characters out of `0-9 A-Z a-z _ -`.
            pub fn parse(text: &str) -> Option<Self> {
                is_word(text, TOKEN_LENGTH_MAX).then(|| Self(text.to_owned()))
            }

            /// The token as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

numeric_key! {
    /// A Keyring connection at WordPress.com: `/me/keyring-connections/$ID`.
    KeyringId
}
numeric_key! {
    /// A connected application at WordPress.com, by the ID of the grant: `/me/connected-applications/$ID`.
    ApplicationId
}
numeric_key! {
    /// A site at WordPress.com: `/sites/$ID`.
    SiteId
}
token_key! {
    /// A sign-in at OneAll: `/connections/<connection_token>.json`.
    ConnectionToken
}
token_key! {
    /// A user at OneAll: `/users/<user_token>.json`.
    UserToken
}
token_key! {
    /// An identity at OneAll: `/identities/<identity_token>.json`.
    IdentityToken
}

/// A Publicize connection at WordPress.com: `/sites/$site/publicize-connections/$ID`, or under `/me` when the site is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, HeapSize)]
pub struct PublicizeId {
    /// The site that uses the connection, if known.
    pub site: Option<SiteId>,
    /// The ID of the connection.
    pub id: u64,
}

/// The key of a `Connection` at its provider.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, HeapSize)]
pub enum ConnectionKey {
    /// A Keyring connection.
    Keyring(KeyringId),
    /// A Publicize connection.
    Publicize(PublicizeId),
    /// A OneAll sign-in.
    SignIn(ConnectionToken),
}

/// The key of an `Application` at its provider.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, HeapSize)]
pub enum ApplicationKey {
    /// An application that a WordPress.com user has authorized.
    Connected(ApplicationId),
    /// A OneAll plugin, by its key: `social_login`, `social_link`, `single_sign_on`.
    Plugin(String),
}

/// The key of an `Identity` at its provider.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, HeapSize)]
pub enum IdentityKey {
    /// The external account of a WordPress.com connection. Its key is that of the connection.
    External(ConnectionKey),
    /// A OneAll identity.
    Token(IdentityToken),
    /// An encrypted OneAll identity. Its key is that of its sign-in.
    Encrypted(ConnectionToken),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numeric_keys_are_digits_only() {
        assert_eq!(KeyringId::parse("51001"), Some(KeyringId(51001)));
        for bad in ["", "+1", "-1", "1.0", " 1", "1e3", "0x1", "99999999999999999999999"] {
            assert_eq!(KeyringId::parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn tokens_cannot_change_a_path() {
        assert!(ConnectionToken::parse("a3ba5j55-aacc-25ag-a4ah-ga4ahab3a2aa").is_some());
        let long = "a".repeat(TOKEN_LENGTH_MAX + 1);
        for bad in ["", "../users", "%2e%2e", "a?b", "a#b", "a/b", "a.b", "a\0b", "å", long.as_str()] {
            assert_eq!(ConnectionToken::parse(bad), None, "{bad:?}");
        }
    }
}

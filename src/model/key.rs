//! The native keys of what the providers hold, each a type of its own, checked where it enters.
//!
//! A key is what a provider's path takes. Numbers stay numbers, so nothing else can reach a `%d` route; OneAll's tokens
//! are opaque text from a small alphabet, so a token can never leave its place in a path.

use std::fmt;

/// The longest token that is taken, in bytes; OneAll's are 36.
const TOKEN_LENGTH_MAX: usize = 128;

/// The longest key of a service or plugin, in bytes.
const SLUG_LENGTH_MAX: usize = 64;

/// A key of a service or a plugin, as both providers spell them: 1 to 64 characters out of `0-9 A-Z a-z _ -`.
pub fn slug(text: &str) -> Option<String> {
    is_slug(text).then(|| text.to_owned())
}

/// Whether a text is as short and plain as a slug: safe to show, to log and to put into a path.
pub fn is_slug(text: &str) -> bool {
    is_word(text, SLUG_LENGTH_MAX)
}

fn is_word(text: &str, length_max: usize) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    (1..=length_max).contains(&text.len()) && text.bytes().all(plain)
}

macro_rules! numeric_key {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub u64);

        impl $name {
            /// Reads decimal digits and nothing else.
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
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(String);

        impl $name {
            /// Takes 1 to 128 characters out of `0-9 A-Z a-z _ -`.
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

/// A Publicize connection at WordPress.com: `/sites/$site/publicize-connections/$ID`, or under `/me` where no site is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PublicizeId {
    /// The site the connection serves, where the provider said it.
    pub site: Option<SiteId>,
    /// The connection's own number.
    pub id: u64,
}

/// Which thing at which provider a `Connection` is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ConnectionKey {
    /// A Keyring connection.
    Keyring(KeyringId),
    /// A Publicize connection.
    Publicize(PublicizeId),
    /// A OneAll sign-in.
    SignIn(ConnectionToken),
}

/// Which thing at which provider an `Application` is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ApplicationKey {
    /// An application that a WordPress.com user gave access to.
    Connected(ApplicationId),
    /// A OneAll plugin, by its key: `social_login`, `social_link`, `single_sign_on`.
    Plugin(String),
}

/// Which thing at which provider an `Identity` is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum IdentityKey {
    /// The outside account of a WordPress.com connection, which has no key but its connection's.
    External(ConnectionKey),
    /// A OneAll identity.
    Token(IdentityToken),
    /// An encrypted OneAll identity, which has no key but its sign-in's.
    Encrypted(ConnectionToken),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_digits_only() {
        assert_eq!(KeyringId::parse("51001"), Some(KeyringId(51001)));
        for bad in ["", "+1", "-1", "1.0", " 1", "1e3", "0x1", "99999999999999999999999"] {
            assert_eq!(KeyringId::parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn a_token_cannot_leave_its_place_in_a_path() {
        assert!(ConnectionToken::parse("a3ba5j55-aacc-25ag-a4ah-ga4ahab3a2aa").is_some());
        let long = "a".repeat(TOKEN_LENGTH_MAX + 1);
        for bad in ["", "../users", "%2e%2e", "a?b", "a#b", "a/b", "a.b", "a\0b", "å", long.as_str()] {
            assert_eq!(ConnectionToken::parse(bad), None, "{bad:?}");
        }
    }
}

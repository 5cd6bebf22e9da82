//! Scopes: the rights that a credential can carry, and sets of them.
//!
//! A scope adds a right and never removes one. An unknown scope in a token belongs to another service and is ignored. An
//! unknown scope in the settings is a mistake and is refused.

use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, SeqAccess, Visitor};

/// A right that a credential can carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Read a OneAll connection by its token, whoever signed in.
    ConnectionsRead,
    /// List all connections of the OneAll site.
    ConnectionsList,
    /// Read any user of the OneAll site and their identities.
    UsersRead,
    /// Read personal fields of OneAll identities.
    Personal,
    /// Synchronize a OneAll identity with its social network.
    IdentitiesSynchronize,
    /// Move a OneAll identity to another user.
    IdentitiesRelink,
    /// Delete a OneAll identity.
    IdentitiesDelete,
    /// Read the gateway's metrics.
    Metrics,
    /// See the calls to providers that a response needed.
    Explain,
    /// Bypass the cache.
    NoCache,
}

impl Scope {
    /// All scopes, in display order.
    pub const ALL: [Self; 10] = [
        Self::ConnectionsRead,
        Self::ConnectionsList,
        Self::UsersRead,
        Self::Personal,
        Self::IdentitiesSynchronize,
        Self::IdentitiesRelink,
        Self::IdentitiesDelete,
        Self::Metrics,
        Self::Explain,
        Self::NoCache,
    ];

    /// The names of all scopes, in the order of [`Scope::ALL`].
    pub const NAMES: [&'static str; 10] = {
        let mut names = [""; 10];
        let mut at = 0;
        while at < names.len() {
            names[at] = Self::ALL[at].as_str();
            at += 1;
        }
        names
    };

    /// Returns the name in settings, tokens and the schema.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ConnectionsRead => "oneall:connections:read",
            Self::ConnectionsList => "oneall:connections:list",
            Self::UsersRead => "oneall:users:read",
            Self::Personal => "oneall:personal",
            Self::IdentitiesSynchronize => "oneall:identities:synchronize",
            Self::IdentitiesRelink => "oneall:identities:relink",
            Self::IdentitiesDelete => "oneall:identities:delete",
            Self::Metrics => "gateway:metrics",
            Self::Explain => "gateway:explain",
            Self::NoCache => "gateway:no-cache",
        }
    }

    /// Returns the scope with exactly this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == name)
    }

    /// Describes what the scope allows, in one sentence.
    pub const fn description(self) -> &'static str {
        match self {
            Self::ConnectionsRead => "Reads a OneAll sign-in by its connection token, whoever signed in.",
            Self::ConnectionsList => "Lists all sign-ins of the OneAll site.",
            Self::UsersRead => "Reads any user of the OneAll site and that user's identities.",
            Self::Personal => "Reads e-mail addresses, phone numbers, birthdays and addresses of OneAll identities.",
            Self::IdentitiesSynchronize => "Synchronizes a OneAll identity with its social network.",
            Self::IdentitiesRelink => "Moves a OneAll identity to another user.",
            Self::IdentitiesDelete => "Deletes a OneAll identity.",
            Self::Metrics => "Reads the gateway's metrics.",
            Self::Explain => "Shows the calls to providers that a response needed.",
            Self::NoCache => "Bypasses the cache.",
        }
    }

    const fn bit(self) -> u16 {
        1 << self as u16
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A set of scopes; empty by default.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Scopes(u16);

impl Scopes {
    /// The empty set.
    pub const NONE: Self = Self(0);

    /// Parses the `scope` claim of a token: names separated by spaces. Unknown names are ignored.
    pub fn from_claim(text: &str) -> Self {
        text.split(' ').filter_map(Scope::parse).collect()
    }

    /// Returns whether the set contains a scope.
    pub const fn contains(self, scope: Scope) -> bool {
        self.0 & scope.bit() != 0
    }

    /// Returns whether the set is empty.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Iterates over the scopes in the order of [`Scope::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL.into_iter().filter(move |scope| self.contains(*scope))
    }

    /// Returns the names in the order of [`Scope::ALL`].
    pub fn names(self) -> Vec<&'static str> {
        self.iter().map(Scope::as_str).collect()
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().fold(0, |bits, scope| bits | scope.bit()))
    }
}

impl fmt::Debug for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}

impl<'de> Deserialize<'de> for Scopes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScopesVisitor)
    }
}

/// Accepts a list of names, or one text with commas, as in an environment variable.
struct ScopesVisitor;

/// Parses a scope in the settings. An unknown name is not repeated, because it may be a misplaced secret.
fn parse_setting<E: de::Error>(word: &str) -> Result<Scope, E> {
    Scope::parse(word).ok_or_else(|| E::unknown_variant("", &Scope::NAMES))
}

impl<'de> Visitor<'de> for ScopesVisitor {
    type Value = Scopes;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a list of scopes")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Scopes, E> {
        text.split(',').map(str::trim).filter(|word| !word.is_empty()).map(parse_setting).collect()
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Scopes, A::Error> {
        let mut scopes = Vec::new();
        while let Some(word) = list.next_element::<String>()? {
            scopes.push(parse_setting(&word)?);
        }
        Ok(scopes.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    #[derive(Deserialize)]
    struct Holder {
        scopes: Scopes,
    }

    fn read(text: &str) -> Result<Scopes, String> {
        toml::from_str::<Holder>(text).map(|holder| holder.scopes).map_err(|error| error.message().to_owned())
    }

    #[test]
    fn each_scope_has_a_name_and_a_description() {
        for (scope, name) in Scope::ALL.into_iter().zip(Scope::NAMES) {
            assert_eq!(Scope::parse(name), Some(scope));
            assert!(scope.description().ends_with('.') && scope.description().len() > 10, "{name}");
            assert_eq!([scope].into_iter().collect::<Scopes>().names(), [name]);
        }
        for other in ["", "oneall", "ONEALL:PERSONAL", "oneall:personal ", "oneall:*", "*"] {
            assert_eq!(Scope::parse(other), None, "{other}");
        }
    }

    #[test]
    fn unknown_scopes_in_a_claim_are_ignored() {
        let scopes = Scopes::from_claim("openid  oneall:users:read profile,oneall:personal oneall:users:read ");
        assert_eq!(scopes.names(), ["oneall:users:read"]);
        assert!(Scopes::from_claim("").is_empty());
    }

    #[test]
    fn settings_accept_a_list_or_commas_and_refuse_unknown_scopes_without_repeating_them() {
        let both: Scopes = [Scope::UsersRead, Scope::Metrics].into_iter().collect();
        assert_eq!(read("scopes = ['oneall:users:read', 'gateway:metrics']"), Ok(both));
        assert_eq!(read("scopes = 'gateway:metrics, oneall:users:read,'"), Ok(both));
        for wrong in ["scopes = ['SECRET']", "scopes = 'oneall:users:read SECRET'", "scopes = 'SECRET'"] {
            let line = read(wrong).unwrap_err();
            assert!(!line.contains("SECRET") && line.contains("`oneall:users:read`"), "{line}");
        }
        assert!(read("scopes = 3").is_err() && read("scopes = [3]").is_err());
    }

    proptest! {
        #[test]
        fn a_set_contains_the_scopes_it_was_made_of(chosen in prop::collection::vec(0..Scope::ALL.len(), 0..12)) {
            let scopes: Scopes = chosen.iter().map(|at| Scope::ALL[*at]).collect();
            for (at, scope) in Scope::ALL.into_iter().enumerate() {
                prop_assert_eq!(scopes.contains(scope), chosen.contains(&at));
            }
            prop_assert_eq!(Scopes::from_claim(&scopes.names().join(" ")), scopes);
        }
    }
}

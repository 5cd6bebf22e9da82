//! What a credential may be good for: the scopes, each with its name and its meaning, and sets of them.
//!
//! A scope opens what is closed by default and never closes anything. A word in a token that is no scope of ours is
//! another service's and is passed over; in the settings it is a slip of the pen and is refused.

use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, SeqAccess, Visitor};

/// One right that a credential can carry.
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
    /// Have OneAll read an identity afresh from its social network.
    IdentitiesSynchronize,
    /// Move a OneAll identity to another user.
    IdentitiesRelink,
    /// Delete a OneAll identity.
    IdentitiesDelete,
    /// Read the gateway's metrics.
    Metrics,
    /// Be told which calls an answer took.
    Explain,
    /// Have an answer read past the cache.
    NoCache,
}

impl Scope {
    /// Every scope, in the order in which they are shown.
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

    /// The names of all scopes, in the same order.
    pub const NAMES: [&'static str; 10] = {
        let mut names = [""; 10];
        let mut at = 0;
        while at < names.len() {
            names[at] = Self::ALL[at].as_str();
            at += 1;
        }
        names
    };

    /// The scope's name in settings, tokens and the schema.
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

    /// The scope of this name; the name is taken to the letter.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == name)
    }

    /// What the scope allows, in one sentence.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::ConnectionsRead => "Reads a OneAll sign-in by its connection token, whoever signed in.",
            Self::ConnectionsList => "Lists all sign-ins of the OneAll site.",
            Self::UsersRead => "Reads any user of the OneAll site and that user's identities.",
            Self::Personal => "Reads e-mail addresses, phone numbers, birthdays and addresses of OneAll identities.",
            Self::IdentitiesSynchronize => "Has OneAll read an identity afresh from its social network.",
            Self::IdentitiesRelink => "Moves a OneAll identity to another user.",
            Self::IdentitiesDelete => "Deletes a OneAll identity.",
            Self::Metrics => "Reads the gateway's metrics.",
            Self::Explain => "Is told which calls an answer took.",
            Self::NoCache => "Has an answer read past the cache.",
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
    /// No scope at all.
    pub const NONE: Self = Self(0);

    /// Takes a token's `scope` claim: names with spaces between them. A word that is no scope is passed over.
    pub fn from_claim(text: &str) -> Self {
        text.split(' ').filter_map(Scope::parse).collect()
    }

    /// Whether the scope is among these.
    pub const fn contains(self, scope: Scope) -> bool {
        self.0 & scope.bit() != 0
    }

    /// Whether there is none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// These scopes, in the order of [`Scope::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL.into_iter().filter(move |scope| self.contains(*scope))
    }

    /// The names of these, in the same order.
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

/// Takes a list of names, or one text with commas, as an environment variable has it.
struct ScopesVisitor;

/// A setting's word for a scope. What it says instead is not repeated: it may be a secret in the wrong place.
fn named<E: de::Error>(word: &str) -> Result<Scope, E> {
    Scope::parse(word).ok_or_else(|| E::unknown_variant("", &Scope::NAMES))
}

impl<'de> Visitor<'de> for ScopesVisitor {
    type Value = Scopes;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a list of scopes")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Scopes, E> {
        text.split(',').map(str::trim).filter(|word| !word.is_empty()).map(named).collect()
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Scopes, A::Error> {
        let mut scopes = Vec::new();
        while let Some(word) = list.next_element::<String>()? {
            scopes.push(named(&word)?);
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
    fn a_name_is_its_scope_and_each_has_a_meaning() {
        for (scope, name) in Scope::ALL.into_iter().zip(Scope::NAMES) {
            assert_eq!(Scope::parse(name), Some(scope));
            assert!(scope.meaning().ends_with('.') && scope.meaning().len() > 10, "{name}");
            assert_eq!([scope].into_iter().collect::<Scopes>().names(), [name]);
        }
        for other in ["", "oneall", "ONEALL:PERSONAL", "oneall:personal ", "oneall:*", "*"] {
            assert_eq!(Scope::parse(other), None, "{other}");
        }
    }

    #[test]
    fn a_claim_passes_over_what_is_no_scope_of_ours() {
        let scopes = Scopes::from_claim("openid  oneall:users:read profile,oneall:personal oneall:users:read ");
        assert_eq!(scopes.names(), ["oneall:users:read"]);
        assert!(Scopes::from_claim("").is_empty());
    }

    #[test]
    fn settings_take_a_list_or_commas_and_refuse_what_is_no_scope_without_repeating_it() {
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
        fn a_set_holds_what_was_put_in(chosen in prop::collection::vec(0..Scope::ALL.len(), 0..12)) {
            let scopes: Scopes = chosen.iter().map(|at| Scope::ALL[*at]).collect();
            for (at, scope) in Scope::ALL.into_iter().enumerate() {
                prop_assert_eq!(scopes.contains(scope), chosen.contains(&at));
            }
            prop_assert_eq!(Scopes::from_claim(&scopes.names().join(" ")), scopes);
        }
    }
}

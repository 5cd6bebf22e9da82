//! Global IDs: typed, opaque, and parsed at the border, so that nothing behind it meets a wrong one.
//!
//! An ID names a kind and the provider's own key, as base64url text. Clients must not read it; that it can be read is
//! a convenience for whoever looks into a log.

use async_graphql::ID;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::error::Error;
use crate::model::key::slug;
use crate::model::{
    ApplicationId, ApplicationKey, ConnectionKey, ConnectionToken, IdentityKey, IdentityToken, KeyringId, PublicizeId,
    SiteId,
};

/// What a global ID names.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum GlobalId {
    /// A `Connection`.
    Connection(ConnectionKey),
    /// An `Application`.
    Application(ApplicationKey),
    /// An `Identity`.
    Identity(IdentityKey),
    /// A `Service`, by our key.
    Service(String),
    /// A `Site`.
    Site(SiteId),
}

impl GlobalId {
    /// Reads an ID.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let plain = std::str::from_utf8(&bytes).ok()?;
        let (kind, key) = plain.split_once(':')?;
        match kind {
            "application" => ApplicationId::parse(key).map(|id| Self::Application(ApplicationKey::Connected(id))),
            "plugin" => slug(key).map(|key| Self::Application(ApplicationKey::Plugin(key))),
            "identity" => IdentityToken::parse(key).map(|token| Self::Identity(IdentityKey::Token(token))),
            "encrypted" => ConnectionToken::parse(key).map(|token| Self::Identity(IdentityKey::Encrypted(token))),
            "account" => connection(key).map(|key| Self::Identity(IdentityKey::External(key))),
            "service" => slug(key).map(Self::Service),
            "site" => SiteId::parse(key).map(Self::Site),
            _ => connection(plain).map(Self::Connection),
        }
    }

    /// Reads an ID that a client sent.
    pub fn from_client(id: &ID) -> Result<Self, Error> {
        Self::parse(id).ok_or_else(|| {
            Error::bad_input(
                "This is not an ID of this graph. Use the `id` that an earlier answer gave; it cannot be made up.",
            )
        })
    }

    /// The error for an ID that names another noun than the field is about.
    pub fn not_a(&self, wanted: &str) -> Error {
        Error::bad_input(format!("This is the ID of {}, not of {wanted}.", self.noun()))
    }

    /// The noun that the ID names, as the schema calls it.
    pub fn noun(&self) -> &'static str {
        match self {
            GlobalId::Connection(_) => "a Connection",
            GlobalId::Application(_) => "an Application",
            GlobalId::Identity(_) => "an Identity",
            GlobalId::Service(_) => "a Service",
            GlobalId::Site(_) => "a Site",
        }
    }

    /// The ID before it is encoded: `keyring:51001`. It orders rows of the same date.
    pub fn plain(&self) -> String {
        match self {
            GlobalId::Connection(key) => print_connection(key),
            GlobalId::Application(ApplicationKey::Connected(id)) => format!("application:{id}"),
            GlobalId::Application(ApplicationKey::Plugin(key)) => format!("plugin:{key}"),
            GlobalId::Identity(IdentityKey::Token(token)) => format!("identity:{token}"),
            GlobalId::Identity(IdentityKey::Encrypted(token)) => format!("encrypted:{token}"),
            GlobalId::Identity(IdentityKey::External(key)) => format!("account:{}", print_connection(key)),
            GlobalId::Service(key) => format!("service:{key}"),
            GlobalId::Site(id) => format!("site:{id}"),
        }
    }
}

impl From<GlobalId> for ID {
    fn from(id: GlobalId) -> Self {
        ID(URL_SAFE_NO_PAD.encode(id.plain()))
    }
}

fn print_connection(key: &ConnectionKey) -> String {
    match key {
        ConnectionKey::Keyring(id) => format!("keyring:{id}"),
        ConnectionKey::Publicize(PublicizeId { site: Some(site), id }) => format!("publicize:{site}/{id}"),
        ConnectionKey::Publicize(PublicizeId { site: None, id }) => format!("publicize:{id}"),
        ConnectionKey::SignIn(token) => format!("sign-in:{token}"),
    }
}

fn connection(plain: &str) -> Option<ConnectionKey> {
    let (kind, key) = plain.split_once(':')?;
    match kind {
        "keyring" => KeyringId::parse(key).map(ConnectionKey::Keyring),
        "publicize" => publicize(key).map(ConnectionKey::Publicize),
        "sign-in" => ConnectionToken::parse(key).map(ConnectionKey::SignIn),
        _ => None,
    }
}

fn publicize(key: &str) -> Option<PublicizeId> {
    let number = |text| KeyringId::parse(text).map(|id| id.0);
    match key.split_once('/') {
        Some((site, id)) => Some(PublicizeId { site: Some(SiteId::parse(site)?), id: number(id)? }),
        None => Some(PublicizeId { site: None, id: number(key)? }),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    fn token() -> impl Strategy<Value = String> {
        "[0-9A-Za-z_-]{1,128}"
    }

    fn connection_key() -> impl Strategy<Value = ConnectionKey> {
        prop_oneof![
            any::<u64>().prop_map(|id| ConnectionKey::Keyring(KeyringId(id))),
            (any::<Option<u64>>(), any::<u64>())
                .prop_map(|(site, id)| ConnectionKey::Publicize(PublicizeId { site: site.map(SiteId), id })),
            token().prop_map(|token| ConnectionKey::SignIn(ConnectionToken::parse(&token).unwrap())),
        ]
    }

    fn global_id() -> impl Strategy<Value = GlobalId> {
        prop_oneof![
            connection_key().prop_map(GlobalId::Connection),
            connection_key().prop_map(|key| GlobalId::Identity(IdentityKey::External(key))),
            any::<u64>().prop_map(|id| GlobalId::Application(ApplicationKey::Connected(ApplicationId(id)))),
            "[a-z_-]{1,64}".prop_map(|key| GlobalId::Application(ApplicationKey::Plugin(key))),
            token().prop_map(|t| GlobalId::Identity(IdentityKey::Token(IdentityToken::parse(&t).unwrap()))),
            token().prop_map(|t| GlobalId::Identity(IdentityKey::Encrypted(ConnectionToken::parse(&t).unwrap()))),
            "[a-z_-]{1,64}".prop_map(GlobalId::Service),
            any::<u64>().prop_map(|id| GlobalId::Site(SiteId(id))),
        ]
    }

    proptest! {
        #[test]
        fn an_id_that_is_printed_reads_as_the_same(id in global_id()) {
            prop_assert_eq!(GlobalId::parse(&ID::from(id.clone()).0), Some(id));
        }

        #[test]
        fn any_text_is_an_id_or_is_not(text in ".*", bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = GlobalId::parse(&text);
            let _ = GlobalId::parse(&URL_SAFE_NO_PAD.encode(bytes));
        }
    }
}

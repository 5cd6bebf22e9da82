//! Global IDs: the IDs of the `Node` interface, parsed before any read.
//!
//! An ID contains the type and the provider's key, encoded as base64url. Clients must treat it as opaque; operators can
//! decode it.

use async_graphql::ID;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::error::Error;
use crate::model::key::slug;
use crate::model::{
    ApplicationId, ApplicationKey, ConnectionKey, ConnectionToken, IdentityKey, IdentityToken, KeyringId, PublicizeId,
    SiteId,
};

/// A parsed global ID.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum GlobalId {
    /// A `Connection`.
    Connection(ConnectionKey),
    /// An `Application`.
    Application(ApplicationKey),
    /// An `Identity`.
    Identity(IdentityKey),
    /// A `Service`, by its key.
    Service(String),
    /// A `Site`.
    Site(SiteId),
}

impl GlobalId {
    /// Parses an ID. `None` when it is invalid.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let plain = std::str::from_utf8(&bytes).ok()?;
        let (kind, key) = plain.split_once(':')?;
        match kind {
            "application" => ApplicationId::parse(key).map(|id| Self::Application(ApplicationKey::Connected(id))),
            "plugin" => slug(key).map(|key| Self::Application(ApplicationKey::Plugin(key))),
            "identity" => IdentityToken::parse(key).map(|token| Self::Identity(IdentityKey::Token(token))),
            "encrypted" => ConnectionToken::parse(key).map(|token| Self::Identity(IdentityKey::Encrypted(token))),
            "account" => parse_connection(key).map(|key| Self::Identity(IdentityKey::External(key))),
            "service" => slug(key).map(Self::Service),
            "site" => SiteId::parse(key).map(Self::Site),
            _ => parse_connection(plain).map(Self::Connection),
        }
    }

    /// Parses an ID that a client sent.
    ///
    /// # Errors
    /// BAD_INPUT.
    pub(crate) fn from_client(id: &ID) -> Result<Self, Error> {
        Self::parse(id).ok_or_else(|| Error::bad_input("The ID is not valid. Use the `id` of an earlier response."))
    }

    /// The error for an ID of another type than the field expects.
    pub(crate) fn wrong_type(&self, wanted: &str) -> Error {
        Error::bad_input(format!("This is the ID of {}. Expected the ID of {wanted}.", self.type_name()))
    }

    /// The GraphQL type of the object, with its article.
    pub(crate) fn type_name(&self) -> &'static str {
        match self {
            GlobalId::Connection(_) => "a Connection",
            GlobalId::Application(_) => "an Application",
            GlobalId::Identity(_) => "an Identity",
            GlobalId::Service(_) => "a Service",
            GlobalId::Site(_) => "a Site",
        }
    }

    /// The ID before encoding, such as `keyring:51001`. Lists use it to order rows with equal sort keys.
    pub(crate) fn to_plain(&self) -> String {
        match self {
            GlobalId::Connection(key) => encode_connection(key),
            GlobalId::Application(ApplicationKey::Connected(id)) => format!("application:{id}"),
            GlobalId::Application(ApplicationKey::Plugin(key)) => format!("plugin:{key}"),
            GlobalId::Identity(IdentityKey::Token(token)) => format!("identity:{token}"),
            GlobalId::Identity(IdentityKey::Encrypted(token)) => format!("encrypted:{token}"),
            GlobalId::Identity(IdentityKey::External(key)) => format!("account:{}", encode_connection(key)),
            GlobalId::Service(key) => format!("service:{key}"),
            GlobalId::Site(id) => format!("site:{id}"),
        }
    }
}

impl From<GlobalId> for ID {
    fn from(id: GlobalId) -> Self {
        ID(URL_SAFE_NO_PAD.encode(id.to_plain()))
    }
}

fn encode_connection(key: &ConnectionKey) -> String {
    match key {
        ConnectionKey::Keyring(id) => format!("keyring:{id}"),
        ConnectionKey::Publicize(PublicizeId { site: Some(site), id }) => format!("publicize:{site}/{id}"),
        ConnectionKey::Publicize(PublicizeId { site: None, id }) => format!("publicize:{id}"),
        ConnectionKey::SignIn(token) => format!("sign-in:{token}"),
    }
}

fn parse_connection(plain: &str) -> Option<ConnectionKey> {
    let (kind, key) = plain.split_once(':')?;
    match kind {
        "keyring" => KeyringId::parse(key).map(ConnectionKey::Keyring),
        "publicize" => parse_publicize(key).map(ConnectionKey::Publicize),
        "sign-in" => ConnectionToken::parse(key).map(ConnectionKey::SignIn),
        _ => None,
    }
}

fn parse_publicize(key: &str) -> Option<PublicizeId> {
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
        fn ids_round_trip(id in global_id()) {
            prop_assert_eq!(GlobalId::parse(&ID::from(id.clone()).0), Some(id));
        }

        #[test]
        fn parsing_never_panics(text in ".*", bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = GlobalId::parse(&text);
            let _ = GlobalId::parse(&URL_SAFE_NO_PAD.encode(bytes));
        }
    }
}

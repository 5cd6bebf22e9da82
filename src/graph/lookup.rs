//! The arguments by which a client looks up one object, parsed into keys before any read.

use async_graphql::{ID, InputObject, OneofObject};

use super::error::Error;
use super::id::GlobalId;
use crate::model::key::slug;
use crate::model::{
    ApplicationId, ApplicationKey, ConnectionKey, ConnectionToken, IdentityKey, IdentityToken, KeyringId, catalogue,
};

/// The maximum length of the ID of an external account, in bytes.
const SUBJECT_LENGTH_MAX: usize = 256;

/// Identifies a connection. Exactly one field must be set.
#[derive(OneofObject, Debug)]
pub(crate) enum ConnectionBy {
    /// The global ID of the connection.
    Id(ID),
    /// The WordPress.com ID of a Keyring connection, such as 51001. If WordPress.com returns a Publicize connection for it,
    /// as its documentation shows, that is the result.
    KeyringConnectionId(ID),
    /// The OneAll `connection_token` that your callback received.
    ConnectionToken(String),
}

/// Identifies an application. Exactly one field must be set.
#[derive(OneofObject, Debug)]
pub(crate) enum ApplicationBy {
    /// The global ID of the application.
    Id(ID),
    /// The WordPress.com ID of a connected application, such as 8367271.
    ConnectedApplicationId(ID),
}

/// Identifies an identity. Exactly one field must be set.
#[derive(OneofObject, Debug)]
pub(crate) enum IdentityBy {
    /// The global ID of the identity.
    Id(ID),
    /// The OneAll `identity_token`.
    IdentityToken(String),
    /// An account at a service. Only the viewer's own identities are searched; if both providers know the account, OneAll's
    /// identity is returned. OneAll cannot search a site, so a service caller may get UNSUPPORTED_BY_PROVIDER.
    Account(ServiceAccount),
}

/// An account at a service, such as `{service: "twitter", subject: "300400500"}`.
#[derive(InputObject, Debug)]
pub(crate) struct ServiceAccount {
    /// The key of the service, or a provider's name for it, such as `google` or `google_plus`.
    pub(crate) service: String,
    /// The ID of the account at the service, as in `Identity.subject`. Not a name or an email address.
    pub(crate) subject: String,
}

/// A parsed [`IdentityBy`].
#[derive(Debug)]
pub(crate) enum IdentityLookup {
    /// The identity with this key.
    Key(IdentityKey),
    /// The identity of this account.
    Account {
        /// The key of the service.
        service: String,
        /// The ID of the account at the service.
        subject: String,
    },
}

/// The key of the connection.
///
/// # Errors
/// BAD_INPUT, with the expected format.
pub(crate) fn connection_key(by: &ConnectionBy) -> Result<ConnectionKey, Error> {
    match by {
        ConnectionBy::Id(id) => match GlobalId::from_client(id)? {
            GlobalId::Connection(key) => Ok(key),
            other => Err(other.wrong_type("a Connection")),
        },
        ConnectionBy::KeyringConnectionId(id) => KeyringId::parse(id)
            .map(ConnectionKey::Keyring)
            .ok_or_else(|| Error::bad_input("`keyringConnectionId` must be a number, such as 51001.")),
        ConnectionBy::ConnectionToken(token) => {
            ConnectionToken::parse(token).map(ConnectionKey::SignIn).ok_or_else(|| {
                Error::bad_input("`connectionToken` must have 1 to 128 letters, digits, hyphens and underscores.")
            })
        }
    }
}

/// The key of the application.
///
/// # Errors
/// BAD_INPUT, with the expected format.
pub(crate) fn application_key(by: &ApplicationBy) -> Result<ApplicationKey, Error> {
    match by {
        ApplicationBy::Id(id) => match GlobalId::from_client(id)? {
            GlobalId::Application(key) => Ok(key),
            other => Err(other.wrong_type("an Application")),
        },
        ApplicationBy::ConnectedApplicationId(id) => ApplicationId::parse(id)
            .map(ApplicationKey::Connected)
            .ok_or_else(|| Error::bad_input("`connectedApplicationId` must be a number, such as 8367271.")),
    }
}

/// The key or the account of the identity.
///
/// # Errors
/// BAD_INPUT, with the expected format.
///
/// # Errors
/// BAD_INPUT, with the expected format.
pub(crate) fn identity_lookup(by: IdentityBy) -> Result<IdentityLookup, Error> {
    match by {
        IdentityBy::Id(id) => match GlobalId::from_client(&id)? {
            GlobalId::Identity(key) => Ok(IdentityLookup::Key(key)),
            other => Err(other.wrong_type("an Identity")),
        },
        IdentityBy::IdentityToken(token) => {
            IdentityToken::parse(&token).map(|token| IdentityLookup::Key(IdentityKey::Token(token))).ok_or_else(|| {
                Error::bad_input("`identityToken` must have 1 to 128 letters, digits, hyphens and underscores.")
            })
        }
        IdentityBy::Account(ServiceAccount { service, subject }) => {
            let service = slug(&service).map(|service| catalogue::key_for_any_slug(&service)).ok_or_else(|| {
                Error::bad_input("`service` must be the key of a service, such as google: 1 to 64 letters, digits, hyphens and underscores.")
            })?;
            if subject.trim().is_empty() || subject.len() > SUBJECT_LENGTH_MAX {
                return Err(Error::bad_input(
                    "`subject` must be the ID of the account at the service: 1 to 256 bytes.",
                ));
            }
            Ok(IdentityLookup::Account { service, subject })
        }
    }
}

//! What a client names one thing by, and the key that it stands for, checked before anything is asked.

use async_graphql::{ID, InputObject, OneofObject};

use super::error::Error;
use super::id::GlobalId;
use crate::model::key::slug;
use crate::model::{
    ApplicationId, ApplicationKey, ConnectionKey, ConnectionToken, IdentityKey, IdentityToken, KeyringId, catalogue,
};

/// The longest ID of an outside account that is looked for, in bytes.
const SUBJECT_LENGTH_MAX: usize = 256;

/// Which connection: exactly one of these.
#[derive(OneofObject, Debug)]
pub enum ConnectionBy {
    /// The `id` of a Connection in this graph.
    Id(ID),
    /// WordPress.com: the number in /me/keyring-connections/$ID, such as 51001. Where WordPress.com gives a Publicize
    /// connection under that number, as its documentation shows, that is the answer.
    KeyringConnectionId(ID),
    /// OneAll: the connection_token that your callback received.
    ConnectionToken(String),
}

/// Which application: exactly one of these.
#[derive(OneofObject, Debug)]
pub enum ApplicationBy {
    /// The `id` of an Application in this graph.
    Id(ID),
    /// WordPress.com: the number in /me/connected-applications/$ID, such as 8367271.
    ConnectedApplicationId(ID),
}

/// Which identity: exactly one of these.
#[derive(OneofObject, Debug)]
pub enum IdentityBy {
    /// The `id` of an Identity in this graph.
    Id(ID),
    /// OneAll: the identity_token.
    IdentityToken(String),
    /// The outside account itself, whichever provider knows it. It is looked for among what is the person's own: behind
    /// their Keyring connections, and among the identities of the OneAll user whom their JWT names. Where both providers
    /// know it, the answer is OneAll's, which knows more; `sameAs` has the other. OneAll has no way to find an account, so
    /// a service that may list the site's identities is told UNSUPPORTED_BY_PROVIDER if Keyring has none.
    Account(ServiceAccount),
}

/// An outside account: the service, and the account's own ID there, such as
/// `{service: "twitter", subject: "300400500"}`.
#[derive(InputObject, Debug)]
pub struct ServiceAccount {
    /// The service, by our key or as a provider spells it: `google` or `google_plus`, `vk` or `vkontakte`.
    pub service: String,
    /// The account's own ID at the service, as in `Identity.subject`: `118118118118118118118`. Not a name or an address.
    pub subject: String,
}

/// Which identity is wanted, checked.
#[derive(Debug)]
pub enum IdentityWanted {
    /// The one with this key.
    Key(IdentityKey),
    /// The one that is this account.
    Account {
        /// Our key for the service.
        service: String,
        /// The account's own ID there.
        subject: String,
    },
}

/// The key of the connection that is wanted.
///
/// # Errors
/// BAD_INPUT, with what is wanted.
pub fn connection_key(by: &ConnectionBy) -> Result<ConnectionKey, Error> {
    match by {
        ConnectionBy::Id(id) => match GlobalId::from_client(id)? {
            GlobalId::Connection(key) => Ok(key),
            other => Err(other.not_a("a Connection")),
        },
        ConnectionBy::KeyringConnectionId(id) => KeyringId::parse(id)
            .map(ConnectionKey::Keyring)
            .ok_or_else(|| Error::bad_input("`keyringConnectionId` is a number, such as 51001.")),
        ConnectionBy::ConnectionToken(token) => ConnectionToken::parse(token)
            .map(ConnectionKey::SignIn)
            .ok_or_else(|| Error::bad_input("`connectionToken` is 1 to 128 letters, digits, hyphens and underscores.")),
    }
}

/// The key of the application that is wanted.
///
/// # Errors
/// BAD_INPUT, with what is wanted.
pub fn application_key(by: &ApplicationBy) -> Result<ApplicationKey, Error> {
    match by {
        ApplicationBy::Id(id) => match GlobalId::from_client(id)? {
            GlobalId::Application(key) => Ok(key),
            other => Err(other.not_a("an Application")),
        },
        ApplicationBy::ConnectedApplicationId(id) => ApplicationId::parse(id)
            .map(ApplicationKey::Connected)
            .ok_or_else(|| Error::bad_input("`connectedApplicationId` is a number, such as 8367271.")),
    }
}

/// Which identity is wanted.
///
/// # Errors
/// BAD_INPUT, with what is wanted.
pub fn identity_wanted(by: IdentityBy) -> Result<IdentityWanted, Error> {
    match by {
        IdentityBy::Id(id) => match GlobalId::from_client(&id)? {
            GlobalId::Identity(key) => Ok(IdentityWanted::Key(key)),
            other => Err(other.not_a("an Identity")),
        },
        IdentityBy::IdentityToken(token) => IdentityToken::parse(&token)
            .map(|token| IdentityWanted::Key(IdentityKey::Token(token)))
            .ok_or_else(|| Error::bad_input("`identityToken` is 1 to 128 letters, digits, hyphens and underscores.")),
        IdentityBy::Account(ServiceAccount { service, subject }) => {
            let service = slug(&service).map(|service| catalogue::key_for_any_spelling(&service)).ok_or_else(|| {
                Error::bad_input("`service` is a service's key, such as google: 1 to 64 letters, digits, - and _.")
            })?;
            if subject.trim().is_empty() || subject.len() > SUBJECT_LENGTH_MAX {
                return Err(Error::bad_input("`subject` is the account's own ID at the service: 1 to 256 bytes."));
            }
            Ok(IdentityWanted::Account { service, subject })
        }
    }
}

//! The JSON under `result.data` of OneAll's responses, with OneAll's names.
//!
//! OneAll's formats have changed over the years, and its documentation shows old and new ones. So these types accept
//! every documented or recorded variant, and a scalar of another type fails nothing.
//!
//! Ordinary responses contain live credentials (`source.access_token`, `source.refresh_token`, `publish_token`,
//! `identity_vault_key`). They have no field here, so they are never held, logged or printed.

mod identity;
mod reader;

pub use identity::{
    Account, Address, Certification, Email, Identity, IdentityEntry, Name, Organization, Recommendation, Recommender,
    Relationship, Source, Valued,
};
pub use reader::{EncryptionAware, Identities, MaybeEncrypted, PagedList, Pagination, Plugin, PluginData};

use serde::Deserialize;

use crate::provider::lenient::{MaybeObject, Scalar};

/// `data` of `/connections.json`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct ConnectionsData {
    // No default: a response without this node is not an empty list.
    pub(crate) connections: PagedList<ConnectionEntry>,
}

/// The data of a paginated list.
pub trait HasPagination {
    /// The pagination of the list.
    fn pagination(&self) -> &Pagination;
}

impl HasPagination for ConnectionsData {
    fn pagination(&self) -> &Pagination {
        &self.connections.pagination
    }
}

impl HasPagination for IdentitiesData {
    fn pagination(&self) -> &Pagination {
        &self.identities.pagination
    }
}

/// A row of `/connections.json`. It names neither user nor service.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct ConnectionEntry {
    pub(crate) connection_token: Scalar,
    pub(crate) callback_uri: Scalar,
    pub(crate) status: Scalar,
    pub(crate) date_creation: Scalar,
    pub(crate) date: Scalar,
}

/// `data` of `/connections/<connection_token>.json`.
pub type ConnectionData = EncryptionAware<ConnectionNode>;

/// The nodes of `/connections/<connection_token>.json`. A failed sign-in has only `plugin`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct ConnectionNode {
    pub(crate) action: Scalar,
    pub(crate) plugin: Plugin,
    pub(crate) connection: MaybeObject<Connection>,
    pub(crate) user: MaybeEncrypted<User>,
}

/// A sign-in that was read on its own. Older responses have `date` and `plugin` here, newer ones the other fields.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Connection {
    pub(crate) connection_token: Scalar,
    pub(crate) date: Scalar,
    pub(crate) date_creation: Scalar,
    pub(crate) callback_uri: Scalar,
    pub(crate) status: Scalar,
    pub(crate) plugin: Plugin,
}

/// `data` of `/users/<user_token>.json`.
pub type UserData = EncryptionAware<UserNode>;

/// The node of `/users/<user_token>.json`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct UserNode {
    pub(crate) user: MaybeEncrypted<User>,
}

/// A user. In a sign-in it has `identity`, the one that was used. Read on its own it has `identities`, all of them.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct User {
    pub(crate) user_token: Scalar,
    // Equals `user_token` in every recording.
    pub(crate) uuid: Scalar,
    pub(crate) date_creation: Scalar,
    pub(crate) date_last_login: Scalar,
    pub(crate) num_logins: Scalar,
    pub(crate) identity: MaybeEncrypted<Identity>,
    pub(crate) identities: Identities,
}

/// `data` of `/identities.json`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct IdentitiesData {
    pub(crate) identities: PagedList<EncryptionAware<IdentityEntry>>,
}

/// `data` of `/identities/<identity_token>.json`.
pub type IdentityData = EncryptionAware<IdentityNode>;

/// The node of `/identities/<identity_token>.json`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct IdentityNode {
    pub(crate) identity: MaybeEncrypted<Identity>,
}

#[cfg(test)]
mod tests;

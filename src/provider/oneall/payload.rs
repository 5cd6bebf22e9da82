//! What OneAll's answers hold under `result.data`, spelled as OneAll spells it.
//!
//! OneAll's shapes drifted over the years and its pages still show all of them, so a shape here takes every spelling
//! that is documented or was recorded, and no scalar of a wrong type fails anything. Live credentials stand in ordinary
//! reads (`source.access_token`, `source.refresh_token`, `publish_token`, `identity_vault_key`): they have no field
//! here, so nothing can hold, log or print them.

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
    // Without a default: an answer that has no such node is no empty list.
    pub(crate) connections: PagedList<ConnectionEntry>,
}

/// What holds a list of which there may be several pages.
pub trait HasPagination {
    /// What it says of them.
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

/// A row of `/connections.json`; it names no user and no service.
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

/// The nodes of `/connections/<connection_token>.json`: a failed sign-in has only `plugin`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct ConnectionNode {
    pub(crate) action: Scalar,
    pub(crate) plugin: Plugin,
    pub(crate) connection: MaybeObject<Connection>,
    pub(crate) user: MaybeEncrypted<User>,
}

/// A sign-in by itself. Older answers have `date` and a `plugin` in here, newer ones `date_creation` and the rest.
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

/// A user: with `identity`, the one just used, in a sign-in; with `identities`, all of them, where the user is read.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct User {
    pub(crate) user_token: Scalar,
    // The same as `user_token` in every recording.
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

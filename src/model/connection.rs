//! Connections: links between a person and an account at a service.

use std::sync::Arc;

use async_graphql::{Enum, ID, SimpleObject, Union};

use super::heap_size::HeapSize;
use super::identity::Identity;
use super::key::{ConnectionKey, ConnectionToken, KeyringId, SiteId, UserToken};
use super::provider::Provider;
use super::scalar::{DateTime, OneTimeLink, Url};

/// A link between a person and an account at a service, as a provider has recorded it.
///
/// At WordPress.com it is a Keyring connection (a stored grant) or a Publicize connection (the use of a grant on a site). At
/// OneAll it is one sign-in or link event; a failed sign-in is a connection in state FAILED.
#[derive(SimpleObject, HeapSize, Clone, Debug, PartialEq)]
#[graphql(complex)]
pub struct Connection {
    /// The key at the provider.
    #[graphql(skip)]
    pub key: ConnectionKey,
    /// The provider of the connection.
    pub provider: Provider,
    /// The provider's ID: a number at WordPress.com, a connection token at OneAll.
    pub provider_id: String,
    /// The kind of connection.
    pub kind: ConnectionKind,
    /// The provider's label, such as "Facebook". Null when the provider has none, as at OneAll.
    pub label: Option<String>,
    /// The time of creation. Null when the provider does not provide it.
    pub created_at: Option<DateTime>,
    /// The time of expiry. Null when it never expires or the provider does not provide it.
    pub expires_at: Option<DateTime>,
    /// Whether all authors of the site may use the Publicize connection. Null for other kinds of connection and when
    /// WordPress.com does not provide it.
    pub shared: Option<bool>,
    /// Other accounts that the same grant gives access to: pages, channels, organizations.
    pub additional_accounts: Vec<AdditionalAccount>,
    /// The health. `None` for a row of a list that does not have it.
    #[graphql(skip)]
    pub health: Option<ConnectionHealth>,
    /// The provider's slug of the service.
    #[graphql(skip)]
    pub service: Option<String>,
    /// The external account.
    #[graphql(skip)]
    pub identity: Option<Arc<Identity>>,
    /// The OneAll plugin that created it.
    #[graphql(skip)]
    pub plugin: Option<String>,
    /// The sites that use it.
    #[graphql(skip)]
    pub sites: Vec<SiteId>,
    /// The provider-specific data.
    #[graphql(skip)]
    pub record: ConnectionRecord,
    /// False for a row of a list that has fewer fields than the object: a OneAll sign-in has only its token, date, status and
    /// callback there. The missing fields are then unknown, not empty.
    #[graphql(skip)]
    pub complete: bool,
}

impl Connection {
    /// A connection with a key and a record only.
    pub fn with_key(key: ConnectionKey, record: ConnectionRecord) -> Self {
        let (provider, provider_id, kind) = match &key {
            ConnectionKey::Keyring(id) => (Provider::WordPress, id.to_string(), ConnectionKind::Keyring),
            ConnectionKey::Publicize(id) => (Provider::WordPress, id.id.to_string(), ConnectionKind::Publicize),
            ConnectionKey::SignIn(token) => (Provider::OneAll, token.to_string(), ConnectionKind::SignIn),
        };
        Self {
            key,
            provider,
            provider_id,
            kind,
            label: None,
            created_at: None,
            expires_at: None,
            shared: None,
            additional_accounts: Vec::new(),
            health: None,
            service: None,
            identity: None,
            plugin: None,
            sites: Vec::new(),
            record,
            complete: true,
        }
    }

    /// The link at which the person renews the grant, if there is one.
    pub fn refresh_link(&self) -> Option<&OneTimeLink<ConnectionKey>> {
        match &self.record {
            ConnectionRecord::Keyring(record) => record.refresh_url.as_ref(),
            ConnectionRecord::Publicize(record) => record.refresh_url.as_ref(),
            ConnectionRecord::SignIn(_) => None,
        }
    }
}

/// The kinds of connection.
#[derive(Enum, HeapSize, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ConnectionKind {
    /// A grant to a service that WordPress.com stores.
    Keyring,
    /// The use of a Keyring connection on a WordPress.com site.
    Publicize,
    /// A sign-in or link event at OneAll.
    SignIn,
}

/// The health of a connection.
#[derive(SimpleObject, HeapSize, Clone, Debug, PartialEq)]
#[graphql(complex)]
pub struct ConnectionHealth {
    /// The state, with the same values for both providers.
    pub state: HealthState,
    /// The provider's own status. Null when it provides none.
    pub provider_status: Option<String>,
    /// The reason by OneAll why a sign-in failed. Null when OneAll provides none, when the sign-in did not fail, and at
    /// WordPress.com.
    pub reason: Option<String>,
    /// The action that a person must take. Null when no action is needed.
    pub action: Option<HealthAction>,
    /// The time of expiry.
    #[graphql(skip)]
    pub expires_at: Option<DateTime>,
}

/// The states of a connection, with the same values for both providers.
#[derive(Enum, HeapSize, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HealthState {
    /// The connection works.
    Ok,
    /// The connection works but will expire soon. The person should reconnect.
    Expiring,
    /// The connection has expired. The person must grant access again.
    Reauthorize,
    /// The service no longer accepts the grant (`broken` at WordPress.com).
    Broken,
    /// The sign-in failed, or the connection cannot be repaired (`invalid` at WordPress.com).
    Failed,
    /// The provider no longer supports the service.
    Unsupported,
    /// The provider's status is missing or unknown (see `providerStatus`), or the date of expiry cannot be read.
    Unknown,
}

impl HealthState {
    /// Whether a person must act.
    pub fn needs_attention(self) -> bool {
        !matches!(self, HealthState::Ok | HealthState::Unknown)
    }
}

/// The action that a person must take on a connection.
#[derive(SimpleObject, HeapSize, Clone, Debug, PartialEq)]
#[graphql(complex)]
pub struct HealthAction {
    /// The kind of action.
    pub kind: HealthActionKind,
    /// The link for the person's browser, if the provider has one.
    #[graphql(skip)]
    pub url: Option<OneTimeLink<ConnectionKey>>,
}

/// The kinds of action on a connection.
#[derive(Enum, HeapSize, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HealthActionKind {
    /// Grant access again. The connection is kept.
    Reconnect,
    /// Disconnect it, because it cannot be repaired.
    Disconnect,
    /// Sign in or link again.
    ConnectAgain,
}

/// Another account that a grant gives access to: a page, a channel, an organization.
#[derive(SimpleObject, HeapSize, Clone, Debug, PartialEq)]
pub struct AdditionalAccount {
    /// The ID of the account at the service. Null when WordPress.com provides none.
    pub subject: Option<String>,
    /// The name of the account. Null when WordPress.com provides none.
    pub name: Option<String>,
    /// The URL of a picture. Null when WordPress.com provides none.
    pub picture_url: Option<Url>,
    /// The description of the account. Null when WordPress.com provides none.
    pub description: Option<String>,
    /// The category at the service, such as "Bakery". Null when WordPress.com provides none.
    pub category: Option<String>,
}

/// The provider-specific data of a connection.
#[derive(Union, HeapSize, Clone, Debug, PartialEq)]
pub enum ConnectionRecord {
    /// From `/me/keyring-connections`.
    Keyring(KeyringRecord),
    /// From `publicize-connections`.
    Publicize(PublicizeRecord),
    /// From OneAll's `/connections`.
    SignIn(SignInRecord),
}

/// The data of a Keyring connection at WordPress.com: the grant itself.
#[derive(SimpleObject, HeapSize, Clone, Debug, PartialEq)]
#[graphql(complex)]
pub struct KeyringRecord {
    /// The WordPress.com ID of the Keyring connection. Never null; the type is nullable to match PublicizeRecord.
    pub keyring_connection_id: Option<ID>,
    /// The ID of the WordPress.com user who owns the grant. Null when WordPress.com does not provide it.
    pub user_id: Option<ID>,
    /// The kind of service: `publicize` when posts can be shared to it, otherwise `other`. Null when WordPress.com does not
    /// provide it.
    #[graphql(name = "type")]
    pub kind: Option<String>,
    /// The link at which the person renews the grant.
    #[graphql(skip)]
    pub refresh_url: Option<OneTimeLink<ConnectionKey>>,
    /// Whether the person must be shown LinkedIn's changed terms. Null when WordPress.com does not provide it.
    pub show_linkedin_warning: Option<bool>,
}

/// The data of a Publicize connection at WordPress.com: the use of a grant on a site.
#[derive(SimpleObject, HeapSize, Clone, Debug, PartialEq)]
#[graphql(complex)]
pub struct PublicizeRecord {
    /// The WordPress.com ID of the Publicize connection.
    pub publicize_connection_id: ID,
    /// The ID of the site that uses the connection. Null when WordPress.com does not provide it.
    pub site_id: Option<ID>,
    /// The ID of the WordPress.com user who added it to the site. Null when WordPress.com does not provide it.
    pub user_id: Option<ID>,
    /// The ID of the Keyring connection whose grant is used. Null when WordPress.com does not provide it.
    pub keyring_connection_id: Option<ID>,
    /// The ID of the WordPress.com user who owns the grant. Null when WordPress.com does not provide it.
    pub keyring_user_id: Option<ID>,
    /// The link at which the person renews the grant.
    #[graphql(skip)]
    pub refresh_url: Option<OneTimeLink<ConnectionKey>>,
    /// The URL of the API documentation of the resource. Null when WordPress.com provides none.
    pub help_url: Option<Url>,
    /// The API URL of the resource. Null when WordPress.com provides none.
    pub self_url: Option<Url>,
    /// The key of the site.
    #[graphql(skip)]
    pub site: Option<SiteId>,
    /// The key of the Keyring connection.
    #[graphql(skip)]
    pub keyring: Option<KeyringId>,
}

/// A sign-in or link event at OneAll.
#[derive(SimpleObject, HeapSize, Clone, Debug, PartialEq)]
#[graphql(complex)]
pub struct SignInRecord {
    /// The connection token, as the callback received it.
    #[graphql(skip)]
    pub token: ConnectionToken,
    /// OneAll's status of the sign-in, such as `succeeded`. Null when OneAll provides none.
    pub status: Option<String>,
    /// The URL to which the browser was redirected. Null when OneAll provides none.
    pub callback_url: Option<Url>,
    /// What the plugin reported. Unknown in a row of a list.
    #[graphql(skip)]
    pub plugin: Option<SignInPlugin>,
    /// The result of the operation. Unknown in a row of a list.
    #[graphql(skip)]
    pub result: Option<SignInResult>,
    /// The user who signed in. Unknown in a row of a list.
    #[graphql(skip)]
    pub user: Option<UserToken>,
    /// The action that OneAll performed, such as `authenticate_user`. Unknown in a row of a list.
    #[graphql(skip)]
    pub action: Option<String>,
}

/// What a OneAll plugin reported about a sign-in.
#[derive(SimpleObject, HeapSize, Clone, Debug, PartialEq)]
pub struct SignInPlugin {
    /// The key of the plugin: `social_login`, `social_link` or `single_sign_on`.
    pub key: String,
    /// The requested action, such as `login`, `link_identity` or `unlink_identity`. Null when the plugin did not report it.
    pub action: Option<String>,
    /// The operation that the plugin performed, such as `user_profile_read`. Null when the plugin did not report it.
    pub operation: Option<String>,
    /// The reason for the status, such as `user_authenticated` or `identity_is_linked_to_another_user`. Null when the plugin did not report it.
    pub reason: Option<String>,
    /// The status: `success` or `error`. Null when the plugin did not report it.
    pub status: Option<String>,
}

/// The result of a sign-in at OneAll. A failed sign-in has code 401.
#[derive(SimpleObject, HeapSize, Clone, Debug, PartialEq)]
pub struct SignInResult {
    /// The flag: `success` or `error`. Null when OneAll provides none.
    pub flag: Option<String>,
    /// The status code, like an HTTP status code. Null when OneAll provides none.
    pub code: Option<i32>,
    /// The message, such as "The user successfully authenticated". Null when OneAll provides none.
    pub info: Option<String>,
    /// Whether the person was signed in, linked or unlinked as requested.
    pub succeeded: bool,
}

//! A connection: the link between a person and an account at an outside service, as one provider recorded it.

use std::sync::Arc;

use async_graphql::{Enum, ID, SimpleObject, Union};

use super::{
    ConnectionKey, ConnectionToken, DateTime, Identity, KeyringId, OneTimeLink, Provider, SiteId, Url, UserToken,
};

/// A link between a person and an account at an outside service, as one provider recorded it.
///
/// At WordPress.com it is a Keyring connection (a stored grant) or a Publicize connection (a grant put to use on a
/// site); at OneAll it is one sign-in or link event. A sign-in that failed is a connection too, in state FAILED.
#[derive(SimpleObject, Clone, Debug, PartialEq)]
#[graphql(complex)]
pub struct Connection {
    /// Which thing this is at its provider.
    #[graphql(skip)]
    pub key: ConnectionKey,
    /// The provider that recorded it.
    pub provider: Provider,
    /// The provider's own key: a number at WordPress.com, a connection token at OneAll.
    pub provider_id: String,
    /// What sort of record it is.
    pub kind: ConnectionKind,
    /// The provider's label for it, such as "Facebook". Null where the provider gives none, as OneAll.
    pub label: Option<String>,
    /// When it was made. Null where the provider does not say.
    pub created_at: Option<DateTime>,
    /// When it ends. Null if it never does, or where the provider does not say.
    pub expires_at: Option<DateTime>,
    /// Publicize only: whether every author of the site may use it. Null at OneAll, for a Keyring connection, and where
    /// WordPress.com does not say.
    pub shared: Option<bool>,
    /// Other accounts that the same grant can act as: pages, channels, organisations. Empty for none.
    pub additional_accounts: Vec<AdditionalAccount>,
    /// How well it works; null on a row whose provider tells that only one by one.
    #[graphql(skip)]
    pub health: Option<ConnectionHealth>,
    /// The service's slug as the provider spells it.
    #[graphql(skip)]
    pub service: Option<String>,
    /// The outside account.
    #[graphql(skip)]
    pub identity: Option<Arc<Identity>>,
    /// The OneAll plugin through which it was made.
    #[graphql(skip)]
    pub plugin: Option<String>,
    /// The sites that use it.
    #[graphql(skip)]
    pub sites: Vec<SiteId>,
    /// Everything else the provider said.
    #[graphql(skip)]
    pub record: ConnectionRecord,
    /// False on a row of a list that carries less than the thing itself: a OneAll sign-in has only its token, date,
    /// status and callback there. The absent fields are then unknown, not empty.
    #[graphql(skip)]
    pub complete: bool,
}

impl Connection {
    /// A connection of which nothing is known but what names it, and its record.
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

    /// Where the person's own browser renews the grant; none where the provider gives no place.
    pub fn refresh_link(&self) -> Option<&OneTimeLink<ConnectionKey>> {
        match &self.record {
            ConnectionRecord::Keyring(record) => record.refresh_url.as_ref(),
            ConnectionRecord::Publicize(record) => record.refresh_url.as_ref(),
            ConnectionRecord::SignIn(_) => None,
        }
    }
}

/// What sort of record a connection is.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ConnectionKind {
    /// WordPress.com: a stored grant to an outside service.
    Keyring,
    /// WordPress.com: a Keyring connection put to use on a site.
    Publicize,
    /// OneAll: one sign-in or link event.
    SignIn,
}

/// How well a connection works.
#[derive(SimpleObject, Clone, Debug, PartialEq)]
#[graphql(complex)]
pub struct ConnectionHealth {
    /// One word over both providers' vocabularies.
    pub state: HealthState,
    /// The provider's own word, kept as it came. Null where it gave none.
    pub provider_status: Option<String>,
    /// Why a sign-in failed, in OneAll's words: "The user did not authenticate successfully". Null where it gave none,
    /// for one that did not fail, and at WordPress.com.
    pub reason: Option<String>,
    /// What a person can do about it, and where. Null if nothing needs doing.
    pub action: Option<HealthAction>,
    /// When the connection ends.
    #[graphql(skip)]
    pub expires_at: Option<DateTime>,
}

/// How well a connection works, in one word over both providers' vocabularies.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HealthState {
    /// It works.
    Ok,
    /// It still works but will end soon: the person should reconnect (WordPress.com's `must_reauth`).
    Expiring,
    /// It has expired: the person has to grant access again.
    Reauthorize,
    /// The outside service no longer accepts it (WordPress.com's `broken`).
    Broken,
    /// It never came to be or cannot be repaired: a failed sign-in, or WordPress.com's `invalid`.
    Failed,
    /// The provider no longer supports the service.
    Unsupported,
    /// The provider gave no word, or one that is not known; see `providerStatus`. Or its word is that it works, beside an
    /// end that cannot be read and may have passed.
    Unknown,
}

impl HealthState {
    /// Whether a person has something to do.
    pub fn needs_attention(self) -> bool {
        !matches!(self, HealthState::Ok | HealthState::Unknown)
    }
}

/// What a person can do about a connection.
#[derive(SimpleObject, Clone, Debug, PartialEq)]
#[graphql(complex)]
pub struct HealthAction {
    /// What to do.
    pub kind: HealthActionKind,
    /// Where, for the person's own browser; none where the provider gives no place.
    #[graphql(skip)]
    pub url: Option<OneTimeLink<ConnectionKey>>,
}

/// What a person can do about a connection.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HealthActionKind {
    /// Grant access again; the connection stays.
    Reconnect,
    /// Remove it: it cannot be repaired.
    Disconnect,
    /// Sign in or link once more: this attempt is over.
    ConnectAgain,
}

/// Another account that the same grant can act as: a page, a channel, an organisation.
#[derive(SimpleObject, Clone, Debug, PartialEq)]
pub struct AdditionalAccount {
    /// The account's own ID at the service. Null where WordPress.com gives none.
    pub subject: Option<String>,
    /// Its name. Null where WordPress.com gives none.
    pub name: Option<String>,
    /// Its picture. Null where WordPress.com gives none.
    pub picture_url: Option<Url>,
    /// Its description. Null where WordPress.com gives none.
    pub description: Option<String>,
    /// The service's word for what it is, such as "Bakery". Null where WordPress.com gives none.
    pub category: Option<String>,
}

/// Everything else a provider said of a connection, in its own terms.
#[derive(Union, Clone, Debug, PartialEq)]
pub enum ConnectionRecord {
    /// From `/me/keyring-connections`.
    Keyring(KeyringRecord),
    /// From `publicize-connections`.
    Publicize(PublicizeRecord),
    /// From OneAll's `/connections`.
    SignIn(SignInRecord),
}

/// WordPress.com: what only a Keyring connection has (the grant itself, not its use on a site).
#[derive(SimpleObject, Clone, Debug, PartialEq)]
#[graphql(complex)]
pub struct KeyringRecord {
    /// The number in `/me/keyring-connections/$ID`. Always there; it is nullable so that it can be selected together with
    /// a PublicizeRecord's, which may be null.
    pub keyring_connection_id: Option<ID>,
    /// The WordPress.com user it belongs to. Null where WordPress.com does not say.
    pub user_id: Option<ID>,
    /// `publicize` for services that posts can be shared to, `other` for the rest. Null where WordPress.com does not
    /// say.
    #[graphql(name = "type")]
    pub kind: Option<String>,
    /// Where the person's own browser renews the grant.
    #[graphql(skip)]
    pub refresh_url: Option<OneTimeLink<ConnectionKey>>,
    /// WordPress.com asks that the person be told of LinkedIn's changed terms. Null where it does not say.
    pub show_linkedin_warning: Option<bool>,
}

/// WordPress.com: what only a Publicize connection has (a Keyring connection put to use on a site).
#[derive(SimpleObject, Clone, Debug, PartialEq)]
#[graphql(complex)]
pub struct PublicizeRecord {
    /// The number in `/sites/$site/publicize-connections/$ID`.
    pub publicize_connection_id: ID,
    /// The site it serves. Null where WordPress.com does not say.
    pub site_id: Option<ID>,
    /// The WordPress.com user who put it to use. Null where WordPress.com does not say.
    pub user_id: Option<ID>,
    /// The Keyring connection it is built on. Null where WordPress.com does not say.
    pub keyring_connection_id: Option<ID>,
    /// The WordPress.com user whose grant that is. Null where WordPress.com does not say.
    pub keyring_user_id: Option<ID>,
    /// Where the person's own browser renews the grant.
    #[graphql(skip)]
    pub refresh_url: Option<OneTimeLink<ConnectionKey>>,
    /// The API's page about this resource. Null where WordPress.com gives none.
    pub help_url: Option<Url>,
    /// The API's address of this resource. Null where WordPress.com gives none.
    pub self_url: Option<Url>,
    /// The site, to read.
    #[graphql(skip)]
    pub site: Option<SiteId>,
    /// The Keyring connection, to read.
    #[graphql(skip)]
    pub keyring: Option<KeyringId>,
}

/// OneAll: one sign-in or link event.
#[derive(SimpleObject, Clone, Debug, PartialEq)]
#[graphql(complex)]
pub struct SignInRecord {
    /// The token that the callback received.
    #[graphql(skip)]
    pub token: ConnectionToken,
    /// OneAll's word for the outcome, such as `succeeded`. Null where it gives none.
    pub status: Option<String>,
    /// Where the person's browser was sent back to. Null where OneAll gives none.
    pub callback_url: Option<Url>,
    /// What the plugin reported; unknown on a list's row.
    #[graphql(skip)]
    pub plugin: Option<SignInPlugin>,
    /// The operation's own status; unknown on a list's row.
    #[graphql(skip)]
    pub result: Option<SignInResult>,
    /// The user it belongs to; unknown on a list's row.
    #[graphql(skip)]
    pub user: Option<UserToken>,
    /// What a callback's `data.action` says, such as `authenticate_user`; unknown on a list's row.
    #[graphql(skip)]
    pub action: Option<String>,
}

/// OneAll: what the plugin behind a sign-in reported.
#[derive(SimpleObject, Clone, Debug, PartialEq)]
pub struct SignInPlugin {
    /// The plugin: `social_login`, `social_link` or `single_sign_on`.
    pub key: String,
    /// What it was asked to do, such as `login`, `link_identity` or `unlink_identity`. Null where the plugin did not
    /// say.
    pub action: Option<String>,
    /// What it did, such as `user_profile_read`. Null where the plugin did not say.
    pub operation: Option<String>,
    /// Why it ended as it did, such as `user_authenticated` or `identity_is_linked_to_another_user`. Null where the
    /// plugin did not say.
    pub reason: Option<String>,
    /// How it ended: `success` or `error`. Null where the plugin did not say.
    pub status: Option<String>,
}

/// OneAll: how the operation behind a sign-in ended. A failed sign-in says 401 here, inside a request that went well.
#[derive(SimpleObject, Clone, Debug, PartialEq)]
pub struct SignInResult {
    /// `success` or `error`. Null where OneAll gives none.
    pub flag: Option<String>,
    /// A number like an HTTP status. Null where OneAll gives none.
    pub code: Option<i32>,
    /// A sentence, such as "The user successfully authenticated". Null where OneAll gives none.
    pub info: Option<String>,
    /// Whether what was asked was done: the person was signed in, linked or unlinked.
    pub succeeded: bool,
}

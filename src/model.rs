//! The entities of the schema: plain data that the providers' responses are mapped to.
//!
//! A field that needs another read is only a key here; `graph::fields` resolves it. Doc comments of types and fields become
//! the descriptions of the schema, so they are written for API clients.

pub mod application;
pub mod catalogue;
pub mod connection;
pub mod heap_size;
pub mod identity;
pub mod key;
pub mod matching;
pub mod scalar;
pub mod service;
pub mod site;
pub mod user;

pub use application::{Application, ApplicationAccess, ApplicationAccessKind, Permission, PermissionRisk};
pub use connection::Connection;
pub use connection::{
    AdditionalAccount, ConnectionHealth, ConnectionKind, ConnectionRecord, HealthAction, HealthActionKind, HealthState,
    KeyringRecord, PublicizeRecord, SignInPlugin, SignInRecord, SignInResult,
};
pub use identity::{
    Account, Address, EmailEntry, Identity, IdentityState, LabelledValue, Organization, PersonName, Photo, Profile,
    Relationship, UrlEntry,
};
pub use key::{
    ApplicationId, ApplicationKey, ConnectionKey, ConnectionToken, IdentityKey, IdentityToken, KeyringId, PublicizeId,
    SiteId, UserToken,
};
pub use matching::{IdentityMatch, MatchEvidence};
pub use scalar::{DateTime, OneTimeLink, Url};
pub use service::{Service, ServiceEntry};
pub use site::Site;
pub use user::{OneAllUser, WordPressUser};

use async_graphql::Enum;

/// A row of a list that could not be read, or a count of further rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SkippedRow {
    /// The path in the provider's response, such as `connections[3]`.
    pub path: String,
    /// The problem, without the content, such as `ID: expected a number or digits`.
    pub detail: String,
    /// The number of rows: one, or all further rows of a list that are not listed.
    pub rows: usize,
}

/// A provider of data.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[graphql(rename_items = "SCREAMING_SNAKE_CASE")]
pub enum Provider {
    /// WordPress.com: Keyring and Publicize connections, connected applications, sites.
    #[graphql(name = "WORDPRESS")]
    WordPress,
    /// OneAll: social sign-ins, the users they belong to, and full identities.
    #[graphql(name = "ONEALL")]
    OneAll,
}

impl Provider {
    /// Every provider.
    pub const ALL: [Provider; 2] = [Provider::WordPress, Provider::OneAll];

    /// The name in settings, logs and errors: `wordpress` or `oneall`.
    pub fn name(self) -> &'static str {
        match self {
            Provider::WordPress => "wordpress",
            Provider::OneAll => "oneall",
        }
    }

    /// The name in text: `WordPress.com` or `OneAll`.
    pub fn title(self) -> &'static str {
        match self {
            Provider::WordPress => "WordPress.com",
            Provider::OneAll => "OneAll",
        }
    }
}

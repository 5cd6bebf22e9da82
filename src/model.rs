//! The nouns of the graph, in our own words: what a provider said, mapped, and nothing about how it was read.
//!
//! A noun is plain data. What needs another read is an edge, and edges live in `graph`; here such a field is only a
//! key. The descriptions on types and fields are printed into the schema, so they are written for its readers.

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

/// A row of a list that could not be read, or the rest of many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SkippedRow {
    /// Where it stands in the provider's answer: `connections[3]`.
    pub path: String,
    /// What is wrong with it, without its content: `ID: expected a number or digits`.
    pub detail: String,
    /// How many rows this stands for: one, or all those of a list that are not named one by one.
    pub rows: usize,
}

/// One of the two services that the gateway reads.
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

    /// The provider's name in settings, logs and errors: `wordpress` or `oneall`.
    pub fn name(self) -> &'static str {
        match self {
            Provider::WordPress => "wordpress",
            Provider::OneAll => "oneall",
        }
    }

    /// The provider's name in a sentence: `WordPress.com` or `OneAll`.
    pub fn title(self) -> &'static str {
        match self {
            Provider::WordPress => "WordPress.com",
            Provider::OneAll => "OneAll",
        }
    }
}

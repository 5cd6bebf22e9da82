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
pub mod provider;
pub mod scalar;
pub mod service;
pub mod site;
pub mod skipped_row;
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
pub use provider::Provider;
pub use scalar::{DateTime, OneTimeLink, Url};
pub use service::{Service, ServiceEntry};
pub use site::Site;
pub use skipped_row::SkippedRow;
pub use user::{OneAllUser, WordPressUser};

//! Applications: authorized at WordPress.com, or OneAll plugins.

use async_graphql::{Enum, SimpleObject};

use super::heap_size::HeapSize;
use super::key::ApplicationKey;
use super::provider::Provider;
use super::scalar::{DateTime, Url};
use super::site::Site;

/// An application: authorized at WordPress.com, or the OneAll plugin that created a connection.
///
/// At WordPress.com an application is one grant, so the same program may appear once per site.
#[derive(SimpleObject, HeapSize, Clone, Debug, PartialEq)]
#[graphql(complex)]
pub struct Application {
    /// The key at the provider.
    #[graphql(skip)]
    pub key: ApplicationKey,
    /// The provider of the application.
    pub provider: Provider,
    /// The provider's ID: the ID of the grant at WordPress.com, the key of the plugin at OneAll.
    pub provider_id: String,
    /// The OAuth version of the authorization, such as "2.0". Null when the provider does not provide it.
    pub oauth_version: Option<String>,
    /// The name of the application. Null when WordPress.com provides none.
    pub name: Option<String>,
    /// The description by its developer. Null when there is none, and for a OneAll plugin.
    pub description: Option<String>,
    /// The URL of the application's home page. Null when there is no valid URL, and for a OneAll plugin.
    pub url: Option<Url>,
    /// The URL of the application's icon. Null when there is none, and for a OneAll plugin.
    pub icon_url: Option<Url>,
    /// The time of the authorization. Null when WordPress.com does not provide it, and for a OneAll plugin.
    pub authorized_at: Option<DateTime>,
    /// The permissions of the application. Empty when the provider lists none.
    pub permissions: Vec<Permission>,
    /// The extent of its access. Null for a OneAll plugin.
    pub access: Option<ApplicationAccess>,
    /// The site to which the access is limited. Null when it is not limited to a site.
    pub site: Option<Site>,
}

/// A permission of an application.
#[derive(SimpleObject, HeapSize, Clone, Debug, PartialEq)]
pub struct Permission {
    /// The name of the scope, such as `posts`.
    pub name: String,
    /// The description by the provider. Null when the provider provides none.
    pub description: Option<String>,
    /// The risk of the permission.
    pub risk: PermissionRisk,
}

/// The risk of a permission, derived from the name of its scope.
#[derive(Enum, HeapSize, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PermissionRisk {
    /// Reads data that is not about the person.
    Read,
    /// Changes or publishes data.
    Write,
    /// Reads personal data: name, email, notifications.
    Personal,
    /// The scope is unknown.
    Unknown,
}

/// The extent of an application's access.
#[derive(SimpleObject, HeapSize, Clone, Debug, PartialEq)]
pub struct ApplicationAccess {
    /// The kind of access.
    pub kind: ApplicationAccessKind,
    /// The provider's own value. Null when it provides none.
    pub scope: Option<String>,
}

/// The extent of an application's access.
#[derive(Enum, HeapSize, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ApplicationAccessKind {
    /// All of the person's sites.
    Global,
    /// Only the identity of the person ("Log in with WordPress.com").
    IdentityOnly,
    /// One site, which is named in `site`.
    Site,
    /// The provider's value is unknown, or it names no site.
    Unknown,
}

//! An application: one that was given access at WordPress.com, or the OneAll plugin that made a connection.

use async_graphql::{Enum, SimpleObject};

use super::{ApplicationKey, DateTime, Provider, Site, Url};

/// An application: one that was given access at WordPress.com, or the OneAll plugin that made a connection.
///
/// At WordPress.com an application is one grant: the same program can appear several times, once per site.
#[derive(SimpleObject, Clone, Debug, PartialEq)]
#[graphql(complex)]
pub struct Application {
    /// Which thing this is at its provider.
    #[graphql(skip)]
    pub key: ApplicationKey,
    /// The provider that knows it.
    pub provider: Provider,
    /// The provider's own key: the grant's number at WordPress.com, the plugin's key at OneAll.
    pub provider_id: String,
    /// The version of OAuth it was authorised with, such as "2.0". Null where the provider does not say.
    pub oauth_version: Option<String>,
    /// Its name. Null if WordPress.com gives none.
    pub name: Option<String>,
    /// What its maker says of it. Null if nothing, and for a OneAll plugin.
    pub description: Option<String>,
    /// Its home page. Null if none is given or it is no web address, and for a OneAll plugin.
    pub url: Option<Url>,
    /// Its icon. Null if it has none, and for a OneAll plugin.
    pub icon_url: Option<Url>,
    /// When the person gave it access. Null if WordPress.com does not say, and for a OneAll plugin.
    pub authorized_at: Option<DateTime>,
    /// What it may do. Empty where the provider lists nothing.
    pub permissions: Vec<Permission>,
    /// How far its access reaches. Null for a OneAll plugin.
    pub access: Option<ApplicationAccess>,
    /// The one site it may reach. Null if it is not bound to one.
    pub site: Option<Site>,
}

/// One thing an application may do.
#[derive(SimpleObject, Clone, Debug, PartialEq)]
pub struct Permission {
    /// The scope's name, such as `posts`.
    pub name: String,
    /// What it allows, in the provider's words. Null if the provider gives none.
    pub description: Option<String>,
    /// How much it lets the application do.
    pub risk: PermissionRisk,
}

/// How much a permission lets an application do, judged by the scope's name.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PermissionRisk {
    /// It reads what is not about the person.
    Read,
    /// It changes or publishes something.
    Write,
    /// It reads what is about the person: name, e-mail, notifications.
    Personal,
    /// The scope is not known.
    Unknown,
}

/// How far an application's access reaches.
#[derive(SimpleObject, Clone, Debug, PartialEq)]
pub struct ApplicationAccess {
    /// One word for it.
    pub kind: ApplicationAccessKind,
    /// The provider's own word, kept as it came. Null if it gives none, as often.
    pub scope: Option<String>,
}

/// How far an application's access reaches.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ApplicationAccessKind {
    /// All of the person's sites.
    Global,
    /// Only who the person is ("Log in with WordPress.com").
    IdentityOnly,
    /// One site: the one that is named, where the provider's word says nothing else or only what may be done there.
    Site,
    /// The provider's word is not known, or it names no site.
    Unknown,
}

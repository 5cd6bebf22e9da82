//! Services and sites: what a connection leads to, and where it is used.

use async_graphql::SimpleObject;

use super::{OneTimeLink, Provider, Url, catalogue};

/// A service on which people have accounts, such as Facebook, under one key for both providers.
///
/// What is more than its key, name and providers comes from WordPress.com's catalogue: null without a WordPress.com token,
/// for a service that only OneAll knows, and where the catalogue says nothing.
#[derive(SimpleObject, Clone, Debug, PartialEq)]
#[graphql(complex)]
pub struct Service {
    /// Our key for it, the same whichever provider spoke of it: `google` for WordPress.com's `google_plus` too.
    pub key: String,
    /// WordPress.com's slug for it, under which its catalogue can be read.
    #[graphql(skip)]
    pub slug: String,
    /// The provider's own name for it, where one came along.
    #[graphql(skip)]
    pub label: Option<String>,
    /// The catalogue's entry, where it is already at hand.
    #[graphql(skip)]
    pub entry: Option<ServiceEntry>,
}

/// What WordPress.com's catalogue says of a service.
#[derive(Clone, Debug, PartialEq)]
pub struct ServiceEntry {
    /// The slug at WordPress.com.
    pub slug: String,
    /// Its name.
    pub label: Option<String>,
    /// `publicize` or `other`.
    pub kind: Option<String>,
    /// What connecting it brings.
    pub description: Option<String>,
    /// Its icon.
    pub icon_url: Option<Url>,
    /// The name of its sign in WordPress.com's icon font.
    pub genericon: Option<String>,
    /// Where the person's browser connects it. It carries a one-time mark.
    pub connect_url: Option<OneTimeLink<String>>,
    /// Whether one person can connect several accounts.
    pub supports_multiple_accounts: Option<bool>,
    /// Whether only additional accounts (pages, channels), not the person's own, can be used.
    pub additional_accounts_only: Option<bool>,
    /// Whether it works on sites of one's own with Jetpack.
    pub jetpack_support: Option<bool>,
    /// The Jetpack module it needs.
    pub jetpack_module: Option<String>,
    /// WordPress.com's word on it, such as `unsupported`.
    pub status: Option<String>,
}

impl Service {
    /// The service that `provider` calls `slug`. Its catalogue entry is read when a field of it is selected.
    pub fn from_slug(provider: Provider, slug: &str, label: Option<&str>) -> Self {
        let key = catalogue::key_for(provider, slug);
        let slug = if provider == Provider::WordPress { slug } else { catalogue::wordpress_slug(&key) }.to_owned();
        Self { key, slug, label: label.map(str::to_owned), entry: None }
    }

    /// The service of an entry of WordPress.com's catalogue.
    pub fn from_entry(entry: &ServiceEntry) -> Self {
        let key = catalogue::key_for(Provider::WordPress, &entry.slug);
        Self { key, slug: entry.slug.clone(), label: entry.label.clone(), entry: Some(entry.clone()) }
    }
}

impl From<&catalogue::KnownService> for Service {
    fn from(known: &catalogue::KnownService) -> Self {
        let slug = catalogue::wordpress_slug(known.key).to_owned();
        Self { key: known.key.to_owned(), slug, label: None, entry: None }
    }
}

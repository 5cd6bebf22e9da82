//! Services: what connections lead to.

use async_graphql::SimpleObject;

use super::catalogue;
use super::heap_size::HeapSize;
use super::provider::Provider;
use super::scalar::{OneTimeLink, Url};

/// A service on which people have accounts, such as Facebook, with the same key for both providers.
///
/// Most fields come from WordPress.com's catalogue. They are null without a WordPress.com token and for services that are
/// not in the catalogue.
#[derive(SimpleObject, Clone, Debug, PartialEq)]
#[graphql(complex)]
pub struct Service {
    /// The key of the service, the same for both providers: `google` also stands for WordPress.com's `google_plus`.
    pub key: String,
    /// WordPress.com's slug of the service, by which its catalogue entry is read.
    #[graphql(skip)]
    pub slug: String,
    /// The provider's own name of the service, if known.
    #[graphql(skip)]
    pub label: Option<String>,
    /// The catalogue entry, if already loaded.
    #[graphql(skip)]
    pub entry: Option<ServiceEntry>,
}

/// An entry of WordPress.com's catalogue of services.
#[derive(Clone, Debug, PartialEq, HeapSize)]
pub struct ServiceEntry {
    /// The slug at WordPress.com.
    pub slug: String,
    /// The name.
    pub label: Option<String>,
    /// `publicize` or `other`.
    pub kind: Option<String>,
    /// What a connection to the service does.
    pub description: Option<String>,
    /// The URL of the icon.
    pub icon_url: Option<Url>,
    /// The name of the icon in the Genericons font.
    pub genericon: Option<String>,
    /// The URL at which a person connects the service. It contains a one-time nonce.
    pub connect_url: Option<OneTimeLink<String>>,
    /// Whether one person can connect several accounts.
    pub supports_multiple_accounts: Option<bool>,
    /// Whether only additional accounts (pages, channels) can be connected.
    pub additional_accounts_only: Option<bool>,
    /// Whether it works on self-hosted sites with Jetpack.
    pub jetpack_support: Option<bool>,
    /// The required Jetpack module.
    pub jetpack_module: Option<String>,
    /// WordPress.com's status, such as `unsupported`.
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

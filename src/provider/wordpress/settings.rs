//! `[wordpress]`: how WordPress.com is called, and the TTL of its responses.
//!
//! A person changes their own lists on WordPress.com and comes back to look, so lists have a short TTL. The catalogue
//! of services is nearly the same for everyone and changes by the month.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::upstream::{self, CacheSettings};

/// WordPress.com.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The base URL of the API. Plain `http:` is allowed for loopback hosts only.
    pub base_url: String,
    /// The Keyring API that is read.
    pub keyring_api: KeyringApi,
    /// The number of your WordPress.com application. If set, tokens of other applications are refused.
    pub client_id: Option<String>,
    /// The calls to the provider.
    pub upstream: upstream::Settings,
    /// Calls in progress with the token of one person.
    #[schemars(range(min = 1, max = 10_000))]
    pub concurrent_per_token_max: usize,
    /// The cache of the provider's responses.
    pub cache: CacheSettings,
    /// The TTL of responses.
    pub fresh: TtlSettings,
}

/// The TTL of responses, in seconds. With 0, a response is stale at once: it is served and revalidated.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(default, deny_unknown_fields)]
pub struct TtlSettings {
    /// Connections and applications.
    #[schemars(range(max = 86_400))]
    pub lists_seconds: u64,
    /// The catalogue of services.
    #[schemars(range(max = 86_400))]
    pub services_seconds: u64,
    /// The person's account.
    #[schemars(range(max = 86_400))]
    pub me_seconds: u64,
    /// Sites.
    #[schemars(range(max = 86_400))]
    pub sites_seconds: u64,
}

impl Default for TtlSettings {
    fn default() -> Self {
        Self { lists_seconds: 30, services_seconds: 3_600, me_seconds: 60, sites_seconds: 300 }
    }
}

/// A Keyring API of WordPress.com.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
pub enum KeyringApi {
    /// `/rest/v1.1/me/keyring-connections`, documented in full and marked as deprecated.
    #[default]
    #[serde(rename = "v1.1")]
    V1,
    /// `/wpcom/v2/me/connections`, its successor.
    #[serde(rename = "v2")]
    V2,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            base_url: "https://public-api.wordpress.com".to_owned(),
            keyring_api: KeyringApi::default(),
            client_id: None,
            upstream: upstream::Settings::default(),
            concurrent_per_token_max: 16,
            cache: CacheSettings::default(),
            fresh: TtlSettings::default(),
        }
    }
}

impl Settings {
    /// The base URL, checked.
    ///
    /// # Errors
    /// A sentence that names the setting.
    pub fn base(&self) -> Result<Url, String> {
        upstream::check_base(&self.base_url).map_err(|error| format!("wordpress.base_url: {error}"))
    }
}

//! How WordPress.com is reached, and for how long its answers are fresh.
//!
//! A person's own lists are short-lived, since the person changes them elsewhere and comes back to look; the catalogue of
//! services is nearly the same for everybody and changes by the month.

use serde::Deserialize;
use url::Url;

use crate::upstream::{self, CacheSettings};

/// How WordPress.com is reached.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Where its API is.
    pub base_url: String,
    /// Which of its two Keyring APIs is read.
    pub keyring_api: KeyringApi,
    /// The gateway's own application there: if it is set, no token of another is taken.
    pub client_id: Option<String>,
    /// How the host is reached.
    pub upstream: upstream::Settings,
    /// How many calls one person's token may have under way at once.
    pub concurrent_per_token_max: usize,
    /// How long answers are kept, whatever they are of.
    pub cache: CacheSettings,
    /// For how long an answer is fresh, by what it is of.
    pub fresh: Fresh,
}

/// For how long an answer is fresh, in seconds. After 0 it is stale from the start: given while it is read anew.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(default, deny_unknown_fields)]
pub struct Fresh {
    /// Connections and applications, in lists and one by one.
    pub lists_seconds: u64,
    /// The catalogue of services.
    pub services_seconds: u64,
    /// The person's own account.
    pub me_seconds: u64,
    /// Sites.
    pub sites_seconds: u64,
}

impl Default for Fresh {
    fn default() -> Self {
        Self { lists_seconds: 30, services_seconds: 3_600, me_seconds: 60, sites_seconds: 300 }
    }
}

/// Which of WordPress.com's Keyring APIs is read.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
pub enum KeyringApi {
    /// `/rest/v1.1/me/keyring-connections`: documented in full, and marked as deprecated.
    #[default]
    #[serde(rename = "v1.1")]
    V1,
    /// `/wpcom/v2/me/connections`: its successor, with the same answers.
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
            fresh: Fresh::default(),
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

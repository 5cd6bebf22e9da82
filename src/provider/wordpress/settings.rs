//! How WordPress.com is reached: the settings of this folder and their defaults.

use serde::Deserialize;
use url::Url;

use crate::upstream;

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

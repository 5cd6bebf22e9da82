//! `[oneall]`: the OneAll site, its keys, and the TTL of its responses.

use schemars::JsonSchema;
use secrecy::SecretString;
use serde::Deserialize;
use url::Url;

use crate::auth::token_hash::is_same_secret;
use crate::upstream::{self, CacheSettings};

/// OneAll. It is read only if a site and both keys are set.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The subdomain of the site: `acme` for `https://acme.api.oneall.com`.
    pub subdomain: Option<String>,
    /// The base URL of the API. Overrides `subdomain`.
    pub base_url: Option<String>,
    /// The public key of the site.
    #[schemars(with = "Option<String>")]
    pub public_key: Option<SecretString>,
    /// The private key of the site.
    #[schemars(with = "Option<String>")]
    pub private_key: Option<SecretString>,
    /// The calls to the provider.
    pub upstream: upstream::Settings,
    /// The cache of the provider's responses.
    pub cache: CacheSettings,
    /// The TTL of responses.
    pub fresh: TtlSettings,
}

/// The TTL of responses, in seconds. With 0, a response is stale at once: it is served and revalidated.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(default, deny_unknown_fields)]
pub struct TtlSettings {
    /// A sign-in that succeeded. It does not change any more.
    #[schemars(range(max = 86_400))]
    pub sign_ins_seconds: u64,
    /// Pages of lists, and sign-ins that have not succeeded.
    #[schemars(range(max = 86_400))]
    pub lists_seconds: u64,
    /// Users and identities.
    #[schemars(range(max = 86_400))]
    pub users_seconds: u64,
}

impl Default for TtlSettings {
    fn default() -> Self {
        Self { sign_ins_seconds: 3_600, lists_seconds: 10, users_seconds: 60 }
    }
}

impl Settings {
    /// The base URL, checked. `None` if OneAll is not configured.
    ///
    /// # Errors
    /// A sentence that names the invalid setting.
    pub fn base(&self) -> Result<Option<Url>, String> {
        let text = match (&self.base_url, &self.subdomain) {
            (Some(url), _) => url.clone(),
            (None, Some(name)) if is_subdomain(name) => format!("https://{name}.api.oneall.com"),
            (None, Some(_)) => {
                return Err("oneall.subdomain: is not valid; expected letters, digits and hyphens".to_owned());
            }
            (None, None) if self.public_key.is_none() && self.private_key.is_none() => return Ok(None),
            (None, None) => return Err("oneall.subdomain: is required; set the name of the OneAll site".to_owned()),
        };
        upstream::check_base(&text).map(Some).map_err(|error| format!("oneall.base_url: {error}"))
    }
}

/// Written by hand because secrets have no `PartialEq`. The pattern names every setting, so that none is forgotten.
impl PartialEq for Settings {
    fn eq(&self, other: &Self) -> bool {
        let Self { subdomain, base_url, public_key, private_key, upstream, cache, fresh } = self;
        (subdomain, base_url, upstream, cache, fresh)
            == (&other.subdomain, &other.base_url, &other.upstream, &other.cache, &other.fresh)
            && is_same_secret(public_key.as_ref(), other.public_key.as_ref())
            && is_same_secret(private_key.as_ref(), other.private_key.as_ref())
    }
}

fn is_subdomain(name: &str) -> bool {
    !name.is_empty() && name.len() <= 63 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

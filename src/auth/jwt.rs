//! Verifies the JWT of a person, signed by the site's own issuer.
//!
//! The order is: shape, key, signature, claims. Nothing in a token is trusted or followed before its signature is
//! valid. The key comes from the settings or from the issuer's key set and brings its algorithm with it, so a token
//! cannot choose how it is checked. A token that brings a key or its location (`jwk`, `jku`, `x5u`, `x5c`), or that has
//! `crit`, is rejected.
//!
//! `jsonwebtoken` checks signatures. Claims are checked here, because the library reads the system clock, which tests
//! cannot set, and does not know `alg: Ed25519` (RFC 9864).

mod claims;
mod settings;
mod token;

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use jsonwebtoken::Algorithm;
use secrecy::ExposeSecret;
use url::Url;

use self::claims::Expected;
pub use self::claims::{Claims, LEEWAY, is_oneall_user_token};
pub use self::settings::Settings;
use self::token::UnverifiedToken;
use super::LookupMode;
use super::credential_error::CredentialError;
use super::jwks::{HttpSource, JwksCache, JwksFile, JwksSource, KeySet, VerifyingKey};

/// Verifies tokens of one issuer.
pub struct Verifier {
    keys: Keys,
    issuer: String,
    audience: String,
    oneall_user_claim: String,
}

/// The keys that signatures are checked with: one kind, never both.
enum Keys {
    /// A secret that the issuer shares with the gateway.
    Shared(Arc<VerifyingKey>),
    /// The issuer's public keys, and the URL they are fetched from, if they do not come from a file.
    Public(Arc<JwksCache>, Option<Url>),
}

impl Verifier {
    /// Builds the verifier for these settings, or `None` if they name no issuer.
    ///
    /// If `previous` has a cache for the same URL, that cache is reused and refreshed. A cache refreshes its keys in a
    /// task, so this must be called within a tokio runtime.
    ///
    /// # Errors
    /// One line that names the setting and what is expected, never the value.
    pub fn from_settings(settings: &Settings, previous: Option<&Self>) -> Result<Option<Self>, String> {
        Self::with_source(settings, &|url| Ok(Box::new(HttpSource::new(url)?)), previous)
    }

    /// Does the same with another source of key sets at a URL.
    fn with_source(
        settings: &Settings,
        jwks_source: &dyn Fn(Url) -> Result<Box<dyn JwksSource>, String>,
        previous: Option<&Self>,
    ) -> Result<Option<Self>, String> {
        settings.validate()?;
        let (Some(issuer), Some(audience)) = (settings.issuer.clone(), settings.audience.clone()) else {
            return Ok(None);
        };
        let keys = if let Some(secret) = &settings.secret {
            let key = VerifyingKey::from_secret(secret.expose_secret().as_bytes());
            Keys::Shared(Arc::new(key.map_err(|what| format!("access.jwt.secret: {what}"))?))
        } else if let Some(path) = &settings.jwks_file {
            Keys::Public(Arc::new(file_keys(JwksFile(path.clone()))?), None)
        } else {
            let url = settings.parse_jwks_url()?;
            let cache = match previous.and_then(|previous| previous.cache_for(&url)) {
                Some(cache) => {
                    cache.refresh();
                    cache
                }
                None => {
                    let source = jwks_source(url.clone()).map_err(|what| format!("access.jwt.jwks_url: {what}"))?;
                    Arc::new(JwksCache::start(source, None)?)
                }
            };
            Keys::Public(cache, Some(url))
        };
        Ok(Some(Self { keys, issuer, audience, oneall_user_claim: settings.oneall_user_claim.clone() }))
    }

    fn cache_for(&self, url: &Url) -> Option<Arc<JwksCache>> {
        match &self.keys {
            Keys::Public(cache, Some(from)) if from == url => Some(cache.clone()),
            _ => None,
        }
    }

    /// Verifies a token as of `now`.
    ///
    /// With [`LookupMode::AllowFetch`] it waits for a fetch if the token names an unknown key. A token signed with a
    /// shared secret never causes a fetch.
    ///
    /// # Errors
    /// Why the token is rejected.
    pub async fn verify(&self, token: &str, now: SystemTime, mode: LookupMode) -> Result<Claims, CredentialError> {
        let token = UnverifiedToken::parse(token)?;
        let (kid, algorithm) = (token.kid.as_deref(), token.algorithm);
        let key = match (&self.keys, mode) {
            (Keys::Shared(key), _) => key.clone(),
            (Keys::Public(..), _) if algorithm == Algorithm::HS256 => return Err(CredentialError::WrongAlgorithm),
            (Keys::Public(cache, _), LookupMode::AllowFetch) => cache.key(kid, algorithm).await?,
            (Keys::Public(cache, _), LookupMode::CachedOnly) => cache.cached_key(kid, algorithm)?,
        };
        let claims = token.verify(&key)?;
        let oneall_user_claim = &self.oneall_user_claim;
        Claims::read(&claims, &Expected { issuer: &self.issuer, audience: &self.audience, oneall_user_claim }, now)
    }
}

fn file_keys(file: JwksFile) -> Result<JwksCache, String> {
    let keys = file.read().and_then(|body| KeySet::parse(&body).map_err(str::to_owned));
    let keys = keys.map_err(|what| format!("access.jwt.jwks_file: {what}"))?;
    JwksCache::start(Box::new(file), Some(keys))
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier")
            .field("issuer", &self.issuer)
            .field("audience", &self.audience)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod attacks;
#[cfg(test)]
pub(super) mod forge;
#[cfg(test)]
mod issuers;
#[cfg(test)]
mod tests;

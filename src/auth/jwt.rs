//! A person's token: a JWT that the site's own issuer signed, checked to the letter.
//!
//! The order is: size and shape, then the key, then the signature, then what is claimed; nothing that the token says is
//! believed or followed before its signature is good. The key is one the gateway already has and brings its algorithm
//! with it, so a token cannot choose how it is checked. A token that brings a key of its own, or says where one is
//! (`jwk`, `jku`, `x5u`, `x5c`), or has a `crit`, is refused: an honest issuer has no need of them here.
//!
//! The library checks the signature, the issuer and the audience. Times are checked here on typed claims, because it
//! would read the system's clock, which a test cannot set, and would round what is no whole number.

mod claims;
mod settings;
mod token;

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, Validation};
use secrecy::ExposeSecret;
use url::Url;

pub use self::claims::{Claims, LEEWAY, is_oneall_user_token};
pub use self::settings::Settings;
pub use self::token::TOKEN_LENGTH_MAX;
use self::token::{Header, Object};
use super::LookupMode;
use super::credential_error::CredentialError;
use super::jwks::{File, JwksCache, Key, Set, Source};

/// Checks tokens of one issuer.
pub struct Verifier {
    keys: Keys,
    issuer: String,
    audience: String,
    oneall_user_claim: String,
}

/// What signatures are checked with: one family, never both.
enum Keys {
    /// A secret that the issuer shares with the gateway.
    Shared(Arc<Key>),
    /// The issuer's public keys, and where they are fetched, if at a URL.
    Public(Arc<JwksCache>, Option<Url>),
}

impl Verifier {
    /// Makes what the settings describe; `None` if they name no issuer. `remote` makes the source of a key set at a
    /// URL; it is called for `jwks_url` only, and not if the one `before` has the keys from there. A key set is kept fresh
    /// by a task, so this needs a tokio runtime.
    ///
    /// # Errors
    /// One line that names the setting and what is wanted, never the value.
    pub fn build(
        settings: &Settings,
        remote: &dyn Fn(Url) -> Result<Box<dyn Source>, String>,
        before: Option<&Self>,
    ) -> Result<Option<Self>, String> {
        settings.check()?;
        let (Some(issuer), Some(audience)) = (settings.issuer.clone(), settings.audience.clone()) else {
            return Ok(None);
        };
        let keys = if let Some(secret) = &settings.secret {
            Keys::Shared(Arc::new(Key::shared(secret.expose_secret().as_bytes())))
        } else if let Some(path) = &settings.jwks_file {
            let wrong = |what: String| format!("access.jwt.jwks_file: {what}");
            let file = File(path.clone());
            let first = Set::parse(&file.read().map_err(wrong)?).map_err(|what| wrong(what.to_owned()))?;
            Keys::Public(Arc::new(JwksCache::start(Box::new(file), Some(first))?), None)
        } else {
            let url = settings.url()?;
            let ring = match before.map(|before| &before.keys) {
                Some(Keys::Public(ring, Some(from))) if *from == url => {
                    ring.renew();
                    ring.clone()
                }
                _ => {
                    let source = remote(url.clone()).map_err(|what| format!("access.jwt.jwks_url: {what}"))?;
                    Arc::new(JwksCache::start(source, None)?)
                }
            };
            Keys::Public(ring, Some(url))
        };
        Ok(Some(Self { keys, issuer, audience, oneall_user_claim: settings.oneall_user_claim.clone() }))
    }

    /// Checks a token as of this time. With full effort it waits for a key that may have just been made; at hand, a token
    /// that names a key which is not there is refused. One of the wrong family makes nobody fetch anything either way.
    ///
    /// # Errors
    /// Why it is refused.
    pub async fn verify(&self, token: &str, now: SystemTime, effort: LookupMode) -> Result<Claims, CredentialError> {
        let header = Header::of(token)?;
        let kid = header.kid.as_deref();
        let key = match (&self.keys, effort) {
            (Keys::Shared(key), _) => key.clone(),
            (Keys::Public(..), _) if header.algorithm == Algorithm::HS256 => {
                return Err(CredentialError::WrongAlgorithm);
            }
            (Keys::Public(ring, _), LookupMode::AllowFetch) => ring.key(kid).await?,
            (Keys::Public(ring, _), LookupMode::CachedOnly) => ring.key_at_hand(kid)?,
        };
        if header.algorithm != key.algorithm {
            return Err(CredentialError::WrongAlgorithm);
        }
        let claimed = self.open(token, &key)?;
        Claims::read(&claimed, &self.issuer, &self.oneall_user_claim, now)
    }

    /// What a token claims, once its signature, issuer and audience are good.
    fn open(&self, token: &str, key: &Key) -> Result<Object, CredentialError> {
        let mut wanted = Validation::new(key.algorithm);
        wanted.set_issuer(&[&self.issuer]);
        wanted.set_audience(&[&self.audience]);
        wanted.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        (wanted.validate_exp, wanted.validate_nbf) = (false, false);
        let opened = jsonwebtoken::decode::<Object>(token, &key.decoding, &wanted);
        opened.map(|opened| opened.claims).map_err(|error| match error.kind() {
            ErrorKind::InvalidSignature => CredentialError::BadSignature,
            ErrorKind::InvalidAlgorithm => CredentialError::WrongAlgorithm,
            ErrorKind::InvalidIssuer => CredentialError::WrongIssuer,
            ErrorKind::InvalidAudience => CredentialError::WrongAudience,
            _ => CredentialError::Malformed,
        })
    }
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
mod tests;

//! Turns the credentials of a request into a [`Caller`].
//!
//! A service key or JWT is checked first. A WordPress.com token next to it is checked only when it is used, so that
//! WordPress.com delays no request that does not need it. A token without another credential is checked at once. The
//! secret itself is never stored: results are cached by [`TokenHash`].

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::SecretString;

use super::caller::{AuthenticatedIdentity, Caller, Principal};
use super::credential_error::CredentialError;
use super::grant::{Denied, WordPressGrant};
use super::service_key::ServiceKeys;
use super::token_audience::{Audience, AudienceCache, CheckAudience, PendingCheck};
use super::token_hash::{TokenHash, TokenHasher};
use super::ttl_map::TtlMap;
use super::{CredentialHeader, Credentials, LookupMode, Rejection, RejectionReason, Settings};
use super::{jwt, parse_bearer, parse_wordpress_token, service_key};

/// How long a token counts as accepted after WordPress.com has last answered it.
pub(super) const ACCEPTED_TTL: Duration = Duration::from_secs(600);

/// The random bytes of the credential that a gateway in personal mode generates.
const PERSONAL_BEARER_BYTES: usize = 32;

/// Identifies callers by their credentials.
pub struct Authenticator {
    mode: AuthMode,
    wordpress_alone: bool,
    audiences: Option<Arc<AudienceCache>>,
    /// The tokens that WordPress.com has accepted recently.
    accepted: Arc<TtlMap<TokenHash, ()>>,
    hasher: Arc<TokenHasher>,
}

/// How callers are identified.
enum AuthMode {
    /// Each caller has their own credentials.
    Shared { keys: ServiceKeys, jwt: Option<jwt::Verifier> },
    /// There is one person, with a credential that was generated at start.
    Personal { bearer: TokenHash, person: Box<Caller> },
}

impl Authenticator {
    /// Builds an authenticator for callers with their own credentials.
    ///
    /// `audience_checker` returns the application that a WordPress.com token was issued to. Without it, every token is
    /// accepted. Caches of `previous` are reused as far as they come from the same source: the issuer's keys, the applications of
    /// tokens, and the tokens that were accepted.
    ///
    /// # Errors
    /// A sentence that names the setting and what is expected, never a value.
    pub fn from_settings(
        settings: &Settings,
        audience_checker: Option<Arc<dyn CheckAudience>>,
        previous: Option<&Self>,
        now: SystemTime,
    ) -> Result<Self, String> {
        let keys = ServiceKeys::from_settings(&settings.keys, now)?;
        let previous_jwt = previous.and_then(Self::jwt_verifier);
        let jwt = jwt::Verifier::from_settings(&settings.jwt, previous_jwt)?;
        let previous_audiences = previous.and_then(|previous| previous.audiences.as_ref());
        let audiences = audience_checker.map(|checker| match previous_audiences {
            Some(cache) if cache.uses(&checker) => cache.clone(),
            _ => Arc::new(AudienceCache::new(checker)),
        });
        // The cached results are keyed by hashes, so they are usable with the same hasher only.
        let (hasher, accepted) = match previous {
            Some(previous) => (previous.hasher.clone(), previous.accepted.clone()),
            None => (Arc::new(TokenHasher::random()?), Arc::new(TtlMap::new(ACCEPTED_TTL))),
        };
        let mode = AuthMode::Shared { keys, jwt };
        Ok(Self { mode, wordpress_alone: settings.wordpress_alone, audiences, accepted, hasher })
    }

    fn jwt_verifier(&self) -> Option<&jwt::Verifier> {
        match &self.mode {
            AuthMode::Shared { jwt, .. } => jwt.as_ref(),
            AuthMode::Personal { .. } => None,
        }
    }

    /// Builds an authenticator for one person, and generates the credential that this person must send.
    ///
    /// # Errors
    /// If the system has no random bytes.
    pub fn personal(
        wordpress_token: Option<SecretString>,
        oneall_user: Option<&str>,
    ) -> Result<(Self, SecretString), String> {
        let mut bytes = [0; PERSONAL_BEARER_BYTES];
        SystemRandom::new().fill(&mut bytes).map_err(|_| "the system has no random bytes".to_owned())?;
        let bearer = SecretString::from(URL_SAFE_NO_PAD.encode(bytes));
        let hasher = Arc::new(TokenHasher::random()?);
        let person = Box::new(Caller::personal(wordpress_token, oneall_user));
        let mode = AuthMode::Personal { bearer: hasher.hash(&bearer), person };
        let accepted = Arc::new(TtlMap::new(ACCEPTED_TTL));
        Ok((Self { mode, wordpress_alone: true, audiences: None, accepted, hasher }, bearer))
    }

    /// Identifies the caller of a request.
    ///
    /// `before_call` is called before WordPress.com is asked about a token that is the only credential. Its value is
    /// held until the answer has arrived.
    ///
    /// # Errors
    /// If a credential is present but not valid, or if `before_call` fails.
    pub async fn authenticate<T, E: From<Rejection>>(
        &self,
        credentials: Credentials<'_>,
        now: SystemTime,
        lookup: LookupMode,
        before_call: impl FnOnce(TokenHash) -> Result<T, E>,
    ) -> Result<Caller, E> {
        let bearer = credentials.authorization.map(parse_bearer).transpose().map_err(bearer_rejection)?;
        let token = credentials.wordpress_token.map(parse_wordpress_token).transpose().map_err(token_rejection)?;
        let (keys, jwt) = match &self.mode {
            AuthMode::Personal { bearer: expected, person } => {
                return Ok(self.authenticate_person(bearer, token.as_ref(), *expected, person)?);
            }
            AuthMode::Shared { keys, jwt } => (keys, jwt.as_ref()),
        };
        let identity = match bearer {
            Some(text) => Some(identify(keys, jwt, text, now, lookup).await.map_err(invalid)?),
            None => None,
        };
        match (identity, token) {
            (identity, None) => {
                Ok(identity.unwrap_or_else(AuthenticatedIdentity::anonymous).with_wordpress(Err(Denied::NoToken)))
            }
            (Some(identity), Some(token)) => Ok(identity.with_wordpress(self.grant_with_identity(&token)?)),
            (None, Some(token)) => self.authenticate_token(&token, lookup, before_call).await,
        }
    }

    /// Identifies a caller whose only credential is a WordPress.com token.
    async fn authenticate_token<T, E: From<Rejection>>(
        &self,
        token: &SecretString,
        lookup: LookupMode,
        before_call: impl FnOnce(TokenHash) -> Result<T, E>,
    ) -> Result<Caller, E> {
        let hash = self.hasher.hash(token);
        if lookup == LookupMode::CachedOnly && !self.is_known(hash) {
            return Err(token_rejection(RejectionReason::NotChecked).into());
        }
        let grant = if !self.wordpress_alone {
            Err(Denied::TokenAlone)
        } else if let Some(audiences) = &self.audiences {
            let is_cached = audiences.cached(hash).is_some();
            let _permit = (!is_cached).then(|| before_call(hash)).transpose()?;
            grant_for(token, audiences.audience(token, hash).await)?
        } else {
            Ok(WordPressGrant::new(token.clone()))
        };
        let identity = match grant {
            Ok(_) => AuthenticatedIdentity::from_token(hash, self.is_verified(hash)),
            Err(_) => AuthenticatedIdentity::anonymous(),
        };
        Ok(identity.with_wordpress(grant))
    }

    /// Returns the grant of a token next to a credential that identifies the caller. An unknown token is checked when it
    /// is first used.
    fn grant_with_identity(&self, token: &SecretString) -> Result<Result<WordPressGrant, Denied>, Rejection> {
        let Some(audiences) = &self.audiences else { return Ok(Ok(WordPressGrant::new(token.clone()))) };
        let hash = self.hasher.hash(token);
        match audiences.cached(hash) {
            Some(audience) => grant_for(token, audience),
            None => {
                let check = PendingCheck::new(audiences.clone(), hash);
                Ok(Ok(WordPressGrant::with_pending_check(token.clone(), check)))
            }
        }
    }

    /// Compares hashes instead of secrets, so that the time it takes reveals nothing.
    fn authenticate_person(
        &self,
        bearer: Option<&str>,
        token: Option<&SecretString>,
        expected: TokenHash,
        person: &Caller,
    ) -> Result<Caller, Rejection> {
        if token.is_some() {
            return Err(token_rejection(RejectionReason::NotAllowed));
        }
        match bearer.map(|text| self.hasher.hash(&SecretString::from(text))) {
            None => Ok(AuthenticatedIdentity::anonymous().with_wordpress(Err(Denied::NoCredential))),
            Some(hash) if hash == expected => Ok(person.clone()),
            Some(_) => Err(invalid(CredentialError::BadSignature)),
        }
    }

    /// Returns whether a token is known to be genuine: it was issued to this application, or, if that is not checked,
    /// WordPress.com has accepted it recently.
    fn is_verified(&self, hash: TokenHash) -> bool {
        match &self.audiences {
            Some(audiences) => audiences.was_this_application(hash),
            None => self.accepted.get(&hash).is_some(),
        }
    }

    /// Returns whether a token is not a guess: it is verified, or was accepted recently.
    fn is_known(&self, hash: TokenHash) -> bool {
        self.is_verified(hash) || self.accepted.get(&hash).is_some()
    }

    /// Records at the end of a request whether WordPress.com accepted a token that was the only credential. Returns
    /// `true` if it was rejected, so that it may have been a guess.
    pub fn record_token_result(&self, caller: &Caller) -> bool {
        let (Principal::WordPress { token, .. }, Some(grant)) = (caller.principal(), caller.wordpress()) else {
            return false;
        };
        match grant.is_accepted() {
            Some(true) => self.accepted.insert(*token, ()),
            Some(false) => self.accepted.remove(token),
            None => {}
        }
        grant.is_accepted() == Some(false)
    }
}

fn bearer_rejection(reason: RejectionReason) -> Rejection {
    Rejection { header: CredentialHeader::Authorization, reason }
}

fn token_rejection(reason: RejectionReason) -> Rejection {
    Rejection { header: CredentialHeader::WordPressToken, reason }
}

fn invalid(error: CredentialError) -> Rejection {
    bearer_rejection(RejectionReason::Invalid(error))
}

/// A token is used only if it is known to be issued to this application.
fn grant_for(token: &SecretString, audience: Audience) -> Result<Result<WordPressGrant, Denied>, Rejection> {
    match audience {
        Audience::ThisApplication => Ok(Ok(WordPressGrant::new(token.clone()))),
        Audience::Unknown => Ok(Err(Denied::AudienceUnknown)),
        Audience::OtherApplication => Err(token_rejection(RejectionReason::OtherApplication)),
    }
}

async fn identify(
    keys: &ServiceKeys,
    jwt: Option<&jwt::Verifier>,
    text: &str,
    now: SystemTime,
    lookup: LookupMode,
) -> Result<AuthenticatedIdentity, CredentialError> {
    if service_key::has_prefix(text) {
        return keys.verify(text, now).map(|key| AuthenticatedIdentity::service(&key));
    }
    let jwt = jwt.ok_or(CredentialError::UnknownKey)?;
    Ok(AuthenticatedIdentity::person(&jwt.verify(text, now, lookup).await?))
}

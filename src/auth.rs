//! Who asks, and what they may read: decided once at the border, carried by value, never widened on the way.
//!
//! One credential per header, and no guessing. `Authorization: Bearer` is a person's JWT or a service's key, by which the
//! caller is known; `X-WordPress-Token` is a person's OAuth token, lent for this request, and by itself proves nobody. A
//! credential that is there and not good ends the request: it is never taken for a missing one. What the caller may read
//! becomes grants, which only this room can make and every provider's read takes.

pub mod caller;
pub mod credential_error;
pub mod digest;
pub mod grant;
pub mod jwks;
pub mod jwt;
pub mod policy;
pub mod pseudonym;
pub mod scope;
pub mod service_key;
pub mod token_audience;
pub mod token_hash;
mod ttl_map;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use schemars::JsonSchema;
use secrecy::SecretString;
use serde::Deserialize;
use url::Url;

pub use self::caller::{Caller, Principal};
pub use self::credential_error::CredentialError;
pub use self::grant::{Denied, OneAllGrant, WordPressGrant};
pub use self::jwt::is_oneall_user_token;
pub use self::scope::{Scope, Scopes};

use self::caller::AuthenticatedIdentity;
use self::jwks::Source;
use self::service_key::ServiceKeys;
use self::token_audience::{Audience, AudienceCache, CheckAudience, PendingCheck};
use self::token_hash::{TokenHash, TokenHasher};
use self::ttl_map::TtlMap;

/// The longest WordPress.com token taken, in bytes; theirs have 64.
const TOKEN_LENGTH_MAX: usize = 1_024;

/// How long it is remembered that WordPress.com accepts a token; each answer to it begins that anew.
const ACCEPTED_FOR: Duration = Duration::from_secs(600);

/// The random bytes of the credential that a gateway in personal mode makes for its person.
const BEARER_BYTES: usize = 32;

/// Authentication.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The JWTs of persons.
    pub jwt: jwt::Settings,
    /// The keys of services, by key ID.
    pub keys: BTreeMap<String, service_key::Settings>,
    /// Whether a WordPress.com token authenticates a request without a JWT or a service key.
    pub wordpress_alone: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { jwt: jwt::Settings::default(), keys: BTreeMap::new(), wordpress_alone: true }
    }
}

impl Settings {
    /// Whether anybody can say who they are.
    pub fn is_configured(&self) -> bool {
        self.jwt.is_set() || !self.keys.is_empty()
    }
}

/// What a request shows, each the whole text of its header.
#[derive(Clone, Copy, Default)]
pub struct Credentials<'a> {
    /// `Authorization`.
    pub authorization: Option<&'a str>,
    /// `X-WordPress-Token`.
    pub wordpress_token: Option<&'a str>,
}

/// Which of the two credentials it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialHeader {
    /// `Authorization`.
    Authorization,
    /// `X-WordPress-Token`.
    WordPressToken,
}

/// How far the check of a credential may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LookupMode {
    /// As far as it takes.
    AllowFetch,
    /// No further than what is known here: no issuer and no provider is asked for one that nobody knows.
    CachedOnly,
}

/// Why a request is not taken: which credential it is, and what is wrong with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// Which.
    pub credential: CredentialHeader,
    /// What is wrong.
    pub fault: RejectionReason,
}

impl Rejection {
    /// Whether the credential may be somebody's guess: it is neither genuine, if out of its time, nor impossible to check.
    pub fn may_be_guess(self) -> bool {
        use CredentialError::{Expired, NotYetValid, Unavailable};
        !matches!(self.fault, RejectionReason::Invalid(Expired | NotYetValid | Unavailable))
    }
}

/// What is wrong with a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RejectionReason {
    /// The header does not hold what it should: one credential, in the one form.
    InvalidFormat,
    /// The credential is refused.
    Invalid(CredentialError),
    /// The WordPress.com token was issued to another application, or is none.
    OtherApplication,
    /// Nobody knows the WordPress.com token here, and nobody is asked.
    NotChecked,
    /// This gateway serves one person, whose token it has.
    NotAllowed,
}

/// What access asks of the world outside.
pub struct Dependencies<'a> {
    /// Says of each WordPress.com token whether it was issued to the gateway's own application; without it, all are taken.
    pub prover: Option<Arc<dyn CheckAudience>>,
    /// Makes the source of the key set at a URL.
    pub jwks_source: &'a dyn Fn(Url) -> Result<Box<dyn Source>, String>,
}

/// Makes callers of what requests show.
pub struct Authenticator {
    ways: AuthMode,
    wordpress_alone: bool,
    proofs: Option<Arc<AudienceCache>>,
    /// The tokens that WordPress.com has answered lately.
    accepted: Arc<TtlMap<()>>,
    marker: Arc<TokenHasher>,
}

/// How callers are known.
enum AuthMode {
    /// By their own credentials.
    Own { keys: ServiceKeys, jwt: Option<jwt::Verifier> },
    /// By the one credential that was made at the start.
    One { bearer: TokenHash, person: Box<Caller> },
}

impl Authenticator {
    /// Authenticator by the callers' own credentials. It goes by what the one `before` knows, as far as that comes from where its
    /// own would: the issuer's keys and whose tokens are; and it marks secrets alike.
    ///
    /// # Errors
    /// A sentence that names the setting and what is wanted, never a value.
    pub fn from_settings(
        settings: &Settings,
        outside: Dependencies<'_>,
        before: Option<&Self>,
        now: SystemTime,
    ) -> Result<Self, String> {
        let keys = ServiceKeys::from_settings(&settings.keys, now)?;
        let jwt = jwt::Verifier::build(&settings.jwt, outside.jwks_source, before.and_then(Self::verifier))?;
        let known = before.and_then(|before| before.proofs.as_ref());
        let proofs = outside.prover.map(|prover| match known {
            Some(known) if known.are_of(&prover) => known.clone(),
            _ => Arc::new(AudienceCache::new(prover)),
        });
        let fresh = Self::of(AuthMode::Own { keys, jwt }, Arc::new(TokenHasher::build()?));
        // What is told of tokens goes by their marks, so it is worth something under the same marker only.
        let (marker, accepted) =
            before.map_or((fresh.marker, fresh.accepted), |before| (before.marker.clone(), before.accepted.clone()));
        Ok(Self { ways: fresh.ways, wordpress_alone: settings.wordpress_alone, proofs, accepted, marker })
    }

    fn verifier(&self) -> Option<&jwt::Verifier> {
        match &self.ways {
            AuthMode::Own { jwt, .. } => jwt.as_ref(),
            AuthMode::One { .. } => None,
        }
    }

    /// Authenticator for one person, and the credential that they have to show.
    ///
    /// # Errors
    /// A sentence, if the system has no random bytes.
    pub fn personal(
        wordpress_token: Option<SecretString>,
        oneall_user: Option<&str>,
    ) -> Result<(Self, SecretString), String> {
        let mut bytes = [0; BEARER_BYTES];
        SystemRandom::new().fill(&mut bytes).map_err(|_| "the system gives no random bytes".to_owned())?;
        let (bearer, marker) = (SecretString::from(URL_SAFE_NO_PAD.encode(bytes)), Arc::new(TokenHasher::build()?));
        let person = Box::new(Caller::personal(wordpress_token, oneall_user));
        let ways = AuthMode::One { bearer: marker.mark(&bearer), person };
        Ok((Self::of(ways, marker), bearer))
    }

    fn of(ways: AuthMode, marker: Arc<TokenHasher>) -> Self {
        Self { ways, wordpress_alone: true, proofs: None, accepted: Arc::new(TtlMap::new(ACCEPTED_FOR)), marker }
    }

    /// Makes the caller of a request. Before anybody is asked whose the token is by which alone a caller is known, `may_ask` is,
    /// and what that gives is held until it is known.
    /// Beside another credential the token waits for that until it is to be used, so that no provider delays the other.
    ///
    /// # Errors
    /// A credential that is there and not good; or what `may_ask` says.
    pub async fn admit<T, E: From<Rejection>>(
        &self,
        shown: Credentials<'_>,
        now: SystemTime,
        effort: LookupMode,
        may_ask: impl FnOnce(TokenHash) -> Result<T, E>,
    ) -> Result<Caller, E> {
        let bearer = shown.authorization.map(|text| bearer(text).ok_or(AUTHORIZATION_FORM)).transpose()?;
        let token = shown.wordpress_token.map(|text| parse_wordpress_token(text).ok_or(TOKEN_FORM)).transpose()?;
        match &self.ways {
            AuthMode::One { bearer: expected, person } => {
                Ok(self.admit_one(bearer, token.as_ref(), *expected, person)?)
            }
            AuthMode::Own { keys, jwt } => {
                let identified = match bearer {
                    Some(text) => Some(identify(keys, jwt.as_ref(), text, now, effort).await.map_err(refused)?),
                    None => None,
                };
                let Some(token) = token else {
                    return Ok(identified.unwrap_or_else(AuthenticatedIdentity::nobody).with(Err(Denied::NoToken)));
                };
                let mark = self.marker.mark(&token);
                if identified.is_none() && effort == LookupMode::CachedOnly && !self.is_known(mark) {
                    return Err(Rejection {
                        credential: CredentialHeader::WordPressToken,
                        fault: RejectionReason::NotChecked,
                    }
                    .into());
                }
                let asks = identified.is_none() && self.asks(mark);
                let _asking = asks.then(|| may_ask(mark)).transpose()?;
                let wordpress = self.lend(&token, mark, identified.is_some()).await?;
                let by_token = || match wordpress {
                    Ok(_) => AuthenticatedIdentity::by_token(mark, self.is_verified(mark)),
                    Err(_) => AuthenticatedIdentity::nobody(),
                };
                Ok(identified.unwrap_or_else(by_token).with(wordpress))
            }
        }
    }

    /// Whether to lend the token of this mark, shown alone, takes a call, to find out whose it is.
    fn asks(&self, mark: TokenHash) -> bool {
        self.wordpress_alone && self.proofs.as_ref().is_some_and(|proofs| proofs.known(mark).is_none())
    }

    /// Marks are compared instead of secrets, so how long that takes says nothing about the secret.
    fn admit_one(
        &self,
        bearer: Option<&str>,
        token: Option<&SecretString>,
        expected: TokenHash,
        person: &Caller,
    ) -> Result<Caller, Rejection> {
        if token.is_some() {
            return Err(Rejection { credential: CredentialHeader::WordPressToken, fault: RejectionReason::NotAllowed });
        }
        match bearer.map(|text| self.marker.mark(&SecretString::from(text))) {
            None => Ok(AuthenticatedIdentity::nobody().with(Err(Denied::NoCredential))),
            Some(mark) if mark == expected => Ok(person.clone()),
            Some(_) => Err(refused(CredentialError::BadSignature)),
        }
    }

    /// Turns a token into the right to use it.
    async fn lend(
        &self,
        token: &SecretString,
        mark: TokenHash,
        is_identified: bool,
    ) -> Result<Result<WordPressGrant, Denied>, Rejection> {
        if !is_identified && !self.wordpress_alone {
            return Ok(Err(Denied::TokenAlone));
        }
        let Some(proofs) = &self.proofs else { return Ok(Ok(WordPressGrant::new(token.clone()))) };
        let proof = match proofs.known(mark) {
            Some(proof) => proof,
            None if is_identified => {
                return Ok(Ok(WordPressGrant::doubted(token.clone(), PendingCheck::of(proofs.clone(), mark))));
            }
            None => proofs.of(token, mark).await,
        };
        match proof {
            Audience::ThisApplication => Ok(Ok(WordPressGrant::new(token.clone()))),
            // Nothing is read with a token of which nobody knows whose it is.
            Audience::Unknown => Ok(Err(Denied::AudienceUnknown)),
            Audience::OtherApplication => Err(Rejection {
                credential: CredentialHeader::WordPressToken,
                fault: RejectionReason::OtherApplication,
            }),
        }
    }

    /// Whether the token of this mark is known to be one: WordPress.com says whose it is, or has answered it lately.
    fn is_verified(&self, mark: TokenHash) -> bool {
        match &self.proofs {
            Some(proofs) => proofs.is_ours(mark),
            None => self.accepted.get(mark).is_some(),
        }
    }

    /// Whether the token of this mark is nobody's guess: it is proved, or was accepted a while ago.
    fn is_known(&self, mark: TokenHash) -> bool {
        self.is_verified(mark) || self.accepted.get(mark).is_some()
    }

    /// Learns what WordPress.com said of the token of a caller who shows nothing else, when their request has ended; tells
    /// whether it refused it, so that it may have been somebody's guess.
    pub fn record_token_result(&self, caller: &Caller) -> bool {
        let (Principal::WordPress { token, .. }, Some(grant)) = (caller.principal(), caller.wordpress()) else {
            return false;
        };
        match grant.is_accepted() {
            Some(true) => self.accepted.put(*token, ()),
            Some(false) => self.accepted.forget(*token),
            None => {}
        }
        grant.is_accepted() == Some(false)
    }
}

const AUTHORIZATION_FORM: Rejection =
    Rejection { credential: CredentialHeader::Authorization, fault: RejectionReason::InvalidFormat };
const TOKEN_FORM: Rejection =
    Rejection { credential: CredentialHeader::WordPressToken, fault: RejectionReason::InvalidFormat };

fn refused(reason: CredentialError) -> Rejection {
    Rejection { credential: CredentialHeader::Authorization, fault: RejectionReason::Invalid(reason) }
}

async fn identify(
    keys: &ServiceKeys,
    jwt: Option<&jwt::Verifier>,
    text: &str,
    now: SystemTime,
    effort: LookupMode,
) -> Result<AuthenticatedIdentity, CredentialError> {
    if service_key::is_meant(text) {
        return keys.verify(text, now).map(|key| AuthenticatedIdentity::service(&key));
    }
    let jwt = jwt.ok_or(CredentialError::UnknownKey)?;
    Ok(AuthenticatedIdentity::person(&jwt.verify(text, now, effort).await?))
}

/// The credential in an `Authorization` header: `Bearer`, one space or more, and one word.
fn bearer(text: &str) -> Option<&str> {
    let (scheme, credential) = text.split_once(' ')?;
    let credential = credential.trim_start_matches(' ');
    let is_word = !credential.is_empty() && credential.bytes().all(|b| b.is_ascii_graphic());
    (scheme.eq_ignore_ascii_case("Bearer") && is_word).then_some(credential)
}

/// Takes a text for a WordPress.com token if it can be one: visible ASCII without a space, so that it fits a header.
pub fn parse_wordpress_token(text: &str) -> Option<SecretString> {
    let fits = (1..=TOKEN_LENGTH_MAX).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
    fits.then(|| SecretString::from(text))
}

#[cfg(test)]
mod tests;

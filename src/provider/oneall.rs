//! OneAll: its endpoints, the site's keys, and which reads are the cheapest for the keys at hand.
//!
//! The site's keys read every user of the site, so what comes back is checked against the caller's grant before it is
//! let through: a record of somebody else is answered exactly like one that does not exist. A list of sign-ins carries
//! no user and no service; each row's rest is a read of its own, so these run side by side, some at a time.

pub mod date;
pub mod envelope;
pub mod mapping;
pub mod payload;
mod reads;

use std::collections::HashMap;
use std::sync::Arc;

use secrecy::SecretString;
use serde::Deserialize;
use url::Url;

use super::listing::one_by_one;
use super::span::{self, Pages, Slice, Stretch};
use super::{Answer, Calls, Error, Fetch, Reason};
use crate::access::OneAllGrant;
use crate::model::{Connection, ConnectionToken, Identity, IdentityToken, OneAllUser, Provider, Record, UserToken};
use crate::upstream::{self, CacheSettings, Upstream};

/// How OneAll is reached. Without keys it is not read at all.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The site's subdomain: `acme` for `https://acme.api.oneall.com`.
    pub subdomain: Option<String>,
    /// Where its API is, if not at the subdomain.
    pub base_url: Option<String>,
    /// The site's public key.
    pub public_key: Option<SecretString>,
    /// The site's private key.
    pub private_key: Option<SecretString>,
    /// How the host is reached.
    pub upstream: upstream::Settings,
    /// How long answers are kept, whatever they are of.
    pub cache: CacheSettings,
    /// For how long an answer is fresh, by what it is of.
    pub fresh: reads::Fresh,
}

/// OneAll, for the life of the process.
#[derive(Debug)]
pub struct OneAll(Option<Site>);

#[derive(Debug)]
struct Site {
    upstream: Arc<Upstream<Error>>,
    fresh: reads::Fresh,
    public_key: SecretString,
    private_key: SecretString,
}

/// OneAll for one operation of one caller; each page of a list is read at most once.
pub struct Reads {
    host: Arc<OneAll>,
    grant: OneAllGrant,
    calls: Calls,
    sign_ins: Pages<Connection>,
    identities: Pages<Identity>,
}

impl Settings {
    /// The base URL, checked; none if OneAll is not to be read.
    ///
    /// # Errors
    /// A sentence that names the setting.
    pub fn base(&self) -> Result<Option<Url>, String> {
        let text = match (&self.base_url, &self.subdomain) {
            (Some(url), _) => url.clone(),
            (None, Some(name)) if is_subdomain(name) => format!("https://{name}.api.oneall.com"),
            (None, Some(_)) => return Err("oneall.subdomain: wanted letters, digits and hyphens".to_owned()),
            (None, None) if self.public_key.is_none() && self.private_key.is_none() => return Ok(None),
            (None, None) => return Err("oneall.subdomain: is missing; wanted the name of the OneAll site".to_owned()),
        };
        upstream::check_base(&text).map(Some).map_err(|error| format!("oneall.base_url: {error}"))
    }
}

impl OneAll {
    /// Makes the way to OneAll.
    ///
    /// # Errors
    /// A sentence that names the setting.
    pub fn build(settings: &Settings) -> Result<Self, String> {
        let Some(base) = settings.base()? else { return Ok(Self(None)) };
        let key = |key: &Option<SecretString>, name: &str| {
            key.clone().ok_or_else(|| format!("oneall.{name}: is missing; wanted the site's key"))
        };
        Ok(Self(Some(Site {
            upstream: Arc::new(Upstream::build(reads::plan(base, settings))?),
            fresh: settings.fresh.clone(),
            public_key: key(&settings.public_key, "public_key")?,
            private_key: key(&settings.private_key, "private_key")?,
        })))
    }

    /// Whether the gateway has access to a OneAll site.
    pub fn is_configured(&self) -> bool {
        self.0.is_some()
    }

    /// Begins the reads of one operation.
    pub fn reads(self: &Arc<Self>, grant: OneAllGrant, calls: Calls) -> Reads {
        Reads { host: self.clone(), grant, calls, sign_ins: Pages::default(), identities: Pages::default() }
    }
}

impl Reads {
    /// Whether the gateway has access to a OneAll site.
    pub fn is_configured(&self) -> bool {
        self.host.is_configured()
    }

    /// Whether the caller may read anything here.
    pub fn is_authorized(&self) -> bool {
        self.host.is_configured() && self.grant.reaches_anything()
    }

    /// The user the caller acts for, if any.
    pub fn user(&self) -> Option<UserToken> {
        self.grant.user().and_then(UserToken::parse)
    }

    /// A stretch of the site's sign-ins.
    pub async fn sign_ins(&self, stretch: Stretch) -> Result<Slice<Connection>, Error> {
        self.may_list()?;
        let read = |ask| self.list(&["connections.json"], ask, mapping::sign_in_list);
        span::read(stretch, |ask| self.sign_ins.page(ask, read(ask))).await
    }

    /// A stretch of the site's identities.
    pub async fn identities(&self, stretch: Stretch) -> Result<Slice<Identity>, Error> {
        self.may_list()?;
        let read = |ask| self.list(&["identities.json"], ask, mapping::identity_list);
        span::read(stretch, |ask| self.identities.page(ask, read(ask))).await
    }

    fn may_list(&self) -> Result<(), Error> {
        if !self.host.is_configured() {
            return Err(not_configured());
        }
        if self.grant.may_list() {
            return Ok(());
        }
        Err(Error::new(Provider::OneAll, Reason::NotAllowed, "the caller does not act for the site"))
    }

    async fn sign_in(&self, token: ConnectionToken) -> Answer<Connection> {
        if !self.grant.reaches_anything() {
            return Ok(None);
        }
        let Some(found) = self.read_sign_in(token).await? else { return Ok(None) };
        let owner = match &found.record {
            Record::SignIn(record) => record.user.clone(),
            _ => None,
        };
        Ok(self.own(owner.as_ref(), found))
    }

    async fn user_by_token(&self, token: UserToken) -> Answer<OneAllUser> {
        if !self.grant.covers(Some(token.as_str())) {
            return Ok(None);
        }
        self.read_user(token).await
    }

    async fn identity(&self, token: IdentityToken) -> Answer<Identity> {
        if !self.grant.reaches_anything() {
            return Ok(None);
        }
        let Some(found) = self.read_identity(token).await? else { return Ok(None) };
        let owner = found.user.clone();
        Ok(self.own(owner.as_ref(), found))
    }

    /// Lets a record through only to those who may see its owner's. What was kept is everybody's who reads with the site's
    /// keys, so this stands behind every read, whether or not it was a call.
    fn own<T>(&self, owner: Option<&UserToken>, found: Arc<T>) -> Option<Arc<T>> {
        self.grant.covers(owner.map(UserToken::as_str)).then_some(found)
    }
}

impl Fetch<ConnectionToken> for Reads {
    type Noun = Connection;

    async fn fetch(&self, keys: &[ConnectionToken]) -> HashMap<ConnectionToken, Answer<Connection>> {
        one_by_one(keys, |key| self.sign_in(key)).await
    }
}

impl Fetch<UserToken> for Reads {
    type Noun = OneAllUser;

    async fn fetch(&self, keys: &[UserToken]) -> HashMap<UserToken, Answer<OneAllUser>> {
        one_by_one(keys, |key| self.user_by_token(key)).await
    }
}

impl Fetch<IdentityToken> for Reads {
    type Noun = Identity;

    async fn fetch(&self, keys: &[IdentityToken]) -> HashMap<IdentityToken, Answer<Identity>> {
        one_by_one(keys, |key| self.identity(key)).await
    }
}

fn is_subdomain(name: &str) -> bool {
    !name.is_empty() && name.len() <= 63 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

fn not_configured() -> Error {
    Error::new(Provider::OneAll, Reason::NotConfigured, "no OneAll site is set")
}

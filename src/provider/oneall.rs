//! OneAll: its endpoints, the site's keys, and which reads are the cheapest for the keys at hand.
//!
//! The site's keys read every user of the site, so what comes back is checked against the caller's grant before it is
//! let through: a record of somebody else is answered exactly like one that does not exist. A list of sign-ins carries
//! no user and no service; each row's rest is a read of its own, so these run side by side, some at a time.

pub mod date;
pub mod envelope;
pub mod mapping;
pub mod payload;
mod personal;
mod reads;
mod write_reply;
mod writes;

use std::collections::HashMap;
use std::sync::Arc;

use schemars::JsonSchema;
use secrecy::SecretString;
use serde::Deserialize;
use tokio_util::task::TaskTracker;
use url::Url;

use self::personal::Withhold;
use self::reads::malformed;
use super::listing::one_by_one;
use super::pages::{self, PageCache, RangeResult, RowRange};
use super::{Answer, Calls, Error, Fetch, Reason};
use crate::auth::Denied;
use crate::auth::grant::{OneAllGrant, SiteKeys};
use crate::auth::token_hash::is_same_secret;
use crate::metrics::Metrics;
use crate::model::{
    Connection, ConnectionRecord, ConnectionToken, Identity, IdentityState, IdentityToken, OneAllUser, Provider,
    UserToken,
};
use crate::upstream::{self, CacheSettings, Plan, Upstream};

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
    pub fresh: reads::Fresh,
}

/// OneAll, for the life of the process.
#[derive(Debug)]
pub struct OneAll(Option<Site>);

#[derive(Debug)]
struct Site {
    upstream: Arc<Upstream<Error>>,
    fresh: reads::Fresh,
    keys: SiteKeys,
}

/// OneAll for one operation of one caller; each page of a list is read at most once.
pub struct Reads {
    host: Arc<OneAll>,
    grant: OneAllGrant,
    calls: Calls,
    sign_ins: PageCache<Connection>,
    identities: PageCache<Identity>,
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

/// Written out for the sake of the keys; it names every setting, so that none is left out.
impl PartialEq for Settings {
    fn eq(&self, other: &Self) -> bool {
        let Self { subdomain, base_url, public_key, private_key, upstream, cache, fresh } = self;
        (subdomain, base_url, upstream, cache, fresh)
            == (&other.subdomain, &other.base_url, &other.upstream, &other.cache, &other.fresh)
            && is_same_secret(public_key.as_ref(), other.public_key.as_ref())
            && is_same_secret(private_key.as_ref(), other.private_key.as_ref())
    }
}

impl OneAll {
    /// Makes the way to OneAll, whose writes run among these and whose calls are counted in these metrics; it goes on with
    /// what was known before of the same host.
    ///
    /// # Errors
    /// A sentence that names the setting.
    pub fn build(
        settings: &Settings,
        writes: &TaskTracker,
        metrics: &Metrics,
        before: Option<&Self>,
    ) -> Result<Self, String> {
        let Some(base) = settings.base()? else { return Ok(Self(None)) };
        let key = |key: &Option<SecretString>, name: &str| {
            key.clone().ok_or_else(|| format!("oneall.{name}: is missing; wanted the site's key"))
        };
        let before = before.and_then(|before| before.0.as_ref()).map(|site| site.upstream.memory());
        Ok(Self(Some(Site {
            upstream: Arc::new(Upstream::build(Plan { before, ..reads::plan(base, settings, writes, metrics) })?),
            fresh: settings.fresh.clone(),
            keys: SiteKeys::new(key(&settings.public_key, "public_key")?, key(&settings.private_key, "private_key")?),
        })))
    }

    /// Whether the gateway has access to a OneAll site.
    pub fn is_configured(&self) -> bool {
        self.0.is_some()
    }

    /// Tells the metrics how its host stands, if there is one.
    pub fn measure(&self) {
        if let Some(site) = &self.0 {
            site.upstream.measure();
        }
    }

    /// Begins the reads of one operation.
    pub fn reads(self: &Arc<Self>, grant: OneAllGrant, calls: Calls) -> Reads {
        Reads { host: self.clone(), grant, calls, sign_ins: PageCache::default(), identities: PageCache::default() }
    }
}

impl Reads {
    /// Whether the gateway has access to a OneAll site.
    pub fn is_configured(&self) -> bool {
        self.host.is_configured()
    }

    /// The same reads, of which none is made yet.
    pub fn afresh(&self) -> Self {
        self.host.reads(self.grant.clone(), self.calls.clone())
    }

    /// Whether the caller may read anything here.
    pub fn is_authorized(&self) -> bool {
        self.host.is_configured() && self.grant.reaches_anything()
    }

    /// Why the caller may read no sign-in here, if so.
    pub fn denied(&self) -> Option<Error> {
        self.granted(OneAllGrant::sign_ins).err()
    }

    /// The caller's own user, if any.
    pub fn user(&self) -> Option<UserToken> {
        self.grant.user().and_then(UserToken::parse)
    }

    /// A stretch of the site's sign-ins.
    pub async fn sign_ins(&self, stretch: RowRange) -> Result<RangeResult<Connection>, Error> {
        let permit = self.granted(OneAllGrant::sign_in_list)?;
        let read = |ask| self.list(permit, &["connections.json"], ask, mapping::sign_in_list);
        pages::read(stretch, |ask| self.sign_ins.page(ask, read(ask))).await
    }

    /// A stretch of the site's identities.
    pub async fn identities(&self, stretch: RowRange) -> Result<RangeResult<Identity>, Error> {
        let permit = self.granted(OneAllGrant::identity_list)?;
        let read = |ask| self.list(permit, &["identities.json"], ask, mapping::identity_list);
        pages::read(stretch, |ask| self.identities.page(ask, read(ask))).await
    }

    /// Whether the caller may list the site's sign-ins. Makes no call.
    ///
    /// # Errors
    /// Why not.
    pub fn may_list_sign_ins(&self) -> Result<(), Error> {
        self.granted(OneAllGrant::sign_in_list).map(drop)
    }

    /// Whether the caller may list the site's identities. Makes no call.
    ///
    /// # Errors
    /// Why not.
    pub fn may_list_identities(&self) -> Result<(), Error> {
        self.granted(OneAllGrant::identity_list).map(drop)
    }

    /// Whether the caller may see what identifies a person outside.
    ///
    /// # Errors
    /// Why not.
    pub fn personal(&self) -> Result<(), Error> {
        self.granted(OneAllGrant::personal)
    }

    /// Takes a grant out of what the caller may; nothing is asked of OneAll without one.
    fn granted<'a, G>(&'a self, take: impl FnOnce(&'a OneAllGrant) -> Result<G, Denied>) -> Result<G, Error> {
        if !self.host.is_configured() {
            return Err(not_configured());
        }
        take(&self.grant).map_err(|why| Error::denied(Provider::OneAll, why))
    }

    async fn sign_in(&self, token: ConnectionToken) -> Answer<Connection> {
        let grant = self.granted(OneAllGrant::sign_ins)?;
        if !grant.reaches_anything() {
            return Ok(None);
        }
        let Some(found) = self.read_sign_in(grant.clone(), token).await? else { return Ok(None) };
        Ok(grant.covers(owner_of_sign_in(&found)).then(|| self.release(found)))
    }

    async fn user_by_token(&self, token: UserToken) -> Answer<OneAllUser> {
        let grant = self.granted(OneAllGrant::users)?;
        if !grant.covers(Some(token.as_str())) {
            return Ok(None);
        }
        let Some(user) = self.read_user(grant.site_key_access(), token).await? else { return Ok(None) };
        Ok(Some(self.release(user)))
    }

    async fn identity(&self, token: IdentityToken) -> Answer<Identity> {
        let grant = self.granted(OneAllGrant::users)?;
        if !grant.reaches_anything() {
            return Ok(None);
        }
        let Some(found) = self.read_identity(grant.clone(), token).await? else { return Ok(None) };
        Ok(grant.covers(owner_of(&found)).then(|| self.release(found)))
    }

    /// Lets a record go up that the caller's grant covers, without what takes a right of its own if they have not that.
    /// Whoever else holds the record keeps it whole: what is taken out is taken out of a copy.
    fn release<T: Withhold + Clone>(&self, mut found: Arc<T>) -> Arc<T> {
        if self.grant.personal().is_err() {
            Arc::make_mut(&mut found).withhold();
        }
        found
    }
}

impl Fetch<ConnectionToken> for Reads {
    type Entity = Connection;

    async fn fetch(&self, keys: &[ConnectionToken]) -> HashMap<ConnectionToken, Answer<Connection>> {
        one_by_one(keys, |key| self.sign_in(key)).await
    }
}

impl Fetch<UserToken> for Reads {
    type Entity = OneAllUser;

    async fn fetch(&self, keys: &[UserToken]) -> HashMap<UserToken, Answer<OneAllUser>> {
        one_by_one(keys, |key| self.user_by_token(key)).await
    }
}

impl Fetch<IdentityToken> for Reads {
    type Entity = Identity;

    async fn fetch(&self, keys: &[IdentityToken]) -> HashMap<IdentityToken, Answer<Identity>> {
        one_by_one(keys, |key| self.identity(key)).await
    }
}

/// Whose a sign-in is, as far as that is proved.
fn owner_of_sign_in(found: &Connection) -> Option<&str> {
    match &found.record {
        ConnectionRecord::SignIn(record) if found.identity.as_deref().is_none_or(is_plain) => {
            record.user.as_ref().map(UserToken::as_str)
        }
        _ => None,
    }
}

/// Whose an identity is, as far as that is proved.
fn owner_of(found: &Identity) -> Option<&str> {
    found.user.as_ref().filter(|_| is_plain(found)).map(UserToken::as_str)
}

/// Whether an identity can be read. Whose encrypted data is cannot be proved by what stands beside it in plain.
fn is_plain(identity: &Identity) -> bool {
    identity.state == IdentityState::Readable
}

fn is_subdomain(name: &str) -> bool {
    !name.is_empty() && name.len() <= 63 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

fn not_configured() -> Error {
    Error::new(Provider::OneAll, Reason::NotConfigured, "no OneAll site is set")
}

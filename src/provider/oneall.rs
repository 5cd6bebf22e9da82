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
mod redact;
mod settings;
mod write_reply;
mod writes;

use std::collections::HashMap;
use std::sync::Arc;

use secrecy::SecretString;
use tokio_util::task::TaskTracker;
use url::Url;

use self::redact::Redact;
pub use self::settings::{Settings, TtlSettings};
use super::list_cache::read_each;
use super::pages::{self, PageCache, RangeResult, RowRange};
use super::{CallContext, EntityResult, Error, Fetch, Reason};
use crate::auth::Denied;
use crate::auth::grant::{OneAllGrant, SiteKeys};
use crate::metrics::Metrics;
use crate::model::{
    Connection, ConnectionRecord, ConnectionToken, Identity, IdentityState, IdentityToken, OneAllUser, Provider,
    UserToken,
};
use crate::upstream::{Own, Plan, Upstream};

/// OneAll, for the life of the process.
#[derive(Debug)]
pub struct OneAll(Option<Site>);

#[derive(Debug)]
struct Site {
    upstream: Arc<Upstream<Error>>,
    fresh: TtlSettings,
    keys: SiteKeys,
}

/// OneAll for one operation of one caller; each page of a list is read at most once.
pub struct Session {
    host: Arc<OneAll>,
    grant: OneAllGrant,
    calls: CallContext,
    sign_ins: PageCache<Connection>,
    identities: PageCache<Identity>,
}

/// How many callers at least share the host's turns, however much one of them asks for.
const SHARES: usize = 4;

/// The way to the site. Its keys are everybody's one credential, so turns are given by who pays.
fn upstream_config(base: Url, settings: &Settings, writes: &TaskTracker, metrics: &Metrics) -> Plan<Error> {
    Plan {
        provider: Provider::OneAll.name(),
        base,
        settings: settings.upstream.clone(),
        cache: settings.cache.clone(),
        own: Own::OfPayer((settings.upstream.concurrent_max / SHARES).max(1)),
        writes: writes.clone(),
        metrics: metrics.clone(),
        explain: |error| Error::from((Provider::OneAll, error)),
        before: None,
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
            upstream: Arc::new(Upstream::build(Plan { before, ..upstream_config(base, settings, writes, metrics) })?),
            fresh: settings.fresh.clone(),
            keys: SiteKeys::new(key(&settings.public_key, "public_key")?, key(&settings.private_key, "private_key")?),
        })))
    }

    /// Whether the gateway has access to a OneAll site.
    pub fn is_configured(&self) -> bool {
        self.0.is_some()
    }

    /// Tells the metrics how its host stands, if there is one.
    pub fn update_metrics(&self) {
        if let Some(site) = &self.0 {
            site.upstream.measure();
        }
    }

    /// Begins the reads of one operation.
    pub fn session(self: &Arc<Self>, grant: OneAllGrant, calls: CallContext) -> Session {
        Session { host: self.clone(), grant, calls, sign_ins: PageCache::default(), identities: PageCache::default() }
    }
}

impl Session {
    /// Whether the gateway has access to a OneAll site.
    pub fn is_configured(&self) -> bool {
        self.host.is_configured()
    }

    /// The same reads, of which none is made yet.
    pub fn fresh_session(&self) -> Self {
        self.host.session(self.grant.clone(), self.calls.clone())
    }

    /// Whether the caller may read anything here.
    pub fn is_authorized(&self) -> bool {
        self.host.is_configured() && self.grant.reaches_anything()
    }

    /// Why the caller may read no sign-in here, if so.
    pub fn denied(&self) -> Option<Error> {
        self.require_grant(OneAllGrant::sign_ins).err()
    }

    /// The caller's own user, if any.
    pub fn user(&self) -> Option<UserToken> {
        self.grant.user().and_then(UserToken::parse)
    }

    /// A stretch of the site's sign-ins.
    pub async fn sign_ins(&self, range: RowRange) -> Result<RangeResult<Connection>, Error> {
        let permit = self.require_grant(OneAllGrant::sign_in_list)?;
        let read = |params| self.list(permit, &["connections.json"], params, mapping::sign_in_list);
        pages::read(range, |params| self.sign_ins.page(params, read(params))).await
    }

    /// A stretch of the site's identities.
    pub async fn identities(&self, range: RowRange) -> Result<RangeResult<Identity>, Error> {
        let permit = self.require_grant(OneAllGrant::identity_list)?;
        let read = |params| self.list(permit, &["identities.json"], params, mapping::identity_list);
        pages::read(range, |params| self.identities.page(params, read(params))).await
    }

    /// Whether the caller may list the site's sign-ins. Makes no call.
    ///
    /// # Errors
    /// Why not.
    pub fn may_list_sign_ins(&self) -> Result<(), Error> {
        self.require_grant(OneAllGrant::sign_in_list).map(drop)
    }

    /// Whether the caller may list the site's identities. Makes no call.
    ///
    /// # Errors
    /// Why not.
    pub fn may_list_identities(&self) -> Result<(), Error> {
        self.require_grant(OneAllGrant::identity_list).map(drop)
    }

    /// Whether the caller may see what identifies a person outside.
    ///
    /// # Errors
    /// Why not.
    pub fn may_read_personal_data(&self) -> Result<(), Error> {
        self.require_grant(OneAllGrant::personal)
    }

    /// Takes a grant out of what the caller may; nothing is asked of OneAll without one.
    fn require_grant<'a, G>(&'a self, take: impl FnOnce(&'a OneAllGrant) -> Result<G, Denied>) -> Result<G, Error> {
        if !self.host.is_configured() {
            return Err(not_configured());
        }
        take(&self.grant).map_err(|why| Error::denied(Provider::OneAll, why))
    }

    async fn sign_in(&self, token: ConnectionToken) -> EntityResult<Connection> {
        let grant = self.require_grant(OneAllGrant::sign_ins)?;
        if !grant.reaches_anything() {
            return Ok(None);
        }
        let Some(found) = self.read_sign_in(grant.clone(), token).await? else { return Ok(None) };
        Ok(grant.covers(owner_of_sign_in(&found)).then(|| self.release(found)))
    }

    async fn user_by_token(&self, token: UserToken) -> EntityResult<OneAllUser> {
        let grant = self.require_grant(OneAllGrant::users)?;
        if !grant.covers(Some(token.as_str())) {
            return Ok(None);
        }
        let Some(user) = self.read_user(grant.site_key_access(), token).await? else { return Ok(None) };
        Ok(Some(self.release(user)))
    }

    async fn identity(&self, token: IdentityToken) -> EntityResult<Identity> {
        let grant = self.require_grant(OneAllGrant::users)?;
        if !grant.reaches_anything() {
            return Ok(None);
        }
        let Some(found) = self.read_identity(grant.clone(), token).await? else { return Ok(None) };
        Ok(grant.covers(owner_of(&found)).then(|| self.release(found)))
    }

    /// Lets a record go up that the caller's grant covers, without what takes a right of its own if they have not that.
    /// Whoever else holds the record keeps it whole: what is taken out is taken out of a copy.
    fn release<T: Redact + Clone>(&self, mut found: Arc<T>) -> Arc<T> {
        if self.grant.personal().is_err() {
            Arc::make_mut(&mut found).redact();
        }
        found
    }
}

impl Fetch<ConnectionToken> for Session {
    type Entity = Connection;

    async fn fetch(&self, keys: &[ConnectionToken]) -> HashMap<ConnectionToken, EntityResult<Connection>> {
        read_each(keys, |key| self.sign_in(key)).await
    }
}

impl Fetch<UserToken> for Session {
    type Entity = OneAllUser;

    async fn fetch(&self, keys: &[UserToken]) -> HashMap<UserToken, EntityResult<OneAllUser>> {
        read_each(keys, |key| self.user_by_token(key)).await
    }
}

impl Fetch<IdentityToken> for Session {
    type Entity = Identity;

    async fn fetch(&self, keys: &[IdentityToken]) -> HashMap<IdentityToken, EntityResult<Identity>> {
        read_each(keys, |key| self.identity(key)).await
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

fn not_configured() -> Error {
    Error::new(Provider::OneAll, Reason::NotConfigured, "no OneAll site is set")
}

fn malformed(detail: String) -> Error {
    Error::new(Provider::OneAll, Reason::Malformed, detail)
}

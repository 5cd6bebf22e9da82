//! OneAll: its endpoints, the site's keys, and the session of one operation.
//!
//! The site's keys can read every user of the site. So each record is checked against the caller's grant, and a record
//! of another user gets the same result as one that does not exist.
//!
//! The list of sign-ins names neither user nor service. So each row needs a read of its own, and these run
//! concurrently.

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
use crate::upstream::{ConcurrencyScope, Upstream, UpstreamConfig};

/// OneAll for the life of the process: the site if one is configured, with its cache and its keys.
#[derive(Debug)]
pub struct OneAll(Option<SiteClient>);

#[derive(Debug)]
struct SiteClient {
    upstream: Arc<Upstream<Error>>,
    ttl: TtlSettings,
    keys: SiteKeys,
}

/// OneAll for one operation of one caller. Reads each page of a list at most once.
pub struct Session {
    host: Arc<OneAll>,
    grant: OneAllGrant,
    calls: CallContext,
    sign_ins: PageCache<Connection>,
    identities: PageCache<Identity>,
}

/// One caller may use at most 1/`SHARES` of the concurrent calls to the site.
const SHARES: usize = 4;

/// The configuration of the site's host. All callers share the site's keys, so concurrency is limited per caller.
fn upstream_config(base: Url, settings: &Settings, writes: &TaskTracker, metrics: &Metrics) -> UpstreamConfig<Error> {
    UpstreamConfig {
        provider: Provider::OneAll.name(),
        base,
        settings: settings.upstream.clone(),
        cache: settings.cache.clone(),
        scope: ConcurrencyScope::Caller((settings.upstream.concurrent_max / SHARES).max(1)),
        writes: writes.clone(),
        metrics: metrics.clone(),
        map_error: |error| Error::from((Provider::OneAll, error)),
        previous: None,
    }
}

impl OneAll {
    /// Builds the client of the site. `writes` tracks the writes that outlive their operation.
    ///
    /// The state of `previous`, such as its cache, is carried over if it belongs to the same host.
    ///
    /// # Errors
    /// A sentence that names the invalid setting.
    pub fn build(
        settings: &Settings,
        writes: &TaskTracker,
        metrics: &Metrics,
        previous: Option<&Self>,
    ) -> Result<Self, String> {
        let Some(base) = settings.base()? else { return Ok(Self(None)) };
        let key = |key: &Option<SecretString>, name: &str| {
            key.clone().ok_or_else(|| format!("oneall.{name}: is missing; wanted the site's key"))
        };
        let previous = previous.and_then(|previous| previous.0.as_ref()).map(|site| site.upstream.host_state());
        Ok(Self(Some(SiteClient {
            upstream: Arc::new(Upstream::new(UpstreamConfig {
                previous,
                ..upstream_config(base, settings, writes, metrics)
            })?),
            ttl: settings.fresh.clone(),
            keys: SiteKeys::new(key(&settings.public_key, "public_key")?, key(&settings.private_key, "private_key")?),
        })))
    }

    /// Whether a OneAll site is configured.
    pub fn is_configured(&self) -> bool {
        self.0.is_some()
    }

    /// Updates the metrics with the state of the host, if a site is configured.
    pub fn update_metrics(&self) {
        if let Some(site) = &self.0 {
            site.upstream.record_gauges();
        }
    }

    /// Starts a session for one operation.
    pub fn session(self: &Arc<Self>, grant: OneAllGrant, calls: CallContext) -> Session {
        Session { host: self.clone(), grant, calls, sign_ins: PageCache::default(), identities: PageCache::default() }
    }
}

impl Session {
    /// Whether a OneAll site is configured.
    pub fn is_configured(&self) -> bool {
        self.host.is_configured()
    }

    /// A session for the same caller that has read nothing yet.
    pub fn fresh_session(&self) -> Self {
        self.host.session(self.grant.clone(), self.calls.clone())
    }

    /// Whether the caller may read anything at OneAll.
    pub fn is_authorized(&self) -> bool {
        self.host.is_configured() && self.grant.reaches_anything()
    }

    /// Why the caller may read no sign-ins, if that is so.
    pub fn denied(&self) -> Option<Error> {
        self.require_grant(OneAllGrant::sign_ins).err()
    }

    /// The caller's own user, if there is one.
    pub fn user(&self) -> Option<UserToken> {
        self.grant.user().and_then(UserToken::parse)
    }

    /// A range of the site's sign-ins.
    pub async fn sign_ins(&self, range: RowRange) -> Result<RangeResult<Connection>, Error> {
        let permit = self.require_grant(OneAllGrant::sign_in_list)?;
        let read = |params| self.list(permit, &["connections.json"], params, mapping::sign_in_list);
        pages::read(range, |params| self.sign_ins.page(params, read(params))).await
    }

    /// A range of the site's identities.
    pub async fn identities(&self, range: RowRange) -> Result<RangeResult<Identity>, Error> {
        let permit = self.require_grant(OneAllGrant::identity_list)?;
        let read = |params| self.list(permit, &["identities.json"], params, mapping::identity_list);
        pages::read(range, |params| self.identities.page(params, read(params))).await
    }

    /// Checks that the caller may list the site's sign-ins. Makes no call.
    ///
    /// # Errors
    /// Why the caller may not.
    pub fn may_list_sign_ins(&self) -> Result<(), Error> {
        self.require_grant(OneAllGrant::sign_in_list).map(drop)
    }

    /// Checks that the caller may list the site's identities. Makes no call.
    ///
    /// # Errors
    /// Why the caller may not.
    pub fn may_list_identities(&self) -> Result<(), Error> {
        self.require_grant(OneAllGrant::identity_list).map(drop)
    }

    /// Checks that the caller may read personal data, such as e-mail addresses. Makes no call.
    ///
    /// # Errors
    /// Why the caller may not.
    pub fn may_read_personal_data(&self) -> Result<(), Error> {
        self.require_grant(OneAllGrant::personal)
    }

    /// Returns a part of the caller's grant. Every call to OneAll needs one.
    fn require_grant<'a, G>(&'a self, select: impl FnOnce(&'a OneAllGrant) -> Result<G, Denied>) -> Result<G, Error> {
        if !self.host.is_configured() {
            return Err(not_configured());
        }
        select(&self.grant).map_err(|denied| Error::denied(Provider::OneAll, denied))
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

    /// Returns a record that the grant covers, without personal data if the caller may not read it.
    ///
    /// The redaction changes a copy, so the cached record stays complete.
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

/// The verified owner of a sign-in.
fn owner_of_sign_in(found: &Connection) -> Option<&str> {
    match &found.record {
        ConnectionRecord::SignIn(record) if found.identity.as_deref().is_none_or(is_readable) => {
            record.user.as_ref().map(UserToken::as_str)
        }
        _ => None,
    }
}

/// The verified owner of an identity.
fn owner_of(found: &Identity) -> Option<&str> {
    found.user.as_ref().filter(|_| is_readable(found)).map(UserToken::as_str)
}

/// Whether an identity is readable. The plain fields of an encrypted one do not prove who owns it.
fn is_readable(identity: &Identity) -> bool {
    identity.state == IdentityState::Readable
}

fn not_configured() -> Error {
    Error::new(Provider::OneAll, Reason::NotConfigured, "no OneAll site is configured")
}

fn malformed(detail: String) -> Error {
    Error::new(Provider::OneAll, Reason::Malformed, detail)
}

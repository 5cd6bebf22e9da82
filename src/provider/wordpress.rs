//! WordPress.com: its endpoints, the session of one operation, and the reads that it makes.
//!
//! Facts from its documentation that decide which requests are sent:
//!
//! - Several Keyring connections, applications, sites or services cost one call, the call for their list.
//! - The response to a single Keyring connection may be a Publicize connection.
//! - `fields` filters `/me`, sites and services. It empties the list of connected applications, so it is not sent
//!   there.
//! - `http_envelope`, `context`, `pretty` and `callback` change only the form of a response, so they are never sent.
//! - The data behind `meta` is not documented, so it is never sent either.

mod fetch;
pub mod mapping;
mod one_time_links;
pub mod payload;
mod reads;
mod settings;
mod token_info;
pub mod verdict;
mod write_reply;
mod writes;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::SystemTime;

use tokio::sync::OnceCell;
use tokio_util::task::TaskTracker;

use self::mapping::Mapped;
pub use self::settings::{KeyringApi, Settings, TtlSettings};
use super::list_cache::ListCache;
use super::skipped::log_skipped;
use super::{CallContext, EntityResult, Error, List, Reason};
use crate::auth::{Denied, WordPressGrant};
use crate::metrics::Metrics;
use crate::model::{
    Application, ApplicationId, ApplicationKey, Connection, ConnectionKey, ConnectionRecord, DateTime, KeyringId,
    Provider, PublicizeId, ServiceEntry, Site, SiteId, WordPressUser,
};
use crate::upstream::{Circuit, ConcurrencyScope, Upstream, UpstreamConfig};

/// The fields of `/me` that are mapped. Requested by name, so that secrets of `/me` never travel.
const ME_FIELDS: &str = "ID,display_name,username,email,email_verified,verified,avatar_URL,profile_URL,language,date,\
                         site_count,primary_blog,token_scope,token_site_id";

/// The fields of a site that are mapped. The others take about 50 kB per page.
const SITE_FIELDS: &str = "ID,name,description,URL,icon,capabilities";

/// The lists whose paths are also the parents of their items.
const APPLICATIONS: &[&str] = &["rest", "v1.1", "me", "connected-applications"];
const SERVICES: &[&str] = &["rest", "v1.1", "meta", "external-services"];

/// The list of the person's sites.
const SITES: &[&str] = &["rest", "v1.1", "me", "sites"];

/// The detail of a response that names another object than the requested one.
const WRONG_OBJECT: &str = "the response is about another object";

/// WordPress.com for the life of the process: the host with its cache, and the settings.
#[derive(Debug)]
pub struct WordPress {
    upstream: Arc<Upstream<Error>>,
    keyring_api: KeyringApi,
    client_id: Option<String>,
    ttl: TtlSettings,
}

/// WordPress.com for one operation of one caller. Reads each list at most once.
pub struct Session {
    host: Arc<WordPress>,
    grant: Result<WordPressGrant, Denied>,
    calls: CallContext,
    now: DateTime,
    keyring: ListCache<Connection>,
    publicize: Mutex<HashMap<Option<SiteId>, Arc<ListCache<Connection>>>>,
    applications: ListCache<Application>,
    services: ListCache<ServiceEntry>,
    sites: ListCache<Site>,
    me: OnceCell<Result<Arc<WordPressUser>, Error>>,
    single_connections: Mutex<HashMap<ConnectionKey, Arc<OnceCell<EntityResult<Connection>>>>>,
    uncached: OnceLock<Box<Session>>,
}

/// A service of WordPress.com's catalogue, by its slug.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ServiceSlug(pub String);

impl WordPress {
    /// Builds the client of the host. `writes` tracks the writes that outlive their operation.
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
        let upstream = Upstream::new(UpstreamConfig {
            provider: Provider::WordPress.name(),
            base: settings.base()?,
            settings: settings.upstream.clone(),
            cache: settings.cache.clone(),
            scope: ConcurrencyScope::Credential(settings.concurrent_per_token_max),
            writes: writes.clone(),
            metrics: metrics.clone(),
            map_error: |error| Error::from((Provider::WordPress, error)),
            previous: previous.map(|previous| previous.upstream.host_state()),
        })?;
        Ok(Self {
            upstream: Arc::new(upstream),
            keyring_api: settings.keyring_api,
            client_id: settings.client_id.clone(),
            ttl: settings.fresh.clone(),
        })
    }

    /// Updates the metrics with the state of the host.
    pub fn update_metrics(&self) {
        self.upstream.record_gauges();
    }

    /// Whether tokens must be issued to the configured application.
    pub(super) fn checks_audience(&self) -> bool {
        self.client_id.is_some()
    }

    /// Starts a session for one operation. `now` decides what has expired.
    pub fn session(
        self: &Arc<Self>,
        grant: Result<WordPressGrant, Denied>,
        calls: CallContext,
        now: SystemTime,
    ) -> Session {
        Session {
            host: self.clone(),
            grant,
            calls,
            now: DateTime(now.into()),
            keyring: ListCache::default(),
            publicize: Mutex::default(),
            applications: ListCache::default(),
            services: ListCache::default(),
            sites: ListCache::default(),
            me: OnceCell::new(),
            single_connections: Mutex::default(),
            uncached: OnceLock::new(),
        }
    }

    fn keyring_path(&self) -> [&'static str; 4] {
        match self.keyring_api {
            KeyringApi::V1 => ["rest", "v1.1", "me", "keyring-connections"],
            KeyringApi::V2 => ["wpcom", "v2", "me", "connections"],
        }
    }
}

impl Session {
    /// A session for the same caller that has read nothing yet.
    pub fn fresh_session(&self) -> Self {
        self.host.session(self.grant.clone(), self.calls.clone(), SystemTime::from(self.now.0))
    }

    /// Whether the caller may read anything at WordPress.com.
    pub fn is_authorized(&self) -> bool {
        self.grant.is_ok()
    }

    /// Why the caller may read nothing at WordPress.com, if that is so.
    pub fn denied(&self) -> Option<Error> {
        self.require_grant().err()
    }

    /// Whether the caller sent a token. It may be invalid: then each read fails with the reason.
    pub fn has_token(&self) -> bool {
        !matches!(self.grant, Err(Denied::NoToken | Denied::NoCredential))
    }

    /// The person's Keyring connections.
    pub async fn keyring_connections(&self) -> Result<Arc<List<Connection>>, Error> {
        let path = self.host.keyring_path();
        let now = self.now;
        let map = move |list| mapping::keyring_list(list, now);
        self.keyring.read(self.read_list(&path, &[], self.host.ttl.lists_seconds, map)).await
    }

    /// The person's Publicize connections, or those of one site.
    pub async fn publicize_connections(&self, site: Option<SiteId>) -> Result<Arc<List<Connection>>, Error> {
        let id = site.map(|site| site.to_string());
        let now = self.now;
        let path = publicize_path(id.as_deref());
        let map = move |list| mapping::publicize_list(list, now);
        self.publicize_list(site).read(self.read_list(&path, &[], self.host.ttl.lists_seconds, map)).await
    }

    /// The applications that the person has connected.
    pub async fn applications(&self) -> Result<Arc<List<Application>>, Error> {
        let read = self.read_list(APPLICATIONS, &[], self.host.ttl.lists_seconds, mapping::application_list);
        self.applications.read(read).await
    }

    /// The catalogue of services.
    pub async fn services(&self) -> Result<Arc<List<ServiceEntry>>, Error> {
        self.services.read(self.read_list(SERVICES, &[], self.host.ttl.services_seconds, mapping::service_list)).await
    }

    /// Makes later reads of services read the whole catalogue, even for a single service.
    ///
    /// For pages of rows that need their services at different times: one call serves them all.
    pub fn prefer_service_list(&self) {
        self.services.prefer_list();
    }

    /// The person's sites.
    pub async fn sites(&self) -> Result<Arc<List<Site>>, Error> {
        let fields = [("fields", SITE_FIELDS)];
        self.sites.read(self.read_list(SITES, &fields, self.host.ttl.sites_seconds, mapping::site_list)).await
    }

    /// The owner of the token.
    pub async fn me(&self) -> Result<Arc<WordPressUser>, Error> {
        let fields = [("fields", ME_FIELDS)];
        let read = || {
            self.read_required(&["rest", "v1.1", "me"], &fields, self.host.ttl.me_seconds, |me| {
                mapping::me(me).map(log_mapped)
            })
        };
        self.me.get_or_init(read).await.clone()
    }

    /// The state of the circuit breaker.
    pub fn circuit(&self) -> Circuit {
        self.host.upstream.circuit()
    }

    fn publicize_list(&self, site: Option<SiteId>) -> Arc<ListCache<Connection>> {
        let mut caches = self.publicize.lock().unwrap_or_else(PoisonError::into_inner);
        caches.entry(site).or_default().clone()
    }

    async fn keyring_connection(&self, key: KeyringId) -> EntityResult<Connection> {
        let [a, b, c, d] = self.host.keyring_path();
        if let Some(row) =
            self.cached_row(&[a, b, c, d], &[], |row: &Connection| row.key == ConnectionKey::Keyring(key))
        {
            return Ok(Some(row));
        }
        let now = self.now;
        let map = move |payload| {
            ensure_matches(log_mapped(mapping::connection(payload, now)?), |found| match &found.record {
                ConnectionRecord::Publicize(record) => record.keyring.is_none_or(|keyring| keyring == key),
                _ => found.key == ConnectionKey::Keyring(key),
            })
        };
        let path = [a, b, c, d, &key.to_string()];
        let Some(found) = self.read_optional(&path, &[], self.host.ttl.lists_seconds, map).await? else {
            return Ok(None);
        };
        if !matches!(found.record, ConnectionRecord::Publicize(_)) {
            return Ok(Some(found));
        }
        // The documented sample of a Keyring read is a Publicize connection. If the list has a Keyring connection with
        // this ID, that one is the requested connection. A read of several connections returns it too.
        let list = self.keyring_connections().await;
        let keyring =
            list.iter().flat_map(|list| &list.rows).find(|row| row.key == ConnectionKey::Keyring(key)).cloned();
        Ok(Some(keyring.unwrap_or(found)))
    }

    async fn publicize_connection(&self, key: PublicizeId) -> EntityResult<Connection> {
        let site = key.site.map(|site| site.to_string());
        let id = key.id.to_string();
        let has_key = |row: &Connection| row.key == ConnectionKey::Publicize(key);
        let lists = [publicize_path(site.as_deref()), publicize_path(None)];
        if let Some(row) = lists.iter().find_map(|path| self.cached_row(path, &[], has_key)) {
            return Ok(Some(row));
        }
        let [path, _] = lists;
        let path: Vec<&str> = path.into_iter().chain([id.as_str()]).collect();
        let now = self.now;
        let map = move |payload| {
            ensure_matches(log_mapped(mapping::connection(payload, now)?), |found| {
                found.key == ConnectionKey::Publicize(key)
            })
        };
        absent_if_owned_by_another(self.read_optional(&path, &[], self.host.ttl.lists_seconds, map).await)
    }

    async fn application(&self, key: ApplicationId) -> EntityResult<Application> {
        let key_of = ApplicationKey::Connected(key);
        if let Some(row) = self.cached_row(APPLICATIONS, &[], |row: &Application| row.key == key_of) {
            return Ok(Some(row));
        }
        let map =
            move |payload| ensure_matches(log_mapped(mapping::application(payload)?), |found| found.key == key_of);
        let id = key.to_string();
        self.read_optional(&child_path(APPLICATIONS, &id), &[], self.host.ttl.lists_seconds, map).await
    }

    async fn service(&self, slug: ServiceSlug) -> EntityResult<ServiceEntry> {
        // The catalogue is complete, so a slug that is missing from it does not exist.
        if let Some(list) = self.cached_list::<ServiceEntry>(SERVICES, &[]) {
            return Ok(list.rows.iter().find(|row| row.slug == slug.0).cloned());
        }
        let name = slug.0.clone();
        let map = move |payload| ensure_matches(mapping::service(payload)?, |found| found.slug == name);
        self.read_optional(&child_path(SERVICES, &slug.0), &[], self.host.ttl.services_seconds, map).await
    }

    async fn site(&self, key: SiteId) -> EntityResult<Site> {
        let fields = [("fields", SITE_FIELDS)];
        if let Some(row) = self.cached_row(SITES, &fields, |row: &Site| row.key == key) {
            return Ok(Some(row));
        }
        let map = move |payload| ensure_matches(mapping::site(payload)?, |found| found.key == key);
        let id = key.to_string();
        absent_if_owned_by_another(
            self.read_optional(&["rest", "v1.1", "sites", &id], &fields, self.host.ttl.sites_seconds, map).await,
        )
    }
}

/// The path of an item of a list.
fn child_path<'a>(list: &[&'a str], id: &'a str) -> Vec<&'a str> {
    list.iter().copied().chain([id]).collect()
}

fn publicize_path(site: Option<&str>) -> Vec<&str> {
    match site {
        Some(site) => vec!["rest", "v1.1", "sites", site, "publicize-connections"],
        None => vec!["rest", "v1.1", "me", "publicize-connections"],
    }
}

/// Treats an entity of another person as absent.
fn absent_if_owned_by_another<T>(answer: EntityResult<T>) -> EntityResult<T> {
    match answer {
        Err(error) if error.reason == Reason::OwnedByAnother => Ok(None),
        answer => answer,
    }
}

/// Accepts an entity only if it is the requested one.
fn ensure_matches<T>(found: T, is_requested: impl Fn(&T) -> bool) -> Result<T, String> {
    if is_requested(&found) { Ok(found) } else { Err(WRONG_OBJECT.to_owned()) }
}

/// Logs the invalid values of an entity that was read on its own, and returns the entity.
fn log_mapped<T>((found, skipped): Mapped<T>) -> T {
    log_skipped(Provider::WordPress, &skipped);
    found
}

fn malformed(detail: String) -> Error {
    Error::new(Provider::WordPress, Reason::Malformed, detail)
}

//! WordPress.com: its endpoints, what it is shown, and which reads are the cheapest for the keys at hand.
//!
//! Facts used here, from its documentation: several Keyring connections, applications, sites or services are one list;
//! a single Keyring read may answer with the Publicize shape; `fields` filters `/me`, sites and services safely, but
//! empties the list of connected applications, so it is never sent there. `http_envelope`, `context`, `pretty` and
//! `callback` change the form of an answer and nothing else, so they are never sent; `meta` is not proved, so neither.

pub mod mapping;
pub mod payload;
mod settings;
pub mod token_info;
pub mod verdict;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use futures_util::future::join_all;
use serde::de::DeserializeOwned;
use tokio::sync::OnceCell;

pub use self::settings::{KeyringApi, Settings};
use self::verdict::Verdict;
use super::listing::Listing;
use super::{Answer, CallMade, Calls, Error, Fetch, List, Reason, tell_left_out};
use crate::access::{Denied, WordPressGrant};
use crate::model::{
    Application, ApplicationId, ApplicationKey, Connection, ConnectionKey, DateTime, KeyringId, Provider, PublicizeId,
    Record, ServiceEntry, Site, SiteId, WordPressUser,
};
use crate::upstream::{Credential, Read, Reply, Upstream};

/// The fields of `/me` that are mapped. Asked for by name so that its secrets never travel.
const ME_FIELDS: &str = "ID,display_name,username,email,email_verified,avatar_URL,profile_URL,language,date,\
                         site_count,primary_blog,token_scope,token_site_id";

/// The fields of a site that are mapped; the rest is some fifty kilobytes a page.
const SITE_FIELDS: &str = "ID,name,description,URL,icon";

/// What is wrong with an answer that names another thing than the one asked for.
const ABOUT_ANOTHER: &str = "the answer is about something else";

/// WordPress.com, for the life of the process.
#[derive(Debug)]
pub struct WordPress {
    upstream: Upstream,
    keyring_api: KeyringApi,
}

/// WordPress.com for one operation of one caller; each list is read at most once.
pub struct Reads {
    host: Arc<WordPress>,
    grant: Result<WordPressGrant, Denied>,
    calls: Calls,
    now: DateTime,
    keyring: Listing<Connection>,
    publicize: Mutex<HashMap<Option<SiteId>, Arc<Listing<Connection>>>>,
    applications: Listing<Application>,
    services: Listing<ServiceEntry>,
    sites: Listing<Site>,
    me: OnceCell<Result<Arc<WordPressUser>, Error>>,
}

/// A service of WordPress.com's catalogue, by its slug there.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ServiceSlug(pub String);

impl WordPress {
    /// Makes the way to WordPress.com.
    ///
    /// # Errors
    /// A sentence that names the setting.
    pub fn build(settings: &Settings) -> Result<Self, String> {
        let base = settings.base()?;
        Ok(Self { upstream: Upstream::build(base, settings.upstream.clone())?, keyring_api: settings.keyring_api })
    }

    /// Begins the reads of one operation. `now` decides what has expired.
    pub fn reads(self: &Arc<Self>, grant: Result<WordPressGrant, Denied>, calls: Calls, now: SystemTime) -> Reads {
        Reads {
            host: self.clone(),
            grant,
            calls,
            now: DateTime(now.into()),
            keyring: Listing::default(),
            publicize: Mutex::default(),
            applications: Listing::default(),
            services: Listing::default(),
            sites: Listing::default(),
            me: OnceCell::new(),
        }
    }

    fn keyring_path(&self) -> [&'static str; 4] {
        match self.keyring_api {
            KeyringApi::V1 => ["rest", "v1.1", "me", "keyring-connections"],
            KeyringApi::V2 => ["wpcom", "v2", "me", "connections"],
        }
    }
}

impl Reads {
    /// Whether the caller may read anything here.
    pub fn is_authorized(&self) -> bool {
        self.grant.is_ok()
    }

    /// Why the caller may read nothing here, if so.
    pub fn denied(&self) -> Option<Error> {
        self.grant.as_ref().err().map(|why| Error::denied(Provider::WordPress, *why))
    }

    /// Whether the caller has shown a token; it may be one that is not good enough, which each read then tells.
    pub fn is_asked(&self) -> bool {
        !matches!(self.grant, Err(Denied::NoToken | Denied::NoCredential))
    }

    /// Every Keyring connection of the person.
    pub async fn keyring_connections(&self) -> Result<Arc<List<Connection>>, Error> {
        let path = self.host.keyring_path();
        self.keyring.read(self.list(&path, &[], |list| mapping::keyring_list(list, self.now))).await
    }

    /// Every Publicize connection of the person, or those of one site.
    pub async fn publicize_connections(&self, site: Option<SiteId>) -> Result<Arc<List<Connection>>, Error> {
        let id = site.map(|site| site.to_string());
        let path = publicize_path(id.as_deref());
        let read = self.list(&path, &[], |list| mapping::publicize_list(list, self.now));
        self.publicize_listing(site).read(read).await
    }

    /// Every application the person gave access to.
    pub async fn applications(&self) -> Result<Arc<List<Application>>, Error> {
        let path = ["rest", "v1.1", "me", "connected-applications"];
        self.applications.read(self.list(&path, &[], mapping::application_list)).await
    }

    /// The catalogue of services.
    pub async fn services(&self) -> Result<Arc<List<ServiceEntry>>, Error> {
        let path = ["rest", "v1.1", "meta", "external-services"];
        self.services.read(self.list(&path, &[], mapping::service_list)).await
    }

    /// Says that the services of several rows will be asked for, some of them later than others: one read of the
    /// catalogue serves them all.
    pub fn expect_services(&self) {
        self.services.expect();
    }

    /// Every site of the person.
    pub async fn sites(&self) -> Result<Arc<List<Site>>, Error> {
        let path = ["rest", "v1.1", "me", "sites"];
        self.sites.read(self.list(&path, &[("fields", SITE_FIELDS)], mapping::site_list)).await
    }

    /// The person whose token it is.
    pub async fn me(&self) -> Result<Arc<WordPressUser>, Error> {
        let read = || async {
            let me = self.due(&["rest", "v1.1", "me"], &[("fields", ME_FIELDS)], mapping::me).await?;
            Ok(Arc::new(me))
        };
        self.me.get_or_init(read).await.clone()
    }

    fn publicize_listing(&self, site: Option<SiteId>) -> Arc<Listing<Connection>> {
        let mut listings = self.publicize.lock().unwrap_or_else(PoisonError::into_inner);
        listings.entry(site).or_default().clone()
    }

    async fn keyring_connection(&self, key: KeyringId) -> Answer<Connection> {
        let [a, b, c, d] = self.host.keyring_path();
        let about_it = |found: Connection| match &found.record {
            Record::Publicize(use_of_it) if use_of_it.keyring.is_none_or(|keyring| keyring == key) => Ok(found),
            Record::Publicize(_) => Err(ABOUT_ANOTHER.to_owned()),
            _ => own(&ConnectionKey::Keyring(key), &found.key.clone(), found),
        };
        let map = |payload| mapping::connection(payload, self.now).and_then(about_it);
        let Some(found) = self.thing(&[a, b, c, d, &key.to_string()], &[], map).await? else { return Ok(None) };
        if !matches!(found.record, Record::Publicize(_)) {
            return Ok(Some(Arc::new(found)));
        }
        // The documented sample of a Keyring read is a Publicize connection. The list tells whether there is a Keyring
        // connection of that number too; if so that is what was asked for, as it is when several are asked together.
        let list = self.keyring_connections().await;
        let listed =
            list.iter().flat_map(|list| &list.rows).find(|row| row.key == ConnectionKey::Keyring(key)).cloned();
        Ok(Some(listed.unwrap_or_else(|| Arc::new(found))))
    }

    async fn publicize_connection(&self, key: PublicizeId) -> Answer<Connection> {
        let (site, id) = (key.site.map(|site| site.to_string()), key.id.to_string());
        let path = publicize_path(site.as_deref());
        let path: Vec<&str> = path.into_iter().chain([id.as_str()]).collect();
        let map = |payload| {
            let found = mapping::connection(payload, self.now)?;
            own(&ConnectionKey::Publicize(key), &found.key.clone(), found)
        };
        unless_anothers(self.thing(&path, &[], map).await.map(|found| found.map(Arc::new)))
    }

    async fn application(&self, key: ApplicationId) -> Answer<Application> {
        let path = ["rest", "v1.1", "me", "connected-applications", &key.to_string()];
        let map = |payload| {
            let found = mapping::application(payload)?;
            own(&ApplicationKey::Connected(key), &found.key.clone(), found)
        };
        Ok(self.thing(&path, &[], map).await?.map(Arc::new))
    }

    async fn service(&self, slug: ServiceSlug) -> Answer<ServiceEntry> {
        let path = ["rest", "v1.1", "meta", "external-services", &slug.0];
        let map = |payload| {
            let found = mapping::service(payload)?;
            own(&slug.0, &found.slug.clone(), found)
        };
        Ok(self.thing(&path, &[], map).await?.map(Arc::new))
    }

    async fn site(&self, key: SiteId) -> Answer<Site> {
        let path = ["rest", "v1.1", "sites", &key.to_string()];
        let map = |payload| {
            let found = mapping::site(payload)?;
            own(&key, &found.key.clone(), found)
        };
        unless_anothers(self.thing(&path, &[("fields", SITE_FIELDS)], map).await.map(|found| found.map(Arc::new)))
    }

    /// Reads a list.
    async fn list<P: DeserializeOwned, T>(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
        map: impl FnOnce(P) -> List<T>,
    ) -> Result<List<T>, Error> {
        let list = self.due(path, query, |payload| Ok(map(payload))).await?;
        tell_left_out(Provider::WordPress, &list.skipped);
        Ok(list)
    }

    /// Reads what must be there: a list, or the person's own account.
    async fn due<P: DeserializeOwned, T>(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
        map: impl FnOnce(P) -> Result<T, String>,
    ) -> Result<T, Error> {
        match self.thing(path, query, map).await? {
            Some(found) => Ok(found),
            None => Err(Error::new(Provider::WordPress, Reason::Unsupported, "there is no such list")),
        }
    }

    /// Reads what may be there, and tells the log if the answer is none.
    async fn thing<P: DeserializeOwned, T>(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
        map: impl FnOnce(P) -> Result<T, String>,
    ) -> Result<Option<T>, Error> {
        let grant = self.grant.as_ref().map_err(|why| Error::denied(Provider::WordPress, *why))?;
        let read = Read { path, query, credential: Credential::Bearer(grant.token()) };
        let (call, reply) = self.calls.spend(Provider::WordPress, self.host.upstream.get(&read)).await?;
        let target = call.target.clone();
        self.calls.record(CallMade { provider: Provider::WordPress, call, note: None });
        let found = match reply {
            Ok(reply) => understand(&reply, map),
            Err(error) => Err(Error::from((Provider::WordPress, error))),
        };
        found.inspect_err(|error| error.tell(&target))
    }
}

impl Fetch<KeyringId> for Reads {
    type Noun = Connection;

    async fn fetch(&self, keys: &[KeyringId]) -> HashMap<KeyringId, Answer<Connection>> {
        let key_of = |row: &Connection| match row.key {
            ConnectionKey::Keyring(key) => Some(key),
            _ => None,
        };
        let single = |key| self.keyring_connection(key);
        self.keyring.answer(keys, self.keyring_connections(), key_of, single).await
    }
}

impl Fetch<PublicizeId> for Reads {
    type Noun = Connection;

    async fn fetch(&self, keys: &[PublicizeId]) -> HashMap<PublicizeId, Answer<Connection>> {
        let mut by_site: HashMap<Option<SiteId>, Vec<PublicizeId>> = HashMap::new();
        for key in keys {
            by_site.entry(key.site).or_default().push(*key);
        }
        let sites = by_site.into_iter().map(async |(site, keys)| {
            let key_of = |row: &Connection| match row.key {
                ConnectionKey::Publicize(key) => Some(PublicizeId { site, id: key.id }),
                _ => None,
            };
            let single = |key| self.publicize_connection(key);
            self.publicize_listing(site).answer(&keys, self.publicize_connections(site), key_of, single).await
        });
        join_all(sites).await.into_iter().flatten().collect()
    }
}

impl Fetch<ApplicationId> for Reads {
    type Noun = Application;

    async fn fetch(&self, keys: &[ApplicationId]) -> HashMap<ApplicationId, Answer<Application>> {
        let key_of = |row: &Application| match row.key {
            ApplicationKey::Connected(key) => Some(key),
            ApplicationKey::Plugin(_) => None,
        };
        let single = |key| self.application(key);
        self.applications.answer(keys, self.applications(), key_of, single).await
    }
}

impl Fetch<ServiceSlug> for Reads {
    type Noun = ServiceEntry;

    async fn fetch(&self, keys: &[ServiceSlug]) -> HashMap<ServiceSlug, Answer<ServiceEntry>> {
        // The catalogue is complete: a slug that it does not list is not read again by itself.
        let single = async |slug| if self.services.is_read() { Ok(None) } else { self.service(slug).await };
        let key_of = |row: &ServiceEntry| Some(ServiceSlug(row.slug.clone()));
        self.services.answer(keys, self.services(), key_of, single).await
    }
}

impl Fetch<SiteId> for Reads {
    type Noun = Site;

    async fn fetch(&self, keys: &[SiteId]) -> HashMap<SiteId, Answer<Site>> {
        self.sites.answer(keys, self.sites(), |row| Some(row.key), |key| self.site(key)).await
    }
}

fn publicize_path(site: Option<&str>) -> Vec<&str> {
    match site {
        Some(site) => vec!["rest", "v1.1", "sites", site, "publicize-connections"],
        None => vec!["rest", "v1.1", "me", "publicize-connections"],
    }
}

/// What an answer holds, if it is one and holds anything.
fn understand<P: DeserializeOwned, T>(
    reply: &Reply,
    map: impl FnOnce(P) -> Result<T, String>,
) -> Result<Option<T>, Error> {
    match verdict::judge(reply)? {
        Verdict::Content => payload::decode(&reply.body).and_then(map).map(Some).map_err(malformed),
        Verdict::Absent => Ok(None),
    }
}

/// One thing by its key: somebody else's looks like one that is not there.
fn unless_anothers<T>(answer: Answer<T>) -> Answer<T> {
    match answer {
        Err(error) if error.reason == Reason::NotTheirs => Ok(None),
        answer => answer,
    }
}

/// Lets an answer pass only if it is about what was asked for.
fn own<K: PartialEq, T>(asked: &K, found: &K, thing: T) -> Result<T, String> {
    if asked == found { Ok(thing) } else { Err(ABOUT_ANOTHER.to_owned()) }
}

fn malformed(detail: String) -> Error {
    Error::new(Provider::WordPress, Reason::Malformed, detail)
}

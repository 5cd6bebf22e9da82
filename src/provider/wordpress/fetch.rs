//! Reads WordPress.com's entities by key, with as few calls as possible.
//!
//! Cached entities and lists cost no call. Of the other keys of one kind, a single one is read on its own, and several
//! are read as their list.

use std::collections::HashMap;
use std::hash::Hash;

use futures_util::future::join_all;

use super::{APPLICATIONS, SERVICES, SITE_FIELDS, SITES, ServiceSlug, Session, child_path, publicize_path};
use crate::model::{
    Application, ApplicationId, ApplicationKey, Connection, ConnectionKey, ConnectionRecord, KeyringId, Provider,
    PublicizeId, ServiceEntry, Site, SiteId,
};
use crate::provider::{EntityResult, Fetch, List};
use crate::upstream::Cacheable;

/// The paths of one kind of entity.
struct Endpoints<'a> {
    /// The list.
    list: &'a [&'a str],
    /// The parent of each item. The last path segment is the key.
    items: &'a [&'a str],
    query: &'a [(&'a str, &'a str)],
}

impl<'a> Endpoints<'a> {
    /// The paths of a list that is also the parent of its items.
    fn for_list(list: &'a [&'a str]) -> Self {
        Self { list, items: list, query: &[] }
    }
}

impl Session {
    /// Returns the cached entities among these keys.
    ///
    /// Returns nothing if the list is cached, because the list answers all keys at once. Returns nothing for a single
    /// key either, because its own read looks into the cache too.
    fn cached<K, T>(
        &self,
        keys: &[K],
        endpoints: &Endpoints<'_>,
        id: impl Fn(&K) -> String,
    ) -> HashMap<K, EntityResult<T>>
    where
        K: Eq + Hash + Clone,
        T: Cacheable,
        List<T>: Cacheable,
    {
        let Endpoints { list, items, query } = *endpoints;
        let upstream = &self.host.upstream;
        let is_list_cached = || self.read(list, query).is_ok_and(|read| upstream.is_cached::<List<T>>(&read));
        if keys.len() < 2 || !self.calls.allows_cached() || is_list_cached() {
            return HashMap::new();
        }
        let cached = keys.iter().filter_map(|key| {
            let id = id(key);
            let path = child_path(items, &id);
            let entity = self.calls.peek(Provider::WordPress, upstream, &self.read(&path, query).ok()?)?;
            Some((key.clone(), Ok(entity)))
        });
        cached.collect()
    }
}

impl Fetch<KeyringId> for Session {
    type Entity = Connection;

    async fn fetch(&self, keys: &[KeyringId]) -> HashMap<KeyringId, EntityResult<Connection>> {
        let key_of = |row: &Connection| match row.key {
            ConnectionKey::Keyring(key) => Some(key),
            _ => None,
        };
        let read_one = |key| self.keyring_connection(key);
        let path = self.host.keyring_path();
        let mut cached = self.cached(keys, &Endpoints::for_list(&path), KeyringId::to_string);
        // A cached Publicize connection may hide a Keyring connection with the same ID. The read on its own decides.
        cached.retain(|_, found: &mut EntityResult<Connection>| match found {
            Ok(Some(found)) => matches!(found.record, ConnectionRecord::Keyring(_)),
            _ => true,
        });
        self.keyring.resolve(keys, cached, self.keyring_connections(), key_of, read_one).await
    }
}

impl Fetch<PublicizeId> for Session {
    type Entity = Connection;

    async fn fetch(&self, keys: &[PublicizeId]) -> HashMap<PublicizeId, EntityResult<Connection>> {
        let mut by_site: HashMap<Option<SiteId>, Vec<PublicizeId>> = HashMap::new();
        for key in keys {
            by_site.entry(key.site).or_default().push(*key);
        }
        let sites = by_site.into_iter().map(async |(site, keys)| {
            let key_of = |row: &Connection| match row.key {
                ConnectionKey::Publicize(key) => Some(PublicizeId { site, id: key.id }),
                _ => None,
            };
            let read_one = |key| self.publicize_connection(key);
            let id = site.map(|site| site.to_string());
            let path = publicize_path(id.as_deref());
            let cached = self.cached(&keys, &Endpoints::for_list(&path), |key| key.id.to_string());
            self.publicize_list(site).resolve(&keys, cached, self.publicize_connections(site), key_of, read_one).await
        });
        join_all(sites).await.into_iter().flatten().collect()
    }
}

impl Fetch<ApplicationId> for Session {
    type Entity = Application;

    async fn fetch(&self, keys: &[ApplicationId]) -> HashMap<ApplicationId, EntityResult<Application>> {
        let key_of = |row: &Application| match row.key {
            ApplicationKey::Connected(key) => Some(key),
            ApplicationKey::Plugin(_) => None,
        };
        let read_one = |key| self.application(key);
        let cached = self.cached(keys, &Endpoints::for_list(APPLICATIONS), ApplicationId::to_string);
        self.applications.resolve(keys, cached, self.applications(), key_of, read_one).await
    }
}

impl Fetch<ServiceSlug> for Session {
    type Entity = ServiceEntry;

    async fn fetch(&self, keys: &[ServiceSlug]) -> HashMap<ServiceSlug, EntityResult<ServiceEntry>> {
        // The catalogue is complete, so a slug that is missing from it does not exist.
        let read_one = async |slug| if self.services.is_loaded() { Ok(None) } else { self.service(slug).await };
        let key_of = |row: &ServiceEntry| Some(ServiceSlug(row.slug.clone()));
        let cached = self.cached(keys, &Endpoints::for_list(SERVICES), |slug| slug.0.clone());
        self.services.resolve(keys, cached, self.services(), key_of, read_one).await
    }
}

impl Fetch<SiteId> for Session {
    type Entity = Site;

    async fn fetch(&self, keys: &[SiteId]) -> HashMap<SiteId, EntityResult<Site>> {
        let endpoints = Endpoints { list: SITES, items: &["rest", "v1.1", "sites"], query: &[("fields", SITE_FIELDS)] };
        let cached = self.cached(keys, &endpoints, SiteId::to_string);
        self.sites.resolve(keys, cached, self.sites(), |row| Some(row.key), |key| self.site(key)).await
    }
}

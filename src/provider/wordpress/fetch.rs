//! WordPress.com's things by key: which reads are the cheapest for the keys at hand.
//!
//! What was read lately costs nothing, be it by itself or in its list; of the rest, several keys of one kind are one list
//! and a single one is one read.

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

/// Where things of one kind are.
struct Endpoints<'a> {
    /// All of them.
    list: &'a [&'a str],
    /// Below what each of them is, by its key.
    items: &'a [&'a str],
    query: &'a [(&'a str, &'a str)],
}

impl<'a> Endpoints<'a> {
    /// Below their list.
    fn for_list(list: &'a [&'a str]) -> Self {
        Self { list, items: list, query: &[] }
    }
}

impl Session {
    /// What is known of these keys one by one. Nothing, if their list is: it answers them all at once; nor for a single
    /// key, whose own read finds it as well.
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
        let has_list = || self.read(list, query).is_ok_and(|read| upstream.holds::<List<T>>(&read));
        if keys.len() < 2 || !self.calls.allows_cached() || has_list() {
            return HashMap::new();
        }
        let known = keys.iter().filter_map(|key| {
            let id = id(key);
            let path = child_path(items, &id);
            let noun = self.calls.peek(Provider::WordPress, upstream, &self.read(&path, query).ok()?)?;
            Some((key.clone(), Ok(noun)))
        });
        known.collect()
    }
}

impl Fetch<KeyringId> for Session {
    type Entity = Connection;

    async fn fetch(&self, keys: &[KeyringId]) -> HashMap<KeyringId, EntityResult<Connection>> {
        let key_of = |row: &Connection| match row.key {
            ConnectionKey::Keyring(key) => Some(key),
            _ => None,
        };
        let single = |key| self.keyring_connection(key);
        let path = self.host.keyring_path();
        let mut known = self.cached(keys, &Endpoints::for_list(&path), KeyringId::to_string);
        // What may be another thing of that number is held against the list.
        known.retain(|_, found: &mut EntityResult<Connection>| match found {
            Ok(Some(found)) => matches!(found.record, ConnectionRecord::Keyring(_)),
            _ => true,
        });
        self.keyring.resolve(keys, known, self.keyring_connections(), key_of, single).await
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
            let single = |key| self.publicize_connection(key);
            let id = site.map(|site| site.to_string());
            let path = publicize_path(id.as_deref());
            let known = self.cached(&keys, &Endpoints::for_list(&path), |key| key.id.to_string());
            self.publicize_list(site).resolve(&keys, known, self.publicize_connections(site), key_of, single).await
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
        let single = |key| self.application(key);
        let known = self.cached(keys, &Endpoints::for_list(APPLICATIONS), ApplicationId::to_string);
        self.applications.resolve(keys, known, self.applications(), key_of, single).await
    }
}

impl Fetch<ServiceSlug> for Session {
    type Entity = ServiceEntry;

    async fn fetch(&self, keys: &[ServiceSlug]) -> HashMap<ServiceSlug, EntityResult<ServiceEntry>> {
        // Here as well: the catalogue is complete.
        let single = async |slug| if self.services.is_loaded() { Ok(None) } else { self.service(slug).await };
        let key_of = |row: &ServiceEntry| Some(ServiceSlug(row.slug.clone()));
        let known = self.cached(keys, &Endpoints::for_list(SERVICES), |slug| slug.0.clone());
        self.services.resolve(keys, known, self.services(), key_of, single).await
    }
}

impl Fetch<SiteId> for Session {
    type Entity = Site;

    async fn fetch(&self, keys: &[SiteId]) -> HashMap<SiteId, EntityResult<Site>> {
        let endpoints = Endpoints { list: SITES, items: &["rest", "v1.1", "sites"], query: &[("fields", SITE_FIELDS)] };
        let known = self.cached(keys, &endpoints, SiteId::to_string);
        self.sites.resolve(keys, known, self.sites(), |row| Some(row.key), |key| self.site(key)).await
    }
}

//! WordPress.com's things by key: which reads are the cheapest for the keys at hand.
//!
//! What was read lately costs nothing, be it by itself or in its list; of the rest, several keys of one kind are one list
//! and a single one is one read.

use std::collections::HashMap;
use std::hash::Hash;

use futures_util::future::join_all;

use super::{APPLICATIONS, Reads, SERVICES, SITE_FIELDS, SITES, ServiceSlug, below, publicize_path};
use crate::model::{
    Application, ApplicationId, ApplicationKey, Connection, ConnectionKey, ConnectionRecord, KeyringId, Provider,
    PublicizeId, ServiceEntry, Site, SiteId,
};
use crate::provider::{Answer, Fetch, List};
use crate::upstream::Keep;

/// Where things of one kind are.
struct Place<'a> {
    /// All of them.
    list: &'a [&'a str],
    /// Below what each of them is, by its key.
    things: &'a [&'a str],
    query: &'a [(&'a str, &'a str)],
}

impl<'a> Place<'a> {
    /// Below their list.
    fn of(list: &'a [&'a str]) -> Self {
        Self { list, things: list, query: &[] }
    }
}

impl Reads {
    /// What is known of these keys one by one. Nothing, if their list is: it answers them all at once; nor for a single
    /// key, whose own read finds it as well.
    fn known<K, T>(&self, keys: &[K], place: &Place<'_>, id: impl Fn(&K) -> String) -> HashMap<K, Answer<T>>
    where
        K: Eq + Hash + Clone,
        T: Keep,
        List<T>: Keep,
    {
        let Place { list, things, query } = *place;
        let upstream = &self.host.upstream;
        let has_list = || self.read(list, query).is_ok_and(|read| upstream.holds::<List<T>>(&read));
        if keys.len() < 2 || !self.calls.takes_kept() || has_list() {
            return HashMap::new();
        }
        let known = keys.iter().filter_map(|key| {
            let id = id(key);
            let path = below(things, &id);
            let noun = self.calls.peek(Provider::WordPress, upstream, &self.read(&path, query).ok()?)?;
            Some((key.clone(), Ok(noun)))
        });
        known.collect()
    }
}

impl Fetch<KeyringId> for Reads {
    type Entity = Connection;

    async fn fetch(&self, keys: &[KeyringId]) -> HashMap<KeyringId, Answer<Connection>> {
        let key_of = |row: &Connection| match row.key {
            ConnectionKey::Keyring(key) => Some(key),
            _ => None,
        };
        let single = |key| self.keyring_connection(key);
        let path = self.host.keyring_path();
        let mut known = self.known(keys, &Place::of(&path), KeyringId::to_string);
        // What may be another thing of that number is held against the list.
        known.retain(|_, found: &mut Answer<Connection>| match found {
            Ok(Some(found)) => matches!(found.record, ConnectionRecord::Keyring(_)),
            _ => true,
        });
        self.keyring.answer(keys, known, self.keyring_connections(), key_of, single).await
    }
}

impl Fetch<PublicizeId> for Reads {
    type Entity = Connection;

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
            let id = site.map(|site| site.to_string());
            let path = publicize_path(id.as_deref());
            let known = self.known(&keys, &Place::of(&path), |key| key.id.to_string());
            self.publicize_listing(site).answer(&keys, known, self.publicize_connections(site), key_of, single).await
        });
        join_all(sites).await.into_iter().flatten().collect()
    }
}

impl Fetch<ApplicationId> for Reads {
    type Entity = Application;

    async fn fetch(&self, keys: &[ApplicationId]) -> HashMap<ApplicationId, Answer<Application>> {
        let key_of = |row: &Application| match row.key {
            ApplicationKey::Connected(key) => Some(key),
            ApplicationKey::Plugin(_) => None,
        };
        let single = |key| self.application(key);
        let known = self.known(keys, &Place::of(APPLICATIONS), ApplicationId::to_string);
        self.applications.answer(keys, known, self.applications(), key_of, single).await
    }
}

impl Fetch<ServiceSlug> for Reads {
    type Entity = ServiceEntry;

    async fn fetch(&self, keys: &[ServiceSlug]) -> HashMap<ServiceSlug, Answer<ServiceEntry>> {
        // Here as well: the catalogue is complete.
        let single = async |slug| if self.services.is_read() { Ok(None) } else { self.service(slug).await };
        let key_of = |row: &ServiceEntry| Some(ServiceSlug(row.slug.clone()));
        let known = self.known(keys, &Place::of(SERVICES), |slug| slug.0.clone());
        self.services.answer(keys, known, self.services(), key_of, single).await
    }
}

impl Fetch<SiteId> for Reads {
    type Entity = Site;

    async fn fetch(&self, keys: &[SiteId]) -> HashMap<SiteId, Answer<Site>> {
        let place = Place { list: SITES, things: &["rest", "v1.1", "sites"], query: &[("fields", SITE_FIELDS)] };
        let known = self.known(keys, &place, SiteId::to_string);
        self.sites.answer(keys, known, self.sites(), |row| Some(row.key), |key| self.site(key)).await
    }
}

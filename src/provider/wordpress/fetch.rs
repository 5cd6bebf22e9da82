//! WordPress.com's things by key: which reads are the cheapest for the keys at hand.
//!
//! Several keys of one kind are one list, a single one is one read, and none if its list was read lately.

use std::collections::HashMap;

use futures_util::future::join_all;

use super::{Reads, ServiceSlug};
use crate::model::{
    Application, ApplicationId, ApplicationKey, Connection, ConnectionKey, KeyringId, PublicizeId, ServiceEntry, Site,
    SiteId,
};
use crate::provider::{Answer, Fetch};

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
        // Here as well: the catalogue is complete.
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

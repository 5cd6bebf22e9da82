//! Requests new one-time links for connections and services whose cached copies have none.
//!
//! Such a read bypasses the cache. It is sent at most once per operation, however many rows and fields need it.

use std::sync::PoisonError;
use std::time::SystemTime;

use super::{ServiceSlug, Session};
use crate::model::{Connection, ConnectionKey, ServiceEntry};
use crate::provider::EntityResult;

impl Session {
    /// A connection with new one-time links.
    ///
    /// Reads the list again in which this operation found the connection, otherwise the connection on its own.
    pub async fn connection_with_links(&self, key: &ConnectionKey) -> EntityResult<Connection> {
        let has_key = |row: &Connection| row.key == *key;
        let uncached = self.uncached();
        let list = match key {
            ConnectionKey::Keyring(_) if self.keyring.contains(has_key) => uncached.keyring_connections().await?,
            ConnectionKey::Publicize(key) if self.publicize_list(None).contains(has_key) => {
                uncached.publicize_connections(None).await?
            }
            ConnectionKey::Publicize(key) if self.publicize_list(key.site).contains(has_key) => {
                uncached.publicize_connections(key.site).await?
            }
            _ => return uncached.read_connection(key).await,
        };
        Ok(list.rows.iter().find(|row| has_key(row)).cloned())
    }

    /// A service with new one-time links.
    ///
    /// Reads the catalogue again if this operation has read it, otherwise the service on its own.
    pub async fn service_with_links(&self, slug: &str) -> EntityResult<ServiceEntry> {
        let uncached = self.uncached();
        if !self.services.contains(|row| row.slug == slug) {
            return uncached.service(ServiceSlug(slug.to_owned())).await;
        }
        let list = uncached.services().await?;
        Ok(list.rows.iter().find(|row| row.slug == slug).cloned())
    }

    /// A session of the same caller that bypasses the cache. It also reads each list at most once.
    pub(super) fn uncached(&self) -> &Self {
        self.uncached.get_or_init(|| {
            Box::new(self.host.session(self.grant.clone(), self.calls.bypassing_cache(), SystemTime::from(self.now.0)))
        })
    }

    /// Reads a connection on its own, at most once.
    async fn read_connection(&self, key: &ConnectionKey) -> EntityResult<Connection> {
        let cell = self
            .single_connections
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(key.clone())
            .or_default()
            .clone();
        let read = async || match key {
            ConnectionKey::Keyring(key) => self.keyring_connection(*key).await,
            ConnectionKey::Publicize(key) => self.publicize_connection(*key).await,
            ConnectionKey::SignIn(_) => Ok(None),
        };
        cell.get_or_init(read).await.clone()
    }
}

//! Links that bear a one-time mark, read anew for a row that was kept without them.
//!
//! Such a read goes past what was kept and is made at most once in an operation, however many rows and fields ask for it.

use std::sync::PoisonError;
use std::time::SystemTime;

use super::{ServiceSlug, Session};
use crate::model::{Connection, ConnectionKey, ServiceEntry};
use crate::provider::EntityResult;

impl Session {
    /// A connection with its links as they are now, read past what was kept: by the list in which this operation met it,
    /// else by itself; once, however often it is asked for.
    pub async fn connection_with_links(&self, key: &ConnectionKey) -> EntityResult<Connection> {
        let is_it = |row: &Connection| row.key == *key;
        let live = self.uncached();
        let list = match key {
            ConnectionKey::Keyring(_) if self.keyring.contains(is_it) => live.keyring_connections().await?,
            ConnectionKey::Publicize(key) if self.publicize_list(None).contains(is_it) => {
                live.publicize_connections(None).await?
            }
            ConnectionKey::Publicize(key) if self.publicize_list(key.site).contains(is_it) => {
                live.publicize_connections(key.site).await?
            }
            _ => return live.alone(key).await,
        };
        Ok(list.rows.iter().find(|row| is_it(row)).cloned())
    }

    /// A service with its links as they are now, read past what was kept: by the catalogue if this operation has read
    /// that, else by itself.
    pub async fn service_with_links(&self, slug: &str) -> EntityResult<ServiceEntry> {
        let live = self.uncached();
        if !self.services.contains(|row| row.slug == slug) {
            return live.service(ServiceSlug(slug.to_owned())).await;
        }
        let list = live.services().await?;
        Ok(list.rows.iter().find(|row| row.slug == slug).cloned())
    }

    /// The same reads, past what was kept; each is made at most once here too.
    pub(super) fn uncached(&self) -> &Self {
        self.live.get_or_init(|| {
            Box::new(self.host.session(self.grant.clone(), self.calls.bypassing_cache(), SystemTime::from(self.now.0)))
        })
    }

    /// A connection by a read of its own, made at most once.
    async fn alone(&self, key: &ConnectionKey) -> EntityResult<Connection> {
        let cell = self.alone.lock().unwrap_or_else(PoisonError::into_inner).entry(key.clone()).or_default().clone();
        let read = async || match key {
            ConnectionKey::Keyring(key) => self.keyring_connection(*key).await,
            ConnectionKey::Publicize(key) => self.publicize_connection(*key).await,
            ConnectionKey::SignIn(_) => Ok(None),
        };
        cell.get_or_init(read).await.clone()
    }
}

//! Data loaders: batch and deduplicate the reads of one operation, on top of async-graphql's dataloader.
//!
//! - Each key is read at most once per operation, even while its first read is running: the loader caches the shared
//!   future of the read, not its value.
//! - Batches are collected without a timer: [`run_with_loads`] polls the operation until it cannot request more keys, and
//!   starts the batch then.
//! - Dropping the operation cancels its reads, because they run inside its future.

use std::convert::Infallible;
use std::hash::Hash;
use std::pin::pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;
use std::{collections::HashMap, future::poll_fn};

use async_graphql::dataloader::{self, DataLoader, HashMapCache};
use async_graphql::runtime::Timer;
use futures_util::future::{BoxFuture, FutureExt, Shared, ready};
use futures_util::stream::{FuturesUnordered, StreamExt};
use futures_util::task::{FutureObj, Spawn, SpawnError};
use tokio::sync::mpsc;

use crate::provider::registry::Sessions;
use crate::provider::{EntityResult, Fetch, oneall, wordpress};

/// The loaders of one operation.
pub struct Loaders {
    /// Reads WordPress.com with the caller's permissions.
    pub wordpress: Loader<wordpress::Session>,
    /// Reads OneAll with the caller's permissions.
    pub oneall: Loader<oneall::Session>,
    spawner: Spawner,
    /// The loaders that replaced these after a mutation.
    next: OnceLock<Box<Loaders>>,
}

/// The loads that an operation has started. [`run_with_loads`] runs them.
pub struct PendingLoads(mpsc::UnboundedReceiver<FutureObj<'static, ()>>);

/// Loads the objects of one provider by key.
pub struct Loader<P: Send + Sync + 'static> {
    keys: DataLoader<Batch<P>, HashMapCache>,
    /// The provider session, for reads without a key: lists and the caller's own account.
    pub session: Arc<P>,
}

impl Loaders {
    /// The loaders of a new operation, and its pending loads for [`run_with_loads`].
    pub fn build(sessions: Sessions) -> (Self, PendingLoads) {
        let (sender, loads) = mpsc::unbounded_channel();
        (Self::with_spawner(sessions, Spawner(sender)), PendingLoads(loads))
    }

    fn with_spawner(sessions: Sessions, spawner: Spawner) -> Self {
        Self {
            wordpress: Loader::build(sessions.wordpress, spawner.clone()),
            oneall: Loader::build(sessions.oneall, spawner.clone()),
            spawner,
            next: OnceLock::new(),
        }
    }

    /// The current loaders. They hold nothing that was read before the last mutation.
    pub fn current(&self) -> &Self {
        std::iter::successors(Some(self), |loaders| loaders.next.get().map(|next| &**next)).last().unwrap_or(self)
    }

    /// Replaces the loaders after a mutation, so that later reads return nothing from before it. References to the old
    /// loaders stay valid.
    pub fn reset(&self) {
        let current = self.current();
        let sessions = Sessions {
            wordpress: current.wordpress.session.fresh_session(),
            oneall: current.oneall.session.fresh_session(),
        };
        current.next.get_or_init(|| Box::new(Self::with_spawner(sessions, current.spawner.clone())));
    }
}

impl<P: Send + Sync + 'static> Loader<P> {
    fn build(provider: P, spawner: Spawner) -> Self {
        let session = Arc::new(provider);
        let keys = DataLoader::with_cache(Batch(session.clone()), spawner, NoDelay, HashMapCache::default());
        Self { keys, session }
    }

    /// Loads the object with this key.
    pub async fn load<K>(&self, key: K) -> EntityResult<P::Entity>
    where
        P: Fetch<K>,
        K: Send + Sync + Hash + Eq + Clone + 'static,
    {
        let Ok(batch) = self.keys.load_one(key.clone()).await;
        match batch {
            Some(batch) => batch.await.get(&key).cloned().unwrap_or(Ok(None)),
            None => Ok(None),
        }
    }
}

/// Runs an operation and its loads in one future. A batch starts only when the operation cannot request more keys.
pub async fn run_with_loads<T>(operation: impl Future<Output = T>, mut loads: PendingLoads) -> T {
    let mut operation = pin!(operation);
    let mut running = FuturesUnordered::new();
    poll_fn(|cx| {
        loop {
            if let Poll::Ready(value) = operation.as_mut().poll(cx) {
                return Poll::Ready(value);
            }
            if !advance(&mut loads, &mut running, cx) {
                return Poll::Pending;
            }
        }
    })
    .await
}

/// Starts the pending loads and polls the running ones. True when the operation must be polled again.
fn advance(
    loads: &mut PendingLoads,
    running: &mut FuturesUnordered<FutureObj<'static, ()>>,
    cx: &mut Context<'_>,
) -> bool {
    let mut progressed = false;
    while let Poll::Ready(Some(load)) = loads.0.poll_recv(cx) {
        running.push(load);
        progressed = true;
    }
    while let Poll::Ready(Some(())) = running.poll_next_unpin(cx) {
        progressed = true;
    }
    progressed
}

type SharedRead<K, V> = Shared<BoxFuture<'static, Arc<HashMap<K, V>>>>;

struct Batch<P>(Arc<P>);

impl<P, K> dataloader::Loader<K> for Batch<P>
where
    P: Fetch<K>,
    K: Send + Sync + Hash + Eq + Clone + 'static,
{
    type Value = SharedRead<K, EntityResult<P::Entity>>;
    type Error = Infallible;

    async fn load(&self, keys: &[K]) -> Result<HashMap<K, Self::Value>, Infallible> {
        let provider = self.0.clone();
        let batch = keys.to_vec();
        let read = async move { Arc::new(provider.fetch(&batch).await) }.boxed().shared();
        Ok(keys.iter().map(|key| (key.clone(), read.clone())).collect())
    }
}

/// Sends a load to the operation that it belongs to.
#[derive(Clone)]
struct Spawner(mpsc::UnboundedSender<FutureObj<'static, ()>>);

impl Spawn for Spawner {
    fn spawn_obj(&self, load: FutureObj<'static, ()>) -> Result<(), SpawnError> {
        self.0.send(load).map_err(|_| SpawnError::shutdown())
    }
}

/// A timer that fires immediately: [`run_with_loads`] decides when a batch starts.
struct NoDelay;

impl Timer for NoDelay {
    fn delay(&self, _: Duration) -> BoxFuture<'static, ()> {
        ready(()).boxed()
    }
}

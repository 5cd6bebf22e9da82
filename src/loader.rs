//! Keys asked together travel together: one operation's loaders, on async-graphql's dataloader.
//!
//! Three promises. A key is read once in an operation, however often it is named, also while the first read is under
//! way: what the dataloader keeps per key is not a value but the shared read that brings it. Keys gather without a
//! timer: `drive` polls the operation until nothing more can be asked, and only then lets a batch go. And an operation
//! that is dropped drops its reads, since they run inside it and not beside it.

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

use crate::provider::{Answer, Fetch, oneall, wordpress};

/// One operation's way to both providers.
pub struct Loaders {
    /// WordPress.com, as this caller may read it.
    pub wordpress: Loader<wordpress::Reads>,
    /// OneAll, as this caller may read it.
    pub oneall: Loader<oneall::Reads>,
    spawner: Spawner,
    /// Those that took their place when something was changed.
    next: OnceLock<Box<Loaders>>,
}

/// The loads that an operation has begun, to be run inside it.
pub struct Loads(mpsc::UnboundedReceiver<FutureObj<'static, ()>>);

/// Things of one provider by key, and the provider's other reads.
pub struct Loader<P: Send + Sync + 'static> {
    keys: DataLoader<Batch<P>, HashMapCache>,
    /// The provider, for what is not asked by key: lists and the caller's own account.
    pub reads: Arc<P>,
}

impl Loaders {
    /// Fresh loaders for one operation, and the loads it will begin, for `drive`.
    pub fn build(wordpress: wordpress::Reads, oneall: oneall::Reads) -> (Self, Loads) {
        let (begin, loads) = mpsc::unbounded_channel();
        (Self::over(wordpress, oneall, Spawner(begin)), Loads(loads))
    }

    fn over(wordpress: wordpress::Reads, oneall: oneall::Reads, spawner: Spawner) -> Self {
        let (wordpress, oneall) = (Loader::build(wordpress, spawner.clone()), Loader::build(oneall, spawner.clone()));
        Self { wordpress, oneall, spawner, next: OnceLock::new() }
    }

    /// Those that have read nothing from before the last change.
    pub fn latest(&self) -> &Self {
        std::iter::successors(Some(self), |loaders| loaders.next.get().map(|next| &**next)).last().unwrap_or(self)
    }

    /// Something was changed: from now on nothing is answered from what was read before. What was read before stays with
    /// whoever has it in hand, so each change of an operation costs it a set of loaders.
    pub fn renew(&self) {
        let latest = self.latest();
        let (wordpress, oneall) = (latest.wordpress.reads.afresh(), latest.oneall.reads.afresh());
        latest.next.get_or_init(|| Box::new(Self::over(wordpress, oneall, latest.spawner.clone())));
    }
}

impl<P: Send + Sync + 'static> Loader<P> {
    fn build(provider: P, spawner: Spawner) -> Self {
        let reads = Arc::new(provider);
        let keys = DataLoader::with_cache(Batch(reads.clone()), spawner, AtOnce, HashMapCache::default());
        Self { keys, reads }
    }

    /// The thing with this key.
    pub async fn find<K>(&self, key: K) -> Answer<P::Noun>
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

/// Runs an operation and, inside it, the loads it begins; a load goes only when the operation can ask for nothing more.
pub async fn drive<T>(operation: impl Future<Output = T>, mut loads: Loads) -> T {
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

/// Starts what was begun and runs what can run; true if the operation may have something new to see.
fn advance(loads: &mut Loads, running: &mut FuturesUnordered<FutureObj<'static, ()>>, cx: &mut Context<'_>) -> bool {
    let mut moved = false;
    while let Poll::Ready(Some(load)) = loads.0.poll_recv(cx) {
        running.push(load);
        moved = true;
    }
    while let Poll::Ready(Some(())) = running.poll_next_unpin(cx) {
        moved = true;
    }
    moved
}

type Reading<K, V> = Shared<BoxFuture<'static, Arc<HashMap<K, V>>>>;

struct Batch<P>(Arc<P>);

impl<P, K> dataloader::Loader<K> for Batch<P>
where
    P: Fetch<K>,
    K: Send + Sync + Hash + Eq + Clone + 'static,
{
    type Value = Reading<K, Answer<P::Noun>>;
    type Error = Infallible;

    async fn load(&self, keys: &[K]) -> Result<HashMap<K, Self::Value>, Infallible> {
        let (provider, wanted) = (self.0.clone(), keys.to_vec());
        let reading = async move { Arc::new(provider.fetch(&wanted).await) }.boxed().shared();
        Ok(keys.iter().map(|key| (key.clone(), reading.clone())).collect())
    }
}

/// Hands a load to the operation it belongs to.
#[derive(Clone)]
struct Spawner(mpsc::UnboundedSender<FutureObj<'static, ()>>);

impl Spawn for Spawner {
    fn spawn_obj(&self, load: FutureObj<'static, ()>) -> Result<(), SpawnError> {
        self.0.send(load).map_err(|_| SpawnError::shutdown())
    }
}

/// A timer that has always rung: `drive` says when keys have gathered.
struct AtOnce;

impl Timer for AtOnce {
    fn delay(&self, _: Duration) -> BoxFuture<'static, ()> {
        ready(()).boxed()
    }
}

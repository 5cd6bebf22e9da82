//! What is kept of a host, looked at without any call.

use std::sync::Arc;

use tokio::time::Instant;

use super::cache::Worth;
use super::{Cacheable, Call, Failure, Read, Upstream, Verdict, noun};

impl<E: Failure> Upstream<E> {
    /// What was read before, if it is fresh; within, none: there is no such thing.
    pub fn peek<T: Cacheable>(&self, read: &Read<'_>) -> Option<(Call, Option<Arc<T>>)> {
        let now = Instant::now();
        let ready = self.prepare::<T>(read, now);
        let (kept, _) = self.cache.find(&ready.key, now).filter(|(_, worth)| *worth == Worth::Fresh)?;
        self.metrics.read(self.provider, Verdict::Hit.as_str());
        Some((Call::of(&ready.target).kept(Verdict::Hit, &kept, now), noun(kept.noun)))
    }

    /// Whether it was read before and is fresh; to ask counts as no read.
    pub fn holds<T: Cacheable>(&self, read: &Read<'_>) -> bool {
        let now = Instant::now();
        let ready = self.prepare::<T>(read, now);
        self.cache.find(&ready.key, now).is_some_and(|(_, worth)| worth == Worth::Fresh)
    }
}

//! What is kept of a host, looked at and put out without any call.

use std::sync::Arc;

use tokio::time::Instant;

use super::cache::Worth;
use super::{Call, Failure, Keep, Read, Upstream, Verdict, address, noun};

impl<E: Failure> Upstream<E> {
    /// What was read before, if it is fresh; within, none: there is no such thing.
    pub fn peek<T: Keep>(&self, read: &Read<'_>) -> Option<(Call, Option<Arc<T>>)> {
        let now = Instant::now();
        let ready = self.prepare::<T>(read, now);
        let (kept, _) = self.cache.find(&ready.key, now).filter(|(_, worth)| *worth == Worth::Fresh)?;
        self.metrics.read(self.provider, Verdict::Hit.as_str());
        Some((Call::of(&ready.target).kept(Verdict::Hit, &kept, now), noun(kept.noun)))
    }

    /// Whether it was read before and is fresh; to ask counts as no read.
    pub fn holds<T: Keep>(&self, read: &Read<'_>) -> bool {
        let now = Instant::now();
        let ready = self.prepare::<T>(read, now);
        self.cache.find(&ready.key, now).is_some_and(|(_, worth)| worth == Worth::Fresh)
    }

    /// All that is at or below these paths counts no more, whoever it was read for and with whichever credential: call it
    /// once a change is made, and also if it may have been. What began to be read before that is answered only to whoever
    /// asked before, and not kept.
    pub fn forget(&self, paths: &[&[&str]]) {
        self.cache.forget_paths(&self.located(paths));
    }

    /// These paths as they stand in an address.
    pub(super) fn located(&self, paths: &[&[&str]]) -> Vec<String> {
        paths.iter().map(|path| address::locate(&self.base, path, &[]).path().to_owned()).collect()
    }
}

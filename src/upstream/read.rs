//! The path of a read, top to bottom: cache, call budget, single flight, attempts, stale-if-error.
//!
//! A shared read ends at the deadline of the caller that started it. A late joiner whose own deadline has not passed
//! retries once instead of inheriting the starter's timeout.

use std::any::Any;
use std::sync::Arc;

use tokio::time::{Instant, timeout_at};
use tracing::Instrument;

use crate::upstream::attempt::Attempts;
use crate::upstream::budget::{Budget, CacheMode, CallReservation};
use crate::upstream::cache::invalidation::Validity;
use crate::upstream::cache::single_flight::Joined;
use crate::upstream::cache::store::{CacheEntry, Epoch, Freshness, NewEntry};
use crate::upstream::call::{Call, Verdict};
use crate::upstream::client::{PreparedRead, Upstream};
use crate::upstream::error::Error;
use crate::upstream::outcome::{Failure, Outcome, ReadOutcome};
use crate::upstream::policy::deadline::Deadline;
use crate::upstream::reply::{Cacheable, CachedValue, Decoded, Interpreted, Reply};
use crate::upstream::request::{Credential, OwnedCredential, Read};

impl<E: Failure> Upstream<E> {
    /// Reads through the cache. `None` means that there is no such object.
    ///
    /// `interpret` says what a reply means; it runs once per reply. The [`Call`] and the envelope's note are returned
    /// whether or not the read succeeded.
    pub async fn read<T: Cacheable>(
        self: &Arc<Self>,
        read: &Read<'_>,
        budget: &Budget,
        interpret: impl Fn(&Reply) -> Interpreted<Option<Decoded<T>>, E> + Send + Sync + 'static,
    ) -> (Call, Option<String>, Result<Option<Arc<T>>, E>) {
        let ended = self.read_through_cache(read, budget, interpret).await;
        self.metrics.read(self.provider, ended.0.verdict.as_str());
        ended
    }

    /// Returns the cached value if it is fresh. The inner `None` means that there is no such object.
    pub fn peek<T: Cacheable>(&self, read: &Read<'_>) -> Option<(Call, Option<Arc<T>>)> {
        let now = Instant::now();
        let prepared = self.prepare::<T>(read, now);
        let (entry, _) = self.cache.get(&prepared.key, now).filter(|(_, freshness)| *freshness == Freshness::Fresh)?;
        self.metrics.read(self.provider, Verdict::Hit.as_str());
        Some((Call::for_read(&prepared.target).served_from_cache(Verdict::Hit, &entry, now), downcast(entry.value)))
    }

    /// Whether a fresh value is cached. This does not count as a read.
    pub fn is_cached<T: Cacheable>(&self, read: &Read<'_>) -> bool {
        let now = Instant::now();
        let prepared = self.prepare::<T>(read, now);
        self.cache.get(&prepared.key, now).is_some_and(|(_, freshness)| freshness == Freshness::Fresh)
    }

    async fn read_through_cache<T: Cacheable>(
        self: &Arc<Self>,
        read: &Read<'_>,
        budget: &Budget,
        interpret: impl Fn(&Reply) -> Interpreted<Option<Decoded<T>>, E> + Send + Sync + 'static,
    ) -> (Call, Option<String>, Result<Option<Arc<T>>, E>) {
        let start = Instant::now();
        let prepared = self.prepare::<T>(read, start);
        let mut call = Call::for_read(&prepared.target);
        let cached = match budget.cache_mode() {
            CacheMode::Cached => self.cache.get(&prepared.key, start),
            CacheMode::Live => None,
        };
        match cached {
            Some((entry, Freshness::Fresh)) => {
                return (call.served_from_cache(Verdict::Hit, &entry, start), None, Ok(downcast(entry.value)));
            }
            Some((entry, Freshness::Stale)) => {
                self.revalidate(&prepared, read.credential, &budget.for_revalidation(), interpret);
                return (call.served_from_cache(Verdict::Stale, &entry, start), None, Ok(downcast(entry.value)));
            }
            _ => {}
        }
        let outcome = self.fetch(&prepared, read.credential, budget, interpret, &mut call).await;
        call.took = start.elapsed();
        let is_usable =
            |entry: &CacheEntry| outcome.outcome.allows_stale() && self.cache.is_usable(&prepared.key, entry);
        match cached.filter(|(entry, _)| is_usable(entry)) {
            Some((entry, _)) => {
                let call = call.served_from_cache(Verdict::StaleIfError, &entry, Instant::now());
                (call, None, Ok(downcast(entry.value)))
            }
            None => (call, outcome.note, outcome.result.map(downcast)),
        }
    }

    /// Reads from the host, or joins an equal read in flight, within the operation's budget and deadline.
    async fn fetch<T: Cacheable>(
        self: &Arc<Self>,
        prepared: &PreparedRead,
        credential: Credential<'_>,
        budget: &Budget,
        interpret: impl Fn(&Reply) -> Interpreted<Option<Decoded<T>>, E> + Send + Sync + 'static,
        call: &mut Call,
    ) -> ReadOutcome<E> {
        let own = Deadline::new(&self.settings, Instant::now(), budget.deadline());
        let interpret = Arc::new(interpret);
        let mut timed_out = None;
        let outcome = loop {
            let now = Instant::now();
            let reservation = match budget.reserve(now) {
                Ok(reservation) => reservation,
                Err(error) => break timed_out.unwrap_or_else(|| self.failed(error, 0)),
            };
            let interpret = interpret.clone();
            let interpret = move |reply: &Reply| interpret(reply);
            let deadline = Deadline::new(&self.settings, now, Some(own.end()));
            let joined = self.join_or_start(prepared, credential, budget, reservation, deadline, interpret);
            let Joined { outcome, deadline, is_shared } = joined;
            call.verdict = match (is_shared, budget.cache_mode()) {
                (true, _) => Verdict::Shared,
                (false, CacheMode::Cached) => Verdict::Miss,
                (false, CacheMode::Live) => Verdict::Live,
            };
            let Ok(outcome) = timeout_at(own.end(), outcome).await else {
                break self.failed(Error::TimedOut, deadline.calls());
            };
            let now = Instant::now();
            let is_timed_out = outcome.outcome == Outcome::Failed(Error::TimedOut) && deadline.is_over(now);
            if !is_shared || timed_out.is_some() || !is_timed_out || own.is_over(now) {
                break outcome;
            }
            timed_out = Some(outcome);
        };
        call.record_outcome(&outcome);
        outcome
    }

    /// Reads a stale entry again in the background, if the refresh limit allows it.
    fn revalidate<T: Cacheable>(
        self: &Arc<Self>,
        prepared: &PreparedRead,
        credential: Credential<'_>,
        budget: &Budget,
        interpret: impl Fn(&Reply) -> Interpreted<Option<Decoded<T>>, E> + Send + Sync + 'static,
    ) {
        let now = Instant::now();
        let refresher = (prepared.key.credential(), budget.caller());
        let Some(permit) = self.refresh_limit.try_acquire(refresher) else { return };
        let Ok(reservation) = budget.reserve(now) else { return };
        let deadline = Deadline::new(&self.settings, now, budget.deadline());
        let joined = self.join_or_start(prepared, credential, budget, reservation, deadline, interpret);
        if !joined.is_shared {
            let provider = self.provider;
            let target = prepared.target.clone();
            let reading = async move {
                let _permit = permit;
                let ReadOutcome { result, outcome, attempts, .. } = joined.outcome.await;
                if result.is_err() {
                    tracing::debug!(provider, target, ?outcome, attempts, "background revalidation failed");
                }
            };
            tokio::spawn(reading.in_current_span());
        }
    }

    /// Joins the equal read in flight, or starts one that runs until `deadline`.
    fn join_or_start<T: Cacheable>(
        self: &Arc<Self>,
        prepared: &PreparedRead,
        credential: Credential<'_>,
        budget: &Budget,
        reservation: CallReservation,
        deadline: Deadline,
        interpret: impl Fn(&Reply) -> Interpreted<Option<Decoded<T>>, E> + Send + Sync + 'static,
    ) -> Joined<ReadOutcome<E>> {
        let PreparedRead { key, url, credential_state, .. } = prepared;
        let epoch = self.cache.epoch(credential_state);
        let is_current = |epoch| self.cache.validity(key, credential_state, epoch, None) == Validity::Valid;
        self.single_flight.join(key, epoch, is_current, deadline, |deadline| {
            let upstream = self.clone();
            let credential = OwnedCredential::from(credential);
            let key = key.clone();
            let url = url.clone();
            let credential_state = credential_state.clone();
            let caller = budget.caller();
            let trace = budget.trace();
            let own_queue = self.credentials.queue(key.credential(), caller);
            async move {
                let attempts = Attempts {
                    upstream: &*upstream,
                    url: &url,
                    credential: &credential,
                    credential_state: &credential_state,
                    own_queue: &own_queue,
                    key: &key,
                    caller,
                    trace,
                    deadline: &deadline,
                    reservation: &reservation,
                };
                let outcome = attempts.run(interpret).await;
                upstream.update_cache::<T>(&attempts, &outcome, epoch);
                outcome
            }
            // Log lines belong to the request that started the read, whoever polls it.
            .in_current_span()
        })
    }

    /// Caches what was read, redacted, or evicts what the reply proves wrong.
    fn update_cache<T: Cacheable>(&self, attempts: &Attempts<'_, E>, outcome: &ReadOutcome<E>, epoch: Epoch) {
        let key = attempts.key;
        let credential_state = attempts.credential_state;
        let (value, ttl) = match (&outcome.result, outcome.outcome, outcome.ttl) {
            (Ok(None), ..) => (None, std::time::Duration::ZERO),
            (Ok(Some(value)), _, Some(ttl)) => (Some(value), ttl),
            (Err(_), Outcome::Refused, _) => return self.cache.evict_credential(key, credential_state),
            (Err(_), Outcome::Denied, _) => return self.cache.remove(key),
            (Ok(Some(_)), _, None) | (Err(_), ..) => return,
        };
        let value = value.map(|value| match (&**value as &dyn Any).downcast_ref::<T>().and_then(Cacheable::redacted) {
            Some(redacted) => Arc::new(redacted) as CachedValue,
            None => value.clone(),
        });
        let memory_size = value.as_ref().map_or(0, |value| value.memory_size());
        let credential_state = credential_state.clone();
        let entry = NewEntry { value, memory_size, ttl, epoch, credential_state, now: Instant::now() };
        self.cache.insert(key.clone(), entry);
    }
}

/// Downcasts a value to the type that its key names.
fn downcast<T: Cacheable>(value: Option<CachedValue>) -> Option<Arc<T>> {
    let value: Arc<dyn Any + Send + Sync> = value?;
    value.downcast().ok()
}

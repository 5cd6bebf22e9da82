//! Which connections may be open: at most `connections_max` that are admitted, and a small reserve beyond them.
//!
//! A connection is admitted when it is accepted, as long as a permit is free. Otherwise it waits in the reserve for its
//! first request. Health requests are answered from there. Any other request needs admission: it takes a free permit,
//! or the permit of an idle connection, which is then closed. Without either it is refused with 503.
//!
//! The idle connection is taken from the network that holds most permits, and is the least recently active one there.
//! So a network that keeps many connections alive cannot keep others out. Networks are those of the per-address limit.
//! A wider aggregate is not needed: a newcomer takes a settled connection even where each network holds only one.
//!
//! When the reserve is full, its oldest connections are closed, those of the largest network first. A permit is held
//! until the socket is closed, so the number of open connections never exceeds the sum of both.

mod table;

pub(in crate::http) use self::table::Client;

use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use self::table::{Stage, Table};
use crate::http::middleware::concurrency_limit::Overload;
use crate::metrics::Metrics;

/// The bounds of the reserve, which otherwise is a quarter of `connections_max`.
const RESERVE_MIN: usize = 16;
const RESERVE_MAX: usize = 256;

/// The reserve runs short when less than a quarter of it is free.
const SHORT_SHARE: usize = 4;

/// How often a full reserve evicts connections, and the share of it that it evicts each time.
const EVICT_EVERY: Duration = Duration::from_millis(10);
const EVICT_SHARE: usize = 8;

/// How long a connection that is to close still takes a request that was sent before the client can know, and how long
/// it may take to close then.
const LINGER: Duration = Duration::from_millis(50);

/// The number of connections beyond `connections_max` that may be open for their first request.
pub fn reserve_size(connections_max: usize) -> usize {
    (connections_max / 4).clamp(RESERVE_MIN, RESERVE_MAX)
}

/// The connections of one listener.
#[derive(Clone, Debug)]
pub(super) struct Admission(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    permits: Arc<Semaphore>,
    reserve: Arc<Semaphore>,
    reserve_size: usize,
    age_max: Duration,
    jitter: RandomState,
    table: Mutex<Table>,
    metrics: Metrics,
}

/// A permit of the reserve, which a connection needs to be accepted.
pub(super) struct Reserved(OwnedSemaphorePermit);

/// An open connection, until this is dropped.
pub(super) struct Registration(Handle);

/// A reference to a connection, which may be closed already.
#[derive(Clone, Debug)]
pub(super) struct Handle {
    admission: Admission,
    id: u64,
    address: IpAddr,
    /// Whether it was accepted into the reserve, so that its first request has to be admitted.
    is_from_reserve: bool,
    expires: Instant,
    close: CancellationToken,
}

/// Work on a connection, which is not idle until this is dropped.
#[derive(Debug)]
pub(super) struct Work {
    admission: Admission,
    id: u64,
}

impl Admission {
    /// Admits so many connections, each of which expires at about this age.
    pub(super) fn new(connections_max: usize, age_max: Duration, metrics: Metrics) -> Self {
        let reserve_size = reserve_size(connections_max);
        Self(Arc::new(Inner {
            permits: Arc::new(Semaphore::new(connections_max)),
            reserve: Arc::new(Semaphore::new(reserve_size)),
            reserve_size,
            age_max,
            jitter: RandomState::new(),
            table: Mutex::default(),
            metrics,
        }))
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a permit of the reserve. While few are left, the oldest connections there are closed.
    pub(super) async fn reserve(&self) -> Reserved {
        loop {
            self.make_room();
            // The semaphore is never closed.
            if let Ok(Ok(permit)) = timeout(EVICT_EVERY, self.0.reserve.clone().acquire_owned()).await {
                return Reserved(permit);
            }
        }
    }

    /// Evicts as many connections as are accepted while the reserve runs short, and more when it is full.
    fn make_room(&self) {
        let free = self.0.reserve.available_permits();
        let mut left = match free {
            0 => self.0.reserve_size / EVICT_SHARE,
            _ if free < self.0.reserve_size / SHORT_SHARE => 1,
            _ => return,
        };
        let mut table = self.table();
        while left > 0 && table.evict_pending(Instant::now()) {
            left -= 1;
        }
    }

    /// A permit of the reserve, if one is free.
    pub(super) fn try_reserve(&self) -> Option<Reserved> {
        self.0.reserve.clone().try_acquire_owned().ok().map(Reserved)
    }

    /// Registers a connection from this address that was accepted just now.
    pub(super) fn enter(&self, address: IpAddr, client: Client, reserved: Reserved) -> Registration {
        let (permit, stage) = match self.0.permits.clone().try_acquire_owned() {
            Ok(permit) => (permit, Stage::Admitted),
            Err(_) => (reserved.0, Stage::Pending),
        };
        let now = Instant::now();
        let (id, close) = self.table().insert(client, permit, stage, now);
        let is_from_reserve = stage == Stage::Pending;
        let expires = now + self.age(id);
        Registration(Handle { admission: self.clone(), id, address, is_from_reserve, expires, close })
    }

    /// The age at which a connection expires: 90% to 110% of the maximum, so that not all expire at once.
    fn age(&self, id: u64) -> Duration {
        let per_mille = 900 + self.0.jitter.hash_one(id) % 201;
        let milliseconds = u64::try_from(self.0.age_max.as_millis()).unwrap_or(u64::MAX);
        Duration::from_millis(milliseconds.saturating_mul(per_mille) / 1_000)
    }
}

impl Registration {
    /// The reference that requests and writes carry.
    pub(super) fn handle(&self) -> &Handle {
        &self.0
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.0.admission.table().remove(self.0.id);
    }
}

impl Handle {
    /// The address at the other end.
    pub(super) fn address(&self) -> IpAddr {
        self.address
    }

    /// Whether its first request has to be admitted.
    pub(super) fn is_from_reserve(&self) -> bool {
        self.is_from_reserve
    }

    /// Whether it is still in the reserve, or left it without being admitted.
    pub(super) fn is_unadmitted(&self) -> bool {
        self.is_from_reserve && self.admission.table().stage(self.id) != Some(Stage::Admitted)
    }

    /// Whether it is to close after what is under way.
    pub(super) fn is_ending(&self) -> bool {
        self.close.is_cancelled() || self.expires <= Instant::now() || self.is_unadmitted()
    }

    /// When it is old enough to be replaced.
    pub(super) fn expires(&self) -> Instant {
        self.expires
    }

    /// Counts work, until what is returned is dropped.
    pub(super) fn work(&self) -> Work {
        self.admission.table().begin_work(self.id);
        Work { admission: self.admission.clone(), id: self.id }
    }

    /// Whether a request on it may run: it was admitted, or becomes admitted now.
    fn admit(&self) -> bool {
        let mut table = self.admission.table();
        match table.stage(self.id) {
            Some(Stage::Pending) => {}
            Some(Stage::Admitted | Stage::Reclaimed) => return true,
            Some(Stage::Evicted) | None => return false,
        }
        if let Ok(permit) = self.admission.0.permits.clone().try_acquire_owned() {
            table.admit(self.id, permit);
            return true;
        }
        let is_admitted = table.reclaim(self.id, Instant::now());
        if is_admitted {
            self.admission.0.metrics.connection_reclaimed();
        }
        is_admitted
    }

    /// Asks the connection to close after what is under way.
    pub(super) fn close(&self) {
        self.close.cancel();
    }

    /// Waits until the connection is asked to close and has had the time to read what was sent before.
    pub(super) async fn closing(&self) {
        self.close.cancelled().await;
        sleep(LINGER).await;
    }

    /// Waits until the connection is asked to close, has had the time to do so as well, and may be cut off.
    pub(super) async fn closed_late(&self) {
        self.closing().await;
        loop {
            sleep(LINGER).await;
            if self.admission.table().may_cut_off(self.id) {
                return;
            }
        }
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        self.admission.table().end_work(self.id, Instant::now());
    }
}

/// Refuses a request on a connection that is not admitted and cannot be.
pub(in crate::http) async fn require(request: Request, next: Next) -> Response {
    if request.extensions().get::<Handle>().is_none_or(Handle::admit) {
        return next.run(request).await;
    }
    Overload::Connections.response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_differ_by_a_tenth_at_most() {
        let admission = Admission::new(1, Duration::from_secs(100), Metrics::default());
        let ages: Vec<_> = (0..1_000).map(|id| admission.age(id).as_secs()).collect();
        assert!(ages.iter().all(|age| (90..=110).contains(age)), "{ages:?}");
        assert!(ages.iter().min() < Some(&95) && ages.iter().max() > Some(&105), "{ages:?}");
    }

    #[test]
    fn the_reserve_is_a_quarter_within_bounds() {
        assert_eq!([1, 100, 1_024, 65_536].map(reserve_size), [16, 25, 256, 256]);
    }
}

//! The open connections of a listener, and the decision which of them makes room.
//!
//! Every change goes through [`Table::update`], so the counts and the order of a network always agree with its records.
//! A decision looks at each network once, at the oldest idle connection only.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};
use std::mem;
use std::net::IpAddr;
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// How long a connection must be idle before a network that holds as many permits may take its permit. A network that
/// holds at least two fewer need not wait.
const SETTLED: Duration = Duration::from_secs(1);

/// How long a connection in the reserve is safe from eviction.
const GRACE: Duration = Duration::from_millis(100);

/// Where a connection stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// It counts against `connections_max`.
    Admitted,
    /// It is in the reserve: its first request decides.
    Pending,
    /// It gave its permit to another one. It closes as soon as nothing is under way on it.
    Reclaimed,
    /// It left the reserve without being admitted. It closes whatever is under way on it.
    Evicted,
}

/// The other end of a connection, as it is counted.
#[derive(Clone, Copy, Debug)]
pub(in crate::http) struct Client {
    /// The key of the per-address limit.
    pub(in crate::http) network: IpAddr,
    /// Whether the address is a trusted proxy.
    pub(in crate::http) is_proxy: bool,
}

/// An open connection.
#[derive(Debug)]
struct Record {
    network: IpAddr,
    is_proxy: bool,
    stage: Stage,
    /// Released when the socket is closed.
    permit: OwnedSemaphorePermit,
    /// Requests that are being answered, and writes that the client does not take.
    work: usize,
    idle_since: Instant,
    close: CancellationToken,
}

/// The connections of one network. Idle and pending ones are in the order in which they were last active.
#[derive(Debug, Default)]
struct Network {
    is_proxy: bool,
    admitted: usize,
    idle: BTreeSet<(Instant, u64)>,
    pending: BTreeSet<(Instant, u64)>,
}

/// All open connections.
#[derive(Debug, Default)]
pub(super) struct Table {
    next_id: u64,
    records: HashMap<u64, Record>,
    networks: HashMap<IpAddr, Network>,
}

impl Network {
    /// The permits that count when networks are compared. Many clients share a trusted proxy, so it counts as one.
    fn weight(&self) -> usize {
        if self.is_proxy { self.admitted.min(1) } else { self.admitted }
    }

    fn add(&mut self, id: u64, record: &Record) {
        self.is_proxy = record.is_proxy;
        self.admitted += usize::from(record.stage == Stage::Admitted);
        let order = match record.stage {
            Stage::Admitted => &mut self.idle,
            Stage::Pending => &mut self.pending,
            Stage::Reclaimed | Stage::Evicted => return,
        };
        // In the reserve only health is answered: a client that does not take the answer must not stay for it.
        if record.work == 0 || record.stage == Stage::Pending {
            order.insert((record.idle_since, id));
        }
    }

    fn remove(&mut self, id: u64, record: &Record) {
        self.idle.remove(&(record.idle_since, id));
        self.pending.remove(&(record.idle_since, id));
        self.admitted -= usize::from(record.stage == Stage::Admitted);
    }

    fn is_empty(&self) -> bool {
        self.admitted == 0 && self.pending.is_empty()
    }
}

impl Table {
    /// Adds a connection that was accepted just now; returns its number and the signal that asks it to close.
    pub(super) fn insert(
        &mut self,
        client: Client,
        permit: OwnedSemaphorePermit,
        stage: Stage,
        now: Instant,
    ) -> (u64, CancellationToken) {
        let id = self.next_id;
        self.next_id += 1;
        let close = CancellationToken::new();
        let Client { network, is_proxy } = client;
        let record = Record { network, is_proxy, stage, permit, work: 0, idle_since: now, close: close.clone() };
        self.networks.entry(network).or_default().add(id, &record);
        self.records.insert(id, record);
        (id, close)
    }

    /// Removes a connection whose socket is closed, and releases its permit.
    pub(super) fn remove(&mut self, id: u64) {
        let Some(record) = self.records.remove(&id) else { return };
        if let Some(network) = self.networks.get_mut(&record.network) {
            network.remove(id, &record);
        }
        self.forget_if_empty(record.network);
    }

    /// Changes a record, and with it what its network counts.
    fn update(&mut self, id: u64, change: impl FnOnce(&mut Record)) {
        let Some(record) = self.records.get_mut(&id) else { return };
        let address = record.network;
        let network = self.networks.entry(address).or_default();
        network.remove(id, record);
        change(record);
        network.add(id, record);
        self.forget_if_empty(address);
    }

    fn forget_if_empty(&mut self, address: IpAddr) {
        if self.networks.get(&address).is_some_and(Network::is_empty) {
            self.networks.remove(&address);
        }
    }

    /// Counts one more piece of work; the connection is not idle until it ends.
    pub(super) fn begin_work(&mut self, id: u64) {
        self.update(id, |record| record.work += 1);
    }

    /// Ends one piece of work.
    pub(super) fn end_work(&mut self, id: u64, now: Instant) {
        self.update(id, |record| {
            record.work = record.work.saturating_sub(1);
            record.idle_since = now;
        });
    }

    /// Whether a connection that was asked to close may be cut off.
    pub(super) fn may_cut_off(&self, id: u64) -> bool {
        self.records.get(&id).is_none_or(|record| record.work == 0 || record.stage == Stage::Evicted)
    }

    /// Where a connection stands; `None` if it is closed.
    pub(super) fn stage(&self, id: u64) -> Option<Stage> {
        self.records.get(&id).map(|record| record.stage)
    }

    /// Admits a pending connection with a free permit.
    pub(super) fn admit(&mut self, id: u64, permit: OwnedSemaphorePermit) {
        self.update(id, |record| (record.permit, record.stage) = (permit, Stage::Admitted));
    }

    /// Admits a pending connection with the permit of an idle one, which is asked to close and takes the other permit
    /// until it has. Returns `false` if there is no idle connection that the newcomer's network may take a permit from.
    pub(super) fn reclaim(&mut self, id: u64, now: Instant) -> bool {
        let Some(victim) = self.victim(id, now) else { return false };
        let Some([newcomer, idle]) = self.pair(id, victim) else { return false };
        mem::swap(&mut newcomer.permit, &mut idle.permit);
        self.update(victim, |record| record.stage = Stage::Reclaimed);
        self.update(id, |record| record.stage = Stage::Admitted);
        self.ask_to_close(victim);
        true
    }

    fn pair(&mut self, one: u64, other: u64) -> Option<[&mut Record; 2]> {
        match self.records.get_disjoint_mut([&one, &other]) {
            [Some(one), Some(other)] => Some([one, other]),
            _ => None,
        }
    }

    /// The least recently active idle connection of the network with the largest weight.
    fn victim(&self, newcomer: u64, now: Instant) -> Option<u64> {
        let own = self.records.get(&newcomer).and_then(|record| self.networks.get(&record.network));
        let own = own.map_or(0, Network::weight);
        let offers = self.networks.values().filter_map(|network| {
            let (idle_since, id) = network.idle.first().copied()?;
            let weight = network.weight();
            let may_take = weight >= own + 2 || (weight >= own && now - idle_since >= SETTLED);
            may_take.then_some((weight, Reverse(idle_since), id))
        });
        offers.max().map(|(_, _, id)| id)
    }

    /// Asks the oldest connection in the reserve of the network that has most of them there to close. Returns `false` if
    /// each of them is younger than the grace.
    pub(super) fn evict_pending(&mut self, now: Instant) -> bool {
        let oldest = self.networks.values().filter_map(|network| {
            let (accepted, id) = network.pending.first().copied()?;
            (now - accepted >= GRACE).then_some((network.pending.len(), Reverse(accepted), id))
        });
        let Some((_, _, id)) = oldest.max() else { return false };
        self.update(id, |record| record.stage = Stage::Evicted);
        self.ask_to_close(id);
        true
    }

    fn ask_to_close(&self, id: u64) {
        if let Some(record) = self.records.get(&id) {
            record.close.cancel();
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::Arc;

    use tokio::sync::Semaphore;

    use super::*;

    /// A table with a clock of its own, and as many permits as a test needs.
    struct Bench {
        table: Table,
        now: Instant,
        permits: Arc<Semaphore>,
    }

    impl Bench {
        fn new() -> Self {
            Self { table: Table::default(), now: Instant::now(), permits: Arc::new(Semaphore::new(1_000)) }
        }

        fn enter(&mut self, address: &str, is_proxy: bool, stage: Stage) -> u64 {
            self.now += Duration::from_millis(1);
            let client = Client { network: address.parse().unwrap(), is_proxy };
            let permit = self.permits.clone().try_acquire_owned().unwrap();
            self.table.insert(client, permit, stage, self.now).0
        }

        fn admitted(&mut self, address: &str) -> u64 {
            self.enter(address, false, Stage::Admitted)
        }

        fn newcomer(&mut self, address: &str) -> u64 {
            let id = self.enter(address, false, Stage::Pending);
            self.table.begin_work(id);
            id
        }

        /// The connection whose permit a newcomer takes now.
        fn reclaimed_by(&mut self, address: &str) -> Option<u64> {
            let id = self.newcomer(address);
            let before: Vec<u64> = self.open(Stage::Admitted);
            let is_admitted = self.table.reclaim(id, self.now);
            assert_eq!(self.table.stage(id) == Some(Stage::Admitted), is_admitted);
            before.into_iter().find(|id| self.table.stage(*id) == Some(Stage::Reclaimed))
        }

        fn open(&self, stage: Stage) -> Vec<u64> {
            self.table.records.iter().filter(|(_, record)| record.stage == stage).map(|(id, _)| *id).collect()
        }
    }

    #[test]
    fn the_network_with_most_permits_gives_its_least_recently_active_connection() {
        let mut bench = Bench::new();
        let other = bench.admitted("192.0.2.1");
        let [first, second, third] = [(); 3].map(|()| bench.admitted("192.0.2.2"));
        bench.now += GRACE;
        bench.table.begin_work(first);
        bench.table.end_work(first, bench.now);
        assert_eq!(bench.reclaimed_by("192.0.2.3"), Some(second), "the first has just been active");
        assert_eq!(bench.reclaimed_by("192.0.2.4"), Some(third));
        assert_eq!(bench.reclaimed_by("192.0.2.5"), None, "each network holds one, and none has settled");
        bench.now += SETTLED;
        assert_eq!(bench.reclaimed_by("192.0.2.5"), Some(other), "the oldest of all");
    }

    #[test]
    fn a_connection_with_work_is_never_reclaimed() {
        let mut bench = Bench::new();
        let [busy, idle] = [(); 2].map(|()| bench.admitted("192.0.2.1"));
        bench.table.begin_work(busy);
        bench.table.begin_work(busy);
        bench.table.end_work(busy, bench.now);
        bench.now += 2 * SETTLED;
        assert_eq!(bench.reclaimed_by("192.0.2.2"), Some(idle));
        bench.now += 2 * SETTLED;
        assert_eq!(bench.reclaimed_by("192.0.2.3"), None, "the newcomers are at work too");
        bench.table.end_work(busy, bench.now);
        bench.now += 2 * SETTLED;
        assert_eq!(bench.reclaimed_by("192.0.2.3"), Some(busy));
    }

    #[test]
    fn a_network_takes_nothing_from_one_that_holds_fewer() {
        let mut bench = Bench::new();
        let modest = bench.admitted("192.0.2.1");
        let hoard = [(); 5].map(|()| bench.admitted("192.0.2.2"));
        hoard.iter().for_each(|id| bench.table.begin_work(*id));
        bench.now += 2 * SETTLED;
        assert_eq!(bench.reclaimed_by("192.0.2.2"), None);
        hoard.iter().for_each(|id| bench.table.end_work(*id, bench.now));
        assert_eq!(bench.reclaimed_by("192.0.2.2"), None, "its own connections have not settled");
        bench.now += SETTLED;
        assert_eq!(bench.reclaimed_by("192.0.2.2"), Some(hoard[0]), "then it replaces one of its own");
        assert_eq!(bench.table.stage(modest), Some(Stage::Admitted));
    }

    #[test]
    fn a_trusted_proxy_counts_as_one_client() {
        let mut bench = Bench::new();
        let proxied = [(); 5].map(|()| bench.enter("10.0.0.1", true, Stage::Admitted));
        let [first, _] = [(); 2].map(|()| bench.admitted("192.0.2.1"));
        assert_eq!(bench.reclaimed_by("192.0.2.2"), Some(first));
        assert_eq!(bench.reclaimed_by("192.0.2.3"), None);
        bench.now += SETTLED;
        assert_eq!(bench.reclaimed_by("192.0.2.3"), Some(proxied[0]));
    }

    #[test]
    fn the_reserve_evicts_the_oldest_connection_of_the_network_that_has_most_there() {
        let mut bench = Bench::new();
        let other = bench.enter("192.0.2.1", false, Stage::Pending);
        let [first, second] = [(); 2].map(|()| bench.enter("192.0.2.2", false, Stage::Pending));
        let asking = bench.newcomer("192.0.2.2");
        let admitted = bench.admitted("192.0.2.2");
        assert!(!bench.table.evict_pending(bench.now), "each is younger than the grace");
        bench.now += GRACE;
        let mut evicted = Vec::new();
        while bench.table.evict_pending(bench.now) {
            evicted
                .extend(bench.open(Stage::Evicted).into_iter().filter(|id| !evicted.contains(id)).collect::<Vec<_>>());
        }
        assert_eq!(evicted, [first, second, other, asking]);
        assert_eq!(bench.table.stage(admitted), Some(Stage::Admitted));
        assert!(bench.table.may_cut_off(asking), "its answer may never be taken");
    }

    #[test]
    fn whatever_has_left_is_forgotten_and_its_permit_is_free() {
        let mut bench = Bench::new();
        let [first, second] = [(); 2].map(|()| bench.admitted("192.0.2.1"));
        let pending = bench.newcomer("2001:db8::");
        bench.now += SETTLED;
        assert!(bench.table.reclaim(pending, bench.now));
        for id in [first, second, pending] {
            bench.table.begin_work(id);
            bench.table.remove(id);
            bench.table.end_work(id, bench.now);
        }
        assert_eq!(bench.permits.available_permits(), 1_000);
        assert!(bench.table.networks.is_empty() && bench.table.records.is_empty());
    }
}

//! A number of bytes that client addresses share, and at each address its callers.
//!
//! There are no fixed parts: what a caller may hold follows from what is still free. With a divisor `d`, a reservation is
//! granted if `d * caller <= max - total - address` holds afterwards. Switches share packet buffers by such a rule ("dynamic
//! thresholds"). It follows that
//!
//! - one caller alone holds at most `max / (d + 2)`, and one address at most half;
//! - however much others hold, a part is always free for the next caller, and for the next address: each takes at most
//!   `1 / (d + 2)` of what it finds.
//!
//! A reservation that is refused changes nothing. Nobody waits here, and nothing is taken away once it is granted.

use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::metrics::LimitMeter;

/// The bytes, and who holds how many of them. Clones share them.
pub(super) struct SharedBytes<K> {
    inner: Arc<Inner<K>>,
}

struct Inner<K> {
    max: usize,
    divisor: usize,
    meter: LimitMeter,
    held: Mutex<Held<K>>,
}

struct Held<K> {
    total: usize,
    by_address: HashMap<IpAddr, usize>,
    by_caller: HashMap<(IpAddr, K), usize>,
}

/// Bytes that are reserved until this is dropped.
#[derive(Debug)]
pub(super) struct Reservation<K: Clone + Eq + Hash> {
    of: SharedBytes<K>,
    owner: Owner<K>,
    bytes: AtomicUsize,
}

/// A caller at an address. It prints nothing: both identify people.
struct Owner<K>(IpAddr, K);

impl<K: Clone + Eq + Hash> SharedBytes<K> {
    /// Creates a budget of `max` bytes, all free. The greater the divisor, the smaller the part of each caller.
    pub(super) fn new(max: usize, divisor: usize, meter: LimitMeter) -> Self {
        let held = Held { total: 0, by_address: HashMap::new(), by_caller: HashMap::new() };
        Self { inner: Arc::new(Inner { max, divisor, meter, held: Mutex::new(held) }) }
    }

    /// Reserves bytes for a caller at an address. Returns `None` if its share does not allow them.
    pub(super) fn reserve(&self, address: IpAddr, caller: K, bytes: usize) -> Option<Reservation<K>> {
        let none = Reservation { of: self.clone(), owner: Owner(address, caller), bytes: AtomicUsize::new(0) };
        none.add(bytes).then_some(none)
    }

    fn lock(&self) -> MutexGuard<'_, Held<K>> {
        self.inner.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Clone + Eq + Hash> Held<K> {
    /// Adds bytes if the share of their owner allows them.
    fn add(&mut self, Owner(address, caller): &Owner<K>, bytes: usize, limits: &Inner<K>) -> bool {
        let key = (*address, caller.clone());
        let total = self.total.saturating_add(bytes);
        let of_address = self.by_address.get(address).copied().unwrap_or_default().saturating_add(bytes);
        let of_caller = self.by_caller.get(&key).copied().unwrap_or_default().saturating_add(bytes);
        let spare = limits.max.saturating_sub(total).saturating_sub(of_address);
        if of_caller.saturating_mul(limits.divisor) > spare {
            return false;
        }
        self.total = total;
        self.by_address.insert(*address, of_address);
        self.by_caller.insert(key, of_caller);
        true
    }

    /// Frees bytes; an owner who holds nothing more is forgotten.
    fn free(&mut self, Owner(address, caller): &Owner<K>, bytes: usize) {
        self.total = self.total.saturating_sub(bytes);
        subtract(&mut self.by_address, *address, bytes);
        subtract(&mut self.by_caller, (*address, caller.clone()), bytes);
    }
}

fn subtract<K: Eq + Hash>(counts: &mut HashMap<K, usize>, key: K, bytes: usize) {
    match counts.get_mut(&key) {
        Some(count) if *count > bytes => *count -= bytes,
        _ => drop(counts.remove(&key)),
    }
}

impl<K: Clone + Eq + Hash> Reservation<K> {
    /// Returns how many bytes are reserved.
    pub(super) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Reserves more bytes. Returns `false`, and changes nothing, if the share of the owner does not allow them.
    pub(super) fn add(&self, bytes: usize) -> bool {
        if bytes == 0 {
            return true;
        }
        // Every change of the count happens under the lock.
        let mut held = self.of.lock();
        let is_added = held.add(&self.owner, bytes, &self.of.inner);
        if is_added {
            self.bytes.fetch_add(bytes, Ordering::Relaxed);
            self.of.inner.meter.set_used(held.total);
        } else {
            self.of.inner.meter.refuse();
        }
        is_added
    }

    /// Frees what is reserved above this number of bytes.
    pub(super) fn shrink(&self, bytes: usize) {
        let mut held = self.of.lock();
        let excess = self.bytes().saturating_sub(bytes);
        if excess > 0 {
            held.free(&self.owner, excess);
            self.bytes.fetch_sub(excess, Ordering::Relaxed);
            self.of.inner.meter.set_used(held.total);
        }
    }
}

impl<K: Clone + Eq + Hash> Drop for Reservation<K> {
    fn drop(&mut self) {
        self.shrink(0);
    }
}

impl<K> Clone for SharedBytes<K> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone() }
    }
}

impl<K> fmt::Debug for SharedBytes<K> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("SharedBytes").field("max", &self.inner.max).finish_non_exhaustive()
    }
}

impl<K> fmt::Debug for Owner<K> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Owner")
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use proptest::prelude::*;

    use super::*;
    use crate::metrics::Metrics;

    fn shared(max: usize, divisor: usize) -> SharedBytes<u8> {
        SharedBytes::new(max, divisor, Metrics::default().limit("bodies_max_bytes"))
    }

    fn address(number: u8) -> IpAddr {
        Ipv4Addr::new(192, 0, 2, number).into()
    }

    /// Reserves byte by byte until no more is granted.
    fn take_all(shares: &SharedBytes<u8>, from: u8, caller: u8) -> Vec<Reservation<u8>> {
        std::iter::from_fn(|| shares.reserve(address(from), caller, 1)).collect()
    }

    #[test]
    fn a_caller_alone_has_its_part_and_an_address_at_most_half() {
        let shares = shared(1_000, 2);
        let held = take_all(&shares, 1, 1);
        assert_eq!(held.len(), 250);
        let others: Vec<_> = (2..200).map(|caller| take_all(&shares, 1, caller)).collect();
        let of_address = held.len() + others.iter().map(Vec::len).sum::<usize>();
        assert!((400..=500).contains(&of_address), "{of_address}");
        assert!(!take_all(&shares, 2, 1).is_empty(), "another address finds room");
    }

    #[test]
    fn whoever_comes_after_greedy_callers_finds_room_at_their_address_and_elsewhere() {
        let shares = shared(100_000, 16);
        let greedy: Vec<_> = (1..=12).map(|caller| take_all(&shares, 1, caller)).collect();
        assert!(take_all(&shares, 1, 100).len() >= 1_000);
        assert!(take_all(&shares, 2, 100).len() >= 3_000);
        drop(greedy);
        let addresses: Vec<_> = (1..=20).map(|number| take_all(&shares, number, 0)).collect();
        assert!(take_all(&shares, 100, 0).len() >= 1_000);
        drop(addresses);
    }

    #[test]
    fn a_refused_reservation_changes_nothing_and_a_dropped_one_is_free_again() {
        let shares = shared(100, 2);
        let Some(held) = shares.reserve(address(1), 1, 20) else { unreachable!("it is a fifth") };
        assert!(!held.add(10) && held.bytes() == 20);
        assert!(held.add(5) && held.bytes() == 25);
        held.shrink(10);
        assert_eq!((held.bytes(), shares.lock().total), (10, 10));
        drop(held);
        let left = shares.lock();
        assert!(left.total == 0 && left.by_address.is_empty() && left.by_caller.is_empty());
    }

    proptest! {
        #[test]
        fn the_sum_never_exceeds_the_maximum_and_comes_back_to_zero(
            steps in prop::collection::vec((0u8..4, 0u8..4, 0usize..400, any::<bool>()), 1..200),
        ) {
            let shares = shared(1_000, 2);
            let mut held = Vec::new();
            for (from, caller, bytes, is_dropped) in steps {
                held.extend(shares.reserve(address(from), caller, bytes));
                if is_dropped && !held.is_empty() {
                    held.swap_remove(bytes % held.len());
                }
                let state = shares.lock();
                prop_assert!(state.total <= 1_000);
                prop_assert_eq!(state.total, held.iter().map(Reservation::bytes).sum::<usize>());
                prop_assert!(state.by_address.values().all(|bytes| *bytes <= 500));
                prop_assert!(state.by_caller.values().all(|bytes| *bytes <= 250));
            }
            drop(held);
            prop_assert!(shares.lock().by_caller.is_empty());
        }
    }
}

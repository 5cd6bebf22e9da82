//! How many connections, or unread answers, one address has open: one that takes all of them would leave none to others.
//!
//! Counted, of connections, is whoever is at the other end of the connection, of IPv6 the network of 64 bits. A listed proxy is not: all its
//! clients come from there, and to keep one of them from taking all of its connections is the proxy's part.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;

use super::admission::Client;
use crate::http::peer::{Network, Peer};

/// The addresses that have something open; they outlast the routes.
#[derive(Clone, Debug)]
pub struct Guests(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    max: usize,
    proxies: ArcSwap<Vec<Network>>,
    open: Mutex<HashMap<IpAddr, usize>>,
    is_told: AtomicBool,
}

/// What a guest has open, until it is dropped.
#[derive(Debug)]
pub(in crate::http) struct Guest {
    of: Guests,
    address: IpAddr,
}

impl Guests {
    /// So many for each address.
    pub fn new(max: usize) -> Self {
        Self(Arc::new(Inner {
            max,
            proxies: ArcSwap::default(),
            open: Mutex::default(),
            is_told: AtomicBool::new(false),
        }))
    }

    /// These are proxies, for connections from now on.
    pub(in crate::http) fn list(&self, proxies: Vec<Network>) {
        self.0.proxies.store(Arc::new(proxies));
    }

    /// How a connection from this address is counted.
    pub(super) fn client(&self, socket: IpAddr) -> Client {
        let socket = socket.to_canonical();
        let is_proxy = self.0.proxies.load().iter().any(|network| network.holds(socket));
        Client { network: Peer(socket).limit_key(), is_proxy }
    }

    /// Lets one more from this address in, if there are not too many already.
    pub(in crate::http) fn enter(&self, socket: IpAddr) -> Option<Guest> {
        let Client { network: address, is_proxy } = self.client(socket);
        let mut open = self.lock();
        let count = open.get(&address).copied().unwrap_or_default();
        if count >= self.0.max && !is_proxy {
            return None;
        }
        open.insert(address, count + 1);
        Some(Guest { of: self.clone(), address })
    }

    /// Tells the log, once, that an address has too many open. It may be a person's; so it is not named.
    pub(super) fn tell_full(&self) {
        if !self.0.is_told.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                "a connection was closed, as more will be: its address has http.limits.connections_per_address_max open; if \
                 a proxy of yours is there, list it in http.trusted_proxies"
            );
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let mut open = self.of.lock();
        match open.get_mut(&self.address) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(open.remove(&self.address)),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::http::peer::Proxies;

    #[test]
    fn each_address_has_so_many_and_whoever_has_left_is_forgotten() {
        let guests = Guests::new(2);
        let enter = |address: &str| guests.enter(address.parse().unwrap());
        let held = [enter("192.0.2.1"), enter("::ffff:192.0.2.1"), enter("2001:db8::1"), enter("2001:db8::2")];
        assert!(held.iter().all(Option::is_some));
        assert!(enter("192.0.2.1").is_none() && enter("2001:db8::3").is_none() && enter("2001:db8:0:1::1").is_some());
        drop(held);
        assert!(guests.lock().is_empty());
    }

    #[test]
    fn a_listed_proxy_has_as_many_as_come() {
        let guests = Guests::new(1);
        guests.list(Proxies(vec!["10.0.0.0/8".to_owned()]).networks().unwrap());
        let held: Vec<_> = (0..9).map(|_| guests.enter("10.1.1.1".parse().unwrap())).collect();
        assert!(held.iter().all(Option::is_some));
    }
}

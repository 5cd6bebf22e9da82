//! The limit of open connections per peer address, so that one address cannot take all of them.
//!
//! Connections count by the address at the other end, for IPv6 by its /64 network. A trusted proxy is exempt: the
//! connections of all its clients come from its address. The proxy must limit its own clients.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;

use super::admission::Client;
use crate::http::middleware::client_ip::{ClientIp, Network};

/// The open connections of each address. Clones share them, and they outlive a reload.
#[derive(Clone, Debug)]
pub(in crate::http) struct PerIpLimit(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    max: usize,
    proxies: ArcSwap<Vec<Network>>,
    open: Mutex<HashMap<IpAddr, usize>>,
    /// Whether the log has the warning that an address has reached the limit.
    is_logged: AtomicBool,
}

/// An open connection, until this is dropped.
#[derive(Debug)]
pub(super) struct ConnectionPermit {
    limit: PerIpLimit,
    address: IpAddr,
}

impl PerIpLimit {
    /// Allows `max` connections per address.
    pub(in crate::http) fn new(max: usize) -> Self {
        Self(Arc::new(Inner {
            max,
            proxies: ArcSwap::default(),
            open: Mutex::default(),
            is_logged: AtomicBool::new(false),
        }))
    }

    /// Exempts these proxies, for new connections.
    pub(in crate::http) fn exempt(&self, proxies: Vec<Network>) {
        self.0.proxies.store(Arc::new(proxies));
    }

    /// Returns how a connection from this address counts.
    pub(super) fn client(&self, peer: IpAddr) -> Client {
        let peer = peer.to_canonical();
        let is_proxy = self.0.proxies.load().iter().any(|network| network.contains(peer));
        Client { network: ClientIp(peer).limit_key(), is_proxy }
    }

    /// Acquires a permit for one more connection from this address, if it has fewer than the maximum.
    pub(super) fn acquire(&self, peer: IpAddr) -> Option<ConnectionPermit> {
        let Client { network: address, is_proxy } = self.client(peer);
        let mut open = self.lock();
        let count = open.get(&address).copied().unwrap_or_default();
        if count >= self.0.max && !is_proxy {
            return None;
        }
        open.insert(address, count + 1);
        Some(ConnectionPermit { limit: self.clone(), address })
    }

    /// Logs, once, that an address has reached the limit. The address may be a person's, so the log does not have it.
    pub(super) fn log_full(&self) {
        if !self.0.is_logged.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                "closed a connection: its address has http.limits.connections_per_address_max open; if it is your proxy, add \
                 it to http.trusted_proxies. This is logged once"
            );
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        let mut open = self.limit.lock();
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
    use crate::http::middleware::client_ip::TrustedProxies;

    #[test]
    fn each_address_has_a_maximum_and_closed_connections_are_forgotten() {
        let limit = PerIpLimit::new(2);
        let acquire = |address: &str| limit.acquire(address.parse().unwrap());
        let held = [acquire("192.0.2.1"), acquire("::ffff:192.0.2.1"), acquire("2001:db8::1"), acquire("2001:db8::2")];
        assert!(held.iter().all(Option::is_some));
        assert!(
            acquire("192.0.2.1").is_none() && acquire("2001:db8::3").is_none() && acquire("2001:db8:0:1::1").is_some()
        );
        drop(held);
        assert!(limit.lock().is_empty());
    }

    #[test]
    fn a_trusted_proxy_is_exempt() {
        let limit = PerIpLimit::new(1);
        limit.exempt(TrustedProxies(vec!["10.0.0.0/8".to_owned()]).networks().unwrap());
        let held: Vec<_> = (0..9).map(|_| limit.acquire("10.1.1.1".parse().unwrap())).collect();
        assert!(held.iter().all(Option::is_some));
    }
}

//! The IP address of the client. Proxies are believed only if they are listed in `http.trusted_proxies`.
//!
//! Anybody can send `Forwarded` and `X-Forwarded-For`, so they count only on a connection from a trusted proxy. The chain is
//! read from its end, where our own proxy wrote, as far as trusted proxies go. The first address that is not a trusted
//! proxy is the client; what is before it is the client's own claim.
//!
//! If the chain cannot be followed, the last proxy that could be followed stands for the client. That is so for `unknown`,
//! an obfuscated name and an invalid element. If both headers are there and differ, a client may have written one of them,
//! so the proxy at the other end of the connection stands for the client.

mod forwarded;
mod network;

pub use self::network::{Network, TrustedProxies};

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::extract::{Request, State};
use axum::http::{Extensions, HeaderMap};
use axum::middleware::Next;
use axum::response::Response;

/// Limits count requests whose client is not known under this address, all of them together.
const UNKNOWN: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

/// The address at the other end of the connection, in the extensions of a request.
#[derive(Clone, Copy, Debug)]
pub(in crate::http) struct PeerAddress(pub(in crate::http) IpAddr);

/// The address of the client, in the extensions of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http) struct ClientIp(pub(in crate::http) IpAddr);

impl ClientIp {
    /// Returns the key under which limits count the client: its address, or for IPv6 its /64 network, which one household
    /// or machine gets.
    pub(in crate::http) fn limit_key(self) -> IpAddr {
        match self.0 {
            IpAddr::V4(_) => self.0,
            IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
        }
    }
}

/// Returns the key under which limits count the client of a request with these extensions.
pub(in crate::http) fn limit_key(extensions: &Extensions) -> IpAddr {
    extensions.get::<ClientIp>().map_or(UNKNOWN, |client| client.limit_key())
}

/// The trusted proxies.
pub(in crate::http) struct ProxyList {
    trusted: Vec<Network>,
    /// Whether the log has the warning about a proxy that is not trusted.
    is_logged: AtomicBool,
}

impl ProxyList {
    /// Creates the list of these networks.
    pub(in crate::http) fn new(trusted: Vec<Network>) -> Self {
        Self { trusted, is_logged: AtomicBool::new(false) }
    }

    /// Logs, once, that a proxy is not trusted: limits count all its clients as one. Any client can send these headers, and
    /// the address may be a person's, so the log does not have it.
    fn log_untrusted(&self, peer: IpAddr, headers: &HeaderMap) {
        let is_untrusted = forwarded::is_present(headers) && !is_trusted(peer.to_canonical(), &self.trusted);
        if is_untrusted && !self.is_logged.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                "ignored Forwarded or X-Forwarded-For from an address that is not in http.trusted_proxies; if it is your \
                 proxy, add it, or limits count all its clients as one"
            );
        }
    }
}

/// Adds the address of the client to the extensions of a request.
pub(in crate::http) async fn resolve(
    State(proxies): State<Arc<ProxyList>>,
    mut request: Request,
    next: Next,
) -> Response {
    if let Some(PeerAddress(peer)) = request.extensions().get::<PeerAddress>().copied() {
        proxies.log_untrusted(peer, request.headers());
        let client = client(peer, request.headers(), &proxies.trusted);
        request.extensions_mut().insert(ClientIp(client));
    }
    next.run(request).await
}

/// Returns the address of the client whose request came from `peer` with these headers.
fn client(peer: IpAddr, headers: &HeaderMap, trusted: &[Network]) -> IpAddr {
    let peer = peer.to_canonical();
    if !is_trusted(peer, trusted) {
        return peer;
    }
    let follow = |hops: Option<Vec<Option<IpAddr>>>| hops.map(|hops| follow(peer, &hops, trusted));
    match (follow(forwarded::forwarded(headers)), follow(forwarded::x_forwarded_for(headers))) {
        (Some(one), Some(other)) if one != other => peer,
        (one, other) => one.or(other).unwrap_or(peer),
    }
}

/// Follows the hops back from the nearest, which is the last, as far as trusted proxies go.
fn follow(peer: IpAddr, hops: &[Option<IpAddr>], trusted: &[Network]) -> IpAddr {
    let mut last = peer;
    for hop in hops.iter().rev() {
        match hop {
            None => return last,
            Some(address) if is_trusted(*address, trusted) => last = *address,
            Some(address) => return *address,
        }
    }
    last
}

fn is_trusted(address: IpAddr, trusted: &[Network]) -> bool {
    trusted.iter().any(|network| network.contains(address))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use axum::http::{HeaderName, HeaderValue};
    use proptest::prelude::*;

    use super::*;

    const UNTRUSTED: &str = "203.0.113.9";

    fn resolve(peer: &str, lines: &[(&str, &str)]) -> String {
        let trusted =
            TrustedProxies(vec!["10.0.0.0/8".into(), "192.0.2.7".into(), "fd00::/16".into()]).networks().unwrap();
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            headers.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        client(peer.parse().unwrap(), &headers, &trusted).to_string()
    }

    #[test]
    fn headers_of_a_peer_that_is_not_trusted_are_ignored() {
        for header in [("x-forwarded-for", "1.2.3.4"), ("forwarded", "for=1.2.3.4"), ("x-forwarded-for", "10.0.0.1")] {
            assert_eq!(resolve(UNTRUSTED, &[header]), UNTRUSTED, "{header:?}");
        }
        assert_eq!(resolve("10.0.0.1", &[]), "10.0.0.1");
        assert_eq!(resolve("::ffff:10.0.0.1", &[("x-forwarded-for", "1.2.3.4")]), "1.2.3.4");
    }

    #[test]
    fn the_chain_is_followed_from_its_end_as_far_as_trusted_proxies_go() {
        for (list, client) in [
            ("1.2.3.4", "1.2.3.4"),
            ("6.6.6.6, 1.2.3.4", "1.2.3.4"),
            ("6.6.6.6, 1.2.3.4, 10.1.1.1,192.0.2.7", "1.2.3.4"),
            ("10.2.2.2, 10.1.1.1", "10.2.2.2"),
            ("1.2.3.4:5678", "1.2.3.4"),
            ("2001:db8::1", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("[2001:db8::1]:443, fd00::5", "2001:db8::1"),
            ("::ffff:1.2.3.4", "1.2.3.4"),
            ("1.2.3.4, unknown", "10.0.0.1"),
            ("unknown, 10.1.1.1", "10.1.1.1"),
            ("1.2.3.4, rubbish, 10.1.1.1", "10.1.1.1"),
            ("1.2.3.4, 999.1.1.1", "10.0.0.1"),
            ("1.2.3.4:", "10.0.0.1"),
            ("1.2.3.4:x", "10.0.0.1"),
            ("1.2.3.4:99999", "10.0.0.1"),
            ("[1.2.3.4]", "10.0.0.1"),
            ("[2001:db8::1", "10.0.0.1"),
            ("2001:db8::1%eth0", "10.0.0.1"),
            ("1.2.3.4,", "1.2.3.4"),
            ("1.2.3.4, ,,", "1.2.3.4"),
            (", 1.2.3.4", "1.2.3.4"),
            ("6.6.6.6,, 1.2.3.4, , 10.1.1.1,", "1.2.3.4"),
            (",", "10.0.0.1"),
            ("", "10.0.0.1"),
            ("\u{e9}", "10.0.0.1"),
        ] {
            assert_eq!(resolve("10.0.0.1", &[("x-forwarded-for", list)]), client, "{list:?}");
        }
        let lines = [("x-forwarded-for", "1.2.3.4"), ("x-forwarded-for", "5.6.7.8, 10.1.1.1")];
        assert_eq!(resolve("10.0.0.1", &lines), "5.6.7.8");
        let empty_last = [("x-forwarded-for", "1.2.3.4"), ("x-forwarded-for", "")];
        assert_eq!(resolve("10.0.0.1", &empty_last), "1.2.3.4");
    }

    #[test]
    fn forwarded_is_parsed_by_its_grammar() {
        for (value, client) in [
            ("for=1.2.3.4", "1.2.3.4"),
            ("For=\"1.2.3.4:80\";proto=https;by=10.0.0.1", "1.2.3.4"),
            ("proto=https;host=\"a,b\";for=\"[2001:db8::1]:4711\"", "2001:db8::1"),
            ("for=6.6.6.6, for=1.2.3.4;host=\"x\\\", for=7.7.7.7\"", "1.2.3.4"),
            ("for=1.2.3.4, for=10.9.9.9", "1.2.3.4"),
            ("for=1.2.3.4, for=unknown", "10.0.0.1"),
            ("for=1.2.3.4, for=_hidden", "10.0.0.1"),
            ("for=1.2.3.4, for=\"_gazonk\", for=10.9.9.9", "10.9.9.9"),
            ("for=1.2.3.4, proto=https", "10.0.0.1"),
            ("for=1.2.3.4;for=5.6.7.8", "10.0.0.1"),
            ("for=\"1.2.3.4", "10.0.0.1"),
            ("for", "10.0.0.1"),
            ("for = 1.2.3.4", "10.0.0.1"),
            ("for=1.2.3.4,", "1.2.3.4"),
            (", for=6.6.6.6, , for=1.2.3.4 ,, for=10.9.9.9 ,", "1.2.3.4"),
            ("for=1.2.3.4;", "1.2.3.4"),
            (" , ", "10.0.0.1"),
            ("", "10.0.0.1"),
        ] {
            assert_eq!(resolve("10.0.0.1", &[("forwarded", value)]), client, "{value:?}");
        }
    }

    #[test]
    fn two_headers_count_only_if_they_agree() {
        let lines = |one, other| [("forwarded", one), ("x-forwarded-for", other)];
        assert_eq!(resolve("10.0.0.1", &lines("for=1.2.3.4", "1.2.3.4")), "1.2.3.4");
        assert_eq!(resolve("10.0.0.1", &lines("for=6.6.6.6", "1.2.3.4")), "10.0.0.1");
    }

    #[test]
    fn limits_count_a_64_bit_ipv6_network_as_one_client() {
        let key = |text: &str| ClientIp(text.parse().unwrap()).limit_key().to_string();
        assert_eq!(key("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(key("1.2.3.4"), "1.2.3.4");
    }

    proptest! {
        #[test]
        fn no_claim_of_a_client_replaces_what_our_own_proxy_wrote(claims in "[ -~]{0,80}") {
            for end in ["", ",", " , ,"] {
                let list = format!("{claims}, 1.2.3.4{end}");
                prop_assert_eq!(resolve("10.0.0.1", &[("x-forwarded-for", &list)]), "1.2.3.4");
            }
        }

        #[test]
        fn any_text_in_the_headers_is_handled(forwarded in "\\PC{0,80}", x_forwarded_for in "[-0-9a-f.:,\\[\\] %\"]{0,80}") {
            resolve("10.0.0.1", &[("forwarded", &forwarded), ("x-forwarded-for", &x_forwarded_for)]);
        }
    }
}

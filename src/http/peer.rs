//! Who is at the other end: the client's address, by the word of proxies only where these are listed.
//!
//! Anybody can write `Forwarded` and `X-Forwarded-For`, so they mean something only on a connection from a listed proxy,
//! and only as far back as the chain of listed proxies goes: it is read from its end, where our own proxy wrote, and the
//! first address that is no listed proxy is the client. What comes before that is the client's own claim. Where the
//! chain cannot be followed (`unknown`, a hidden name, rubbish, or two headers that say different things, of which a
//! client may have written one), the last proxy that could be followed stands for the client.

mod forwarded;
mod network;

pub use self::network::{Network, Proxies};

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::middleware::Next;
use axum::response::Response;

/// The address at the other end of the connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Socket(pub(super) IpAddr);

/// The client's address, in a request's extensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer(pub IpAddr);

impl Peer {
    /// What limits count by: the address, or for IPv6 the network of 64 bits that one household or machine is given.
    pub fn limit_key(self) -> IpAddr {
        match self.0 {
            IpAddr::V4(_) => self.0,
            IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
        }
    }
}

/// The proxies that are listed, and whether another has spoken.
pub(super) struct Listed {
    trusted: Vec<Network>,
    is_told: AtomicBool,
}

impl Listed {
    pub(super) fn new(trusted: Vec<Network>) -> Self {
        Self { trusted, is_told: AtomicBool::new(false) }
    }

    /// Tells the log, once, of one who speaks as a proxy and is not listed: all behind it are one address to the limits.
    /// Any client can speak so, and the address may be a person's; so it is not named.
    fn tell_unlisted(&self, socket: IpAddr, headers: &HeaderMap) {
        let is_unlisted = forwarded::is_said(headers) && !is_trusted(socket.to_canonical(), &self.trusted);
        if is_unlisted && !self.is_told.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                "Forwarded or X-Forwarded-For came from an address that is not in http.trusted_proxies, and is not \
                 believed; if a proxy of yours is there, list it, or all its clients count as one"
            );
        }
    }
}

/// Writes the client's address into the request.
pub(super) async fn learn(State(listed): State<Arc<Listed>>, mut request: Request, next: Next) -> Response {
    if let Some(Socket(socket)) = request.extensions().get::<Socket>().copied() {
        listed.tell_unlisted(socket, request.headers());
        let client = client(socket, request.headers(), &listed.trusted);
        request.extensions_mut().insert(Peer(client));
    }
    next.run(request).await
}

/// The client's address, of a request that came from this socket with these headers.
pub fn client(socket: IpAddr, headers: &HeaderMap, trusted: &[Network]) -> IpAddr {
    let socket = socket.to_canonical();
    if !is_trusted(socket, trusted) {
        return socket;
    }
    let said = |hops: Option<Vec<Option<IpAddr>>>| hops.map(|hops| follow(socket, &hops, trusted));
    match (said(forwarded::standard(headers)), said(forwarded::customary(headers))) {
        (Some(one), Some(other)) if one != other => socket,
        (one, other) => one.or(other).unwrap_or(socket),
    }
}

/// Goes back along the hops, the nearest last, as far as listed proxies tell of them.
fn follow(socket: IpAddr, hops: &[Option<IpAddr>], trusted: &[Network]) -> IpAddr {
    let mut last = socket;
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
    trusted.iter().any(|network| network.holds(address))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use axum::http::{HeaderName, HeaderValue};
    use proptest::prelude::*;

    use super::*;

    const OUTER: &str = "203.0.113.9";

    fn ask(socket: &str, lines: &[(&str, &str)]) -> String {
        let trusted = Proxies(vec!["10.0.0.0/8".into(), "192.0.2.7".into(), "fd00::/16".into()]).networks().unwrap();
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            headers.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        client(socket.parse().unwrap(), &headers, &trusted).to_string()
    }

    #[test]
    fn a_client_that_is_no_listed_proxy_is_taken_for_itself_whatever_it_says() {
        for header in [("x-forwarded-for", "1.2.3.4"), ("forwarded", "for=1.2.3.4"), ("x-forwarded-for", "10.0.0.1")] {
            assert_eq!(ask(OUTER, &[header]), OUTER, "{header:?}");
        }
        assert_eq!(ask("10.0.0.1", &[]), "10.0.0.1");
        assert_eq!(ask("::ffff:10.0.0.1", &[("x-forwarded-for", "1.2.3.4")]), "1.2.3.4");
    }

    #[test]
    fn the_chain_is_followed_from_its_end_and_no_further_than_proxies_are_listed() {
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
            assert_eq!(ask("10.0.0.1", &[("x-forwarded-for", list)]), client, "{list:?}");
        }
        let lines = [("x-forwarded-for", "1.2.3.4"), ("x-forwarded-for", "5.6.7.8, 10.1.1.1")];
        assert_eq!(ask("10.0.0.1", &lines), "5.6.7.8");
        let empty_last = [("x-forwarded-for", "1.2.3.4"), ("x-forwarded-for", "")];
        assert_eq!(ask("10.0.0.1", &empty_last), "1.2.3.4");
    }

    #[test]
    fn the_standard_header_is_read_by_its_grammar() {
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
            assert_eq!(ask("10.0.0.1", &[("forwarded", value)]), client, "{value:?}");
        }
    }

    #[test]
    fn two_headers_are_believed_only_if_they_agree() {
        let lines = |one, other| [("forwarded", one), ("x-forwarded-for", other)];
        assert_eq!(ask("10.0.0.1", &lines("for=1.2.3.4", "1.2.3.4")), "1.2.3.4");
        assert_eq!(ask("10.0.0.1", &lines("for=6.6.6.6", "1.2.3.4")), "10.0.0.1");
    }

    #[test]
    fn limits_count_an_ipv6_network_as_one() {
        let key = |text: &str| Peer(text.parse().unwrap()).limit_key().to_string();
        assert_eq!(key("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(key("1.2.3.4"), "1.2.3.4");
    }

    proptest! {
        #[test]
        fn no_claim_gets_past_what_our_own_proxy_wrote(claims in "[ -~]{0,80}") {
            for end in ["", ",", " , ,"] {
                let list = format!("{claims}, 1.2.3.4{end}");
                prop_assert_eq!(ask("10.0.0.1", &[("x-forwarded-for", &list)]), "1.2.3.4");
            }
        }

        #[test]
        fn nothing_in_the_headers_is_too_odd(forwarded in "\\PC{0,80}", customary in "[-0-9a-f.:,\\[\\] %\"]{0,80}") {
            ask("10.0.0.1", &[("forwarded", &forwarded), ("x-forwarded-for", &customary)]);
        }
    }
}

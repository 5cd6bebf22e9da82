//! The hops that a request's headers tell of, nearest last; `None` in the place of one that is no address.
//!
//! `Forwarded` is RFC 7239, with its quotes; `X-Forwarded-For` is a list of addresses, as proxies write it: with ports or
//! without, IPv6 in brackets or bare. Empty list elements are ignored (RFC 9110, section 5.6.1).

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use axum::http::{HeaderMap, HeaderName, header};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// One hop.
type Hop = Option<IpAddr>;

/// Whether anything is said of hops, be it rubbish.
pub(super) fn is_said(headers: &HeaderMap) -> bool {
    headers.contains_key(header::FORWARDED) || headers.contains_key(X_FORWARDED_FOR)
}

/// What `Forwarded` tells; nothing if it is absent.
pub(super) fn standard(headers: &HeaderMap) -> Option<Vec<Hop>> {
    hops(headers, &header::FORWARDED, |line| split(line, ','), element)
}

/// What `X-Forwarded-For` tells; nothing if it is absent.
pub(super) fn customary(headers: &HeaderMap) -> Option<Vec<Hop>> {
    hops(headers, &X_FORWARDED_FOR, |line| line.split(',').collect(), node)
}

/// Every hop in all lines of a header. A line that is not text is one hop that cannot be read.
fn hops(
    headers: &HeaderMap,
    name: &HeaderName,
    elements: impl Fn(&str) -> Vec<&str>,
    read: impl Fn(&str) -> Hop,
) -> Option<Vec<Hop>> {
    let read_line = |line| {
        let listed = elements(line).into_iter().map(str::trim).filter(|element| !element.is_empty());
        listed.map(&read).collect::<Vec<Hop>>()
    };
    let lines = headers.get_all(name).iter();
    let hops: Vec<Hop> = lines.flat_map(|value| value.to_str().map_or_else(|_| vec![None], read_line)).collect();
    (!hops.is_empty()).then_some(hops)
}

/// Parts a text at a mark that is not within quotes.
fn split(text: &str, mark: char) -> Vec<&str> {
    let (mut parts, mut from, mut quoted, mut escaped) = (Vec::new(), 0, false, false);
    for (at, sign) in text.char_indices() {
        match sign {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if sign == mark && !quoted => {
                parts.push(&text[from..at]);
                from = at + sign.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(&text[from..]);
    parts
}

/// The `for` of one element, if it has exactly one.
fn element(text: &str) -> Hop {
    let pairs = split(text, ';').into_iter().filter_map(|pair| pair.trim().split_once('='));
    let mut named = pairs.filter(|(name, _)| name.eq_ignore_ascii_case("for")).map(|(_, value)| value);
    let (first, second) = (named.next()?, named.next());
    let bare = first.strip_prefix('"').map_or(Some(first), |rest| rest.strip_suffix('"'))?;
    second.is_none().then(|| node(bare)).flatten()
}

/// An address, with a port or without.
fn node(text: &str) -> Hop {
    let in_brackets = || text.strip_prefix('[')?.strip_suffix(']')?.parse::<Ipv6Addr>().ok().map(IpAddr::V6);
    let with_port = || text.parse::<SocketAddr>().ok().filter(|_| !text.contains('%')).map(|address| address.ip());
    text.parse().ok().or_else(in_brackets).or_else(with_port).map(|address: IpAddr| address.to_canonical())
}

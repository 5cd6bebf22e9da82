//! Parses the hops in `Forwarded` and `X-Forwarded-For`, the nearest hop last. A hop that is not an address is `None`.
//!
//! `Forwarded` follows RFC 7239, with quoted strings. `X-Forwarded-For` is a list of addresses as proxies write it: with or
//! without a port, IPv6 with or without brackets. Empty list elements are ignored (RFC 9110, section 5.6.1).

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use axum::http::{HeaderMap, HeaderName, header};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// One hop: its address, if it has one.
type Hop = Option<IpAddr>;

/// Returns whether a request has one of the headers, valid or not.
pub(super) fn is_present(headers: &HeaderMap) -> bool {
    headers.contains_key(header::FORWARDED) || headers.contains_key(X_FORWARDED_FOR)
}

/// Returns the hops in `Forwarded`, or `None` if there are none.
pub(super) fn forwarded(headers: &HeaderMap) -> Option<Vec<Hop>> {
    hops(headers, &header::FORWARDED, |line| split(line, ','), element)
}

/// Returns the hops in `X-Forwarded-For`, or `None` if there are none.
pub(super) fn x_forwarded_for(headers: &HeaderMap) -> Option<Vec<Hop>> {
    hops(headers, &X_FORWARDED_FOR, |line| line.split(',').collect(), node)
}

/// Returns the hops in all lines of a header. A line that is not text is one hop without an address.
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

/// Splits a text at each separator outside quotes.
fn split(text: &str, separator: char) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut from = 0;
    let mut quoted = false;
    let mut escaped = false;
    for (at, char) in text.char_indices() {
        match char {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if char == separator && !quoted => {
                parts.push(&text[from..at]);
                from = at + char.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(&text[from..]);
    parts
}

/// Parses one element of `Forwarded`, which must have exactly one `for`.
fn element(text: &str) -> Hop {
    let pairs = split(text, ';').into_iter().filter_map(|pair| pair.trim().split_once('='));
    let mut named = pairs.filter(|(name, _)| name.eq_ignore_ascii_case("for")).map(|(_, value)| value);
    let first = named.next()?;
    let second = named.next();
    let bare = first.strip_prefix('"').map_or(Some(first), |rest| rest.strip_suffix('"'))?;
    second.is_none().then(|| node(bare)).flatten()
}

/// Parses an address with or without a port.
fn node(text: &str) -> Hop {
    let in_brackets = || text.strip_prefix('[')?.strip_suffix(']')?.parse::<Ipv6Addr>().ok().map(IpAddr::V6);
    let with_port = || text.parse::<SocketAddr>().ok().filter(|_| !text.contains('%')).map(|address| address.ip());
    text.parse().ok().or_else(in_brackets).or_else(with_port).map(|address: IpAddr| address.to_canonical())
}

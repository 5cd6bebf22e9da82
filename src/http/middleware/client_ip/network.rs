//! Networks of IP addresses in CIDR notation, such as `10.0.0.0/8` or `2001:db8::/32`, or one address.

use std::net::IpAddr;

use serde::Deserialize;
use serde::de::Deserializer;

use crate::http::text_list;

/// A network: the addresses with the same first bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    /// The length of the prefix, in bits.
    bits: u32,
}

impl Network {
    /// Parses a network. A prefix of 0 bits is rejected: every address would be trusted.
    fn parse(text: &str) -> Option<Self> {
        let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let address: IpAddr = address.parse().ok()?;
        let longest = width(address);
        let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        let bits = bits.map_or(Some(longest), |bits| Some(bits).filter(|bits| digits(bits))?.parse().ok())?;
        (1..=longest).contains(&bits).then_some(Self { address, bits })
    }

    /// Returns whether the network contains an address. An IPv4 address must not be mapped to IPv6.
    pub fn contains(&self, address: IpAddr) -> bool {
        width(self.address) == width(address) && prefix(self.address, self.bits) == prefix(address, self.bits)
    }
}

fn width(address: IpAddr) -> u32 {
    if address.is_ipv4() { 32 } else { 128 }
}

/// Returns the first bits of an address, as a number.
fn prefix(address: IpAddr, bits: u32) -> u128 {
    let whole = match address {
        IpAddr::V4(address) => u128::from(address.to_bits()),
        IpAddr::V6(address) => address.to_bits(),
    };
    whole.checked_shr(width(address) - bits).unwrap_or(0)
}

/// The proxies whose `Forwarded` and `X-Forwarded-For` are believed, as the setting has them. None by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedProxies(pub Vec<String>);

impl TrustedProxies {
    /// Returns the networks, or `None` if a text is not a network.
    pub fn networks(&self) -> Option<Vec<Network>> {
        self.0.iter().map(|text| Network::parse(text)).collect()
    }
}

impl<'de> Deserialize<'de> for TrustedProxies {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text_list::deserialize(deserializer, "a list of addresses and networks").map(Self)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_network_contains_the_addresses_with_its_prefix() {
        for (network, address, expected) in [
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("10.1.2.3/8", "10.9.9.9", true),
            ("128.0.0.0/1", "203.0.113.1", true),
            ("128.0.0.0/1", "::1", false),
            ("::/1", "2001:db8::1", true),
            ("192.0.2.1", "192.0.2.1", true),
            ("192.0.2.1", "192.0.2.2", false),
            ("192.0.2.0/31", "192.0.2.1", true),
            ("2001:db8::/33", "2001:db8:7fff::1", true),
            ("2001:db8::/33", "2001:db8:8000::1", false),
            ("::1", "::1", true),
        ] {
            assert_eq!(
                Network::parse(network).unwrap().contains(address.parse().unwrap()),
                expected,
                "{network} {address}"
            );
        }
    }

    #[test]
    fn a_text_that_is_not_a_network_is_rejected() {
        for bad in [
            "",
            "0.0.0.0/0",
            "::/0",
            "10.0.0.0/00",
            "10.0.0.0/33",
            "::/129",
            "10.0.0.0/",
            "10.0.0.0/+8",
            "10.0.0/8",
            "localhost",
            "10.0.0.1:80",
            "*",
        ] {
            assert_eq!(Network::parse(bad), None, "{bad}");
        }
    }
}

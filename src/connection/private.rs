//! Decides which host names of a connection must resolve to public addresses, and which addresses are private. Pure.
//!
//! The origin rule compares names. If others control the DNS of a name, it could resolve to a private network.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

/// Last labels of private names (RFC 6761, RFC 6762, RFC 8375, and other common ones).
const LOCAL: [&str; 10] =
    ["localhost", "local", "internal", "intranet", "lan", "corp", "home", "private", "test", "arpa"];

/// Whether a name is public: it has a dot, and its last label is not private.
pub(super) fn is_public_name(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, last)| !LOCAL.iter().any(|local| local.eq_ignore_ascii_case(last)))
}

/// Whether an address belongs to this machine, to a private network, or to the link; includes IPv6 forms of IPv4
/// addresses.
pub(crate) fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_private_v4(v4),
        IpAddr::V6(v6) => is_private_v6(v6),
    }
}

fn is_private_v4(address: Ipv4Addr) -> bool {
    let [a, b, ..] = address.octets();
    // 100.64.0.0/10 is shared between a provider and its customers (RFC 6598).
    let shared = a == 100 && b & 0xC0 == 64;
    a == 0
        || shared
        || address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_broadcast()
        || address.is_multicast()
}

fn is_private_v6(address: Ipv6Addr) -> bool {
    let v4 = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match address.segments() {
        // Mapped and compatible (RFC 4291), NAT64 (RFC 6052), 6to4 (RFC 3056).
        [0, 0, 0, 0, 0, 0xFFFF | 0, high, low] | [0x64, 0xFF9B, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => {
            is_private_v4(v4(high, low))
        }
        // Unique local (RFC 4193), link-local, site-local, multicast.
        [first, ..] => first & 0xFE00 == 0xFC00 || first & 0xFF80 == 0xFE80 || first & 0xFF00 == 0xFF00,
    }
}

/// Whether a URL names this machine by literal address or as localhost.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::{is_private, is_public_name};

    #[test]
    fn private_addresses_are_recognized_in_every_form() {
        for text in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "64:ff9b::a9fe:a9fe",
            "2002:7f00:1::",
            "fc00::1",
            "fd12:3456::1",
            "fe80::1",
            "febf::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(is_private(text.parse().unwrap()), "{text}");
        }
        for text in [
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.0.1",
            "100.128.0.1",
            "172.15.0.1",
            "172.32.0.1",
            "192.169.0.1",
            "2606:4700::1111",
            "::ffff:1.1.1.1",
            "64:ff9b::101:101",
        ] {
            assert!(!is_private(text.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn names_of_private_networks_are_recognized() {
        assert!(
            ["a.example", "na.site.co", "localhost.evil.example", "xn--bcher-kva.example"]
                .iter()
                .all(|n| is_public_name(n))
        );
        assert!(
            ["localhost", "desk", "desk.local", "desk.Lan", "cw.corp", "a.internal", "x.home.arpa", "x.localhost"]
                .iter()
                .all(|n| !is_public_name(n))
        );
    }
}

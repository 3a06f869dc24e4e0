//! Which addresses a call may reach.
//!
//! Sources: the IANA special-purpose registries for IPv4 and IPv6, and the addresses clouds serve metadata under.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};

use super::Reach;

pub(super) const WHY: &str = "the address is not a public one";
/// For whoever wrote an address that the operator could have written.
pub(super) const PRIVATE: &str = "the address is not a public one; the operator may set it with \
                                  `konstruct apply --data-dir`, or permit such addresses with `egress.allow_private`";

/// Nobody's calls go here: link-local networks, where clouds serve credentials, and their kind.
const NEVER_V4: [Ipv4Net; 2] = [v4(169, 254, 0, 0, 16), v4(168, 63, 129, 16, 32)];
const NEVER_V6: [Ipv6Net; 2] = [v6([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10), v6([0xfd00, 0xec2, 0, 0, 0, 0, 0, 0], 32)];

/// Everything in IPv4 that is not the public internet.
const CLOSED_V4: [Ipv4Net; 14] = [
    v4(0, 0, 0, 0, 8),
    v4(10, 0, 0, 0, 8),
    v4(100, 64, 0, 0, 10),
    v4(127, 0, 0, 0, 8),
    v4(172, 16, 0, 0, 12),
    v4(192, 0, 0, 0, 24),
    v4(192, 0, 2, 0, 24),
    v4(192, 88, 99, 0, 24),
    v4(192, 168, 0, 0, 16),
    v4(198, 18, 0, 0, 15),
    v4(198, 51, 100, 0, 24),
    v4(203, 0, 113, 0, 24),
    v4(224, 0, 0, 0, 4),
    v4(240, 0, 0, 0, 4),
];

/// The part of IPv6 that is the public internet, and what is special within it.
const GLOBAL_V6: Ipv6Net = v6([0x2000, 0, 0, 0, 0, 0, 0, 0], 3);
const CLOSED_V6: [Ipv6Net; 4] = [
    // Protocol assignments, Teredo and ORCHID among them.
    v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 23),
    // Documentation.
    v6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32),
    v6([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20),
    // 6to4: an IPv4 address of the writer's choice in disguise.
    v6([0x2002, 0, 0, 0, 0, 0, 0, 0], 16),
];
/// NAT64 (RFC 6052): how a network without IPv4 reaches the IPv4 address in the last four bytes.
const NAT64: Ipv6Net = v6([0x64, 0xff9b, 0, 0, 0, 0, 0, 0], 96);

/// Whether a call of this reach may connect to `address`.
pub(super) fn allowed(address: IpAddr, reach: Reach) -> bool {
    match address {
        IpAddr::V4(address) => allowed_v4(address, reach),
        IpAddr::V6(address) => match embedded(address) {
            Some(inner) => allowed_v4(inner, reach),
            None => allowed_v6(address, reach),
        },
    }
}

/// Whether a call of this reach may ask where `name` leads. The names of this machine need no asking (RFC 6761).
pub(super) fn allowed_name(name: &str, reach: Reach) -> bool {
    let here = name == "localhost" || name.ends_with(".localhost");
    !name.is_empty() && (reach == Reach::Private || !here)
}

/// Whether `name` means something in its own network alone: names that no public registry gives out.
pub(super) fn private_name(name: &str) -> bool {
    const ENDINGS: [&str; 7] = ["localhost", "local", "internal", "lan", "intranet", "home.arpa", "svc"];
    let ends = |ending: &&str| name.strip_suffix(*ending).is_some_and(|rest| rest.ends_with('.'));
    !name.contains('.') || ENDINGS.iter().any(ends)
}

fn allowed_v4(address: Ipv4Addr, reach: Reach) -> bool {
    let within = |nets: &[Ipv4Net]| nets.iter().any(|net| net.contains(&address));
    !within(&NEVER_V4) && (reach == Reach::Private || !within(&CLOSED_V4))
}

fn allowed_v6(address: Ipv6Addr, reach: Reach) -> bool {
    let within = |nets: &[Ipv6Net]| nets.iter().any(|net| net.contains(&address));
    !within(&NEVER_V6) && (reach == Reach::Private || (GLOBAL_V6.contains(&address) && !within(&CLOSED_V6)))
}

/// The IPv4 address that an IPv6 one stands for.
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    if NAT64.contains(&address) {
        let [.., a, b, c, d] = address.octets();
        return Some(Ipv4Addr::new(a, b, c, d));
    }
    address.to_ipv4_mapped()
}

const fn v4(a: u8, b: u8, c: u8, d: u8, prefix: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
}

const fn v6(s: [u16; 8], prefix: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7]), prefix)
}

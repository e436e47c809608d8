//! The order of entries in a feed (design: Feeds): domains by labels from the right, bytewise; networks by version, address
//! and length; others bytewise.

use std::cmp::Ordering;
use std::net::IpAddr;

use super::{Kind, net};

/// Compares two names of one kind in feed order. Equal texts alone compare equal.
pub fn compare(kind: Kind, a: &str, b: &str) -> Ordering {
    match kind {
        Kind::Domain => labels(a, b),
        Kind::Net => match (net_key(a), net_key(b)) {
            (Some(x), Some(y)) => x.cmp(&y),
            // Out of canonical form: any fixed order will do, networks first.
            (x, y) => y.is_some().cmp(&x.is_some()).then_with(|| a.cmp(b)),
        },
        Kind::Seller | Kind::Account => a.cmp(b),
    }
}

/// The sort key of a canonical network: version, address, length. Made once where many are sorted.
pub fn net_key(name: &str) -> Option<(u8, u128, u8)> {
    let net = net::parse(name).ok()?;
    Some(match net.addr() {
        IpAddr::V4(v4) => (4, u128::from(u32::from(v4)), net.prefix_len()),
        IpAddr::V6(v6) => (6, u128::from(v6), net.prefix_len()),
    })
}

/// Label by label from the right; a parent comes before what is below it.
fn labels(a: &str, b: &str) -> Ordering {
    a.as_bytes()
        .rsplit(|&c| c == b'.')
        .cmp(b.as_bytes().rsplit(|&c| c == b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn feed_order() {
        let sorted = |kind, names: &[&str]| {
            names
                .windows(2)
                .all(|w| compare(kind, w[0], w[1]) == Ordering::Less)
        };
        assert!(sorted(
            Kind::Domain,
            &["b.com", "a.b.com", "z.b.com", "b-c.com", "a.vn"]
        ));
        assert!(sorted(
            Kind::Net,
            &["9.0.0.0/8", "10.0.0.0/8", "10.0.0.0/16", "2001:db8::/32"]
        ));
        assert!(sorted(
            Kind::Seller,
            &["shopee.vn/#0", "shopee.vn/10", "shopee.vn/9"]
        ));
        assert_eq!(compare(Kind::Domain, "a.vn", "a.vn"), Ordering::Equal);
    }
}

//! The strict syntax of a network: dotted or RFC 5952, host bits zero, no v4-mapped (design: Checks).

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv6Addr};

use ipnet::IpNet;

/// What a network's text breaks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("it is no address with a prefix length, such as 203.0.113.0/24 or 2001:db8::/32")]
    Shape,
    #[error("bits below the prefix are set; the network is {0}")]
    HostBits(IpNet),
    #[error("an IPv4 address inside IPv6 (v4-mapped) is written as IPv4")]
    Mapped,
    #[error("the canonical text is {0}")]
    Text(IpNet),
}

/// Reads the canonical text of a network and nothing else.
pub fn parse(text: &str) -> Result<IpNet, Fault> {
    let net: IpNet = text.parse().map_err(|_| Fault::Shape)?;
    check(net)?;
    // Compared without allocating: what would be printed must be what was read.
    let mut left = Remaining(text);
    match write!(left, "{net}") {
        Ok(()) if left.0.is_empty() => Ok(net),
        _ => Err(Fault::Text(net)),
    }
}

/// Host bits zero and not v4-mapped.
pub fn check(net: IpNet) -> Result<(), Fault> {
    if let IpNet::V6(v6) = net
        && is_mapped(v6.addr())
        && v6.prefix_len() >= 96
    {
        return Err(Fault::Mapped);
    }
    if net.addr() != net.network() {
        return Err(Fault::HostBits(net.trunc()));
    }
    Ok(())
}

/// `::ffff:0:0/96`.
pub fn is_mapped(address: Ipv6Addr) -> bool {
    address.to_ipv4_mapped().is_some()
}

/// The network of one address: /32 or /128.
pub fn single(address: IpAddr) -> IpNet {
    IpNet::from(address)
}

/// A writer that eats an expected text.
struct Remaining<'a>(&'a str);

impl std::fmt::Write for Remaining<'_> {
    fn write_str(&mut self, piece: &str) -> std::fmt::Result {
        self.0 = self.0.strip_prefix(piece).ok_or(std::fmt::Error)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strict() {
        assert!(parse("203.0.113.0/24").is_ok());
        assert!(parse("2001:db8::/32").is_ok());
        assert!(parse("0.0.0.0/0").is_ok());
        assert!(
            matches!(parse("203.0.113.7/24"), Err(Fault::HostBits(n)) if n.to_string() == "203.0.113.0/24")
        );
        assert!(matches!(parse("2001:0db8::/32"), Err(Fault::Text(_))));
        assert!(matches!(parse("2001:db8::1"), Err(Fault::Shape)));
        assert!(matches!(
            parse("::ffff:203.0.113.0/120"),
            Err(Fault::Mapped)
        ));
        assert!(parse("203.0.113.0/024").is_err());
    }
}

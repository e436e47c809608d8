//! Networks: merged ranges, the plain list, nftables, BIRD.

use std::{
    io::{self, Write},
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use ipnet::{IpNet, IpSubnets, Ipv4Subnets, Ipv6Subnets};

use super::{Counts, Listing, Meta, Page};

/// The table of family `inet` that the sets `v4` and `v6` stand in.
pub const NFT_TABLE: &str = "blockfeed";

const CIDR: &str = "one network a line; neighbours and overlaps are merged";

const NFT: &str = "\
for nft -f: one transaction that fills the sets v4 and v6 of the table inet blockfeed anew. It touches neither chains nor
other tables. The rules are yours, once, after this file was loaded for the first time, such as:
  table inet blockfeed {
    chain forward {
      type filter hook forward priority filter; policy accept;
      ip daddr @v4 counter drop
      ip6 daddr @v6 counter drop
    }
  }
After a flush ruleset load this file before the rules: include it above them in nftables.conf.";

const BIRD: &str = "\
for BIRD 2: two protocols of blackhole routes with the community BLACKHOLE (RFC 7999), 65535:666. Include it once:
  include \"/etc/bird/blockfeed.conf\";
and let the kernel's protocols and those of your BGP sessions export what blockfeed4 and blockfeed6 have.";

/// The protocols of each version, of one word with their channel.
const PROTOCOLS: [(&str, &str, &str); 2] =
    [("v4", "blockfeed4", "ipv4"), ("v6", "blockfeed6", "ipv6")];

/// Addresses from the first to the last, both included, of one version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Range {
    V4(u32, u32),
    V6(u128, u128),
}

pub(super) fn cidr(list: &Listing<'_>, meta: &Meta, out: &mut dyn Write) -> io::Result<Counts> {
    let mut page = Page::new("#", list.entries().len(), out);
    page.head(meta, CIDR)?;
    for net in aggregated(list) {
        page.rule(&[&net.to_string(), "\n"])?;
    }
    page.end()
}

/// Flush and fill in one file are one transaction: no packet sees an empty set.
pub(super) fn nft(list: &Listing<'_>, meta: &Meta, out: &mut dyn Write) -> io::Result<Counts> {
    let mut page = Page::new("#", list.entries().len(), out);
    page.head(meta, NFT)?;
    page.put(&["add table inet ", NFT_TABLE, "\n"])?;
    for (set, address) in NFT_SETS {
        let body = format!("{{ type {address}; flags interval; }}\n");
        page.put(&["add set inet ", NFT_TABLE, " ", set, " ", &body])?;
        page.put(&["flush set inet ", NFT_TABLE, " ", set, "\n"])?;
    }
    let mut open = None;
    for range in ranges(list) {
        let set = range.set();
        if open != Some(set) {
            let close = if open.is_some() { "}\n" } else { "" };
            page.put(&[close, "add element inet ", NFT_TABLE, " ", set, " {\n"])?;
            open = Some(set);
        }
        page.rule(&[&range.text(), ",\n"])?;
    }
    if open.is_some() {
        page.put(&["}\n"])?;
    }
    page.end()
}

/// Both protocols stand there even where they have no routes: what exports them names them.
pub(super) fn bird(list: &Listing<'_>, meta: &Meta, out: &mut dyn Write) -> io::Result<Counts> {
    let mut page = Page::new("#", list.entries().len(), out);
    page.head(meta, BIRD)?;
    let nets: Vec<IpNet> = aggregated(list).collect();
    for (version, protocol, channel) in PROTOCOLS {
        page.put(&["protocol static ", protocol, " {\n  ", channel])?;
        page.put(&[" { import filter { bgp_community.add((65535, 666)); accept; }; };\n"])?;
        for net in nets.iter().filter(|net| Range::of(**net).set() == version) {
            page.rule(&["  route ", &net.to_string(), " blackhole;\n"])?;
        }
        page.put(&["}\n"])?;
    }
    page.end()
}

/// The listed addresses as the fewest ranges, first and last included, in feed order.
pub(super) fn addresses(list: &Listing<'_>) -> Vec<(IpAddr, IpAddr)> {
    let both = |range| match range {
        Range::V4(first, last) => (
            IpAddr::from(Ipv4Addr::from(first)),
            IpAddr::from(Ipv4Addr::from(last)),
        ),
        Range::V6(first, last) => (
            IpAddr::from(Ipv6Addr::from(first)),
            IpAddr::from(Ipv6Addr::from(last)),
        ),
    };
    ranges(list).map(both).collect()
}

/// The fewest networks that hold just the listed addresses, in feed order.
pub(super) fn aggregated(list: &Listing<'_>) -> impl Iterator<Item = IpNet> {
    ranges(list).flat_map(Range::subnets)
}

/// The two sets and the types of their elements.
pub const NFT_SETS: [(&str, &str); 2] = [("v4", "ipv4_addr"), ("v6", "ipv6_addr")];

/// Merges neighbours and overlaps. In feed order what can be merged follows one another.
fn ranges(list: &Listing<'_>) -> impl Iterator<Item = Range> {
    // The names of a set are canonical: they need no second look.
    let mut parsed = list.names().filter_map(|name| name.parse().ok());
    let mut open: Option<Range> = None;
    std::iter::from_fn(move || {
        for next in parsed.by_ref().map(Range::of) {
            match open.and_then(|before| before.join(next)) {
                Some(joined) => open = Some(joined),
                None => {
                    if let Some(done) = open.replace(next) {
                        return Some(done);
                    }
                }
            }
        }
        open.take()
    })
}

impl Range {
    fn of(net: IpNet) -> Range {
        match net {
            IpNet::V4(v4) => Range::V4(v4.network().into(), v4.broadcast().into()),
            IpNet::V6(v6) => Range::V6(v6.network().into(), v6.broadcast().into()),
        }
    }

    /// Both as one, where `next` begins inside or right behind.
    fn join(self, next: Range) -> Option<Range> {
        match (self, next) {
            (Range::V4(first, last), Range::V4(from, to)) => {
                (from <= last.saturating_add(1)).then(|| Range::V4(first, last.max(to)))
            }
            (Range::V6(first, last), Range::V6(from, to)) => {
                (from <= last.saturating_add(1)).then(|| Range::V6(first, last.max(to)))
            }
            _ => None,
        }
    }

    fn subnets(self) -> IpSubnets {
        match self {
            Range::V4(first, last) => IpSubnets::V4(Ipv4Subnets::new(first.into(), last.into(), 0)),
            Range::V6(first, last) => IpSubnets::V6(Ipv6Subnets::new(first.into(), last.into(), 0)),
        }
    }

    fn set(self) -> &'static str {
        match self {
            Range::V4(..) => "v4",
            Range::V6(..) => "v6",
        }
    }

    /// A network where it is one, else first and last address.
    fn text(self) -> String {
        let mut subnets = self.subnets();
        if let (Some(net), None) = (subnets.next(), subnets.next()) {
            return match net.prefix_len() == net.max_prefix_len() {
                true => net.addr().to_string(),
                false => net.to_string(),
            };
        }
        match self {
            Range::V4(first, last) => {
                format!("{}-{}", Ipv4Addr::from(first), Ipv4Addr::from(last))
            }
            Range::V6(first, last) => {
                format!("{}-{}", Ipv6Addr::from(first), Ipv6Addr::from(last))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{entries::Set, subject::Kind};

    fn merged(nets: &[&str]) -> Vec<String> {
        let mut set = Set::new(Kind::Net);
        let lines: Vec<String> = nets.iter().map(|n| format!("E {n} = d")).collect();
        set.apply_lines([].into_iter(), lines.iter().map(String::as_str))
            .unwrap();
        ranges(&Listing::whole(&set)).map(Range::text).collect()
    }

    #[test]
    fn neighbours_and_overlaps_are_one_range() {
        assert_eq!(
            merged(&["10.0.0.0/8", "10.1.0.0/16", "11.0.0.0/9", "12.0.0.1/32"]),
            ["10.0.0.0-11.127.255.255", "12.0.0.1"]
        );
        assert_eq!(merged(&["255.255.255.255/32", "::/128"]).len(), 2);
        assert_eq!(merged(&["0.0.0.0/1", "128.0.0.0/1"]), ["0.0.0.0/0"]);
        assert_eq!(merged(&["::/1", "8000::/1"]), ["::/0"]);
        assert_eq!(
            merged(&["2001:db8::/33", "2001:db8:8000::/33", "2001:db9::/32"]),
            ["2001:db8::/31"]
        );
    }
}

//! The response policy zone as a file.
//!
//! The rules were measured on BIND, Unbound, Knot Resolver and PowerDNS: a name and its wildcard, since neither implies
//! the other; minimal names only, since a name below a listed one makes empty non-terminals that leak; nothing at the apex
//! but SOA and NS, since other records there answer for the root; a TTL that is the time unblocking takes; `CNAME .`
//! (NXDOMAIN), which all four know.
//!
//! All names are relative: the zone is called whatever the resolver calls it, up to [`MAX_APEX`] characters.

use std::io::{self, Write};

use ipnet::IpNet;

use super::{Counts, Listing, Meta, Page, nets};
use crate::subject::{Kind, Scope};

/// The longest name, in characters without the final dot, that the zone may be loaded under.
pub const MAX_APEX: usize = 30;

/// Octets of a name on the wire (RFC 1035), with the zone's.
const MAX_WIRE: usize = 255;

/// Seconds that an answer lives: the time that unblocking takes.
const TTL: u32 = 60;

/// SOA: refresh and retry for whoever transfers the zone on; after `expire` seconds without news it would be dropped.
const REFRESH: u32 = 60;
const EXPIRE: u32 = 30 * 86_400;

pub(super) fn zone(list: &Listing<'_>, meta: &Meta, out: &mut dyn Write) -> io::Result<Counts> {
    let mut page = Page::new(";", list.entries().len(), out);
    page.head(
        meta,
        &format!("a response policy zone; name it as you like, in at most {MAX_APEX} characters"),
    )?;
    // The zone's serial is a u32: the feed's, modulo 2^32.
    let serial = meta.serial & u64::from(u32::MAX);
    page.put(&[&format!(
        "$TTL {TTL}\n@ SOA localhost. nobody.invalid. {serial} {REFRESH} {REFRESH} {EXPIRE} {TTL}\n@ NS localhost.\n"
    )])?;
    match list.kind() {
        Kind::Domain => domains(list, &mut page)?,
        _ => networks(list, &mut page)?,
    }
    page.end()
}

fn domains(list: &Listing<'_>, page: &mut Page<'_>) -> io::Result<()> {
    for (name, scope) in list.minimal() {
        if !fits(name, scope) {
            page.counts.left_out += 1;
            continue;
        }
        match scope {
            Scope::Subtree => page.rule(&[name, " CNAME .\n*.", name, " CNAME .\n"])?,
            Scope::Exact => page.rule(&[name, " CNAME .\n"])?,
        }
    }
    Ok(())
}

fn networks(list: &Listing<'_>, page: &mut Page<'_>) -> io::Result<()> {
    for net in nets::aggregated(list) {
        match trigger(net) {
            Some(owner) => page.rule(&[&owner, ".rpz-ip CNAME .\n"])?,
            // No resolver takes a prefix length of 0: the two halves say the same.
            None => {
                let halves = net.subnets(1).into_iter().flatten().filter_map(trigger);
                let lines: String = halves.map(|n| format!("{n}.rpz-ip CNAME .\n")).collect();
                page.rule(&[&lines])?;
            }
        }
    }
    Ok(())
}

/// Whether a name has room under the longest apex, and isn't one that a resolver reads as another trigger.
fn fits(name: &str, scope: Scope) -> bool {
    let wildcard = match scope {
        Scope::Subtree => 2,
        Scope::Exact => 0,
    };
    let wire = wildcard + name.len() + 1 + MAX_APEX + 2;
    let last = name.rsplit('.').next().unwrap_or_default();
    wire <= MAX_WIRE && !last.starts_with("rpz-")
}

/// `24.0.113.0.203`, `32.zz.db8.2001`: length, then bytes or 16-bit words from the right, the longest run of zero words (the
/// first of equals, as RFC 5952 has it) as `zz`. BIND warns of any other spelling. `None` for a length of 0.
pub fn trigger(net: IpNet) -> Option<String> {
    if net.prefix_len() == 0 {
        return None;
    }
    let length = net.prefix_len().to_string();
    let labels: Vec<String> = match net {
        IpNet::V4(v4) => v4.addr().octets().iter().map(u8::to_string).collect(),
        IpNet::V6(v6) => words(v6.addr().segments()),
    };
    let reversed = labels.into_iter().rev();
    Some(
        std::iter::once(length)
            .chain(reversed)
            .collect::<Vec<_>>()
            .join("."),
    )
}

fn words(segments: [u16; 8]) -> Vec<String> {
    let runs = segments.chunk_by(|a, b| *a == 0 && *b == 0);
    let longest = runs
        .clone()
        .filter(|run| run.len() > 1)
        .map(<[u16]>::len)
        .max();
    let mut shortened = false;
    let mut labels = Vec::with_capacity(segments.len());
    for run in runs {
        if !shortened && Some(run.len()) == longest {
            labels.push("zz".to_owned());
            shortened = true;
        } else {
            labels.extend(run.iter().map(|word| format!("{word:x}")));
        }
    }
    labels
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn triggers_of_networks() {
        for (net, owner) in [
            ("203.0.113.0/24", "24.0.113.0.203"),
            ("192.0.2.1/32", "32.1.2.0.192"),
            ("2001:db8::/32", "32.zz.db8.2001"),
            ("2001:db8:0:0:1:0:0:1/128", "128.1.0.0.1.zz.db8.2001"),
            ("2001:db8:0:1::/64", "64.zz.1.0.db8.2001"),
            ("2001:0:1:2:3:4:5:6/128", "128.6.5.4.3.2.1.0.2001"),
            ("::1/128", "128.1.zz"),
            ("8000::/1", "1.zz.8000"),
        ] {
            assert_eq!(trigger(net.parse().unwrap()).as_deref(), Some(owner));
        }
        assert_eq!(trigger("0.0.0.0/0".parse().unwrap()), None);
    }

    #[test]
    fn names_have_room_under_the_apex() {
        let name = |len: usize| format!("{}.vn", "a".repeat(len - 3));
        assert!(fits(&name(220), Scope::Subtree) && !fits(&name(221), Scope::Subtree));
        assert!(fits(&name(222), Scope::Exact) && !fits(&name(223), Scope::Exact));
        assert!(!fits("32.1.2.0.192.rpz-ip", Scope::Exact));
    }
}

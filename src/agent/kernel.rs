//! The kernel's own sets, read back: whether nftables holds what was loaded (design: The agent,
//! "an `nft -f` run").

use super::load;
use crate::feed::formats::{NFT_SETS, NFT_TABLE};
use serde::Deserialize;
use std::{net::IpAddr, time::Duration};

/// Addresses from the first to the last, both included.
pub(super) type Range = (IpAddr, IpAddr);

/// Holds the sets of the table against these ranges, which touch nowhere. The error says what is
/// other, or why it can't be told.
pub(super) async fn compare(wanted: &[Range], within: Duration) -> Result<(), String> {
    for (set, _) in NFT_SETS {
        let command = ["nft", "-j", "list", "set", "inet", NFT_TABLE, set].map(str::to_owned);
        let said = load::ask(&command, within).await?;
        let mut held = read(&said).map_err(|why| format!("nft's answer can't be read: {why}"))?;
        held.sort_unstable();
        let mut wanted: Vec<Range> = wanted
            .iter()
            .filter(|(first, _)| first.is_ipv4() == (set == "v4"))
            .copied()
            .collect();
        wanted.sort_unstable();
        if held != wanted {
            return Err(difference(set, &held, &wanted));
        }
    }
    Ok(())
}

fn difference(set: &str, held: &[Range], wanted: &[Range]) -> String {
    let lacking = |of: &[Range], from: &[Range]| {
        of.iter()
            .find(|range| from.binary_search(range).is_err())
            .copied()
    };
    let first = match (lacking(wanted, held), lacking(held, wanted)) {
        (Some((from, to)), _) => format!("{from} to {to} is missing"),
        (None, Some((from, to))) => format!("{from} to {to} is too much"),
        (None, None) => "a range stands there twice".to_owned(),
    };
    format!(
        "the kernel's set {set} holds {} ranges and should hold {}: {first}",
        held.len(),
        wanted.len()
    )
}

/// What `nft -j list set` prints, as far as it is looked at.
#[derive(Deserialize)]
struct Listing {
    nftables: Vec<Object>,
}

#[derive(Deserialize)]
struct Object {
    set: Option<Set>,
}

#[derive(Deserialize)]
struct Set {
    #[serde(default)]
    elem: Vec<Element>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Element {
    Address(IpAddr),
    Prefix {
        prefix: Prefix,
    },
    Range {
        range: Range,
    },
    /// With a counter or a comment of somebody's.
    More {
        elem: Inner,
    },
}

#[derive(Deserialize)]
struct Inner {
    val: Box<Element>,
}

#[derive(Deserialize)]
struct Prefix {
    addr: IpAddr,
    len: u8,
}

fn read(said: &[u8]) -> Result<Vec<Range>, String> {
    let listing: Listing = serde_json::from_slice(said).map_err(|e| e.to_string())?;
    let sets = listing.nftables.into_iter().filter_map(|object| object.set);
    sets.flat_map(|set| set.elem).map(range).collect()
}

fn range(element: Element) -> Result<Range, String> {
    match element {
        Element::Address(address) => Ok((address, address)),
        Element::Range { range } => Ok(range),
        Element::Prefix { prefix } => {
            let net = ipnet::IpNet::new(prefix.addr, prefix.len).map_err(|e| e.to_string())?;
            Ok((net.network(), net.broadcast()))
        }
        Element::More { elem } => range(*elem.val),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_read_in_every_form() {
        let said = br#"{"nftables": [{"metainfo": {"version": "1.0.6"}}, {"set": {"family": "inet", "name": "v4",
            "elem": ["192.0.2.1", {"prefix": {"addr": "203.0.113.0", "len": 24}},
            {"range": ["198.51.100.0", "198.51.100.191"]}, {"elem": {"val": "192.0.2.9", "comment": "x"}}]}}]}"#;
        let at = |text: &str| text.parse::<IpAddr>().unwrap();
        assert_eq!(
            read(said).unwrap(),
            [
                (at("192.0.2.1"), at("192.0.2.1")),
                (at("203.0.113.0"), at("203.0.113.255")),
                (at("198.51.100.0"), at("198.51.100.191")),
                (at("192.0.2.9"), at("192.0.2.9")),
            ]
        );
        assert!(read(b"{}").is_err());
        assert_eq!(
            read(br#"{"nftables": [{"set": {"name": "v4"}}]}"#),
            Ok(vec![])
        );
    }

    #[test]
    fn what_is_other_is_named() {
        let at = |text: &str| text.parse::<IpAddr>().unwrap();
        let (a, b) = (
            (at("10.0.0.0"), at("10.0.0.9")),
            (at("10.0.1.0"), at("10.0.1.0")),
        );
        assert!(difference("v4", &[a], &[a, b]).contains("10.0.1.0 to 10.0.1.0 is missing"));
        assert!(difference("v4", &[a, b], &[b]).contains("10.0.0.0 to 10.0.0.9 is too much"));
    }
}

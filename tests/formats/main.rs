//! Rendered formats: golden files, what they mean read back, each loaded by its own tool, and the answers of real resolvers
//! that loaded them (design: Feeds, *Rendered formats*).

mod dns;
mod golden;
mod live;
mod meaning;
mod million;
mod nft;
#[path = "../peers/mod.rs"]
mod peers;
mod tools;

use blockfeed::{
    canon::Origin,
    entries::{FeedName, Set},
    feed::formats::{Counts, Format, Listing, Meta},
    tlog::Hash,
};

/// A set of a feed from its lines, as a snapshot has them.
pub fn set(feed: &FeedName, lines: &[String]) -> Set {
    let mut set = Set::new(feed.kind());
    set.apply_lines([].into_iter(), lines.iter().map(String::as_str))
        .unwrap();
    set
}

pub fn meta(feed: &FeedName, set: &Set) -> Meta {
    let origin = Origin::new("blocklist.example/399/v1").unwrap();
    let digest: Hash = set.digest(&origin, feed);
    Meta {
        origin,
        feed: feed.clone(),
        serial: 184_467,
        time: 1_790_000_031,
        digest,
    }
}

/// The text of one format.
pub fn rendered(format: Format, feed: &FeedName, set: &Set) -> (String, Counts) {
    let mut bytes = Vec::new();
    let counts = Listing::whole(set)
        .render(format, &meta(feed, set), &mut bytes)
        .unwrap();
    (String::from_utf8(bytes).unwrap(), counts)
}

pub fn lines(text: &str) -> Vec<String> {
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(Into::into)
        .collect()
}

/// Every case that the formats tell apart.
pub fn domains() -> (FeedName, Set) {
    let feed = FeedName::domains();
    let text = "
        D 2026-000123 block_domain 1821744000
        D 2026-000124 block_domain 1830000000
        D -2026-9 block_domain 1830000000
        E sub.example.vn + 2026-000123
        E only.example.com = 2026-000123
        E open.example.com = 2026-000123
        E deep.open.example.com + 2026-000123
        E alone.deeper.open.example.com = 2026-000123
        E nested.example.net + 2026-000123
        E x.y.nested.example.net + 2026-000124
        E w.nested.example.net = 2026-000123
        E same.example.org + 2026-000123
        E same.example.org = 2026-000124
        E twice.example.org + 2026-000123
        E twice.example.org + 2026-000124
        E formula.example.org + -2026-9
        E under_score.example.vn + 2026-000123
        E xn--ccc-hoa0a.example.vn + 2026-000123
        E 24h.example.vn + 2026-000123";
    let set = set(&feed, &lines(text));
    (feed, set)
}

pub fn networks() -> (FeedName, Set) {
    let feed = FeedName::networks();
    let text = "
        D 2026-000200 block_ip 1821744000
        D 2026-000201 block_ip 1821744000
        E 203.0.113.0/24 = 2026-000200
        E 203.0.113.64/26 = 2026-000201
        E 198.51.100.0/25 = 2026-000200
        E 198.51.100.128/26 = 2026-000200
        E 192.0.2.1/32 = 2026-000200
        E 192.0.2.1/32 = 2026-000201
        E 2001:db8:399::/48 = 2026-000200
        E 2001:db8:0:0:1::/80 = 2026-000200
        E 2001:db8:7::1/128 = 2026-000200";
    let set = set(&feed, &lines(text));
    (feed, set)
}

pub fn sellers() -> (FeedName, Set) {
    let feed = FeedName::parse("sellers/shopee.vn").unwrap();
    let text = "
        D 2026-000300 delist_seller 1821744000
        E shopee.vn/#fb98d28f3a96f3f207c45234166615e1f41625cfcdf3b7972ad56582224664f2 = 2026-000300
        E shopee.vn/#0a98d28f3a96f3f207c45234166615e1f41625cfcdf3b7972ad56582224664f2 = 2026-000300";
    let set = set(&feed, &lines(text));
    (feed, set)
}

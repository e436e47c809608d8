//! Domains for tools that read names: plain, hosts, dnsmasq, Unbound.

use std::io::{self, Write};

use super::{Counts, Listing, Meta, Page};
use crate::subject::Scope;

const TXT: &str = "\
one name a line. A name stands for itself and all below it, unless it is listed alone: the CSV and JSON files say which are.";

const HOSTS: &str = "\
a hosts file can't cover what is below a name: www.a.example stays open when a.example is listed.
Where that matters, take the RPZ, Unbound or dnsmasq file.";

const DNSMASQ: &str = "\
for dnsmasq 2.86 or later (conf-file=). A listed name and all below it get NXDOMAIN, whatever the type.
server=/*.name/# stands where a name is listed alone: what is below it goes to the usual servers.";

const UNBOUND: &str = "\
for Unbound: include: \"<this file>\". A listed name and all below it get NXDOMAIN, whatever the type.
A name that is listed alone is a transparent zone with one TXT record: it has no address, what is below it resolves.";

/// Each name once; covered ones too, since the format doesn't say that a name covers what is below it.
pub(super) fn txt(list: &Listing<'_>, meta: &Meta, out: &mut dyn Write) -> io::Result<Counts> {
    let mut page = Page::new("#", list.entries().len(), out);
    page.head(meta, TXT)?;
    for name in list.names() {
        page.rule(&[name, "\n"])?;
    }
    page.end()
}

/// Both families: with the IPv4 line alone an AAAA query would still be asked of the network.
pub(super) fn hosts(list: &Listing<'_>, meta: &Meta, out: &mut dyn Write) -> io::Result<Counts> {
    let mut page = Page::new("#", list.entries().len(), out);
    page.head(meta, HOSTS)?;
    for name in list.names() {
        page.rule(&["0.0.0.0 ", name, "\n:: ", name, "\n"])?;
    }
    page.end()
}

/// `local=/n/` answers for `n` and all below it from local data, of which there is none: NXDOMAIN. The longer pattern
/// wins, and `*.n` is longer than `n` and does not match `n` itself, so it opens again what is below a name listed alone;
/// a listed name further below is longer still. `host-record` would answer A and AAAA only and let other types through.
pub(super) fn dnsmasq(list: &Listing<'_>, meta: &Meta, out: &mut dyn Write) -> io::Result<Counts> {
    let mut page = Page::new("#", list.entries().len(), out);
    page.head(meta, DNSMASQ)?;
    for (name, scope) in list.minimal() {
        match scope {
            Scope::Subtree => page.rule(&["local=/", name, "/\n"])?,
            Scope::Exact => page.rule(&["local=/", name, "/\nserver=/*.", name, "/#\n"])?,
        }
    }
    page.end()
}

/// The closest `local-zone` decides. A `transparent` one answers for names that it has data for, NODATA where the type is
/// another, and lets all other names through: one TXT record takes the addresses from a name and from nothing below it.
pub(super) fn unbound(list: &Listing<'_>, meta: &Meta, out: &mut dyn Write) -> io::Result<Counts> {
    let mut page = Page::new("#", list.entries().len(), out);
    page.head(meta, UNBOUND)?;
    page.put(&["server:\n"])?;
    for (name, scope) in list.minimal() {
        match scope {
            Scope::Subtree => page.rule(&["local-zone: \"", name, ".\" always_nxdomain\n"])?,
            Scope::Exact => page.rule(&[
                "local-zone: \"",
                name,
                ".\" transparent\nlocal-data: '",
                name,
                ". 60 IN TXT \"blockfeed\"'\n",
            ])?,
        }
    }
    page.end()
}

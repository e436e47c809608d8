//! Rendered formats: the set in force as the files that other people's tools load.
//!
//! Owns what each format can say and how its tool reads it.
//! Follows design: Feeds (*Rendered formats*) and, for the zone file, the rules measured on real resolvers.
//!
//! | format | kinds | a domain's subtree | a domain alone |
//! |---|---|---|---|
//! | `txt` | domain | the name; scope unsaid | the name |
//! | `hosts` | domain | the name alone: hosts files know no subtree | the name |
//! | `dnsmasq` | domain | `local=/n/` | `local=/n/` and `server=/*.n/#` |
//! | `unbound` | domain | `local-zone` `always_nxdomain` | `local-zone` `transparent` with one `local-data` |
//! | `rpz` | domain, net | `n` and `*.n` | `n` |
//! | `cidr`, `nft`, `bird` | net | | |
//! | `csv`, `json` | all | `subtree` | `exact` |
//!
//! A subject is blocked while any decision holds it, so every format but CSV has one line a subject. Where a format
//! covers what is below a name, whatever a listed subtree covers is left away; networks are merged to ranges. Every file
//! says origin, feed and serial, and those with comments end in `end <rules>`, so that a file that was cut short shows.

mod listing;
mod names;
mod nets;
mod rpz;
mod table;

use std::{
    fmt,
    io::{self, Write},
    str::FromStr,
};

pub use listing::Listing;
pub use nets::{NFT_SETS, NFT_TABLE};
pub use rpz::{MAX_APEX, trigger};

use crate::{
    canon::Origin,
    entries::{Entry, FeedName, Row, Set},
    subject::Kind,
    tlog::Hash,
};

/// A rendered format. Its text is the extension of its files: `domains.txt`, `networks.nft`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// Plain domains, one a line.
    Txt,
    /// A hosts file.
    Hosts,
    /// A file for dnsmasq's `conf-file` (2.86 or later).
    Dnsmasq,
    /// A file for Unbound's `include`.
    Unbound,
    /// A response policy zone, its names relative to whatever apex it is loaded under.
    Rpz,
    /// Plain networks, one a line, aggregated.
    Cidr,
    /// A file for `nft -f`.
    Nft,
    /// A file for BIRD 2's `include`.
    Bird,
    /// One row an entry: nothing merged.
    Csv,
    /// One object: the decisions, and the subjects with the decisions that hold each.
    Json,
}

/// Where a rendered file comes from; stands in its head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meta {
    pub origin: Origin,
    pub feed: FeedName,
    pub serial: u64,
    /// Unix seconds: when this serial was made. Not the time of rendering, so that equal sets are equal files.
    pub time: u64,
    /// The state digest of the verified set at `serial`, also where less than that set is rendered.
    pub digest: Hash,
}

/// What became of the entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Entries that were to be rendered.
    pub entries: u64,
    /// Subjects that stand in the file: names, networks, ranges; in CSV rows.
    pub rules: u64,
    /// Subjects that the format cannot say, such as a name too long for a zone. They are not blocked by this file.
    pub left_out: u64,
}

/// Why nothing was rendered.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "there is no format {0:?}: there are txt, hosts, dnsmasq, unbound, rpz, cidr, nft, bird, csv and json"
    )]
    Unknown(String),
    #[error("the format {format} can't say the subjects of the feed {feed}; {instead} can")]
    Kind {
        format: Format,
        feed: FeedName,
        instead: String,
    },
    #[error("the rendered file can't be written: {0}")]
    Write(#[from] io::Error),
}

/// Renders the entries of a set that `keep` lets through: each entry with the row of its decision.
///
/// For several formats of one set make a [`Listing`] once: sorting is most of the work.
///
/// # Errors
/// The format doesn't know the feed's kind, or `out` fails.
pub fn render(
    format: Format,
    meta: &Meta,
    set: &Set,
    keep: &dyn Fn(&Entry<'_>, Option<&Row<'_>>) -> bool,
    out: &mut dyn Write,
) -> Result<Counts, Error> {
    Listing::new(set, keep).render(format, meta, out)
}

impl Format {
    pub const ALL: [Format; 10] = [
        Format::Txt,
        Format::Hosts,
        Format::Dnsmasq,
        Format::Unbound,
        Format::Rpz,
        Format::Cidr,
        Format::Nft,
        Format::Bird,
        Format::Csv,
        Format::Json,
    ];

    /// Takes an extension, without its dot.
    ///
    /// # Errors
    /// [`Error::Unknown`], which names those that there are.
    pub fn parse(extension: &str) -> Result<Format, Error> {
        Format::ALL
            .into_iter()
            .find(|format| format.extension() == extension)
            .ok_or_else(|| Error::Unknown(extension.chars().take(40).collect()))
    }

    /// The extension of its files, without the dot.
    pub fn extension(self) -> &'static str {
        match self {
            Format::Txt => "txt",
            Format::Hosts => "hosts",
            Format::Dnsmasq => "dnsmasq",
            Format::Unbound => "unbound",
            Format::Rpz => "rpz",
            Format::Cidr => "cidr",
            Format::Nft => "nft",
            Format::Bird => "bird",
            Format::Csv => "csv",
            Format::Json => "json",
        }
    }

    /// The media type for HTTP.
    pub fn content_type(self) -> &'static str {
        match self {
            Format::Rpz => "text/dns; charset=utf-8",
            Format::Csv => "text/csv; charset=utf-8; header=present",
            Format::Json => "application/json",
            _ => "text/plain; charset=utf-8",
        }
    }

    /// Whether it can say subjects of this kind.
    pub fn applies_to(self, kind: Kind) -> bool {
        match self {
            Format::Csv | Format::Json => true,
            Format::Rpz => matches!(kind, Kind::Domain | Kind::Net),
            Format::Cidr | Format::Nft | Format::Bird => kind == Kind::Net,
            Format::Txt | Format::Hosts | Format::Dnsmasq | Format::Unbound => kind == Kind::Domain,
        }
    }

    /// The formats of a kind.
    pub fn of_kind(kind: Kind) -> impl Iterator<Item = Format> {
        Format::ALL.into_iter().filter(move |f| f.applies_to(kind))
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.extension())
    }
}

impl FromStr for Format {
    type Err = Error;
    fn from_str(extension: &str) -> Result<Format, Error> {
        Format::parse(extension)
    }
}

/// A file being written: comments, lines, and what they come to.
struct Page<'w> {
    out: io::BufWriter<&'w mut dyn Write>,
    comment: &'static str,
    counts: Counts,
}

impl<'w> Page<'w> {
    fn new(comment: &'static str, entries: usize, out: &'w mut dyn Write) -> Page<'w> {
        let counts = Counts {
            entries: entries as u64,
            ..Counts::default()
        };
        Page {
            out: io::BufWriter::with_capacity(BUFFER, out),
            comment,
            counts,
        }
    }

    /// The head of a file that has comments.
    fn head(&mut self, meta: &Meta, notes: &str) -> io::Result<()> {
        let entries = self.counts.entries;
        let Meta {
            origin,
            feed,
            serial,
            time,
            digest,
        } = meta;
        let facts = format!(
            "Blockfeed. Written by a program and replaced whole: changes to this file are lost.\norigin {origin}\n\
             feed {feed}\nserial {serial}\ntime {time}\ndigest {digest}\nentries {entries}"
        );
        for line in facts.lines().chain(notes.lines()) {
            self.note(line)?;
        }
        Ok(())
    }

    fn note(&mut self, text: &str) -> io::Result<()> {
        let space = if text.is_empty() { "" } else { " " };
        self.put(&[self.comment, space, text, "\n"])
    }

    /// Pieces of text as they are.
    fn put(&mut self, pieces: &[&str]) -> io::Result<()> {
        pieces
            .iter()
            .try_for_each(|piece| self.out.write_all(piece.as_bytes()))
    }

    /// One subject, said in these pieces.
    fn rule(&mut self, pieces: &[&str]) -> io::Result<()> {
        self.counts.rules += 1;
        self.put(pieces)
    }

    /// The last comment, without which the file was cut short.
    fn end(mut self) -> io::Result<Counts> {
        let left_out = self.counts.left_out;
        if left_out > 0 {
            self.note(&format!(
                "left out, since this format can't say them: {left_out}"
            ))?;
        }
        self.note(&format!("end {}", self.counts.rules))?;
        self.close()
    }

    fn close(mut self) -> io::Result<Counts> {
        self.out.flush()?;
        Ok(self.counts)
    }
}

/// Bytes gathered before they are handed on.
const BUFFER: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extensions_come_back_and_unknown_ones_are_named() {
        for format in Format::ALL {
            assert_eq!(Format::parse(format.extension()).unwrap(), format);
        }
        let refused = Format::parse("exe").unwrap_err().to_string();
        assert!(refused.contains("\"exe\"") && refused.contains("rpz"));
    }

    #[test]
    fn sellers_and_accounts_are_tables_only() {
        for kind in [Kind::Seller, Kind::Account] {
            let formats: Vec<_> = Format::of_kind(kind).collect();
            assert_eq!(formats, [Format::Csv, Format::Json]);
        }
    }
}

//! One row of a data set: read into cells, made into keys and values, and made into facts again.
//!
//! A value is its fields with tabs between. Keys are made so that one look-up is one read:
//!
//! | kind | key |
//! |---|---|
//! | `vn-registry` | the name |
//! | `popularity` | the name from its end |
//! | `licences` | the name from its end, 0, the number |
//! | `delegations`, `networks` | 4 or 6, the prefix length, the address |
//! | `passive-dns` | 4 or 6, the address, the name |

use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net, Ipv4Subnets, Ipv6Net, Ipv6Subnets};

use super::Kind;
use crate::{
    registry::Day,
    subject::{domain, net},
};

/// A row as it was read: one cell for each of its kind's columns, empty where the file has none.
#[derive(Debug, Default)]
pub struct Row {
    /// Its line in the file, from 1; a header counts, as it does in a spreadsheet.
    pub number: u64,
    pub cells: Vec<String>,
}

/// Why a row can't be used, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bad {
    /// 0 where the file as a whole is meant.
    pub row: u64,
    pub what: String,
    pub remedy: String,
}

impl Bad {
    pub fn new(row: u64, what: impl Into<String>, remedy: impl Into<String>) -> Bad {
        Bad {
            row,
            what: what.into(),
            remedy: remedy.into(),
        }
    }
}

impl Row {
    /// An empty row of this kind.
    pub fn of(kind: Kind) -> Row {
        Row {
            number: 0,
            cells: vec![String::new(); kind.columns().len()],
        }
    }

    pub fn clear(&mut self) {
        self.cells.iter_mut().for_each(String::clear);
    }

    /// Puts a value into a column, if there is that column.
    pub fn set(&mut self, column: usize, value: &str) {
        if let Some(cell) = self.cells.get_mut(column) {
            cell.clear();
            cell.push_str(value);
        }
    }

    pub fn cell(&self, column: usize) -> &str {
        self.cells
            .get(column)
            .map(|cell| cell.trim())
            .unwrap_or_default()
    }

    fn bad(&self, what: impl Into<String>, remedy: impl Into<String>) -> Bad {
        Bad::new(self.number, what, remedy)
    }
}

/// Which prefix lengths a set has: a look-up asks for these alone, the longest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Lengths {
    pub v4: std::collections::BTreeSet<u8>,
    pub v6: std::collections::BTreeSet<u8>,
}

/// Makes keys and values of rows.
pub struct Encoder {
    kind: Kind,
    /// The register of rows that name none: what follows `licences-` in the set's name.
    register: String,
    pub lengths: Lengths,
}

impl Encoder {
    pub fn new(kind: Kind, set: &str) -> Encoder {
        let register = set.strip_prefix(kind.as_str()).unwrap_or_default();
        Encoder {
            kind,
            register: register.trim_start_matches('-').to_owned(),
            lengths: Lengths::default(),
        }
    }

    /// Hands each key and value that a row stands for to `put`.
    pub fn encode<E: From<Bad>>(
        &mut self,
        row: &Row,
        mut put: impl FnMut(&[u8], &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        match self.kind {
            Kind::VnRegistry => {
                let (name, value) = registration(row)?;
                put(name.as_bytes(), value.as_bytes())
            }
            Kind::Licences => {
                let (key, value) = self.licence(row)?;
                put(&key, value.as_bytes())
            }
            Kind::Delegations => {
                let fields = [row.cell(0), row.cell(1), row.cell(4)];
                let value = fields.map(str::to_ascii_lowercase).join("\t");
                for prefix in delegated(row)? {
                    put(&self.net_key(prefix), value.as_bytes())?;
                }
                Ok(())
            }
            Kind::Networks => {
                let value = network(row)?;
                for prefix in prefixes(row)? {
                    put(&self.net_key(prefix), value.as_bytes())?;
                }
                Ok(())
            }
            Kind::PassiveDns => {
                let name = name(row, 0)?;
                let mut key = address_key(address(row, 1)?);
                key.extend_from_slice(name.as_bytes());
                put(&key, b"")
            }
            Kind::Popularity => {
                let rank: u64 = row.cell(0).parse().ok().filter(|r| *r > 0).ok_or_else(|| {
                    let what = format!("rank: {} is no rank", shown(row.cell(0)));
                    row.bad(what, "A rank is a whole number from 1; are the columns in the order that the header or --columns says?")
                })?;
                put(&turned(&name(row, 1)?), rank.to_string().as_bytes())
            }
        }
    }

    fn net_key(&mut self, prefix: IpNet) -> Vec<u8> {
        match prefix {
            IpNet::V4(v4) => self.lengths.v4.insert(v4.prefix_len()),
            IpNet::V6(v6) => self.lengths.v6.insert(v6.prefix_len()),
        };
        net_key(prefix)
    }

    fn licence(&self, row: &Row) -> Result<(Vec<u8>, String), Bad> {
        let name = name(row, 0)?;
        let number = text(row, 1)?;
        let status = text(row, 2)?.to_lowercase();
        let holder = row.cell(3).to_lowercase();
        // A register's own words could be a person's name; what is kept says what the holder is, never who.
        if !holder.is_empty() && !HOLDERS.contains(&holder.as_str()) {
            let what = format!("holder_kind: {} is no kind of holder", shown(&holder));
            let remedy = format!(
                "The kinds are {}; who the holder is isn't kept here: leave the column out with --drop holder_kind",
                HOLDERS.join(", ")
            );
            return Err(row.bad(what, remedy));
        }
        let until = day(row, 4)?;
        let register = match text(row, 5)? {
            "" => self.register.as_str(),
            named => named,
        };
        if register.is_empty() {
            let what = "no register is named";
            let remedy = "Add the column register, or name the set licences-REGISTER";
            return Err(row.bad(what, remedy));
        }
        let key = [&turned(&name), b"\0".as_slice(), number.as_bytes()].concat();
        Ok((key, [register, &holder, &status, &until].join("\t")))
    }
}

/// The kinds of holder that a licence may have here.
const HOLDERS: [&str; 8] = [
    "company",
    "household",
    "cooperative",
    "organisation",
    "state",
    "foreign",
    "person",
    "other",
];

/// A name from its end, so that what is below it is one range: `nv.pohs`, then `nv.pohs.a`.
pub fn turned(name: &str) -> Vec<u8> {
    name.bytes().rev().collect()
}

/// The key of a prefix.
pub fn net_key(prefix: IpNet) -> Vec<u8> {
    let mut key = Vec::with_capacity(18);
    match prefix {
        IpNet::V4(v4) => {
            key.extend([4, v4.prefix_len()]);
            key.extend(v4.network().octets());
        }
        IpNet::V6(v6) => {
            key.extend([6, v6.prefix_len()]);
            key.extend(v6.network().octets());
        }
    }
    key
}

/// The beginning of the keys of all names at an address.
pub fn address_key(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(v4) => [&[4], v4.octets().as_slice()].concat(),
        IpAddr::V6(v6) => [&[6], v6.octets().as_slice()].concat(),
    }
}

fn registration(row: &Row) -> Result<(String, String), Bad> {
    let name = name(row, 0)?;
    let statuses = text(row, 1)?.to_lowercase();
    let registrar = text(row, 2)?;
    let [created, expires, changed] = [day(row, 3)?, day(row, 4)?, day(row, 5)?];
    let mut servers = Vec::new();
    for server in row.cell(6).split([' ', ';', ',']).filter(|s| !s.is_empty()) {
        servers.push(canonical(row, "name_servers", server)?);
    }
    let servers = servers.join(" ");
    let value = [&statuses, registrar, &created, &expires, &changed, &servers]
        .map(|field| -> &str { field })
        .join("\t");
    Ok((name, value))
}

fn network(row: &Row) -> Result<String, Bad> {
    let asn = row.cell(3).trim_start_matches("AS");
    if !asn.is_empty() && asn.parse::<u32>().is_err() {
        let what = format!("asn: {} is no AS number", shown(asn));
        return Err(row.bad(what, "It is written 131353 or AS131353"));
    }
    let country = row.cell(5).to_uppercase();
    let two = country.len() == 2 && country.bytes().all(|b| b.is_ascii_uppercase());
    if !(country.is_empty() || two) {
        let what = format!("country: {} is no country", shown(&country));
        return Err(row.bad(what, "It is written with two letters, such as VN"));
    }
    Ok([asn, text(row, 4)?, &country].join("\t"))
}

/// The prefixes of a row of `networks`: its own, or those between its first and last address.
fn prefixes(row: &Row) -> Result<Vec<IpNet>, Bad> {
    let prefix = row.cell(0);
    if !prefix.is_empty() {
        return net::parse(prefix).map(|net| vec![net]).map_err(|fault| {
            let what = format!("prefix: {}: {fault}", shown(prefix));
            row.bad(what, "Write prefixes as 203.0.113.0/24 or 2001:db8::/32")
        });
    }
    match (address(row, 1)?, address(row, 2)?) {
        (IpAddr::V4(from), IpAddr::V4(to)) if from <= to => {
            Ok(Ipv4Subnets::new(from, to, 0).map(IpNet::V4).collect())
        }
        (IpAddr::V6(from), IpAddr::V6(to)) if from <= to => {
            Ok(Ipv6Subnets::new(from, to, 0).map(IpNet::V6).collect())
        }
        (from, to) => Err(row.bad(
            format!("{from} to {to} is no range of addresses"),
            "Both are of one version, the lower one first",
        )),
    }
}

/// The prefixes of a row of a delegated file: so many addresses from the first, or a length.
fn delegated(row: &Row) -> Result<Vec<IpNet>, Bad> {
    let unusable = || {
        let what = format!("{} {} is no block", shown(row.cell(2)), shown(row.cell(3)));
        row.bad(
            what,
            "A block is an address and how many there are (ipv4) or a prefix length (ipv6)",
        )
    };
    match address(row, 2)? {
        IpAddr::V4(first) => {
            let count: u32 = row.cell(3).parse().map_err(|_| unusable())?;
            let last = u32::from(first).checked_add(count.checked_sub(1).ok_or_else(unusable)?);
            let last = last.ok_or_else(unusable)?.into();
            // A block of 2^n addresses at its place is one prefix; others are cut.
            Ok(Ipv4Subnets::new(first, last, 0)
                .map(|net: Ipv4Net| IpNet::V4(net))
                .collect())
        }
        IpAddr::V6(first) => {
            let length = row.cell(3).parse().map_err(|_| unusable())?;
            let net = Ipv6Net::new(first, length).map_err(|_| unusable())?;
            Ok(vec![IpNet::V6(net.trunc())])
        }
    }
}

fn name(row: &Row, column: usize) -> Result<String, Bad> {
    canonical(row, "name", row.cell(column))
}

/// A name as subjects have it: A-labels, lower case, no dot at the end.
fn canonical(row: &Row, column: &str, typed: &str) -> Result<String, Bad> {
    let bare = typed.strip_suffix('.').unwrap_or(typed);
    let ascii = if bare.is_ascii() {
        bare.to_ascii_lowercase()
    } else {
        idna::domain_to_ascii(bare).unwrap_or_default()
    };
    match domain::check(&ascii) {
        Ok(()) => Ok(ascii),
        Err(fault) => {
            let what = format!("{column}: {} is no domain name: {fault}", shown(typed));
            Err(row.bad(what, "Correct the row, or leave it out, and import again"))
        }
    }
}

fn address(row: &Row, column: usize) -> Result<IpAddr, Bad> {
    row.cell(column).parse().map_err(|_| {
        let what = format!("{} is no address", shown(row.cell(column)));
        row.bad(what, "Write addresses as 203.0.113.7 or 2001:db8::7; are the columns in the order that the header says?")
    })
}

/// A text without tabs and other control characters.
fn text(row: &Row, column: usize) -> Result<&str, Bad> {
    let cell = row.cell(column);
    if cell.chars().any(char::is_control) || cell.len() > LONGEST {
        let what = format!(
            "{} holds control characters or is longer than {LONGEST} bytes",
            shown(cell)
        );
        return Err(row.bad(what, "Correct the row and import again"));
    }
    Ok(cell)
}

/// A day as Unix seconds of its beginning, or nothing: `2026-10-01`, a time of that day, or `01/10/2026` (day first).
fn day(row: &Row, column: usize) -> Result<String, Bad> {
    let cell = row.cell(column);
    if cell.is_empty() {
        return Ok(String::new());
    }
    let iso = cell
        .get(..10)
        .filter(|_| cell.len() == 10 || matches!(cell.as_bytes().get(10), Some(b'T' | b' ')));
    let turned = || {
        let mut fields = cell.split('/');
        let (day, month, year) = (fields.next()?, fields.next()?, fields.next()?);
        fields
            .next()
            .is_none()
            .then(|| format!("{year}-{month:0>2}-{day:0>2}"))
    };
    let read = iso
        .and_then(|day| Day::parse(day).ok())
        .or_else(|| Day::parse(&turned()?).ok());
    match read.and_then(Day::unix) {
        Some(seconds) => Ok(seconds.to_string()),
        None => Err(row.bad(
            format!("{} is no day", shown(cell)),
            "Days are written 2026-10-01, or 01/10/2026 with the day first",
        )),
    }
}

/// A cell as an error shows it.
fn shown(cell: &str) -> String {
    let short: String = cell.chars().take(60).collect();
    format!("{short:?}")
}

/// The most bytes that a cell of free text may have.
const LONGEST: usize = 512;

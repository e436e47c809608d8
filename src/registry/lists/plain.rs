//! Long lists as plain text: a head in comments, then a name or a network a line, with its group.

use std::borrow::Cow;
use std::hash::BuildHasher as _;
use std::sync::OnceLock;

use foldhash::fast::FixedState;
use hashbrown::hash_table::{Entry, HashTable};
use ipnet::IpNet;

use super::{Error, Head, fault};
use crate::subject::{Scope, cover, domain, net};

/// A list of names. They stay in its text; a table of their places, made when the first is asked for, finds them.
#[derive(Clone, Debug)]
pub struct Names {
    pub head: Head,
    sign: Sign,
    text: Cow<'static, str>,
    placed: OnceLock<Placed>,
}

/// A row of a list of names.
#[derive(Clone, Copy, Debug)]
pub struct NameRow<'t> {
    pub name: &'t str,
    /// `+` or `=` where the list writes one, else [`Scope::Subtree`].
    pub scope: Scope,
    pub group: &'t str,
    /// In its file, from 1.
    pub line: u32,
}

/// A list of networks, read when the first is asked for.
#[derive(Clone, Debug)]
pub struct Nets {
    pub head: Head,
    text: Cow<'static, str>,
    read: OnceLock<Vec<(IpNet, Place)>>,
}

/// A row of a list of networks.
#[derive(Clone, Copy, Debug)]
pub struct NetRow<'t> {
    pub net: IpNet,
    pub group: &'t str,
    /// In its file, from 1.
    pub line: u32,
}

/// A name to be looked for, in as many lists as one likes: it is hashed once.
#[derive(Clone, Copy, Debug)]
pub struct Sought<'n> {
    name: &'n str,
    hash: u64,
}

/// The list whose rows are suffixes.
const SUFFIXES: &str = "reserved-suffixes.txt";

/// Whether the rows of a list carry a scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    Written,
    None,
}

/// Where a row stands in its text.
#[derive(Clone, Copy, Debug)]
struct Place {
    start: u32,
    line: u32,
}

/// The rows of a list, and what finds them by name.
#[derive(Clone, Debug)]
struct Placed {
    rows: Vec<Place>,
    table: HashTable<Ending>,
}

/// So many bytes at the end of a row's name: the whole name, or one above it.
#[derive(Clone, Copy, Debug)]
struct Ending {
    row: u32,
    length: u8,
    is_whole: bool,
}

impl<'n> Sought<'n> {
    pub fn new(name: &'n str) -> Sought<'n> {
        // The lists are chosen by who runs this, so no seed has to keep anybody from crowding the table.
        let hash = FixedState::with_seed(0).hash_one(name);
        Sought { name, hash }
    }
}

impl Names {
    /// Reads the head. The rows of what is built into the program were read by a test; those of other files have to pass
    /// [`Names::check`] first.
    pub(super) fn new(
        file: &'static str,
        text: Cow<'static, str>,
        sign: Sign,
    ) -> Result<Names, Error> {
        Ok(Names {
            head: Head::parse(file, &text)?,
            sign,
            text,
            placed: OnceLock::new(),
        })
    }

    /// Whether every row is one.
    pub(super) fn check(&self) -> Result<(), Error> {
        let file = self.head.file;
        fits(file, &self.text)?;
        rows(&self.text).try_for_each(|(line, _, row)| check_name(file, line, row, self.sign))
    }

    pub fn len(&self) -> usize {
        self.placed().rows.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All rows with their numbers.
    pub fn rows(&self) -> impl Iterator<Item = (u32, NameRow<'_>)> {
        let places = (0u32..).zip(&self.placed().rows);
        places.map(|(number, place)| (number, self.read(*place)))
    }

    /// A row by its number.
    pub fn row(&self, number: u32) -> Option<NameRow<'_>> {
        let place = self.placed().rows.get(usize::try_from(number).ok()?)?;
        Some(self.read(*place))
    }

    /// The row of exactly this name.
    pub fn find(&self, sought: &Sought<'_>) -> Option<u32> {
        self.ending(sought, true)
    }

    /// The first row whose name lies below this one.
    pub fn below(&self, sought: &Sought<'_>) -> Option<u32> {
        self.ending(sought, false)
    }

    fn ending(&self, sought: &Sought<'_>, is_whole: bool) -> Option<u32> {
        let placed = self.placed();
        let is_it = |ending: &Ending| {
            ending.is_whole == is_whole
                && named(&self.text, &placed.rows, *ending) == Some(sought.name)
        };
        placed
            .table
            .find(sought.hash, is_it)
            .map(|ending| ending.row)
    }

    fn read(&self, place: Place) -> NameRow<'_> {
        let row = at(&self.text, place);
        let (name, rest) = row.split_once(' ').unwrap_or((row, ""));
        let (scope, group) = match rest.split_once(' ') {
            Some(("=", group)) => (Scope::Exact, group),
            Some((_, group)) => (Scope::Subtree, group),
            None => (Scope::Subtree, rest),
        };
        NameRow {
            name,
            scope,
            group,
            line: place.line,
        }
    }

    fn placed(&self) -> &Placed {
        self.placed.get_or_init(|| Placed::new(&self.text))
    }
}

impl Placed {
    fn new(text: &str) -> Placed {
        let rows = places(text);
        let mut table = HashTable::with_capacity(rows.len() * 2);
        for (row, place) in (0u32..).zip(&rows) {
            let name = name_at(text, *place);
            for (depth, above) in cover::ancestors(name).enumerate() {
                // A name has 253 bytes at most.
                let length = u8::try_from(above.len()).unwrap_or(u8::MAX);
                let is_whole = depth == 0;
                let ending = Ending {
                    row,
                    length,
                    is_whole,
                };
                let is_it = |known: &Ending| {
                    known.is_whole == is_whole && named(text, &rows, *known) == Some(above)
                };
                let hash_of = |known: &Ending| {
                    Sought::new(named(text, &rows, *known).unwrap_or_default()).hash
                };
                // Of equal names the last row counts, of rows below a name the first.
                match table.entry(Sought::new(above).hash, is_it, hash_of) {
                    Entry::Occupied(mut known) if is_whole => *known.get_mut() = ending,
                    Entry::Occupied(_) => {}
                    Entry::Vacant(free) => _ = free.insert(ending),
                }
            }
        }
        Placed { rows, table }
    }
}

impl Nets {
    /// As [`Names::new`].
    pub(super) fn new(file: &'static str, text: Cow<'static, str>) -> Result<Nets, Error> {
        Ok(Nets {
            head: Head::parse(file, &text)?,
            text,
            read: OnceLock::new(),
        })
    }

    /// Whether every row is one.
    pub(super) fn check(&self) -> Result<(), Error> {
        let file = self.head.file;
        fits(file, &self.text)?;
        rows(&self.text).try_for_each(|(line, _, row)| check_net(file, line, row))
    }

    pub fn len(&self) -> usize {
        self.read().len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn nets(&self) -> impl Iterator<Item = &IpNet> {
        self.read().iter().map(|(net, _)| net)
    }

    /// A row by its number.
    pub fn row(&self, number: usize) -> Option<NetRow<'_>> {
        let (net, place) = self.read().get(number)?;
        let (_, group) = at(&self.text, *place).split_once(' ')?;
        Some(NetRow {
            net: *net,
            group,
            line: place.line,
        })
    }

    fn read(&self) -> &[(IpNet, Place)] {
        self.read.get_or_init(|| {
            let places = places(&self.text).into_iter();
            let read = places.map(|place| (net::parse(name_at(&self.text, place)), place));
            read.filter_map(|(net, place)| Some((net.ok()?, place)))
                .collect()
        })
    }
}

/// The rows of a text: line, where it begins, and what stands there.
pub(super) fn rows(text: &str) -> impl Iterator<Item = (u32, usize, &str)> {
    let mut start = 0;
    let lines = (1u32..).zip(text.split_inclusive('\n'));
    let placed = lines.map(move |(number, line)| {
        let began = start;
        start += line.len();
        (number, began, line.trim_end_matches(['\n', '\r']))
    });
    placed.filter(|(_, _, line)| !line.is_empty() && !line.starts_with('#'))
}

fn places(text: &str) -> Vec<Place> {
    rows(text)
        .filter_map(|(line, start, _)| {
            let start = u32::try_from(start).ok()?;
            Some(Place { start, line })
        })
        .collect()
}

/// The row at a place.
fn at(text: &str, place: Place) -> &str {
    let start = usize::try_from(place.start).unwrap_or(usize::MAX);
    let rest = text.get(start..).unwrap_or_default();
    let end = memchr::memchr2(b'\n', b'\r', rest.as_bytes()).unwrap_or(rest.len());
    rest.get(..end).unwrap_or_default()
}

/// What stands before the row's first space.
fn name_at(text: &str, place: Place) -> &str {
    let start = usize::try_from(place.start).unwrap_or(usize::MAX);
    let rest = text.get(start..).unwrap_or_default();
    let end = memchr::memchr(b' ', rest.as_bytes()).unwrap_or(rest.len());
    rest.get(..end).unwrap_or_default()
}

fn named<'t>(text: &'t str, rows: &[Place], ending: Ending) -> Option<&'t str> {
    let name = name_at(text, *rows.get(usize::try_from(ending.row).ok()?)?);
    name.get(name.len().checked_sub(usize::from(ending.length))?..)
}

/// Whether places in a text can be told by 32 bits.
fn fits(file: &str, text: &str) -> Result<(), Error> {
    match u32::try_from(text.len()) {
        Ok(_) => Ok(()),
        Err(_) => Err(fault(file, 0, "a list has at most 4 GiB")),
    }
}

fn check_name(file: &str, line: u32, row: &str, sign: Sign) -> Result<(), Error> {
    let fields: Vec<&str> = row.split(' ').collect();
    let name = match (fields.as_slice(), sign) {
        ([name, _], Sign::None) => *name,
        ([name, "+" | "=", _], Sign::Written) => *name,
        _ => {
            let shape = match sign {
                Sign::Written => "<name> <+ or => <group>",
                Sign::None => "<name> <group>",
            };
            return Err(fault(
                file,
                line,
                format!("`{row}` is not of the form {shape}"),
            ));
        }
    };
    match domain::check(name) {
        // A suffix may be a whole top-level domain.
        Err(domain::Fault::OneLabel) if sign == Sign::None && file == SUFFIXES => Ok(()),
        checked => checked.map_err(|what| fault(file, line, format!("`{name}`: {what}"))),
    }
}

fn check_net(file: &str, line: u32, row: &str) -> Result<(), Error> {
    let fields: Vec<&str> = row.split(' ').collect();
    let [text, _] = fields.as_slice() else {
        return Err(fault(
            file,
            line,
            format!("`{row}` is not of the form <network> <group>"),
        ));
    };
    match net::parse(text) {
        Ok(_) => Ok(()),
        Err(what) => Err(fault(file, line, format!("`{text}`: {what}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "# title: t\n# source: s\n# licence: l\n# date: 2026-01-01\n";

    /// The table answers as a reading of all rows does.
    #[test]
    fn names_are_found_where_they_stand() {
        let rows = "a.shop.vn + one\nb.shop.vn = two\r\n\n# between\nshop.vn + three\nb.shop.vn + four\nx.co + five";
        let text = format!("{HEAD}{rows}");
        let names = Names::new("protected-names.txt", text.into(), Sign::Written).unwrap();
        names.check().unwrap();
        assert_eq!(names.len(), 5);
        let all: Vec<(u32, NameRow<'_>)> = names.rows().collect();
        for sought in [
            "vn",
            "shop.vn",
            "a.shop.vn",
            "b.shop.vn",
            "op.vn",
            "x.co",
            "co",
            "x",
            "",
        ] {
            let at = Sought::new(sought);
            let itself = all.iter().rfind(|(_, row)| row.name == sought);
            assert_eq!(names.find(&at), itself.map(|(n, _)| *n), "{sought}");
            let is_below =
                |name: &str| cover::is_within(sought, name) && name != sought && !sought.is_empty();
            let below = all.iter().find(|(_, row)| is_below(row.name));
            assert_eq!(names.below(&at), below.map(|(n, _)| *n), "{sought}");
        }
        let row = names.row(1).unwrap();
        assert_eq!(
            (row.name, row.scope, row.group, row.line),
            ("b.shop.vn", Scope::Exact, "two", 6)
        );
        assert_eq!(names.row(4).unwrap().group, "five");
    }

    #[test]
    fn networks_are_read_where_they_stand() {
        let text = format!("{HEAD}203.0.113.0/24 one\n\n2001:db8::/32 two\n");
        let nets = Nets::new("shared-networks.txt", text.into()).unwrap();
        nets.check().unwrap();
        let row = nets.row(1).unwrap();
        assert_eq!(
            (row.net.to_string().as_str(), row.group, row.line),
            ("2001:db8::/32", "two", 7)
        );
        assert_eq!((nets.len(), nets.row(2).is_none()), (2, true));
    }
}

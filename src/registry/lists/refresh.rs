//! Refreshing a list from a file: what comes is read whole, brought to the list's own form, judged together with all other
//! lists, and only then put in the old one's place.
//!
//! A list in plain text may be refreshed group by group (all of `cloudflare` in `shared-networks.txt`), from a file with a
//! name or network a line or from a MISP warning list; the head then says of each group where it comes from.

use std::collections::BTreeMap;
use std::path::Path;

use ipnet::IpNet;

use super::{EMBEDDED, Error, Lists, embedded, fault, texts};
use crate::registry::Day;
use crate::store::files::Batch;
use crate::subject::{domain, net};
use crate::tlog::Hash;

/// What comes in.
#[derive(Clone, Debug)]
pub struct Incoming<'a> {
    /// The file of `lists/` that it is for.
    pub list: &'a str,
    /// How the errors call what came.
    pub name: &'a str,
    pub text: &'a str,
    /// The rows that it stands for; none: the whole list, in its own form.
    pub group: Option<Group<'a>>,
    /// Let a list lose more than half of its rows.
    pub shrink: bool,
}

/// A group of rows, and where it comes from.
#[derive(Clone, Copy, Debug)]
pub struct Group<'a> {
    pub group: &'a str,
    pub source: &'a str,
    pub licence: &'a str,
    pub date: Day,
}

/// What became of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Refreshed {
    /// Of all lists, as in `guard.lists` of a decision.
    pub before: Hash,
    pub after: Hash,
    /// Lines that the list has and had not, and the other way round; heads don't count.
    pub added: u64,
    pub removed: u64,
    pub rows: u64,
}

/// Refreshes a list in a directory of lists; a directory that isn't there begins as those built into the program. What is
/// refused leaves every file as it was.
pub fn refresh(dir: &Path, incoming: &Incoming<'_>) -> Result<Refreshed, Error> {
    let began = !dir.exists();
    let mut all = if began { embedded() } else { texts(dir)? };
    let before = Lists::checked(&all)?;
    let Some((file, _)) = EMBEDDED.iter().find(|(file, _)| *file == incoming.list) else {
        let known: Vec<&str> = EMBEDDED.iter().map(|(file, _)| *file).collect();
        return Err(fault(
            incoming.list,
            0,
            format!(
                "no list of this name is known; known are {}",
                known.join(" ")
            ),
        ));
    };
    let old = all.get(*file).cloned().unwrap_or_default();
    let new = match incoming.group {
        Some(group) => with_group(&old, incoming, group)?,
        None => incoming.text.to_owned(),
    };
    let changed = changed(&old, &new);
    let gone = changed.removed.saturating_sub(changed.added);
    // A group that shrank is no less a sign than a whole list.
    let of_group = |row: &&str| {
        let group = incoming.group.map(|group| group.group);
        group.is_none() || row.rsplit(' ').next() == group
    };
    let had = rows(&old).filter(of_group).count() as u64;
    if !incoming.shrink && gone.saturating_mul(2) > had {
        return Err(fault(
            incoming.name,
            0,
            format!(
                "of {had} rows {gone} would go: was the file cut short? Nothing was changed; --shrink says that it is meant"
            ),
        ));
    }
    all.insert((*file).to_owned(), new.into());
    let after = Lists::checked(&all)?;
    let mut batch = Batch::new(dir);
    for (name, text) in &all {
        if began || name == file {
            batch.write(name, text.as_bytes())?;
        }
    }
    batch.finish()?;
    Ok(Refreshed {
        before: before.hash(),
        after: after.hash(),
        ..changed
    })
}

fn rows(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
}

fn changed(old: &str, new: &str) -> Refreshed {
    let set = |text| rows(text).collect::<std::collections::HashSet<&str>>();
    let (had, has) = (set(old), set(new));
    let nothing = Hash::of(b"");
    Refreshed {
        before: nothing,
        after: nothing,
        added: has.difference(&had).count() as u64,
        removed: had.difference(&has).count() as u64,
        rows: rows(new).count() as u64,
    }
}

/// A plain list with the rows of one group replaced.
fn with_group(old: &str, incoming: &Incoming<'_>, group: Group<'_>) -> Result<String, Error> {
    let list = incoming.list;
    // Of whois-servers.txt each row names a server of its own.
    if !list.ends_with(".txt") || list == "whois-servers.txt" {
        return Err(fault(
            list,
            0,
            "it has no groups: give the whole file, which carries its own head, without --group",
        ));
    }
    let plain = |text: &str| !text.is_empty() && !text.contains(char::is_whitespace);
    if !plain(group.group) || group.source.contains('\n') || group.licence.contains('\n') {
        return Err(fault(
            incoming.name,
            0,
            "a group is one word, its source and licence one line",
        ));
    }
    let is_networks = list.ends_with("-networks.txt");
    let sign = if list == "protected-names.txt" {
        " +"
    } else {
        ""
    };
    let mut kept: BTreeMap<Key, String> = BTreeMap::new();
    for row in rows(old) {
        if row.rsplit(' ').next() != Some(group.group) {
            let subject = row.split(' ').next().unwrap_or_default();
            kept.insert(Key::of(subject, is_networks), row.to_owned());
        }
    }
    for (number, entry) in entries(incoming)? {
        let subject = match is_networks {
            true => network(&entry),
            false => name(&entry),
        };
        let subject = subject.map_err(|what| {
            let shown = crate::subject::shortened(&entry);
            fault(incoming.name, number, format!("`{shown}`: {what}"))
        })?;
        let row = format!("{subject}{sign} {}", group.group);
        kept.entry(Key::of(&subject, is_networks)).or_insert(row);
    }
    let mut text = head(old, group);
    for row in kept.values() {
        text.push_str(row);
        text.push('\n');
    }
    Ok(text)
}

/// The head with the group's line in it. The day on top stays: it is that of the other groups, which are no newer now.
fn head(old: &str, group: Group<'_>) -> String {
    let mark = format!("# of {}: ", group.group);
    let mut text = String::new();
    for line in old.lines().take_while(|line| line.starts_with('#')) {
        if !line.starts_with(&mark) {
            text.push_str(line);
            text.push('\n');
        }
    }
    text.push_str(&format!(
        "{mark}{}, {}, {}\n",
        group.source, group.licence, group.date
    ));
    text
}

/// The entries of a file, with their lines: of a MISP warning list, or one a line.
fn entries(incoming: &Incoming<'_>) -> Result<Vec<(u32, String)>, Error> {
    let text = incoming.text.trim_start_matches('\u{feff}');
    if !text.trim_start().starts_with('{') {
        let numbered = (1u32..).zip(text.lines());
        let entries = numbered.filter_map(|(number, line)| {
            let entry = line.split(['#', ';']).next()?.split_whitespace().next()?;
            Some((number, entry.to_owned()))
        });
        return Ok(entries.collect());
    }
    #[derive(serde::Deserialize)]
    struct Warning {
        list: Vec<String>,
    }
    let read: Warning = serde_json::from_str(text).map_err(|e| {
        let line = u32::try_from(e.line()).unwrap_or_default();
        fault(
            incoming.name,
            line,
            format!("it is no MISP warning list: {e}"),
        )
    })?;
    Ok(read.list.into_iter().map(|entry| (0, entry)).collect())
}

fn name(entry: &str) -> Result<String, String> {
    let bare = entry.trim_start_matches("*.").trim_matches('.');
    let ascii = idna::domain_to_ascii(bare).map_err(|_| "it is no domain name".to_owned())?;
    domain::check(&ascii).map_err(|what| what.to_string())?;
    Ok(ascii)
}

fn network(entry: &str) -> Result<String, String> {
    let read = match entry.contains('/') {
        true => net::parse(entry).map_err(|what| what.to_string())?,
        false => {
            let address = entry.parse().map_err(|_| "it is no address".to_owned())?;
            net::single(address)
        }
    };
    Ok(read.to_string())
}

/// Where a row stands in its list: names bytewise, networks by version, address and length.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Net(IpNet),
    Name(String),
}

impl Key {
    fn of(subject: &str, is_networks: bool) -> Key {
        match subject.parse().ok().filter(|_| is_networks) {
            Some(net) => Key::Net(net),
            None => Key::Name(subject.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(group: &str) -> Option<Group<'_>> {
        Some(Group {
            group,
            source: "https://example.org/ranges",
            licence: "CC0-1.0",
            date: Day::parse("2026-11-20").unwrap(),
        })
    }

    fn incoming<'a>(list: &'a str, text: &'a str, of: &'a str) -> Incoming<'a> {
        Incoming {
            list,
            name: "new.txt",
            text,
            group: group(of),
            shrink: false,
        }
    }

    #[test]
    fn a_group_takes_the_place_of_its_old_rows() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().join("lists");
        let text = "# ranges\n203.0.113.0/24\n198.51.100.7 ; one\n\n2001:db8::/32\n";
        let ranges = incoming("shared-networks.txt", text, "cloudflare");
        assert!(
            refresh(&dir, &ranges)
                .unwrap_err()
                .to_string()
                .contains("cut short")
        );
        let did = refresh(
            &dir,
            &Incoming {
                shrink: true,
                ..ranges
            },
        )
        .unwrap();
        assert_eq!((did.added, did.removed), (3, 22));
        let lists = Lists::load(&dir).unwrap();
        assert_eq!(lists.hash(), did.after);
        assert_ne!(did.before, did.after);
        // The other groups are no newer for it.
        let before = Lists::embedded().unwrap().shared_networks.head.date;
        assert_eq!(lists.shared_networks.head.date, before);
        let source = lists.shared_networks.head.source_of("cloudflare");
        assert!(source.starts_with("https://example.org/ranges"), "{source}");
        assert_ne!(lists.shared_networks.head.source_of("amazon"), source);
        let misp = r#"{"name":"x","list":[".Shop.example","bücher.example"]}"#;
        let did = refresh(&dir, &incoming("platform-hosts.txt", misp, "market")).unwrap();
        assert_eq!((did.added, did.removed), (2, 0));
        let names = std::fs::read_to_string(dir.join("platform-hosts.txt")).unwrap();
        assert!(
            names.contains("\nshop.example market\n")
                && names.contains("\nxn--bcher-kva.example market\n")
        );
    }

    #[test]
    fn what_is_refused_changes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().join("lists");
        refresh(
            &dir,
            &incoming("platform-hosts.txt", "a.example\n", "market"),
        )
        .unwrap();
        let before = Lists::load(&dir).unwrap().hash();
        let refused = |incoming: &Incoming<'_>| refresh(&dir, incoming).unwrap_err().to_string();
        let bad = incoming(
            "shared-networks.txt",
            "203.0.113.0/24\n203.0.113.1/24\n",
            "x",
        );
        assert!(refused(&bad).contains("new.txt line 2"));
        let bad = incoming(
            "popular-names.txt",
            "a.example\nnot a name\n-x-.example\n",
            "x",
        );
        assert!(refused(&bad).contains("new.txt line 2"));
        let cut = incoming("platform-hosts.txt", "a.example\n", "dynamic_dns");
        assert!(refused(&cut).contains("cut short"));
        assert!(refused(&incoming("heads.toml", "x", "y")).contains("no groups"));
        assert!(refused(&incoming("others.txt", "x", "y")).contains("known are"));
        let whole = Incoming {
            group: None,
            shrink: true,
            ..incoming("platform-hosts.txt", "a.example market\n", "")
        };
        assert!(refused(&whole).contains("the head lacks"));
        assert_eq!(Lists::load(&dir).unwrap().hash(), before);
    }
}

//! The lists: read once, from the copies built into the program or from a directory of the same files.
//!
//! A table is TOML with a head `[list]` (title, source, licence, date); a long list is plain text, its head in comments:
//!
//! ```text
//! # title: …
//! # source: …
//! # licence: …
//! # date: 2026-11-22
//! # format: <name> <group>
//! gov.vn + gov
//! ```
//!
//! The public suffix list and the RDAP bootstrap file stand as their maintainers publish them. [`Lists::hash`] binds all of
//! them (design: The log, `guard.lists`). Directories are read here and refreshed in [`refresh`].

mod head;
mod plain;
pub mod refresh;
mod servers;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ipnet::IpNet;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::day::Day;
use super::plan::{Plan, Term};
use super::suffix::{self, Suffixes};
use crate::subject::{Line, OwnedLine, Platforms, platforms};
use crate::tlog::Hash;

pub use head::Head;
pub use plain::{NameRow, Names, NetRow, Nets, Sought};
pub use servers::{RdapServers, WhoisServers};

/// All lists, typed.
#[derive(Clone, Debug)]
pub struct Lists {
    hash: Hash,
    pub plan: Plan,
    pub platforms: Platforms,
    pub suffixes: Suffixes,
    pub caps: PrefixCaps,
    /// Set aside for the category `test`.
    pub test_subjects: Vec<OwnedLine>,
    /// With a sign: `+` the name and all below it, `=` the name and its `www`.
    pub protected_names: Names,
    pub protected_networks: Nets,
    pub popular_names: Names,
    pub platform_hosts: Names,
    pub reserved_suffixes: Names,
    pub shared_networks: Nets,
    /// Domains that the name servers of parking services lie in.
    pub parking_servers: Names,
    pub rdap_servers: RdapServers,
    pub whois_servers: WhoisServers,
}

/// The shortest prefixes that may be listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PrefixCaps {
    pub v4: u8,
    pub v6: u8,
}

impl PrefixCaps {
    pub fn of(&self, net: &IpNet) -> u8 {
        match net {
            IpNet::V4(_) => self.v4,
            IpNet::V6(_) => self.v6,
        }
    }
}

impl Lists {
    /// The lists built into the program.
    /// The lists built into the program. Their long lists are taken apart when they are asked.
    pub fn embedded() -> Result<Lists, Error> {
        Lists::read(&embedded())
    }

    /// The lists of a directory, which holds the same files as `lists/` and no others.
    pub fn load(dir: &Path) -> Result<Lists, Error> {
        Lists::checked(&texts(dir)?)
    }

    /// Lists that nobody has looked at yet.
    fn checked(texts: &Texts) -> Result<Lists, Error> {
        let lists = Lists::read(texts)?;
        let names = [
            &lists.protected_names,
            &lists.popular_names,
            &lists.platform_hosts,
            &lists.reserved_suffixes,
            &lists.parking_servers,
        ];
        names.into_iter().try_for_each(Names::check)?;
        let nets = [&lists.protected_networks, &lists.shared_networks];
        nets.into_iter().try_for_each(Nets::check)?;
        Ok(lists)
    }

    /// SHA-256 of the sorted lines `<file> <sha256>\n` over all files: `guard.lists` of a decision.
    pub fn hash(&self) -> Hash {
        self.hash
    }

    /// All but the rows of long lists.
    fn read(texts: &Texts) -> Result<Lists, Error> {
        if let Some(unknown) = texts
            .keys()
            .find(|name| !EMBEDDED.iter().any(|(known, _)| known == name))
        {
            return Err(fault(
                unknown,
                0,
                "no list of this name is known; move it elsewhere, since every file here is part of the lists' hash",
            ));
        }
        let whole = |file: &'static str| texts.get(file).ok_or(Error::Missing { file });
        let text = |file| whole(file).map(AsRef::as_ref);
        let caps: Caps = table(text, "prefix-caps.toml")?;
        if caps.v4 > 32 || caps.v6 > 128 {
            return Err(fault(
                "prefix-caps.toml",
                0,
                "a cap is a prefix length: v4 up to 32, v6 up to 128",
            ));
        }
        let names = |file, sign| Names::new(file, whole(file)?.clone(), sign);
        let nets = |file| Nets::new(file, whole(file)?.clone());
        Ok(Lists {
            hash: hash_of(texts),
            plan: plan(text)?,
            platforms: Platforms::parse(text("platforms.toml")?)
                .map_err(|source| Error::Platforms { source })?,
            suffixes: Suffixes::parse(text("public_suffix_list.dat")?)
                .map_err(|source| Error::Suffixes { source })?,
            caps: PrefixCaps {
                v4: caps.v4,
                v6: caps.v6,
            },
            test_subjects: test_subjects(text)?,
            protected_names: names("protected-names.txt", plain::Sign::Written)?,
            protected_networks: nets("protected-networks.txt")?,
            popular_names: names("popular-names.txt", plain::Sign::None)?,
            platform_hosts: names("platform-hosts.txt", plain::Sign::None)?,
            reserved_suffixes: names("reserved-suffixes.txt", plain::Sign::None)?,
            shared_networks: nets("shared-networks.txt")?,
            parking_servers: names("parking-name-servers.txt", plain::Sign::None)?,
            rdap_servers: RdapServers::parse(text(RDAP)?).map_err(|what| fault(RDAP, 0, what))?,
            whois_servers: WhoisServers::parse("whois-servers.txt", text("whois-servers.txt")?)?,
        })
    }
}

/// Why lists can't be used. Every message names the file, and the line where there is one.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("lists: {file}{}: {what}", at(.line))]
    Line {
        file: String,
        line: u32,
        what: String,
    },
    #[error(
        "lists: {file} is missing; the directory holds the same files as `lists/` of the source"
    )]
    Missing { file: &'static str },
    #[error("lists: {file}: {source}")]
    Toml {
        file: &'static str,
        source: toml::de::Error,
    },
    #[error("lists: platforms.toml: {source}")]
    Platforms { source: platforms::PlatformsError },
    #[error("lists: public_suffix_list.dat: {source}")]
    Suffixes { source: suffix::Fault },
    #[error("lists: {0}")]
    Store(#[from] crate::store::Error),
    #[error("lists: can't read {}: {source}", path.display())]
    Unreadable {
        path: PathBuf,
        source: std::io::Error,
    },
}

pub(super) fn fault(file: &str, line: u32, what: impl Into<String>) -> Error {
    Error::Line {
        file: file.to_owned(),
        line,
        what: what.into(),
    }
}

fn at(line: &u32) -> String {
    if *line == 0 {
        String::new()
    } else {
        format!(" line {line}")
    }
}

/// Files of lists by name.
type Texts = BTreeMap<String, Cow<'static, str>>;

/// The files of a directory of lists.
fn texts(dir: &Path) -> Result<Texts, Error> {
    let unreadable = |path: &Path, source| Error::Unreadable {
        path: path.to_owned(),
        source,
    };
    let mut texts = BTreeMap::new();
    for item in std::fs::read_dir(dir).map_err(|e| unreadable(dir, e))? {
        let path = item.map_err(|e| unreadable(dir, e))?.path();
        let Some(name) = path
            .file_name()
            .and_then(|name| name.to_str())
            .map(str::to_owned)
        else {
            continue;
        };
        if name.starts_with('.') || path.is_dir() {
            continue;
        }
        let bytes = std::fs::read(&path).map_err(|e| unreadable(&path, e))?;
        let text = String::from_utf8(bytes).map_err(|_| fault(&name, 0, "it is not UTF-8"))?;
        texts.insert(name, text.into());
    }
    Ok(texts)
}

fn embedded() -> Texts {
    let files = EMBEDDED.iter();
    files
        .map(|(name, text)| ((*name).to_owned(), Cow::Borrowed(*text)))
        .collect()
}

fn hash_of(texts: &Texts) -> Hash {
    // A BTreeMap is sorted bytewise by file name, and so are the lines: the name is followed by a space, which sorts
    // before every character that a file name here holds.
    let lines: String = texts
        .iter()
        .map(|(name, text)| format!("{name} {}\n", Hash::of(text.as_bytes())))
        .collect();
    Hash::of(lines)
}

fn table<'t, T: DeserializeOwned>(
    text: impl Fn(&'static str) -> Result<&'t str, Error>,
    file: &'static str,
) -> Result<T, Error> {
    toml::from_str(text(file)?).map_err(|source| Error::Toml { file, source })
}

/// The head of a table: where it comes from, under which licence, of which day.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "read so that a table without a head is refused")]
struct TableHead {
    title: String,
    source: String,
    licence: String,
    date: Day,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Caps {
    #[serde(rename = "list")]
    _list: TableHead,
    v4: u8,
    v6: u8,
}

/// One file of the plan: a head, and rows under the name of what they are.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rows<T> {
    #[serde(rename = "list")]
    _list: TableHead,
    #[serde(
        alias = "term",
        alias = "measure",
        alias = "unit",
        alias = "competence",
        alias = "bound",
        alias = "deadline"
    )]
    rows: Vec<T>,
}

fn plan<'t>(text: impl Fn(&'static str) -> Result<&'t str, Error> + Copy) -> Result<Plan, Error> {
    let terms = |file| table::<Rows<Term>>(text, file).map(|rows| rows.rows);
    let plan = Plan {
        categories: terms("categories.toml")?,
        heads: terms("heads.toml")?,
        goods: terms("goods.toml")?,
        methods: terms("methods.toml")?,
        measures: table::<Rows<_>>(text, "measures.toml")?.rows,
        units: table::<Rows<_>>(text, "units.toml")?.rows,
        competences: table::<Rows<_>>(text, "competences.toml")?.rows,
        bounds: table::<Rows<_>>(text, "end-bounds.toml")?.rows,
        deadlines: table::<Rows<_>>(text, "deadlines.toml")?.rows,
    };
    match plan.broken_reference() {
        Some((file, what)) => Err(fault(file, 0, what)),
        None => Ok(plan),
    }
}

fn test_subjects<'t>(
    text: impl Fn(&'static str) -> Result<&'t str, Error>,
) -> Result<Vec<OwnedLine>, Error> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct File {
        #[serde(rename = "list")]
        _list: TableHead,
        subjects: Vec<String>,
    }
    let file: File = table(text, "test-subjects.toml")?;
    let read = |line: &String| {
        Line::parse(line)
            .map(Line::to_owned_line)
            .map_err(|e| fault("test-subjects.toml", 0, e.to_string()))
    };
    file.subjects.iter().map(read).collect()
}

macro_rules! embedded {
    ($($file:literal),* $(,)?) => {
        [$(($file, include_str!(concat!("../../../lists/", $file)))),*]
    };
}

/// Every file of `lists/`.
const EMBEDDED: [(&str, &str); 22] = embedded![
    "categories.toml",
    "competences.toml",
    "deadlines.toml",
    "end-bounds.toml",
    "goods.toml",
    "heads.toml",
    "measures.toml",
    "methods.toml",
    "parking-name-servers.txt",
    "platform-hosts.txt",
    "platforms.toml",
    "popular-names.txt",
    "prefix-caps.toml",
    "protected-names.txt",
    "protected-networks.txt",
    "public_suffix_list.dat",
    "rdap-bootstrap.json",
    "reserved-suffixes.txt",
    "shared-networks.txt",
    "test-subjects.toml",
    "units.toml",
    "whois-servers.txt",
];

const RDAP: &str = "rdap-bootstrap.json";

#[cfg(test)]
mod tests {
    use super::*;

    fn source() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("lists")
    }

    #[test]
    fn the_built_in_lists_are_those_of_the_source() {
        let embedded = Lists::embedded().unwrap();
        assert_eq!(embedded.hash(), Lists::load(&source()).unwrap().hash());
        assert!(embedded.popular_names.len() > 10_000);
        assert_eq!(embedded.plan.heads.len(), 3);
    }

    #[test]
    fn faults_name_file_and_line() {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in EMBEDDED {
            std::fs::write(dir.path().join(name), text).unwrap();
        }
        let message = |name: &str, text: &str| {
            let path = dir.path().join(name);
            let before = std::fs::read(&path).ok();
            std::fs::write(&path, text).unwrap();
            let message = Lists::load(dir.path()).unwrap_err().to_string();
            match before {
                Some(before) => std::fs::write(&path, before).unwrap(),
                None => std::fs::remove_file(&path).unwrap(),
            }
            message
        };
        let head = "# title: t\n# source: s\n# licence: l\n# date: 2026-01-01\n# format: f\n";
        assert!(
            message("popular-names.txt", &format!("{head}Shop.vn x\n"))
                .contains("popular-names.txt line 6")
        );
        assert!(message("popular-names.txt", "shop.vn x\n").contains("the head lacks `# date:`"));
        assert!(
            message("shared-networks.txt", &format!("{head}203.0.113.1/24 x\n")).contains("line 6")
        );
        assert!(message("heads.toml", "[list]\n").contains("heads.toml"));
        assert!(message("other.txt", "").contains("other.txt"));
        assert!(Lists::load(dir.path()).is_ok());
    }
}

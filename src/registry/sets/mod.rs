//! Data sets: extracts of registries and registers, imported from files and asked for facts.
//!
//! Follows design: Checks (*Facts*) and issue 4, "Data sets". Owns the kinds and their columns, the forms in which files
//! come, the import that swaps a set in whole or leaves the one before, and the look-ups. Where the bytes lie is the
//! business of [`crate::store::sets`]. Columns that aren't known are refused, not kept: an extract often holds persons.

mod formats;
mod import;
mod kind;
mod lines;
mod look;
mod row;
mod zone;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

use arc_swap::ArcSwap;
use serde::{Deserialize, Serialize};

use crate::store::{
    self,
    sets::{self as store_sets, Mark, SetReader},
};

pub use formats::Format;
pub use import::{Import, Order, import};
pub use kind::{Column, Kind};
pub use look::Bound;
pub use row::{Bad, Lengths};

/// What is known of a version of a set; it lies beside the rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Description {
    /// Of the layout of keys and values: [`LAYOUT`].
    pub layout: u32,
    pub name: String,
    pub kind: Kind,
    /// The day of which it is, such as `2026-10-01`.
    pub date: String,
    /// The same in Unix seconds.
    pub at: u64,
    /// Unix seconds from which it is too old.
    pub fresh_until: u64,
    pub licence: String,
    /// The file that it was made from, without its directory.
    pub file: String,
    /// SHA-256 of that file's content, in hex.
    pub sha256: String,
    /// Rows that were read.
    pub rows: u64,
    /// Distinct keys: fewer than rows where a later row replaced an earlier one.
    pub keys: u64,
    /// Unix seconds.
    pub imported: u64,
    pub lengths: Lengths,
}

/// The layout of keys and values that this program writes and reads. Sets of another are imported anew.
pub const LAYOUT: u32 = 2;

/// All sets of a data directory, open for reading. Cheap to ask, safe to share.
pub struct Sets {
    dir: PathBuf,
    open: ArcSwap<Vec<Arc<Opened>>>,
}

/// A set as it was found. It is opened when it is first asked: a name has no use for what is known of networks.
struct Opened {
    name: String,
    kind: Kind,
    path: PathBuf,
    /// None where it couldn't be looked at.
    mark: Option<Mark>,
    state: OnceLock<Result<Set, String>>,
}

/// A version of a set, open for reading.
struct Set {
    reader: SetReader,
    description: Description,
}

/// What `registry list` shows of a set.
#[derive(Clone, Debug, Serialize)]
pub struct Standing {
    pub name: String,
    #[serde(flatten)]
    pub description: Option<Description>,
    /// Why it can't be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
}

/// Why a set can't be imported or read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A row, or the file as a whole, can't be used.
    #[error("{}{}. {}", place(.0), .0.what, .0.remedy)]
    Row(Bad),
    /// The same, with what stays as it was.
    #[error("data set {set}: {}{}. {}. {stays}", place(.bad), .bad.what, .bad.remedy)]
    Refused {
        set: String,
        bad: Bad,
        stays: String,
    },
    /// A name that is no set's.
    #[error(
        "{name:?} is no name of a data set: it is one of {}, or one of them and a hyphen and [a-z0-9-] after it",
        kinds()
    )]
    Name { name: String },
    /// The file can't be read.
    #[error("the file can't be read: {0}")]
    Reading(std::io::Error),
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl Error {
    fn reading(source: std::io::Error) -> Error {
        Error::Reading(source)
    }
}

impl From<Bad> for Error {
    fn from(bad: Bad) -> Error {
        Error::Row(bad)
    }
}

fn place(bad: &Bad) -> String {
    match bad.row {
        0 => String::new(),
        row => format!("row {row}: "),
    }
}

fn kinds() -> String {
    Kind::ALL.map(Kind::as_str).join(", ")
}

impl Sets {
    /// Opens what lies in `dir`, the directory of sets; one that isn't there has none. A set that can't be read is a
    /// fault in every answer that would have come from it, not of the others.
    pub fn open(dir: &Path) -> Sets {
        let sets = Sets {
            dir: dir.to_owned(),
            open: ArcSwap::from_pointee(Vec::new()),
        };
        sets.refresh();
        sets
    }

    /// Takes up what was imported, or removed, since. Costs a look at each set's directory.
    pub fn refresh(&self) {
        let before = self.open.load();
        let now: Vec<Arc<Opened>> = names(&self.dir)
            .into_iter()
            .filter_map(|(name, kind)| {
                let path = self.dir.join(&name);
                let mark = match store_sets::mark(&path) {
                    // Nothing was ever published.
                    Ok(None) => return None,
                    Ok(mark) => mark,
                    // What can't be looked at can't be opened, and says so then.
                    Err(_) => None,
                };
                let mut before = before.iter();
                let same = before.find(|o| o.name == name && o.mark == mark && !o.is_faulty());
                match same {
                    Some(same) if mark.is_some() => Some(same.clone()),
                    _ => Some(Arc::new(Opened {
                        name,
                        kind,
                        path,
                        mark,
                        state: OnceLock::new(),
                    })),
                }
            })
            .collect();
        self.open.store(Arc::new(now));
    }

    /// The same sets as they are open now, but for all whose name isn't this one.
    pub fn only(&self, name: &str) -> Sets {
        let open = self.open.load();
        let one = open.iter().filter(|opened| opened.name == name).cloned();
        Sets {
            dir: self.dir.clone(),
            open: ArcSwap::from_pointee(one.collect()),
        }
    }

    /// What each set is, in the order of their names.
    pub fn standings(&self) -> Vec<Standing> {
        let open = self.open.load();
        let standing = |opened: &Arc<Opened>| Standing {
            name: opened.name.clone(),
            description: opened.state().as_ref().ok().map(|s| s.description.clone()),
            fault: opened.state().as_ref().err().cloned(),
        };
        open.iter().map(standing).collect()
    }
}

impl Opened {
    /// The version that counts now, opened at the first call.
    fn state(&self) -> &Result<Set, String> {
        self.state.get_or_init(|| self.read())
    }

    fn is_faulty(&self) -> bool {
        self.state.get().is_some_and(Result::is_err)
    }

    fn read(&self) -> Result<Set, String> {
        let reader = match SetReader::open(&self.path) {
            Ok(Some(reader)) => reader,
            Ok(None) => return Err(format!("the data set {} is gone", self.name)),
            Err(error) => return Err(error.to_string()),
        };
        let description = describe(reader.description(), &self.name)?;
        Ok(Set {
            reader,
            description,
        })
    }
}

/// A description as it was written by this layout.
fn describe(bytes: &[u8], name: &str) -> Result<Description, String> {
    let again = "import it again";
    let description: Description = serde_json::from_slice(bytes).map_err(|e| {
        format!("the data set {name} has a description that can't be read ({e}): {again}")
    })?;
    match description.layout {
        LAYOUT => Ok(description),
        other => Err(format!(
            "the data set {name} has layout {other}, and this version reads {LAYOUT}: {again}"
        )),
    }
}

/// The sets that have a directory, in the order of their names.
fn names(dir: &Path) -> Vec<(String, Kind)> {
    let Ok(entries) = std::fs::read_dir(dir) else {
        return Vec::new();
    };
    let mut names: Vec<_> = entries
        .filter_map(|entry| {
            let name = entry.ok()?.file_name().into_string().ok()?;
            let kind = Kind::of_set(&name)?;
            Some((name, kind))
        })
        .collect();
    names.sort();
    names
}

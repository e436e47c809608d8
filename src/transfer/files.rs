//! The levels as zone files, for resolvers that transfer nothing and look at a file (`rpz.md`, Knot
//! Resolver): what changes is small, however long the list is.
//!
//! A file is written aside, synced and renamed: whoever looks at it sees the old one or the new. A
//! crash leaves the old one, and the next start writes what differs.

use super::{Error, levels::Level, maker::Zones, name::Name, names::Mark, zone::Zone};
use std::{
    fs::{self, File},
    io::{self, BufWriter, Read as _, Write},
    path::{Path, PathBuf},
};

/// The folder of zone files, if one is wanted.
#[derive(Debug)]
pub(super) struct Files(pub(super) Option<PathBuf>);

impl Files {
    /// Brings the files to the zones; one that has its zone's serial stays as it is.
    pub(super) fn write(&self, zones: &Zones) -> Result<(), Error> {
        let Some(folder) = &self.0 else {
            return Ok(());
        };
        fs::create_dir_all(folder).map_err(Error::io(folder))?;
        // The levels that pass and that changed least first: what a base no longer blocks is in
        // `allow`, and what it doesn't block yet in `block`, before the base is another.
        let order = [Level::Block, Level::Allow, Level::Net, Level::Base];
        let wanted = order.into_iter().filter_map(|l| zones[l as usize].as_ref());
        for zone in wanted {
            let path = folder.join(format!("{}.rpz", zone.level.as_str()));
            let head = head(zone);
            if !begins_with(&path, head.as_bytes()) {
                replace(&path, &head, zone).map_err(Error::io(&path))?;
            }
        }
        Ok(())
    }
}

fn replace(path: &Path, head: &str, zone: &Zone) -> io::Result<()> {
    let aside = path.with_extension("aside");
    let mut out = BufWriter::with_capacity(1 << 16, File::create(&aside)?);
    out.write_all(head.as_bytes())?;
    let target = target(zone.form.profile.target());
    let mut line = Vec::new();
    for (key, mark) in zone.names.iter() {
        line.clear();
        records(&mut line, key, mark, &target);
        out.write_all(&line)?;
    }
    let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.sync_all()?;
    fs::rename(&aside, path)?;
    match path.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

/// The first lines; the serial in them says which zone it is.
fn head(zone: &Zone) -> String {
    let form = &zone.form;
    format!(
        "$ORIGIN {}\n$TTL {}\n@ SOA localhost. nobody.invalid. {} {} {} {} {}\n@ NS localhost.\n",
        form.apex, form.ttl, zone.serial, form.refresh, form.retry, form.expire, form.ttl
    )
}

/// A name's lines: its own, and the one of what is below it.
fn records(out: &mut Vec<u8>, key: &[u8], mark: Mark, target: &str) {
    let mut one = |wildcard: bool| {
        if wildcard {
            out.extend_from_slice(b"*.");
        }
        for (at, label) in key.rsplit(|b| *b == 0).enumerate() {
            if at > 0 {
                out.push(b'.');
            }
            out.extend_from_slice(label);
        }
        out.extend_from_slice(b" CNAME ");
        out.extend_from_slice(target.as_bytes());
        out.push(b'\n');
    };
    if !mark.is_none() {
        one(false);
    }
    if mark.has_subtree() {
        one(true);
    }
}

/// What the CNAMEs point to, in text.
fn target(wire: &[u8]) -> String {
    match wire {
        b"\0" => ".".into(),
        _ => Name::of_wire(wire.to_vec()).to_string(),
    }
}

fn begins_with(path: &Path, head: &[u8]) -> bool {
    let mut found = vec![0; head.len()];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut found));
    read.is_ok() && found == head
}

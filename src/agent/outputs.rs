//! Files that resolvers and firewalls load, and the commands that make them look.
//!
//! A file is rendered whole, written aside, synced and renamed; then its command runs. A file
//! that was edited, lost or whose command failed is written and loaded again, and so is one whose
//! sets somebody changed in the kernel. A set that isn't empty never becomes an empty file.

use super::{
    Disk, Error, OutputConfig,
    disk::write_with,
    enforced::Enforced,
    kernel, load,
    report::{OutputOutcome, OutputReport},
};
use crate::{
    canon::Origin,
    entries::FeedName,
    feed::formats::{Format, Meta},
    tlog::Hash,
};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

/// An output with what is known of its file.
pub(super) struct Output {
    pub(super) config: OutputConfig,
    format: Format,
    /// Size, inode and time of the file as it was last verified to be what was written.
    seen: Option<Mark>,
}

/// What was written and acknowledged: the `outputs` file. Losing it costs one writing more.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Done {
    pub(super) files: BTreeMap<PathBuf, Written>,
    /// The serial of the last receipt that was taken, by feed.
    pub(super) receipts: BTreeMap<FeedName, u64>,
}

/// One file as it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    pub(super) serial: u64,
    pub(super) entries: u64,
    /// Of what the file was made from: the enforced set, the format, the program's version.
    made_from: Hash,
    sha256: Hash,
    /// Whether the command that loads it has succeeded since.
    pub(super) loaded: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Mark {
    size: u64,
    inode: u64,
    modified: (i64, i64),
}

/// What stands in the head of a file.
pub(super) struct About<'a> {
    pub(super) origin: &'a Origin,
    pub(super) serial: u64,
    pub(super) time: u64,
    pub(super) digest: Hash,
}

impl Done {
    pub(super) fn load(disk: &Disk) -> Result<Self, Error> {
        let body = disk.read_checked("outputs")?.unwrap_or(b"{}".to_vec());
        serde_json::from_slice(&body).map_err(|e| Error::Damaged {
            path: disk.dir().join("outputs"),
            why: e.to_string(),
        })
    }

    pub(super) fn save(&self, disk: &Disk) -> Result<(), Error> {
        let body = serde_json::to_vec_pretty(self).map_err(|e| Error::Damaged {
            path: disk.dir().join("outputs"),
            why: e.to_string(),
        })?;
        disk.write_checked("outputs", &body)
    }
}

impl Output {
    pub(super) fn new(config: &OutputConfig) -> Result<Self, Error> {
        let format = Format::parse(&config.format).map_err(|e| Error::Config(e.to_string()))?;
        if !format.applies_to(config.feed.kind()) {
            return Err(Error::Config(format!(
                "the format {format} can't say what is in the feed {}",
                config.feed
            )));
        }
        Ok(Self {
            config: config.clone(),
            format,
            seen: None,
        })
    }

    /// Whether the file has to be written, or its command to be run.
    pub(super) fn is_due(&mut self, enforced: &Enforced, serial: u64, done: &Done) -> bool {
        let Some(written) = done.files.get(&self.config.path) else {
            return true;
        };
        let made_from = self.made_from(enforced, serial);
        written.made_from != made_from || !written.loaded || !self.is_intact(written)
    }

    /// The same for a plan, which changes nothing.
    pub(super) fn would_write(&self, enforced: &Enforced, serial: u64, done: &Done) -> bool {
        done.files.get(&self.config.path).is_none_or(|written| {
            written.made_from != self.made_from(enforced, serial)
                || !written.loaded
                || !is_file_of(&self.config.path, written)
        })
    }

    /// Writes the file, where it isn't what it should be, and runs its command.
    pub(super) async fn apply(
        &mut self,
        enforced: &Enforced,
        about: &About<'_>,
        done: &mut Done,
    ) -> OutputReport {
        let (feed, path) = (self.config.feed.clone(), self.config.path.clone());
        let report = |outcome, message: String| OutputReport {
            feed: feed.clone(),
            path: path.clone(),
            serial: about.serial,
            outcome,
            message,
        };
        let within = Duration::from_secs(self.config.reload_seconds.max(1));
        if !self.is_due(enforced, about.serial, done) {
            match self.strayed(enforced, within).await {
                None => return report(OutputOutcome::Unchanged, String::new()),
                Some(why) => tracing::warn!(path = %path.display(), why, "loaded again"),
            }
        }
        if enforced.would_be_empty() {
            let why = "the file would be empty while the verified set is not: the last one stays";
            return report(OutputOutcome::Refused, why.into());
        }
        if let Err(e) = self.write(enforced, about, done) {
            return report(OutputOutcome::NotWritten, e.to_string());
        }
        let mut loaded = load::run(&self.config, within).await;
        if loaded.is_ok() {
            loaded = self.strayed(enforced, within).await.map_or(Ok(()), Err);
        }
        if let Some(written) = done.files.get_mut(&path) {
            written.loaded = loaded.is_ok();
        }
        match loaded {
            Ok(()) => report(OutputOutcome::Written, String::new()),
            Err(why) => report(OutputOutcome::NotLoaded, self.put_back(why)),
        }
    }

    /// What the kernel has other than the set, where the file is one of its.
    async fn strayed(&self, enforced: &Enforced, within: Duration) -> Option<String> {
        if !self.config.nft {
            return None;
        }
        let wanted = enforced.addresses();
        kernel::compare(&wanted, within).await.err()
    }

    /// Puts the last file back that BIRD took: it reads its files at its next start too.
    fn put_back(&self, why: String) -> String {
        if !self.config.bird {
            return why;
        }
        match load::restore(&self.config.path) {
            Ok(true) => format!("{why}. The last file that it took is back in place"),
            Ok(false) => why,
            Err(e) => format!("{why}. The last file that it took can't be put back: {e}"),
        }
    }

    /// A crash before `done` is saved writes the same file again.
    fn write(
        &mut self,
        enforced: &Enforced,
        about: &About<'_>,
        done: &mut Done,
    ) -> Result<(), Error> {
        let path = self.config.path.clone();
        let made_from = self.made_from(enforced, about.serial);
        let before = done.files.get(&path).cloned();
        if let Some(before) = before.as_ref().filter(|b| b.made_from == made_from)
            && self.is_intact(before)
        {
            return Ok(());
        }
        let meta = Meta {
            origin: about.origin.clone(),
            feed: self.config.feed.clone(),
            serial: about.serial,
            time: about.time,
            digest: about.digest,
        };
        if self.config.bird && before.is_some_and(|b| b.loaded && self.is_intact(&b)) {
            load::keep(&path)?;
        }
        let mode = self.config.file_mode().unwrap_or(0o600);
        let sha256 = write_with(&path, mode, |out| {
            let rendered = enforced.render(self.format, &meta, out);
            rendered.map_err(|e| std::io::Error::other(e.to_string()))
        })?;
        let written = Written {
            serial: about.serial,
            entries: enforced.entries,
            made_from,
            sha256,
            loaded: false,
        };
        self.seen = mark(&path);
        done.files.insert(path, written);
        Ok(())
    }

    fn made_from(&self, enforced: &Enforced, serial: u64) -> Hash {
        let version = env!("CARGO_PKG_VERSION");
        let command = self.config.command().join("\0");
        Hash::of(format!(
            "{version}\0{serial}\0{}\0{}\0{}\0{command}",
            self.format, self.config.mode, enforced.fingerprint
        ))
    }

    /// Whether the file is still what was written: by its mark, or by all its bytes where the
    /// mark is new.
    fn is_intact(&mut self, written: &Written) -> bool {
        let now = mark(&self.config.path);
        if now.is_some() && now == self.seen {
            return true;
        }
        let intact = is_file_of(&self.config.path, written);
        self.seen = now.filter(|_| intact);
        intact
    }
}

fn is_file_of(path: &Path, written: &Written) -> bool {
    std::fs::read(path).is_ok_and(|bytes| Hash::of(&bytes) == written.sha256)
}

fn mark(path: &Path) -> Option<Mark> {
    let file = std::fs::metadata(path).ok()?;
    Some(Mark {
        size: file.size(),
        inode: file.ino(),
        modified: (file.mtime(), file.mtime_nsec()),
    })
}

//! Zones on disk: an image of each, and a journal of the steps before and after it.
//!
//! ```text
//! <zone>.image     blockfeed/zone/v1 LF, a line of JSON, then mark, length and key of each name
//! <zone>.journal   length, first eight bytes of SHA-256, step; one after the other, only appended
//! ```
//!
//! A step is on the disk before its serial is told to anybody. A crash while it is appended leaves
//! a torn end, which the next start cuts off: nobody was told of it. An image is written aside,
//! synced and renamed; a crash before the journal is renamed too leaves an older one, whose steps
//! lead to the image all the same.

use super::{
    Error,
    levels::Level,
    names::{Mark, Move, Names},
    shelf::Shelf,
    wire::Form,
    zone::{Step, Zone},
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::{
    collections::VecDeque,
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

/// The folder of zones.
#[derive(Debug)]
pub(super) struct Disk {
    folder: PathBuf,
}

/// A zone that changed, and the step that led to it; none where it begins.
pub(super) type Change = (Arc<Zone>, Option<Arc<Step>>);

/// The second line of an image.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    session: String,
    /// What all records share; another form is another zone, without a history.
    form: String,
    serial: u32,
    feed: u64,
    bytes: u64,
    sha256: String,
}

/// What an image holds.
pub(super) struct Image {
    /// The history of the log that it is of.
    pub(super) session: String,
    /// Whether its records are of this form.
    pub(super) is_of_form: bool,
    pub(super) serial: u32,
    pub(super) feed: u64,
    pub(super) names: Names,
}

/// What was kept of a zone.
pub(super) enum Kept {
    /// With the history of the log that it is of.
    Zone(Zone, String),
    /// Another form, or no image that is whole: the serial goes on, no difference leads across.
    Serial(u32),
    Nothing,
}

impl Disk {
    /// Takes a folder, which is made if it isn't there.
    pub(super) fn open(folder: &Path) -> Result<Self, Error> {
        fs::create_dir_all(folder).map_err(Error::io(folder))?;
        Ok(Self {
            folder: folder.to_owned(),
        })
    }

    /// The image of that name, if there is one that is whole.
    pub(super) fn image(&self, name: &str, form: &Form) -> Option<Image> {
        let path = self.path(name, "image");
        let bytes = fs::read(&path).ok()?;
        let image = read_image(&bytes, form);
        if image.is_none() {
            tracing::warn!(path = %path.display(), "the zone's image is damaged: it is made anew");
        }
        image
    }

    /// Writes an image.
    pub(super) fn write_image(
        &self,
        name: &str,
        form: &Form,
        session: &str,
        (serial, feed): (u32, u64),
        names: &Names,
    ) -> Result<(), Error> {
        let mut body = Vec::with_capacity(names.len() * 24);
        names
            .iter()
            .for_each(|(key, mark)| put_name(&mut body, mark.bits(), key));
        let head = Head {
            session: session.into(),
            form: form_text(form),
            serial,
            feed,
            bytes: body.len() as u64,
            sha256: hex::encode(Sha256::digest(&body)),
        };
        let head = serde_json::to_string(&head).map_err(io::Error::from);
        let head = head.map_err(Error::io(&self.folder))?;
        let parts = [FIRST_LINE, head.as_bytes(), b"\n", &body];
        self.replace(&self.path(name, "image"), &parts)
    }

    /// The zone as it was kept: image and steps.
    pub(super) fn zone(&self, level: Level, form: &Arc<Form>) -> Kept {
        let steps = self.steps(level);
        let Some(image) = self.image(level.as_str(), form) else {
            let last = steps.last().map(|(step, _)| Kept::Serial(step.to));
            return last.unwrap_or(Kept::Nothing);
        };
        let mut zone = Zone {
            level,
            form: form.clone(),
            serial: image.serial,
            feed: image.feed,
            names: image.names,
            shelf: self.shelf(level),
            history: VecDeque::new(),
        };
        let after = steps.iter().position(|(step, _)| step.from == zone.serial);
        let reaches = after.is_some() || steps.last().is_some_and(|(s, _)| s.to == zone.serial);
        if reaches {
            let (older, newer) = steps.split_at(after.unwrap_or(steps.len()));
            zone.history
                .extend(older.iter().map(|(step, _)| step.clone()));
            for (step, feed) in newer {
                zone.take(step.clone());
                zone.feed = *feed;
            }
        }
        match image.is_of_form {
            true => Kept::Zone(zone, image.session),
            false => Kept::Serial(zone.serial),
        }
    }

    /// Keeps the zones that changed; they are durable when this returns. They are kept side by side, since the disk
    /// writes several files out in the time of one; a crash leaves some of them kept and others not, and the next start
    /// makes what is missing. `is_doubtful`: what the files hold isn't known.
    pub(super) fn keep(
        &self,
        changed: &[Change],
        session: &str,
        is_doubtful: bool,
    ) -> Result<(), Error> {
        let keep = |change| self.keep_one(change, session, is_doubtful);
        let Some((last, others)) = changed.split_last() else {
            return Ok(());
        };
        std::thread::scope(|scope| {
            let others: Vec<_> = others
                .iter()
                .map(|change| scope.spawn(move || keep(change)))
                .collect();
            let last = keep(last);
            let others = others.into_iter().map(|kept| match kept.join() {
                Ok(kept) => kept,
                Err(panic) => std::panic::resume_unwind(panic),
            });
            others.chain([last]).collect()
        })
    }

    /// Appends to a zone's journal, or writes the zone whole where that is shorter or in doubt.
    fn keep_one(
        &self,
        (zone, step): &Change,
        session: &str,
        is_doubtful: bool,
    ) -> Result<(), Error> {
        let moves: usize = zone.history.iter().map(|step| step.moves.len()).sum();
        let long = JOURNAL + 128 * moves as u64;
        match step {
            Some(step) if !is_doubtful && self.journal_bytes(zone.level) <= long => {
                self.append(zone.level, step, zone.feed)
            }
            _ => self.write(zone, session),
        }
    }

    /// Appends a step to a zone's journal; it is durable when this returns.
    fn append(&self, level: Level, step: &Step, feed: u64) -> Result<(), Error> {
        let path = self.path(level.as_str(), "journal");
        let written = || {
            let options = OpenOptions::new().append(true).create(true).open(&path);
            let mut file = options?;
            file.write_all(&framed(step, feed))?;
            file.sync_data()
        };
        written().map_err(Error::io(&path))
    }

    /// Writes a zone whole: its image, and a journal of its history.
    fn write(&self, zone: &Zone, session: &str) -> Result<(), Error> {
        let place = (zone.serial, zone.feed);
        self.write_image(zone.level.as_str(), &zone.form, session, place, &zone.names)?;
        let feeds = zone.history.iter().skip(1).map(|step| step.feed);
        let feeds = feeds.chain([zone.feed]);
        let framed: Vec<u8> = zone
            .history
            .iter()
            .zip(feeds)
            .flat_map(|(step, feed)| framed(step, feed))
            .collect();
        self.replace(&self.path(zone.level.as_str(), "journal"), &[&framed])
    }

    /// The bytes of a zone's journal.
    fn journal_bytes(&self, level: Level) -> u64 {
        let path = self.path(level.as_str(), "journal");
        fs::metadata(path).map_or(0, |meta| meta.len())
    }

    /// Cuts off the torn end of a zone's journal. Only where nobody else writes it: who serves the
    /// zones that were kept doesn't know that yet.
    pub(super) fn mend(&self, level: Level) -> Result<(), Error> {
        let path = self.path(level.as_str(), "journal");
        let bytes = fs::read(&path).unwrap_or_default();
        let (_, torn) = steps_of(&bytes);
        if torn == 0 {
            return Ok(());
        }
        tracing::warn!(path = %path.display(), "the journal's end is torn: it is cut off");
        let whole = (bytes.len() - torn) as u64;
        let cut = OpenOptions::new().write(true).open(&path);
        cut.and_then(|file| file.set_len(whole))
            .map_err(Error::io(&path))
    }

    /// The journal's last unbroken run of steps, each with the feed's serial after it.
    fn steps(&self, level: Level) -> Vec<(Arc<Step>, u64)> {
        let bytes = fs::read(self.path(level.as_str(), "journal"));
        steps_of(&bytes.unwrap_or_default()).0
    }

    /// A place for a zone's packed records.
    pub(super) fn shelf(&self, level: Level) -> Arc<Shelf> {
        Arc::new(Shelf::new(&self.path(level.as_str(), "packed")))
    }

    fn path(&self, name: &str, extension: &str) -> PathBuf {
        self.folder.join(format!("{name}.{extension}"))
    }

    /// Aside, synced, renamed, folder synced.
    fn replace(&self, path: &Path, parts: &[&[u8]]) -> Result<(), Error> {
        let aside = path.with_extension("aside");
        let written = || {
            let mut file = File::create(&aside)?;
            parts.iter().try_for_each(|part| file.write_all(part))?;
            file.sync_all()?;
            fs::rename(&aside, path)?;
            File::open(&self.folder)?.sync_all()
        };
        written().map_err(Error::io(path))
    }
}

/// What makes a form another one: every word of its records.
fn form_text(form: &Form) -> String {
    format!("{GENERATOR} {form:?}")
}

fn read_image(bytes: &[u8], form: &Form) -> Option<Image> {
    let rest = bytes.strip_prefix(FIRST_LINE)?;
    let end = memchr::memchr(b'\n', rest)?;
    let head: Head = serde_json::from_slice(rest.get(..end)?).ok()?;
    let body = rest.get(end + 1..)?;
    let whole = body.len() as u64 == head.bytes && hex::encode(Sha256::digest(body)) == head.sha256;
    if !whole {
        return None;
    }
    let mut rest = body;
    let names = Names::of_sorted(std::iter::from_fn(|| {
        let (bits, key, after) = take_name(rest)?;
        rest = after;
        Some((key, Mark::of_bits(bits)?))
    }));
    Some(Image {
        is_of_form: head.form == form_text(form),
        session: head.session,
        serial: head.serial,
        feed: head.feed,
        names,
    })
}

/// The last unbroken run of a journal's steps, and how many bytes at its end are none.
fn steps_of(bytes: &[u8]) -> (Vec<(Arc<Step>, u64)>, usize) {
    let mut rest = bytes;
    let mut steps: Vec<(Arc<Step>, u64)> = Vec::new();
    while let Some((step, feed, after)) = unframed(rest) {
        if steps.last().is_some_and(|(last, _)| last.to != step.from) {
            steps.clear();
        }
        steps.push((Arc::new(step), feed));
        rest = after;
    }
    (steps, rest.len())
}

fn framed(step: &Step, feed: u64) -> Vec<u8> {
    let mut body = Vec::with_capacity(step.moves.len() * 24 + 24);
    body.extend_from_slice(&step.from.to_be_bytes());
    body.extend_from_slice(&step.to.to_be_bytes());
    body.extend_from_slice(&step.feed.to_be_bytes());
    body.extend_from_slice(&feed.to_be_bytes());
    for m in &step.moves {
        put_name(&mut body, m.old.bits() << 4 | m.new.bits(), &m.key);
    }
    let mut framed = Vec::with_capacity(body.len() + 16);
    framed.extend_from_slice(&(body.len() as u64).to_be_bytes());
    framed.extend_from_slice(Sha256::digest(&body).get(..8).unwrap_or_default());
    framed.extend_from_slice(&body);
    framed
}

/// The first step of a journal's bytes, with what follows it.
fn unframed(bytes: &[u8]) -> Option<(Step, u64, &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<8>()?;
    let (sum, rest) = rest.split_first_chunk::<8>()?;
    let length = usize::try_from(u64::from_be_bytes(*length)).ok()?;
    let (body, after) = rest.split_at_checked(length)?;
    if Sha256::digest(body).get(..8) != Some(sum) {
        return None;
    }
    let (from, body) = body.split_first_chunk::<4>()?;
    let (to, body) = body.split_first_chunk::<4>()?;
    let (before, body) = body.split_first_chunk::<8>()?;
    let (feed, mut body) = body.split_first_chunk::<8>()?;
    let mut moves = Vec::new();
    while let Some((bits, key, next)) = take_name(body) {
        moves.push(Move {
            key: key.into(),
            old: Mark::of_bits(bits >> 4)?,
            new: Mark::of_bits(bits & 15)?,
        });
        body = next;
    }
    let step = Step {
        from: u32::from_be_bytes(*from),
        to: u32::from_be_bytes(*to),
        feed: u64::from_be_bytes(*before),
        moves,
    };
    Some((step, u64::from_be_bytes(*feed), after))
}

/// A byte of marks, the key's length, the key.
fn put_name(out: &mut Vec<u8>, bits: u8, key: &[u8]) {
    // A key is shorter than its name on the wire, which has at most 255 octets.
    let length = u8::try_from(key.len()).unwrap_or(u8::MAX);
    out.extend_from_slice(&[bits, length]);
    out.extend_from_slice(key);
}

fn take_name(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let ([bits, length], rest) = bytes.split_first_chunk::<2>()?;
    let (key, rest) = rest.split_at_checked(usize::from(*length))?;
    Some((*bits, key, rest))
}

/// The bytes that a journal may have beside its history before the zone is written whole.
const JOURNAL: u64 = 1 << 20;
const FIRST_LINE: &[u8] = b"blockfeed/zone/v1\n";
/// Raised when the same entries make other records.
const GENERATOR: u32 = 1;

//! The import of a data set: row by row into a new version, which takes the place of the one before whole or not at all.

use std::{
    fs::File,
    io::{BufRead, BufReader, Read},
    path::Path,
};

use super::{
    Description, Error, Format, Kind, LAYOUT, describe,
    formats::Rows,
    lines::Lines,
    row::{Bad, Encoder, Row},
};
use crate::{
    registry::Day,
    store::sets::{self as store_sets, SetWriter},
};

/// What is imported, and what it is.
#[derive(Clone, Debug)]
pub struct Order<'a> {
    /// The set's name, which says its kind.
    pub set: &'a str,
    pub date: Day,
    pub licence: &'a str,
    /// The form of the file; guessed where it isn't said.
    pub format: Option<Format>,
    /// The names of the columns of a file without a header.
    pub columns: Option<&'a [String]>,
    /// Columns that the file has and that shall not be kept.
    pub dropped: &'a [String],
    /// Days after which the set is too old; the kind's own where it isn't said.
    pub fresh_days: Option<u64>,
    /// Let an older set, or one of less than half the rows, take the place of the one before.
    pub anyway: bool,
    /// Unix seconds.
    pub now: u64,
}

/// What came of it.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Import {
    #[serde(flatten)]
    pub description: Description,
    /// Rows that a later row of the same key replaced.
    pub replaced: u64,
    /// Records of the file that the kind doesn't use.
    pub skipped: u64,
    /// Keys of the set before, if there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<u64>,
}

/// Imports a file, `-` for standard input, into the directory of sets. `progress` gets the rows and bytes read so far.
///
/// # Errors
/// [`Error::Refused`] for a file that can't be used, by the row; the version before then still counts, as it does after
/// any other error.
pub fn import(
    dir: &Path,
    order: &Order<'_>,
    file: &Path,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Import, Error> {
    let Some(kind) = Kind::of_set(order.set) else {
        return Err(Error::Name {
            name: order.set.to_owned(),
        });
    };
    let set = dir.join(order.set);
    let before = store_sets::description(&set)
        .ok()
        .flatten()
        .and_then(|bytes| describe(&bytes, order.set).ok());
    let work = Work {
        kind,
        order,
        before: before.as_ref(),
    };
    let done = work.run(&set, file, progress);
    done.map_err(|error| match error {
        Error::Row(bad) => Error::Refused {
            set: order.set.to_owned(),
            bad,
            stays: match &before {
                Some(before) => format!(
                    "Nothing was changed: the set of {} stays in use",
                    before.date
                ),
                None => "Nothing was changed: there is no such set yet".to_owned(),
            },
        },
        other => other,
    })
}

struct Work<'a> {
    kind: Kind,
    order: &'a Order<'a>,
    before: Option<&'a Description>,
}

impl Work<'_> {
    fn run(
        &self,
        set: &Path,
        file: &Path,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<Import, Error> {
        let at = self.date()?;
        let (input, format) = open(file, self.order.format, self.kind)?;
        let lines = Lines::new(input);
        let (columns, dropped) = (self.order.columns, self.order.dropped);
        let mut rows = Rows::begin(self.kind, format, lines, columns, dropped)?;
        let mut encoder = Encoder::new(self.kind, self.order.set);
        let mut writer = SetWriter::begin(set)?;
        let (mut row, mut read) = (Row::of(self.kind), 0);
        // A row may stand for several keys (a range that is cut into prefixes).
        let mut put = 0;
        while rows.next(&mut row)? {
            read += 1;
            encoder.encode(&row, |key, value| -> Result<(), Error> {
                put += 1;
                Ok(writer.put(key, value)?)
            })?;
            if read % STEP == 0 {
                progress(read, rows.lines().bytes());
            }
        }
        progress(read, rows.lines().bytes());
        let keys = writer.settle()?;
        self.compare(keys)?;
        let days = self.order.fresh_days.unwrap_or(self.kind.fresh_days());
        let description = Description {
            layout: LAYOUT,
            name: self.order.set.to_owned(),
            kind: self.kind,
            date: self.order.date.to_string(),
            at,
            fresh_until: at.saturating_add(days.saturating_mul(86_400)),
            licence: self.order.licence.to_owned(),
            file: file
                .file_name()
                .map(|name| name.to_string_lossy().into_owned())
                .unwrap_or_default(),
            sha256: rows.lines().sha256(),
            rows: read,
            keys,
            imported: self.order.now,
            lengths: encoder.lengths,
        };
        let bytes = serde_json::to_vec(&description)
            .map_err(|e| Error::Reading(std::io::Error::other(e)))?;
        writer.publish(&bytes)?;
        Ok(Import {
            description,
            replaced: put - keys,
            skipped: rows.skipped,
            before: self.before.map(|before| before.keys),
        })
    }

    /// The day in Unix seconds, if such a set may be had on it.
    fn date(&self) -> Result<u64, Error> {
        let date = self.order.date;
        let bad = |what: String, remedy: &str| Err(Error::Row(Bad::new(0, what, remedy)));
        let Some(at) = date.unix() else {
            return bad(
                format!("{date} is no day of a data set"),
                "Say --date with the day of the extract",
            );
        };
        if at > self.order.now.saturating_add(86_400) {
            return bad(
                format!("{date} is a day to come"),
                "Say --date with the day of the extract",
            );
        }
        if let Some(before) = self
            .before
            .filter(|before| before.at > at && !self.order.anyway)
        {
            return bad(
                format!("it is of {date}, and the set in use of {}", before.date),
                "Say --anyway to go back to an older set",
            );
        }
        Ok(at)
    }

    /// A set that shrank by more than half was probably cut at a line's end.
    fn compare(&self, keys: u64) -> Result<(), Error> {
        if keys == 0 {
            let what = "the file has no row that can be used";
            return Err(Error::Row(Bad::new(0, what, "Is it the right file?")));
        }
        match self.before {
            Some(before) if keys.saturating_mul(2) < before.keys && !self.order.anyway => {
                let what = format!(
                    "it has {keys} rows, and the set in use {}: it may have been cut short",
                    before.keys
                );
                let remedy = "If it is right, say --anyway";
                Err(Error::Row(Bad::new(0, what, remedy)))
            }
            _ => Ok(()),
        }
    }
}

/// Opens the file, unpacks zstd, and says the form.
fn open(
    file: &Path,
    format: Option<Format>,
    kind: Kind,
) -> Result<(Box<dyn BufRead>, Format), Error> {
    let raw: Box<dyn Read> = if file.as_os_str() == "-" {
        Box::new(std::io::stdin())
    } else {
        Box::new(File::open(file).map_err(Error::reading)?)
    };
    let mut raw = BufReader::with_capacity(BUFFER, raw);
    let packed = raw.fill_buf().map_err(Error::reading)?.starts_with(&ZSTD);
    let mut input: Box<dyn BufRead> = if packed {
        let unpacked = zstd::stream::read::Decoder::with_buffer(raw).map_err(Error::reading)?;
        Box::new(BufReader::with_capacity(BUFFER, unpacked))
    } else {
        Box::new(raw)
    };
    let format = match format {
        Some(format) => format,
        None => guess(file, input.fill_buf().map_err(Error::reading)?, kind),
    };
    Ok((input, format))
}

fn guess(file: &Path, beginning: &[u8], kind: Kind) -> Format {
    let ending = |wanted: &str| {
        let name = file.to_string_lossy();
        let bare = name.strip_suffix(".zst").unwrap_or(&name).to_owned();
        bare.ends_with(wanted)
    };
    match beginning.iter().find(|b| !b.is_ascii_whitespace()) {
        Some(b'{') => Format::JsonLines,
        Some(b'$' | b';') => Format::Zone,
        _ if ending(".zone") => Format::Zone,
        _ if kind == Kind::Delegations && !ending(".csv") => Format::Delegated,
        _ => Format::Csv,
    }
}

/// Rows between two tellings of progress.
const STEP: u64 = 10_000;
const BUFFER: usize = 256 << 10;
const ZSTD: [u8; 4] = [0x28, 0xB5, 0x2F, 0xFD];

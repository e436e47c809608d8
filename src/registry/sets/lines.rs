//! Lines of a file of any size: bounded, hashed as they are read, and of one encoding.

use std::io::{BufRead, Read as _};

use sha2::{Digest, Sha256};

use super::{Error, row::Bad};

/// A reader of lines.
pub struct Lines<'a> {
    input: Box<dyn BufRead + 'a>,
    buffer: Vec<u8>,
    number: u64,
    bytes: u64,
    hash: Sha256,
    /// The last line had no line end.
    open_ended: bool,
}

impl<'a> Lines<'a> {
    pub fn new(input: Box<dyn BufRead + 'a>) -> Lines<'a> {
        Lines {
            input,
            buffer: Vec::new(),
            number: 0,
            bytes: 0,
            hash: Sha256::new(),
            open_ended: false,
        }
    }

    /// Appends the next line, without its end, and says whether there was one.
    ///
    /// # Errors
    /// A line that is too long or isn't UTF-8, by its number; the disk's.
    pub fn next(&mut self, line: &mut String) -> Result<bool, Error> {
        self.buffer.clear();
        let mut bounded = (&mut self.input).take(LONGEST + 1);
        let read = bounded.read_until(b'\n', &mut self.buffer);
        if read.map_err(Error::reading)? == 0 {
            return Ok(false);
        }
        self.number += 1;
        self.bytes += self.buffer.len() as u64;
        self.hash.update(&self.buffer);
        if self.buffer.len() as u64 > LONGEST {
            let what = format!("the line is longer than {LONGEST} bytes");
            return Err(self.bad(
                what,
                "Is this file of the kind that --format says, and is a quote missing?",
            ));
        }
        self.open_ended = self.buffer.pop_if(|last| *last == b'\n').is_none();
        self.buffer.pop_if(|last| *last == b'\r');
        let bytes = match self.buffer.strip_prefix(b"\xEF\xBB\xBF") {
            Some(rest) if self.number == 1 => rest,
            _ => self.buffer.as_slice(),
        };
        if self.number == 1 && (bytes.starts_with(b"\xFF\xFE") || bytes.starts_with(b"\xFE\xFF")) {
            return Err(self.bad("the file is UTF-16", ENCODING));
        }
        match std::str::from_utf8(bytes) {
            Ok(text) => line.push_str(text),
            Err(fault) => {
                let what = format!("byte {} of the row isn't UTF-8", fault.valid_up_to() + 1);
                return Err(self.bad(what, ENCODING));
            }
        }
        Ok(true)
    }

    /// The number of the line that was read last, from 1.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Bytes read so far.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// SHA-256 of everything that was read, in hex.
    pub fn sha256(&self) -> String {
        hex::encode(self.hash.clone().finalize())
    }

    /// A fault of the line that was read last.
    pub fn bad(&self, what: impl Into<String>, remedy: impl Into<String>) -> Error {
        Error::Row(Bad::new(self.number, what, remedy))
    }

    /// A file whose last row isn't ended may have been cut in the middle of it.
    ///
    /// # Errors
    /// That, for the last row.
    pub fn must_be_ended(&self) -> Result<(), Error> {
        match self.open_ended {
            true => Err(self.bad(
                "the file ends in the middle of this row: it was cut short",
                "Copy it again. If the row is whole, end it with a line end",
            )),
            false => Ok(()),
        }
    }
}

const ENCODING: &str = "Save the file as UTF-8 (in a spreadsheet: \"CSV UTF-8\") and import again";
/// The longest line, in bytes.
const LONGEST: u64 = 256 << 10;

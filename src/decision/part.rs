//! Parts: content-addressed files of subjects and of text (design: Parts).

use super::{Opening, Refusal};
use crate::{
    canon::DecisionId,
    subject::{Kind, Line, is_committed},
    tlog::Hash,
};
use serde::{Deserialize, Serialize};

/// The most bytes that a part may have.
pub const MAX_PART: u64 = 1 << 20;

/// A part of subjects as a decision names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartRef {
    pub sha256: Hash,
    /// Bytes.
    pub length: u64,
    /// Lines.
    pub count: u64,
}

/// A part of free text (reasons) as a decision names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextRef {
    pub sha256: Hash,
    /// Bytes.
    pub length: u64,
}

/// Why a part isn't what a decision says it is.
#[derive(Debug, Clone, thiserror::Error)]
pub enum PartError {
    #[error("it isn't there")]
    Missing,
    #[error("it can't be read: {0}")]
    Unreadable(String),
    #[error("it has {found} bytes, the decision says {expected}")]
    Length { found: u64, expected: u64 },
    #[error("its bytes have another SHA-256 than the decision says")]
    Hash,
    #[error("it has {found} lines, the decision says {expected}")]
    Count { found: u64, expected: u64 },
    #[error("line {line} {why}")]
    Line { line: u64, why: &'static str },
}

/// Where parts come from: a store, a folder, a map.
pub trait Parts {
    /// The bytes under this hash, as they lie there; the reader checks them.
    fn part(&self, sha256: &Hash) -> Result<Vec<u8>, PartError>;

    /// What a commitment of this decision stands for, where whoever has the parts may know it:
    /// officers, the guard and the platform itself. The fold never asks.
    fn opening(
        &self,
        _decision: &DecisionId,
        _commitment: &Hash,
    ) -> Result<Option<Opening>, PartError> {
        Ok(None)
    }
}

impl PartRef {
    /// Describes the bytes of a part.
    pub fn of(bytes: &[u8]) -> Self {
        Self {
            sha256: Hash::of(bytes),
            length: bytes.len() as u64,
            count: bytes.iter().filter(|b| **b == b'\n').count() as u64,
        }
    }
}

impl TextRef {
    /// Describes a text.
    pub fn of(text: &str) -> Self {
        Self {
            sha256: Hash::of(text.as_bytes()),
            length: text.len() as u64,
        }
    }
}

/// Reads a part of text and checks its length and hash.
pub fn read_text(parts: &dyn Parts, text: &TextRef) -> Result<Vec<u8>, PartError> {
    read(parts, &text.sha256, text.length)
}

/// Reads a part of subjects, checks length, hash, count, canonical form and order, and hands
/// each line to `each`. `last` carries the line before across parts: lines ascend over all of them.
pub fn read_part<E: From<PartError>>(
    parts: &dyn Parts,
    part: &PartRef,
    last: &mut String,
    mut each: impl FnMut(Line<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let bytes = read(parts, &part.sha256, part.length)?;
    let refuse = |line, why| PartError::Line { line, why };
    let text = std::str::from_utf8(&bytes).map_err(|_| refuse(0, "isn't UTF-8"))?;
    let Some(body) = text.strip_suffix('\n') else {
        return Err(refuse(0, "doesn't end with a line feed").into());
    };
    let mut count = 0;
    let mut before: &str = last;
    for line in body.split('\n') {
        count += 1;
        if line <= before {
            return Err(refuse(count, "isn't after the line before it").into());
        }
        before = line;
        each(Line::parse(line).map_err(|_| refuse(count, "isn't a subject in canonical form"))?)?;
    }
    if count != part.count {
        return Err(PartError::Count {
            found: count,
            expected: part.count,
        }
        .into());
    }
    *last = before.to_owned();
    Ok(())
}

/// Reads the lines of several parts as one ascending run.
pub(super) fn read_lines(
    refs: &[PartRef],
    parts: &dyn Parts,
    mut each: impl FnMut(&Line<'_>) -> Result<(), Refusal>,
) -> Result<(), Refusal> {
    /// Keeps apart what is wrong with the part and what is wrong with a line of it.
    enum Stop {
        Part(PartError),
        Refused(Refusal),
    }
    impl From<PartError> for Stop {
        fn from(why: PartError) -> Self {
            Self::Part(why)
        }
    }
    let mut last = String::new();
    for part in refs {
        read_part(parts, part, &mut last, |line| {
            each(&line).map_err(Stop::Refused)
        })
        .map_err(|stop| match stop {
            Stop::Part(why) => Refusal::Part {
                sha256: part.sha256.to_string(),
                why,
            },
            Stop::Refused(refusal) => refusal,
        })?;
    }
    Ok(())
}

/// Whether a subject is a seller or an account that stands in clear.
pub(super) fn is_in_clear(line: &Line<'_>) -> bool {
    matches!(line.kind, Kind::Seller | Kind::Account) && !is_committed(line.name)
}

fn read(parts: &dyn Parts, sha256: &Hash, length: u64) -> Result<Vec<u8>, PartError> {
    let bytes = parts.part(sha256)?;
    if bytes.len() as u64 != length {
        return Err(PartError::Length {
            found: bytes.len() as u64,
            expected: length,
        });
    }
    if Hash::of(&bytes) != *sha256 {
        return Err(PartError::Hash);
    }
    Ok(bytes)
}

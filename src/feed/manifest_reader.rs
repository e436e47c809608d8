//! Reading a manifest's text, field by field; whatever isn't known rejects it.

use super::{
    DeltaRef, Error, FileRef, Manifest,
    manifest::{FIRST_LINE, MAX_DELTAS},
};
use crate::{canon::Origin, entries::FeedName, tlog::Hash};
use base64::{Engine, engine::general_purpose::STANDARD};

/// Reads the fields in their order.
pub(super) struct Reader<'a> {
    lines: std::iter::Peekable<std::str::Lines<'a>>,
    line: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            lines: text.lines().peekable(),
            line: 0,
        }
    }

    pub(super) fn manifest(mut self) -> Result<Manifest, Error> {
        if self.next_line()? != FIRST_LINE {
            return Err(self.wrong("isn't blockfeed/manifest/v1; a newer program may read it"));
        }
        let origin = self.field("origin")?;
        let origin = Origin::new(origin).map_err(|_| self.wrong("names no origin"))?;
        let feed = self.field("feed")?;
        let feed = FeedName::parse(feed).map_err(|_| self.wrong("names no feed"))?;
        let session = self.field("session")?.to_owned();
        if session.len() != 16
            || !session
                .bytes()
                .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
        {
            return Err(self.wrong("isn't 16 lower-case hex digits"));
        }
        let serial = self.number_field("serial")?;
        let time = self.number_field("time")?;
        let digest = self.field("digest")?;
        let digest = self.hash(Some(digest))?;
        let poll = self.number_field("poll")?;
        let fields = self.field("snapshot")?;
        let mut fields = fields.split(' ');
        let snapshot_serial = self.number(fields.next())?;
        let snapshot = self.file(&mut fields)?;
        let mut deltas = Vec::new();
        while self.at("delta ") {
            let delta = self.delta()?;
            if deltas
                .last()
                .is_some_and(|last: &DeltaRef| (last.from, last.to) >= (delta.from, delta.to))
            {
                return Err(self.wrong("isn't after the delta before it"));
            }
            deltas.push(delta);
        }
        if deltas.len() > MAX_DELTAS {
            return Err(self.wrong("is one of more than 128 deltas"));
        }
        let state = self.base64_field("state")?;
        let mut proof = Vec::new();
        while self.at("proof ") {
            let hash = self.field("proof")?;
            proof.push(Hash::from_base64(hash).map_err(|_| self.wrong("is no base64 hash"))?);
        }
        let checkpoint = self.base64_field("checkpoint")?;
        if self.lines.next().is_some() {
            return Err(Error::Field {
                line: self.line + 1,
                why: "isn't known",
            });
        }
        Ok(Manifest {
            origin,
            feed,
            session,
            serial,
            time,
            digest,
            poll,
            snapshot_serial,
            snapshot,
            deltas,
            state,
            proof,
            checkpoint,
        })
    }

    fn delta(&mut self) -> Result<DeltaRef, Error> {
        let fields = self.field("delta")?;
        let mut fields = fields.split(' ');
        let from = self.number(fields.next())?;
        let to = self.number(fields.next())?;
        let added = self.number(fields.next().and_then(|f| f.strip_prefix('+')))?;
        let removed = self.number(fields.next().and_then(|f| f.strip_prefix('-')))?;
        let file = self.file(&mut fields)?;
        if from >= to {
            return Err(self.wrong("leads nowhere"));
        }
        Ok(DeltaRef {
            from,
            to,
            added,
            removed,
            file,
        })
    }

    fn file(&self, fields: &mut std::str::Split<'_, char>) -> Result<FileRef, Error> {
        let length = self.number(fields.next())?;
        let sha256 = self.hash(fields.next())?;
        let packed_length = self.number(fields.next())?;
        let packed_sha256 = self.hash(fields.next())?;
        if fields.next().is_some() {
            return Err(self.wrong("has a field too many"));
        }
        Ok(FileRef {
            length,
            sha256,
            packed_length,
            packed_sha256,
        })
    }

    fn next_line(&mut self) -> Result<&'a str, Error> {
        self.line += 1;
        self.lines.next().ok_or(Error::Field {
            line: self.line,
            why: "is missing",
        })
    }

    fn at(&mut self, prefix: &str) -> bool {
        self.lines
            .peek()
            .is_some_and(|line| line.starts_with(prefix))
    }

    fn field(&mut self, name: &'static str) -> Result<&'a str, Error> {
        let line = self.next_line()?;
        line.strip_prefix(name)
            .and_then(|rest| rest.strip_prefix(' '))
            .ok_or_else(|| self.wrong("isn't the field that stands there"))
    }

    fn number_field(&mut self, name: &'static str) -> Result<u64, Error> {
        let field = self.field(name)?;
        self.number(Some(field))
    }

    fn base64_field(&mut self, name: &'static str) -> Result<Vec<u8>, Error> {
        let field = self.field(name)?;
        STANDARD
            .decode(field)
            .map_err(|_| self.wrong("is no padded standard base64"))
    }

    fn number(&self, field: Option<&str>) -> Result<u64, Error> {
        field
            .filter(|f| !f.is_empty() && f.len() <= 16 && f.bytes().all(|b| b.is_ascii_digit()))
            .filter(|f| *f == "0" || !f.starts_with('0'))
            .and_then(|f| f.parse().ok())
            .ok_or_else(|| self.wrong("lacks a number, or has one with leading zeros"))
    }

    fn hash(&self, field: Option<&str>) -> Result<Hash, Error> {
        field
            .and_then(|f| Hash::from_hex(f).ok())
            .ok_or_else(|| self.wrong("lacks a lower-case hex SHA-256"))
    }

    fn wrong(&self, why: &'static str) -> Error {
        Error::Field {
            line: self.line,
            why,
        }
    }
}

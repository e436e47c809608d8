//! Openings: what a commitment in the log stands for (design: The log, *Privacy*).
//!
//! A seller or account stands in the log as `seller:shopee.vn/#<commitment>`. The opening, a salt
//! and a record, is private: it goes to officers and to the platform itself. Destroying it erases.
//!
//! Openings travel as text, in the order of their subjects:
//!
//! ```text
//! blockfeed/openings/v1 <origin> <decision id>
//! <44 characters of base64: the salt> seller:shopee.vn/123456 [seller:shopee.vn/@alias …]
//! ```
//!
//! What follows the subject are other spellings that only the platform can join with it; they are
//! a help for look-up and no part of what was signed.

use crate::{
    canon::{self, DecisionId, Origin},
    subject::{Kind, Line, OwnedLine, Scope, Subject, SyntaxError, is_committed},
    tlog::Hash,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Serialize;
use std::fmt::Write as _;

/// A salt, and the record that it is hashed with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening {
    pub salt: [u8; 32],
    pub origin: Origin,
    pub id: DecisionId,
    /// A seller or an account, in clear.
    pub subject: Subject,
    /// Other spellings of the subject, on the same platform.
    pub aliases: Vec<Subject>,
}

/// Why a text is no list of openings. `line` counts from 1; the header is line 1.
#[derive(Debug, Clone, thiserror::Error)]
#[error("openings, line {line}: {why}")]
pub struct OpeningError {
    pub line: usize,
    pub why: String,
}

#[derive(Serialize)]
struct Record<'a> {
    id: &'a DecisionId,
    origin: &'a Origin,
    subject: String,
}

impl Opening {
    /// SHA-256("blockfeed/commitment/v1\0" ‖ salt ‖ canonical {origin,id,subject}).
    pub fn commitment(&self) -> Result<Hash, canon::Error> {
        let record = canon::to_vec(&Record {
            id: &self.id,
            origin: &self.origin,
            subject: self.subject.to_string(),
        })?;
        Ok(Hash::of(
            [DOMAIN, self.salt.as_slice(), record.as_slice()].concat(),
        ))
    }

    /// The line that stands in the log in its place.
    pub fn line(&self) -> Result<OwnedLine, canon::Error> {
        let commitment = self.commitment()?;
        let (platform, _) = self.subject.name().split_once('/').unwrap_or_default();
        let text = format!("{}:{platform}/#{commitment}", self.subject.kind());
        let subject = Subject::parse(&text).map_err(|_| canon::Error::Value("a platform"))?;
        Ok(OwnedLine::new(subject, Scope::Exact))
    }

    /// The salt as it stands in texts.
    pub fn salt_text(&self) -> String {
        STANDARD.encode(self.salt)
    }

    /// One line of a list of openings, without LF.
    pub fn to_text(&self) -> String {
        let mut text = format!("{} {}", self.salt_text(), self.subject);
        for alias in &self.aliases {
            // Writing to a string can't fail.
            let _ = write!(text, " {alias}");
        }
        text
    }

    /// Reads one line of a list of openings.
    pub fn from_text(text: &str, origin: &Origin, id: &DecisionId) -> Result<Self, String> {
        let mut words = text.split(' ');
        let salt = words
            .next()
            .and_then(|word| STANDARD.decode(word).ok())
            .and_then(|bytes| <[u8; 32]>::try_from(bytes).ok())
            .ok_or("it doesn't begin with a salt: 32 bytes in padded base64")?;
        let read = |word: &str| -> Result<Subject, String> {
            let subject = Subject::parse(word).map_err(|e: SyntaxError| e.to_string())?;
            match subject.kind() {
                Kind::Seller | Kind::Account if !is_committed(subject.name()) => Ok(subject),
                _ => Err(format!("{word} is no seller or account in clear")),
            }
        };
        let subject = read(words.next().ok_or("there is no subject after the salt")?)?;
        let aliases = words.map(read).collect::<Result<Vec<_>, _>>()?;
        let platform = |s: &Subject| (s.kind(), s.name().split('/').next().map(str::to_owned));
        if let Some(alias) = aliases.iter().find(|a| platform(a) != platform(&subject)) {
            return Err(format!("the alias {alias} is of another platform"));
        }
        Ok(Self {
            salt,
            origin: origin.clone(),
            id: id.clone(),
            subject,
            aliases,
        })
    }
}

/// The text of a decision's openings, by subject.
pub fn openings_text(origin: &Origin, id: &DecisionId, openings: &[Opening]) -> String {
    let mut sorted: Vec<&Opening> = openings.iter().collect();
    sorted.sort_by_key(|opening| opening.subject.to_string());
    let mut text = format!("{HEADER} {origin} {id}\n");
    for opening in sorted {
        text.push_str(&opening.to_text());
        text.push('\n');
    }
    text
}

/// Reads the openings of a decision. Each subject stands once: a commitment hides which two are
/// equal, so that this is the place where it shows.
pub fn read_openings(
    bytes: &[u8],
    origin: &Origin,
    id: &DecisionId,
) -> Result<Vec<Opening>, OpeningError> {
    let refuse = |line, why: &str| OpeningError {
        line,
        why: why.to_owned(),
    };
    let text = std::str::from_utf8(bytes).map_err(|_| refuse(1, "it isn't UTF-8"))?;
    let mut lines = text.split_terminator('\n').enumerate();
    let header = format!("{HEADER} {origin} {id}");
    if lines.next().map(|(_, line)| line) != Some(header.as_str()) || !text.ends_with('\n') {
        return Err(refuse(
            1,
            &format!("it doesn't begin with `{header}`, or doesn't end with a line feed"),
        ));
    }
    let mut openings: Vec<Opening> = Vec::new();
    let mut before = String::new();
    for (at, line) in lines {
        let opening = Opening::from_text(line, origin, id)
            .map_err(|why| OpeningError { line: at + 1, why })?;
        let subject = opening.subject.to_string();
        if subject <= before {
            return Err(refuse(at + 1, "its subject isn't after the one before it"));
        }
        before = subject;
        openings.push(opening);
    }
    Ok(openings)
}

/// Whether a line of a part stands for something that an opening tells.
pub fn is_commitment(line: &Line<'_>) -> bool {
    matches!(line.kind, Kind::Seller | Kind::Account) && is_committed(line.name)
}

const DOMAIN: &[u8] = b"blockfeed/commitment/v1\0";
const HEADER: &str = "blockfeed/openings/v1";

#[cfg(test)]
mod tests {
    use super::*;

    fn opening(subject: &str) -> Opening {
        Opening {
            salt: core::array::from_fn(|n| 0x64 + n as u8),
            origin: Origin::new("blocklist.example/399/v1").unwrap(),
            id: DecisionId::new("2026-000001").unwrap(),
            subject: Subject::parse(subject).unwrap(),
            aliases: Vec::new(),
        }
    }

    /// `opening` of the shared vectors' expected.json.
    #[test]
    fn the_vectors_commitment() {
        let opening = opening("seller:shopee.vn/123456");
        assert_eq!(
            opening.line().unwrap().to_string(),
            "seller:shopee.vn/#fb98d28f3a96f3f207c45234166615e1f41625cfcdf3b7972ad56582224664f2"
        );
    }

    #[test]
    fn texts_come_back_and_damage_is_refused() {
        let mut first = opening("seller:shopee.vn/123456");
        first.aliases = vec![Subject::parse("seller:shopee.vn/@some.shop").unwrap()];
        let both = vec![opening("account:facebook/some"), first];
        let (origin, id) = (both[0].origin.clone(), both[0].id.clone());
        let text = openings_text(&origin, &id, &both);
        assert_eq!(read_openings(text.as_bytes(), &origin, &id).unwrap(), both);
        let other = DecisionId::new("2026-000002").unwrap();
        assert!(read_openings(text.as_bytes(), &origin, &other).is_err());
        for (from, to) in [
            ("\nZ", "\nz "),
            ("123456", "123456 "),
            ("@some.shop", "a/b"),
            ("seller:shopee.vn/@", "seller:lazada.vn/@"),
            ("account:facebook/some", "domain:some.example"),
            ("account", "seller:x.vn/1 account"),
            ("blockfeed/openings/v1", "blockfeed/openings/v2"),
        ] {
            let changed = text.replacen(from, to, 1);
            assert_ne!(changed, text);
            assert!(
                read_openings(changed.as_bytes(), &origin, &id).is_err(),
                "{from}"
            );
        }
        let twice = format!("{text}{}\n", both[1].to_text());
        assert!(read_openings(twice.as_bytes(), &origin, &id).is_err());
    }
}

//! The subjects of a list as they enter the log: names and networks in the open, sellers and
//! accounts as commitments whose openings go to the authority beside them (design: *Privacy*).

use super::Error;
use crate::{
    canon::{DecisionId, Origin},
    check::batch,
    decision::{Opening, openings_text},
    subject::{Kind, Line, OwnedLine, Subject},
};
use std::collections::BTreeMap;

/// What was accepted of a list.
#[derive(Clone)]
pub struct Subjects {
    /// The parts where nothing has to be sealed: they are the same under every id.
    open: Vec<Vec<u8>>,
    /// Names and networks of a list that has both.
    lines: Vec<OwnedLine>,
    sealed: Vec<Sealed>,
}

/// A seller or an account, and the salt of its commitment.
#[derive(Clone)]
struct Sealed {
    subject: Subject,
    aliases: Vec<Subject>,
    salt: [u8; 32],
}

/// Parts, and the openings of their commitments.
pub struct SealedParts {
    pub parts: Vec<Vec<u8>>,
    pub openings: Option<String>,
}

impl Subjects {
    /// Draws a salt for whatever must be sealed.
    pub fn new<'a>(
        accepted: impl Iterator<Item = Line<'a>>,
        aliases: &BTreeMap<Subject, Vec<Subject>>,
    ) -> Result<Self, Error> {
        let (mut lines, mut sealed) = (Vec::new(), Vec::new());
        for line in accepted {
            match line.kind {
                Kind::Domain | Kind::Net => lines.push(line),
                Kind::Seller | Kind::Account => {
                    let subject = line.to_owned_line().subject().clone();
                    sealed.push(Sealed {
                        aliases: aliases.get(&subject).cloned().unwrap_or_default(),
                        subject,
                        salt: salt()?,
                    });
                }
            }
        }
        let nothing = sealed.is_empty();
        Ok(Self {
            open: if nothing {
                batch::parts(lines.iter().copied())
            } else {
                Vec::new()
            },
            lines: if nothing {
                Vec::new()
            } else {
                lines.into_iter().map(Line::to_owned_line).collect()
            },
            sealed,
        })
    }

    /// The parts of the decision with this id, to which commitments are bound.
    pub fn parts(&self, origin: &Origin, id: &DecisionId) -> Result<SealedParts, Error> {
        if self.sealed.is_empty() {
            return Ok(SealedParts {
                parts: self.open.clone(),
                openings: None,
            });
        }
        let mut lines = self.lines.clone();
        let mut openings = Vec::new();
        for sealed in &self.sealed {
            let opening = Opening {
                salt: sealed.salt,
                origin: origin.clone(),
                id: id.clone(),
                subject: sealed.subject.clone(),
                aliases: sealed.aliases.clone(),
            };
            let line = opening.line();
            lines.push(line.map_err(|e| Error::malformed("a subject", e))?);
            openings.push(opening);
        }
        Ok(SealedParts {
            parts: batch::parts(lines.iter().map(OwnedLine::line)),
            openings: Some(openings_text(origin, id, &openings)),
        })
    }
}

fn salt() -> Result<[u8; 32], Error> {
    let mut salt = [0; 32];
    getrandom::fill(&mut salt).map_err(|e| Error::Random(e.to_string()))?;
    Ok(salt)
}

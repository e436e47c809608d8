//! The subjects of a list as they enter the log: names and networks in the open, sellers and
//! accounts as commitments whose openings go to the authority beside them (design: *Privacy*).

use super::{Error, desk::Officer, server::Server};
use crate::{
    canon::{DecisionId, Origin},
    check::batch,
    decision::{Body, Opening, openings_text, read_openings},
    subject::{Kind, Line, OwnedLine, Subject},
    tlog::Hash,
};
use std::collections::{BTreeMap, HashMap};

/// What was accepted of a list.
pub struct Subjects {
    /// The parts where nothing has to be sealed: they are the same under every id.
    open: Vec<Vec<u8>>,
    /// Names and networks of a list that has both.
    lines: Vec<OwnedLine>,
    sealed: Vec<Sealed>,
}

/// A seller or an account, and the salt of its commitment.
struct Sealed {
    subject: Subject,
    aliases: Vec<Subject>,
    salt: [u8; 32],
}

/// Parts, and the openings of their commitments.
pub struct Parts {
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
    pub fn parts(&self, origin: &Origin, id: &DecisionId) -> Result<Parts, Error> {
        if self.sealed.is_empty() {
            return Ok(Parts {
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
            lines.push(opening.line()?);
            openings.push(opening);
        }
        Ok(Parts {
            parts: batch::parts(lines.iter().map(OwnedLine::line)),
            openings: Some(openings_text(origin, id, &openings)),
        })
    }
}

/// What the commitments stand for, each recomputed here: whoever signs sees the subjects that the
/// log will hold to, not those that a server says.
pub async fn openings(
    server: &Server,
    officer: &Officer,
    body: &Body,
) -> Result<HashMap<Hash, Opening>, Error> {
    let text = server.proposal_openings(body.id(), officer).await?;
    let broken = |why: String| Error::said(format!("{}: {why}; nothing was signed", body.id()));
    let read = read_openings(&text, body.origin(), body.id()).map_err(|e| broken(e.to_string()))?;
    let keyed = read.into_iter().map(|opening| {
        let commitment = opening.commitment().map_err(|e| broken(e.to_string()))?;
        Ok((commitment, opening))
    });
    keyed.collect()
}

fn salt() -> Result<[u8; 32], Error> {
    let mut salt = [0; 32];
    getrandom::fill(&mut salt)
        .map_err(|e| Error::said(format!("the system gives no randomness: {e}")))?;
    Ok(salt)
}

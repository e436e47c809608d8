//! What a revocation or a stay names: decisions, or subjects under every decision that holds them.

use crate::{
    canon::DecisionId,
    check::batch,
    decision::{PartRef, Target},
    subject::{OwnedLine, Scope, Subject},
};
use std::collections::BTreeMap;

/// An entry in force or stayed, as far as targets look at it.
pub trait Holding: Clone {
    /// With its kind.
    fn subject(&self) -> &str;
    fn scope(&self) -> Option<Scope>;
    /// Whether it is the subject's own entry, and none that covers it.
    fn is_own(&self) -> bool;
    fn decision(&self) -> Option<DecisionId>;
}

/// The targets, the parts that they name, and what goes on covering the subjects.
#[derive(Debug, Clone)]
pub struct Targets<H> {
    pub targets: Vec<Target>,
    pub parts: Vec<Vec<u8>>,
    /// Subject and the wider entry that still covers it.
    pub covered: Vec<(String, H)>,
}

/// Targets that are being gathered.
pub struct Gathering<'a, H> {
    /// Only what these decisions hold; none: all.
    only: &'a [DecisionId],
    targets: Vec<Target>,
    lines: BTreeMap<DecisionId, Vec<OwnedLine>>,
    covered: Vec<(String, H)>,
}

impl<'a, H: Holding> Gathering<'a, H> {
    pub fn new(only: &'a [DecisionId]) -> Self {
        Self {
            only,
            targets: Vec::new(),
            lines: BTreeMap::new(),
            covered: Vec::new(),
        }
    }

    /// A whole decision.
    pub fn decision(&mut self, decision: DecisionId) {
        self.targets.push(Target {
            decision,
            parts: None,
        });
    }

    /// A subject with all that holds it; `scope` where one of both was typed. The sentence where
    /// nothing of it can be ended.
    pub fn subject(
        &mut self,
        canonical: &str,
        scope: Option<Scope>,
        holds: impl IntoIterator<Item = H>,
    ) -> Result<(), String> {
        let mut held = false;
        for hold in holds {
            let own = hold.is_own() && (scope.is_none() || scope == hold.scope());
            let decision = hold.decision();
            let wanted = |id: &DecisionId| self.only.is_empty() || self.only.contains(id);
            match (decision.filter(wanted), hold.scope()) {
                (Some(decision), Some(sign)) if own => {
                    let subject = Subject::parse(hold.subject()).map_err(|e| e.to_string())?;
                    let line = OwnedLine::new(subject, sign);
                    self.lines.entry(decision).or_default().push(line);
                    held = true;
                }
                _ => self.covered.push((canonical.to_owned(), hold)),
            }
        }
        if held {
            return Ok(());
        }
        let by = self
            .covered
            .iter()
            .find(|(subject, _)| subject == canonical);
        Err(match by {
            Some((_, hold)) => format!(
                "{canonical} isn't listed by itself; {} of {} covers it: revoke or stay that one, and list anew what is narrower",
                hold.subject(),
                hold.decision().map(|id| id.to_string()).unwrap_or_default()
            ),
            None => format!(
                "{canonical} is neither in force nor stayed, so there is nothing to end or to stay"
            ),
        })
    }

    pub fn finish(mut self) -> Targets<H> {
        let mut parts: Vec<Vec<u8>> = Vec::new();
        for (decision, lines) in self.lines {
            let of_decision = batch::parts(lines.iter().map(OwnedLine::line));
            self.targets.push(Target {
                decision,
                parts: Some(of_decision.iter().map(|part| PartRef::of(part)).collect()),
            });
            parts.extend(of_decision);
        }
        // Two decisions that hold the same line share one part.
        parts.sort();
        parts.dedup();
        Targets {
            targets: self.targets,
            parts,
            covered: self.covered,
        }
    }
}

/// A line with its sign (`domain:x =`), or a subject as typed.
pub fn of_line(typed: &str) -> (&str, Option<Scope>) {
    match typed.rsplit_once(' ') {
        Some((name, "+")) => (name, Some(Scope::Subtree)),
        Some((name, "=")) => (name, Some(Scope::Exact)),
        _ => (typed, None),
    }
}

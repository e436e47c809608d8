//! What a revocation or a stay names: decisions, or subjects under every decision that holds them.

use super::{
    Error, Output,
    server::{Hold, Server},
};
use crate::{
    canon::DecisionId,
    check::batch,
    decision::{PartRef, Target},
    subject::{OwnedLine, Scope, Subject},
};
use clap::Args;
use std::{collections::BTreeMap, fs, path::PathBuf};

/// The flags that name targets.
#[derive(Debug, Clone, Args)]
pub struct TargetArgs {
    /// Subjects (under every decision that holds them), or decisions' ids (whole)
    #[arg(value_name = "SUBJECT|ID")]
    named: Vec<String>,
    /// A list of subjects, one a line
    #[arg(long, value_name = "LIST")]
    file: Option<PathBuf>,
    /// Only what this decision holds (may be repeated)
    #[arg(long = "decision", value_name = "ID")]
    only: Vec<DecisionId>,
}

/// The targets, the parts that they name, and what goes on covering the subjects.
pub struct Found {
    pub targets: Vec<Target>,
    pub parts: Vec<Vec<u8>>,
    /// Subject and the wider entry that still covers it.
    pub covered: Vec<(String, Hold)>,
}

impl TargetArgs {
    /// Asks the authority what holds each subject.
    pub async fn find(&self, server: &Server) -> Result<Found, Error> {
        let mut named = self.named.clone();
        if let Some(path) = &self.file {
            let text = fs::read_to_string(path).map_err(Error::io(path))?;
            let lines = text.lines().map(str::trim);
            named.extend(
                lines
                    .filter(|l| !l.is_empty() && !l.starts_with('#'))
                    .map(str::to_owned),
            );
        }
        if named.is_empty() {
            return Err(Error::said(
                "name a subject, a decision's id, or a list with --file",
            ));
        }
        let mut targets = Vec::new();
        let mut lines: BTreeMap<DecisionId, Vec<OwnedLine>> = BTreeMap::new();
        let mut covered = Vec::new();
        for typed in &named {
            match DecisionId::new(typed.as_str()) {
                // An id has no dot, a domain always has one.
                Ok(decision) => targets.push(Target {
                    decision,
                    parts: None,
                }),
                Err(_) => {
                    self.of_subject(typed, server, &mut lines, &mut covered)
                        .await?
                }
            }
        }
        let mut parts: Vec<Vec<u8>> = Vec::new();
        for (decision, lines) in lines {
            let of_decision = batch::parts(lines.iter().map(OwnedLine::line));
            targets.push(Target {
                decision,
                parts: Some(of_decision.iter().map(|part| PartRef::of(part)).collect()),
            });
            parts.extend(of_decision);
        }
        // Two decisions that hold the same line share one part.
        parts.sort();
        parts.dedup();
        Ok(Found {
            targets,
            parts,
            covered,
        })
    }

    async fn of_subject(
        &self,
        typed: &str,
        server: &Server,
        lines: &mut BTreeMap<DecisionId, Vec<OwnedLine>>,
        covered: &mut Vec<(String, Hold)>,
    ) -> Result<(), Error> {
        let (typed, scope) = of_line(typed);
        let found = server.lookup(typed).await?;
        let canonical = found.canonical.unwrap_or_else(|| typed.to_owned());
        let mut held = false;
        for hold in found.holds {
            let sign = hold.scope.chars().next().and_then(Scope::from_char);
            let own = hold.own && (scope.is_none() || scope == sign);
            let wanted = self.only.is_empty() || self.only.contains(&hold.decision);
            match (own && wanted, sign) {
                (true, Some(sign)) => {
                    let subject = Subject::parse(&hold.subject)?;
                    let line = OwnedLine::new(subject, sign);
                    lines.entry(hold.decision).or_default().push(line);
                    held = true;
                }
                _ => covered.push((canonical.clone(), hold)),
            }
        }
        if held {
            return Ok(());
        }
        let by = covered.iter().find(|(subject, _)| *subject == canonical);
        Err(Error::Said(match by {
            Some((_, hold)) => format!(
                "{canonical} isn't listed by itself; {} of {} covers it: revoke or stay that one, and list anew what is narrower",
                hold.subject, hold.decision
            ),
            None => format!("{canonical} isn't in force, so there is nothing to end or to stay"),
        }))
    }
}

impl Found {
    /// Says what is named, and what goes on covering it.
    pub fn show(&self, out: Output) -> Result<(), Error> {
        for target in &self.targets {
            match &target.parts {
                Some(parts) => {
                    let lines: u64 = parts.iter().map(|p| p.count).sum();
                    out.line(format!(
                        "target     {}: {lines} of its lines",
                        target.decision
                    ))?;
                }
                None => out.line(format!(
                    "target     {}: the whole decision",
                    target.decision
                ))?,
            }
        }
        for (subject, hold) in &self.covered {
            out.line(format!(
                "covered    {subject} stays blocked by {} {} of {}",
                hold.subject, hold.scope, hold.decision
            ))?;
        }
        Ok(())
    }
}

/// A line with its sign (`domain:x =`), or a subject as typed.
fn of_line(typed: &str) -> (&str, Option<Scope>) {
    match typed.rsplit_once(' ') {
        Some((name, "+")) => (name, Some(Scope::Subtree)),
        Some((name, "=")) => (name, Some(Scope::Exact)),
        _ => (typed, None),
    }
}

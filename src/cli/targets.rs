//! What a revocation or a stay names: decisions, or subjects under every decision that holds them.

use super::{
    Error, Output,
    server::{Hold, Server},
};
use crate::{
    canon::DecisionId,
    casework::targets::{Gathering, Holding, Targets, of_line},
    subject::Scope,
};
use clap::Args;
use std::{fs, path::PathBuf};

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

/// What was found of them.
pub type Found = Targets<Hold>;

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
        let mut gathering = Gathering::new(&self.only);
        for typed in &named {
            match DecisionId::new(typed.as_str()) {
                // An id has no dot, a domain always has one.
                Ok(decision) => gathering.decision(decision),
                Err(_) => {
                    let (typed, scope) = of_line(typed);
                    let found = server.lookup(typed).await?;
                    let canonical = found.canonical.unwrap_or_else(|| typed.to_owned());
                    let held = found.holds.into_iter().chain(found.stayed);
                    let named = gathering.subject(&canonical, scope, held);
                    named.map_err(Error::Said)?;
                }
            }
        }
        Ok(gathering.finish())
    }
}

impl Holding for Hold {
    fn subject(&self) -> &str {
        &self.subject
    }

    fn scope(&self) -> Option<Scope> {
        self.scope.chars().next().and_then(Scope::from_char)
    }

    fn is_own(&self) -> bool {
        self.own
    }

    fn decision(&self) -> Option<DecisionId> {
        Some(self.decision.clone())
    }
}

/// Says what is named, and what goes on covering it.
pub fn show(found: &Found, out: Output) -> Result<(), Error> {
    for target in &found.targets {
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
    for (subject, hold) in &found.covered {
        out.line(format!(
            "covered    {subject} stays blocked by {} {} of {}",
            hold.subject, hold.scope, hold.decision
        ))?;
    }
    Ok(())
}

//! `blockfeed doctor`: what is wrong on this machine, each with what to do. It reads and changes
//! nothing, and may run beside the server.

mod data;
mod facts;
mod machine;

use super::{Error, Output};
use crate::config::Config;
use clap::Args;
use serde::Serialize;
use serde_json::json;
use std::path::PathBuf;

/// Say what is wrong on this machine: disk, keys, clock, ports, certificates, lists, the published log
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example:
  blockfeed doctor --config /etc/blockfeed/blockfeed.toml
  blockfeed doctor --data data --json

It changes nothing and may run beside the server, best as its user. It exits 0 if nothing is wrong
(what is only worth knowing is a note), 1 otherwise.")]
pub struct DoctorArgs {
    /// The data directory [setting log.data]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Grade {
    Well,
    Note,
    Wrong,
}

/// What one check found.
#[derive(Debug, Clone, Serialize)]
struct Finding {
    check: &'static str,
    grade: Grade,
    found: String,
    /// What to do; empty where all is well.
    remedy: String,
}

impl Finding {
    fn well(check: &'static str, found: impl Into<String>) -> Self {
        Self::new(check, Grade::Well, found, "")
    }

    fn note(check: &'static str, found: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new(check, Grade::Note, found, remedy)
    }

    fn wrong(check: &'static str, found: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new(check, Grade::Wrong, found, remedy)
    }

    fn new(
        check: &'static str,
        grade: Grade,
        found: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            check,
            grade,
            found: found.into(),
            remedy: remedy.into(),
        }
    }
}

impl DoctorArgs {
    pub async fn run(self, mut config: Config, out: Output) -> Result<(), Error> {
        if let Some(data) = self.data {
            config.log.data = data;
        }
        let asked = config.clone();
        let looked = tokio::task::spawn_blocking(move || {
            let mut findings = data::look(&asked);
            findings.extend(facts::look(&asked));
            findings.extend(machine::look(&asked));
            findings
        });
        let mut findings = looked
            .await
            .map_err(|e| Error::said(format!("the look broke off: {e}")))?;
        findings.push(machine::resolver(&config).await);
        tell(&findings, out)?;
        if findings.iter().any(|f| f.grade == Grade::Wrong) {
            return Err(Error::Shown);
        }
        Ok(())
    }
}

fn tell(findings: &[Finding], out: Output) -> Result<(), Error> {
    let count = |grade| findings.iter().filter(|f| f.grade == grade).count();
    let (wrong, notes) = (count(Grade::Wrong), count(Grade::Note));
    out.data(&json!({ "wrong": wrong, "notes": notes, "findings": findings }))?;
    for finding in findings {
        let mark = match finding.grade {
            Grade::Well => "ok   ",
            Grade::Note => "note ",
            Grade::Wrong => "WRONG",
        };
        out.line(format!("{mark}  {:<14} {}", finding.check, finding.found))?;
        if !finding.remedy.is_empty() {
            out.line(format!("{:22}{}", "", finding.remedy))?;
        }
    }
    out.line(format!("{wrong} wrong, {notes} to know of"))
}

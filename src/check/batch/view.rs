//! An import result, as rows for JSON and spreadsheets.

use std::io;

use serde::Serialize;

use super::super::Finding;
use super::{Batch, Merge, Outcome, Row};

/// One line of an import result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RowView<'r> {
    pub line: u64,
    pub text: &'r str,
    pub outcome: &'static str,
    /// What the line is in canonical form, where it was understood.
    pub canonical: String,
    pub code: &'static str,
    pub detail: String,
}

impl Row {
    pub fn view(&self) -> RowView<'_> {
        let (canonical, code, detail) = match &self.outcome {
            Outcome::Accepted {
                line,
                notes,
                findings,
                ..
            } => {
                let codes = notes
                    .iter()
                    .map(|note| note.code())
                    .chain(findings.iter().map(Finding::code));
                (line.to_string(), "", codes.collect::<Vec<_>>().join(" "))
            }
            Outcome::Merged {
                line,
                into,
                how: Merge::Duplicate,
            } => (line.to_string(), "duplicate", format!("of line {into}")),
            Outcome::Merged {
                line,
                into,
                how: Merge::Covered,
            } => (line.to_string(), "covered", format!("by line {into}")),
            Outcome::Merged {
                line,
                into,
                how: Merge::Alias,
            } => (line.to_string(), "alias", format!("of line {into}")),
            Outcome::Refused(refusal) => {
                let understood = refusal
                    .line
                    .as_ref()
                    .map(ToString::to_string)
                    .unwrap_or_default();
                let matched = refusal
                    .findings
                    .first()
                    .and_then(|finding| finding.matched.as_ref());
                let matched = matched
                    .map(|m| format!(" [{} line {}: {}]", m.file, m.line, m.text))
                    .unwrap_or_default();
                let offer = refusal
                    .offer
                    .as_ref()
                    .map(|offer| format!(" [offer: {offer}]"))
                    .unwrap_or_default();
                (
                    understood,
                    refusal.code,
                    format!("{}{matched}{offer}", refusal.message),
                )
            }
            Outcome::Skipped { what } => (String::new(), *what, String::new()),
        };
        RowView {
            line: self.number,
            text: &self.text,
            outcome: self.outcome.as_str(),
            canonical,
            code,
            detail,
        }
    }
}

impl Batch {
    /// The import result, a row a line of the file.
    pub fn views(&self) -> impl Iterator<Item = RowView<'_>> {
        self.rows.iter().map(Row::view)
    }

    /// Writes the import result as CSV (RFC 4180, UTF-8) with a head. A cell that a spreadsheet would take for a formula is
    /// written with an apostrophe before it.
    pub fn write_csv(&self, out: &mut impl io::Write) -> io::Result<()> {
        out.write_all(b"line,text,outcome,canonical,code,detail\r\n")?;
        for row in self.views() {
            let line = row.line.to_string();
            let cells = [
                line.as_str(),
                row.text,
                row.outcome,
                &row.canonical,
                row.code,
                &row.detail,
            ];
            let cells: Vec<String> = cells.into_iter().map(cell).collect();
            out.write_all(cells.join(",").as_bytes())?;
            out.write_all(b"\r\n")?;
        }
        Ok(())
    }
}

fn cell(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let guarded = if formula {
        format!("'{text}")
    } else {
        text.to_owned()
    };
    match guarded.contains([',', '"', '\r', '\n']) {
        true => format!("\"{}\"", guarded.replace('"', "\"\"")),
        false => guarded,
    }
}

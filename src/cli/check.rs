//! `blockfeed check`: would it pass? Nothing is signed or sent.

use super::{Error, Output, guard, output, propose};
use crate::{
    check::{
        self,
        batch::{Batch, Options, Outcome},
    },
    config::Config,
};
use clap::Args;
use serde_json::json;
use std::{
    fs,
    io::{BufWriter, Read, Write},
    path::PathBuf,
};

/// Would it pass? Judge subjects or a list by the guard, without signing or sending anything
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example:
  blockfeed check facebook.com 8.8.8.8 https://shop.example.vn/
  blockfeed check --file list.txt --category counterfeit --result result.csv
  blockfeed check --explain public_suffix

The exit code is 0 only if every line would pass.")]
pub struct CheckArgs {
    /// Subjects, as typed or pasted
    #[arg(value_name = "SUBJECT")]
    subjects: Vec<String>,
    /// A list, one subject a line; - is standard input
    #[arg(long, value_name = "LIST", conflicts_with = "subjects")]
    file: Option<PathBuf>,
    /// The category that it would be listed under
    #[arg(long, value_name = "CODE", default_value = "counterfeit")]
    category: String,
    /// Keep lines that another line covers
    #[arg(long)]
    keep_covered: bool,
    /// Write what became of each line, as CSV
    #[arg(long, value_name = "FILE")]
    result: Option<PathBuf>,
    /// Say what a code means and what to do
    #[arg(long, value_name = "CODE", conflicts_with_all = ["subjects", "file"])]
    explain: Option<String>,
}

impl CheckArgs {
    pub fn run(self, config: &Config, out: Output) -> Result<(), Error> {
        if let Some(code) = &self.explain {
            return explain(code, out);
        }
        let guard = guard::load(config)?;
        let batch = Batch::read(
            &self.list()?,
            &guard,
            &Options {
                category: &self.category,
                keep_covered: self.keep_covered,
                overrides: &[],
            },
        );
        if let Some(path) = &self.result {
            let file = fs::File::create(path).map_err(Error::io(path))?;
            let mut file = BufWriter::new(file);
            let written = batch.write_csv(&mut file).and_then(|()| file.flush());
            written.map_err(Error::io(path))?;
        }
        if out.json {
            let rows: Vec<_> = batch.views().collect();
            out.data(
                &json!({ "counts": batch.counts, "lists": guard.lists().hash(), "lines": rows }),
            )?;
        } else if self.file.is_some() {
            propose::show(&batch, out)?;
        } else {
            batch.rows.iter().try_for_each(|row| show(row, out))?;
        }
        match batch.counts.refused {
            0 => Ok(()),
            _ => Err(Error::Shown),
        }
    }

    fn list(&self) -> Result<Vec<u8>, Error> {
        match &self.file {
            Some(path) if path.as_os_str() == "-" => {
                let mut bytes = Vec::new();
                let read = std::io::stdin().read_to_end(&mut bytes);
                read.map_err(Error::io("standard input"))?;
                Ok(bytes)
            }
            Some(path) => fs::read(path).map_err(Error::io(path)),
            None if self.subjects.is_empty() => Err(Error::said(
                "there is nothing to check: name subjects, or a list with --file LIST",
            )),
            None => Ok(self.subjects.join("\n").into_bytes()),
        }
    }
}

fn show(row: &check::batch::Row, out: Output) -> Result<(), Error> {
    let view = row.view();
    let canonical = match view.canonical.as_str() {
        "" => String::new(),
        text => format!("   {text}"),
    };
    out.line(format!("{:<9} {:?}{canonical}", view.outcome, view.text))?;
    if let Outcome::Accepted { notes, .. } = &row.outcome {
        for rule in notes.iter().filter_map(|note| check::explain(note.code())) {
            out.line(format!("          {}: {} {}", rule.code, rule.en, rule.vi))?;
        }
    }
    if !view.code.is_empty() {
        out.line(format!("          {}: {}", view.code, view.detail))?;
        if let Some(rule) = check::explain(view.code) {
            out.line(format!("          {} {}", rule.vi, rule.instead_vi).trim_end())?;
        }
    }
    Ok(())
}

fn explain(code: &str, out: Output) -> Result<(), Error> {
    let Some(rule) = check::explain(code) else {
        let codes: Vec<_> = check::rules::all().iter().map(|r| r.code).collect();
        let near = codes
            .iter()
            .min_by_key(|known| strsim::damerau_levenshtein(code, known));
        let near = near.copied().unwrap_or_default();
        output::note(&format!("codes: {}", codes.join(" ")));
        return Err(Error::said(format!(
            "there is no code {code:?}; the nearest is {near:?}"
        )));
    };
    out.data(&json!({
        "code": rule.code, "grade": rule.grade, "vi": rule.vi, "en": rule.en,
        "instead_vi": rule.instead_vi, "instead_en": rule.instead_en,
    }))?;
    let grade = format!("{:?}", rule.grade).to_lowercase();
    out.line(format!("{} ({grade})", rule.code))?;
    out.line(format!("  {} {}", rule.en, rule.instead_en).trim_end())?;
    out.line(format!("  {} {}", rule.vi, rule.instead_vi).trim_end())
}

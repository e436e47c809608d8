//! `blockfeed check`: would it pass? Nothing is signed or sent.

use super::{
    Error, Output, facts, guard,
    listed::{Listed, ListedArgs},
    output::{self, Progress},
    propose, when,
};
use crate::{
    check::{
        self, Finding, Grade, Guard, age,
        batch::{Batch, Options, Outcome, Row},
        known,
        report::{Checked, Verdict},
        together,
    },
    config::Config,
    registry::{Day, facts::Facts},
    subject::Subject,
};
use clap::Args;
use serde_json::json;
use std::{
    collections::BTreeMap,
    fs,
    io::{BufWriter, Read, Write},
    path::{Path, PathBuf},
};

/// Would it pass? Judge subjects or a list by lists and facts, without signing or sending anything
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example:
  blockfeed check facebook.com 8.8.8.8 https://shop.example.vn/
  blockfeed check --file list.txt --category counterfeit --result result.xlsx
  blockfeed check shop.example.vn --offline
  blockfeed check shop.example.vn --server http://127.0.0.1:8399   (and is it listed already?)
  blockfeed check --explain public_suffix

Subjects are asked about live (registries, DNS) as well as in data sets, a list in data sets alone.
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
    /// Write what became of each line: result.csv, or result.xlsx for a spreadsheet (may be repeated)
    #[arg(long, value_name = "FILE")]
    result: Vec<PathBuf>,
    /// Ask lists and data sets alone, and nobody over the network
    #[arg(long)]
    offline: bool,
    /// How long live sources may take, seconds; one that takes longer is a finding
    #[arg(long, value_name = "SECONDS", default_value_t = 1)]
    wait: u64,
    /// Say what a code means and what to do
    #[arg(long, value_name = "CODE", conflicts_with_all = ["subjects", "file"])]
    explain: Option<String>,
    #[command(flatten)]
    listed: ListedArgs,
}

impl CheckArgs {
    pub async fn run(self, config: &Config, out: Output) -> Result<(), Error> {
        if let Some(code) = &self.explain {
            return explain(code, out);
        }
        let guard = guard::load(config)?;
        let online = !self.offline && !config.registry.offline;
        let gatherer = facts::gatherer(config, &guard, online.then_some(self.wait))?;
        let list = self.list()?;
        let mut asked = Vec::new();
        let options = Options {
            category: &self.category,
            keep_covered: self.keep_covered,
            overrides: &[],
            known: None,
        };
        if self.file.is_none() {
            let batch = Batch::read(&list, &guard, &options);
            asked = facts::of_each(&gatherer, &batch).await;
        }
        let (now, mut progress) = (when::now(), Progress::new());
        let known = |subject: &Subject| {
            let subject_text = || subject.to_string();
            let asked = asked.iter().find(|facts| facts.subject == subject_text());
            asked
                .cloned()
                .unwrap_or_else(|| gatherer.offline(subject, now))
        };
        let tell = |done: usize| progress.tell(&format!("{done} lines checked"));
        let (batch, of_list) = known::read(&list, &guard, &options, known, tell, now);
        drop(progress);
        let listed = self.listed.ask(config, &batch, &self.category, online);
        let listed = listed.await?;
        let mut whole = whole(&batch, &guard, &self.category);
        whole.extend(of_list.whole());
        let collateral = of_list.collateral(&batch);
        let lines: Vec<Checked> = batch
            .rows
            .iter()
            .map(|row| with_facts(row, &asked))
            .collect();
        self.result
            .iter()
            .try_for_each(|path| result(path, &batch, &lines))?;
        out.data(&json!({
            "counts": batch.counts, "lists": guard.lists().hash(), "lines": lines,
            "findings": whole.iter().map(Verdict::of).collect::<Vec<_>>(),
            "collateral": collateral, "listed": listed,
        }))?;
        if self.file.is_some() {
            propose::show(&batch, out)?;
            table(&lines, out)?;
            listed.sum(out)?;
        } else {
            each(&batch, &lines, &listed, out)?;
        }
        listed.show_note(out)?;
        facts::show_collateral(&collateral, out)?;
        for finding in &whole {
            verdict(&Verdict::of(finding), out)?;
        }
        let stops = |finding: &Finding| finding.grade() != Grade::Note;
        match batch.counts.refused == 0 && !whole.iter().any(stops) {
            true => Ok(()),
            false => Err(Error::Shown),
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

/// What holds of the list as a whole.
fn whole(batch: &Batch, guard: &Guard, category: &str) -> Vec<Finding> {
    let lists = guard.lists();
    let today = Day::in_vietnam(i64::try_from(when::now()).unwrap_or(i64::MAX));
    let unknown = check::draft::category(lists, category, today);
    let mut findings: Vec<Finding> = unknown.into_iter().collect();
    findings.extend(age::old(lists, today));
    let made = together::findings(&together::networks(batch.accepted()), &lists.caps);
    findings.extend(made.into_iter().map(|(_, finding)| finding));
    findings
}

/// Writes what became of each line, in the form that the file's name says.
fn result(path: &Path, batch: &Batch, lines: &[Checked]) -> Result<(), Error> {
    let ending = path.extension().and_then(|ending| ending.to_str());
    match ending.map(str::to_ascii_lowercase).as_deref() {
        Some("xlsx") => {
            let bytes = check::sheet(lines);
            let bytes = bytes.map_err(|e| Error::said(format!("{}: {e}", path.display())))?;
            fs::write(path, bytes).map_err(Error::io(path))
        }
        Some("csv") | None => {
            let file = fs::File::create(path).map_err(Error::io(path))?;
            let mut file = BufWriter::new(file);
            let written = batch.write_csv(&mut file).and_then(|()| file.flush());
            written.map_err(Error::io(path))
        }
        Some(other) => Err(Error::said(format!(
            "--result {}: .{other} isn't written; name it .csv or .xlsx",
            path.display()
        ))),
    }
}

/// What was found how often, the gravest first, with the first line of each.
fn table(lines: &[Checked], out: Output) -> Result<(), Error> {
    let mut found: BTreeMap<(Grade, &str), (u64, u64)> = BTreeMap::new();
    for line in lines {
        for verdict in &line.findings {
            let row = found.entry((verdict.grade, verdict.code));
            row.or_insert((0, line.line)).0 += 1;
        }
        // A line that can't be read has a code and no finding.
        if let Some(code) = line
            .code
            .filter(|_| line.outcome == "refused" && line.findings.is_empty())
        {
            let row = found.entry((Grade::Refuse, code));
            row.or_insert((0, line.line)).0 += 1;
        }
    }
    for ((grade, code), (count, first)) in found {
        let grade = format!("{grade:?}").to_lowercase();
        let vi = check::explain(code).map(|rule| rule.vi).unwrap_or_default();
        out.line(format!(
            "{grade:<10} {count:>7} {code:<22} {vi} (line {first})"
        ))?;
    }
    Ok(())
}

/// A line with the facts on it, where they were asked.
fn with_facts(row: &Row, asked: &[Facts]) -> Checked {
    let subject = row.line().map(|line| line.subject().to_string());
    let facts = subject.and_then(|subject| asked.iter().find(|facts| facts.subject == subject));
    Checked {
        facts: facts.cloned(),
        ..Checked::of(row)
    }
}

/// Each subject, with what is listed already of it.
fn each(batch: &Batch, lines: &[Checked], listed: &Listed, out: Output) -> Result<(), Error> {
    let rows = batch.rows.iter().zip(lines);
    let mut told = rows.filter(|(row, _)| !matches!(row.outcome, Outcome::Skipped { .. }));
    told.try_for_each(|(_, line)| {
        show(line, out)?;
        listed.show(line.line, out)
    })
}

/// One subject, with all that is known and all that was found.
fn show(line: &Checked, out: Output) -> Result<(), Error> {
    let canonical = line.subject.as_deref().unwrap_or_default();
    out.line(format!("{:<9} {:?}   {canonical}", line.outcome, line.text).trim_end())?;
    if let Some(known) = &line.facts {
        facts::show(known, when::now(), out)?;
    }
    for found in &line.findings {
        verdict(found, out)?;
    }
    if !line.findings.is_empty() {
        return Ok(());
    }
    let Some(code) = line.code else {
        // How the text was read.
        let notes = line.detail.split_whitespace().filter_map(check::explain);
        return notes.into_iter().try_for_each(|rule| {
            out.line(format!("          {}: {} {}", rule.code, rule.en, rule.vi))
        });
    };
    out.line(format!("          {code}: {}", line.detail))?;
    match check::explain(code) {
        Some(rule) => out.line(format!("          {} {}", rule.vi, rule.instead_vi).trim_end()),
        None => Ok(()),
    }
}

/// A finding in both languages, with what it rests on.
fn verdict(found: &Verdict, out: Output) -> Result<(), Error> {
    let grade = format!("{:?}", found.grade).to_lowercase();
    let detail = match found.detail.as_str() {
        "" => String::new(),
        detail => format!(" ({detail})"),
    };
    let matched = found.matched.as_ref();
    let matched =
        matched.map(|m| format!(" [{} line {}: {}; {}]", m.file, m.line, m.text, m.source));
    out.line(format!(
        "  {grade:<8} {}: {}{detail}{}",
        found.code,
        found.en,
        matched.unwrap_or_default()
    ))?;
    out.line(format!("           {} {}", found.vi, found.instead_vi).trim_end())?;
    match found.instead_en {
        "" => Ok(()),
        instead => out.line(format!("           {instead}")),
    }
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

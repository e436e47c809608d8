//! `blockfeed propose`: from an officer's list to an open proposal.

use super::{
    Error, Output,
    desk::DeskArgs,
    facts, guard,
    output::{self, Progress},
    proposal::{self, GroundsArgs},
    when,
};
use crate::{
    canon::{DecisionId, Origin},
    casework::{Listing, Terms, composing},
    check::{
        Finding, Guard,
        batch::{self, Batch, Options, Outcome},
        collateral::Collateral,
        known,
    },
    config::Config,
    decision::{Body, MeasureName, PartRef},
    subject::Subject,
    tlog::Hash,
};
use clap::Args;
use serde::Serialize;
use serde_json::json;
use std::{
    collections::BTreeSet,
    fs,
    io::{BufWriter, Read, Write},
    path::PathBuf,
};

/// Propose a list: check it line by line, sign it, open a proposal
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example:
  blockfeed propose --file list.txt --category counterfeit --head counterfeit \\
    --goods cosmetics --method fake_brand_site --not-after +180d \\
    --basis-authority moit.e-commerce --basis-number 12/QĐ-TMĐT --reasons @reasons.txt \\
    --server http://127.0.0.1:8399 --officer o-0017 --key-file o-0017.pem --result result.csv
  blockfeed propose shop.example.vn 203.0.113.7 --dry-run … (the same without sending)

Each line is accepted, merged or refused with a code; --result says which is which, and
`blockfeed check --explain CODE` says why and what to do. Another officer then approves.")]
pub struct ProposeArgs {
    /// Subjects, as typed or pasted: names, addresses, URLs of shops and accounts
    #[arg(value_name = "SUBJECT")]
    subjects: Vec<String>,
    /// A list, one subject a line; - is standard input
    #[arg(long, value_name = "LIST", conflicts_with = "subjects")]
    file: Option<PathBuf>,
    /// Violation, as in lists/categories.toml
    #[arg(long, value_name = "CODE")]
    category: String,
    /// Head of the plan: smuggling, trade_fraud or counterfeit
    #[arg(long, value_name = "CODE")]
    head: String,
    /// Goods group, as in lists/goods.toml
    #[arg(long, value_name = "CODE", default_value = "other")]
    goods: String,
    /// Trick, as in lists/methods.toml
    #[arg(long, value_name = "CODE", default_value = "other")]
    method: String,
    /// Measure (may be repeated) [default: the block of each kind that is there]
    #[arg(long, value_name = "CODE", value_parser = measure)]
    measure: Vec<MeasureName>,
    /// When the decision ends: a day, which counts to its end, or a span such as +90d
    #[arg(long, value_name = "END")]
    not_after: String,
    /// For a list that grows the feed by more than a fifth; a senior officer must approve it
    #[arg(long)]
    bulk: bool,
    /// Pass a rule with a written reason; a senior officer must approve it (may be repeated)
    #[arg(long = "override", value_name = "CODE=REASON|@FILE")]
    overrides: Vec<String>,
    /// Keep lines that another line of this list covers
    #[arg(long)]
    keep_covered: bool,
    /// Hold the whole list if one line is refused
    #[arg(long)]
    all_or_nothing: bool,
    /// Write what became of each line, as CSV
    #[arg(long, value_name = "FILE")]
    result: Option<PathBuf>,
    /// Check only: nothing is signed or sent
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    grounds: GroundsArgs,
    #[command(flatten)]
    desk: DeskArgs,
}

/// What was proposed, for scripts.
#[derive(Serialize)]
struct Proposed {
    id: Option<DecisionId>,
    status: String,
    body_sha256: Option<Hash>,
    counts: batch::Counts,
    parts: Vec<PartRef>,
}

impl ProposeArgs {
    pub async fn run(self, config: &Config, out: Output) -> Result<(), Error> {
        let overrides = self.overrides()?;
        let guard = guard::load(config)?;
        let (batch, touched) = self.read(&guard, &overrides, config)?;
        show(&batch, out)?;
        facts::show_collateral(&touched, out)?;
        self.write_result(&batch, out)?;
        self.check_counts(&batch)?;
        let terms = self.terms(overrides)?;
        let listing = Listing::new(&guard, &batch, &self.grounds.grounds()?, terms)?;
        let make = |origin: Origin, id: DecisionId| Ok(listing.made(origin, id)?);
        let checked = make(Origin::new("blockfeed.check")?, DecisionId::new("0")?)?;
        let findings = listing.findings(&guard, &batch, when::now());
        judge(findings, &checked.body, &batch, out)?;
        let mut proposed = Proposed {
            id: None,
            status: "checked".into(),
            body_sha256: None,
            counts: batch.counts,
            parts: checked.body.parts(),
        };
        drop(checked);
        if self.dry_run {
            out.data(&proposed)?;
            return out.line("it would pass; nothing was sent (--dry-run)");
        }
        let (server, officer) = (self.desk.server(config)?, self.desk.officer(config)?);
        let opened = proposal::open_made(&server, &officer, false, make).await?;
        let (id, hash) = (opened.body.id(), opened.hash);
        proposed.id = Some(id.clone());
        proposed.parts = opened.body.parts();
        proposed.status = opened.outcome.status;
        proposed.body_sha256 = Some(hash);
        out.data(&proposed)?;
        out.line(format!(
            "proposed   {id} by {}\nbody       {hash}\nnext       another officer: blockfeed approve {id} --server {}",
            officer.id,
            server.source(),
        ))
    }

    /// The list, read to one outcome a line, and what it touches as far as data sets here know.
    fn read(
        &self,
        guard: &Guard,
        overrides: &[batch::Override],
        config: &Config,
    ) -> Result<(Batch, Collateral), Error> {
        let bytes = self.list()?;
        output::note(&format!("checking {} …", self.named()));
        let options = Options {
            category: &self.category,
            keep_covered: self.keep_covered,
            overrides,
            known: None,
        };
        if !facts::has_sets(config) {
            let batch = Batch::read(&bytes, guard, &options);
            return Ok((batch, Collateral::default()));
        }
        let (now, mut progress) = (when::now(), Progress::new());
        // Nobody is asked over the network, so nobody is waited for.
        let gatherer = facts::gatherer(config, guard, None)?;
        let facts = |subject: &Subject| gatherer.offline(subject, now);
        let tell = |done: usize| progress.tell(&format!("{done} lines checked"));
        let (batch, of_list) = known::read(&bytes, guard, &options, facts, tell, now);
        let collateral = of_list.collateral(&batch);
        Ok((batch, collateral))
    }

    fn check_counts(&self, batch: &Batch) -> Result<(), Error> {
        let refused = batch.counts.refused;
        if batch.counts.accepted == 0 {
            return Err(Error::said(
                "no line was accepted, so there is nothing to propose",
            ));
        }
        if self.all_or_nothing && refused > 0 {
            return Err(Error::said(format!(
                "{refused} lines are refused, and --all-or-nothing holds the rest"
            )));
        }
        Ok(())
    }

    fn named(&self) -> String {
        match &self.file {
            Some(path) => path.display().to_string(),
            None => format!("{} subjects", self.subjects.len()),
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
                "there is nothing to propose: name subjects, or a list with --file LIST",
            )),
            None => Ok(self.subjects.join("\n").into_bytes()),
        }
    }

    fn overrides(&self) -> Result<Vec<batch::Override>, Error> {
        let read = |text: &String| {
            let (code, reason) = text.split_once('=').ok_or_else(|| {
                Error::said(format!(
                    "--override {text}: it is written CODE=REASON or CODE=@FILE"
                ))
            })?;
            Ok(batch::Override {
                code: code.to_owned(),
                reason: proposal::text(reason)?,
            })
        };
        let mut overrides = self
            .overrides
            .iter()
            .map(read)
            .collect::<Result<Vec<_>, Error>>()?;
        overrides.sort_by(|a, b| a.code.cmp(&b.code));
        Ok(overrides)
    }

    fn write_result(&self, batch: &Batch, out: Output) -> Result<(), Error> {
        let Some(path) = &self.result else {
            return Ok(());
        };
        let file = fs::File::create(path).map_err(Error::io(path))?;
        let mut file = BufWriter::new(file);
        let written = batch.write_csv(&mut file).and_then(|()| file.flush());
        written.map_err(Error::io(path))?;
        out.line(format!("result     {}", path.display()))
    }

    /// What the decision says beside its grounds and its lines.
    fn terms(&self, overrides: Vec<batch::Override>) -> Result<Terms, Error> {
        Ok(Terms {
            category: self.category.clone(),
            head: self.head.clone(),
            goods: self.goods.clone(),
            method: self.method.clone(),
            measures: self.measure.clone(),
            not_after: when::end(&self.not_after)?,
            bulk: self.bulk,
            overrides,
        })
    }
}

/// Shows what became of the lines: the counts and the first refusals with what to do.
pub fn show(batch: &Batch, out: Output) -> Result<(), Error> {
    let c = batch.counts;
    out.line(format!(
        "lines      {}: {} accepted, {} merged, {} refused, {} skipped (blank or comment)",
        c.lines, c.accepted, c.merged, c.refused, c.skipped
    ))?;
    let mut seen = BTreeSet::new();
    let refused = batch.rows.iter().filter_map(|row| match &row.outcome {
        Outcome::Refused(refusal) if seen.insert(refusal.code) => Some((row, refusal)),
        _ => None,
    });
    for (row, refusal) in refused.take(EXPLAINED) {
        out.line(format!("refused    line {} {:?}", row.number, row.text))?;
        out.line(format!("           {}: {}", refusal.code, refusal.message))?;
        if let Some(rule) = crate::check::explain(refusal.code) {
            out.line(format!("           {} {}", rule.vi, rule.instead_vi).trim_end())?;
        }
        if let Some(offer) = &refusal.offer {
            out.line(format!("           offered instead: {offer}"))?;
        }
    }
    Ok(())
}

/// The guard's word on the decision as a whole.
fn judge(findings: Vec<Finding>, body: &Body, batch: &Batch, out: Output) -> Result<(), Error> {
    let (stopping, rest): (Vec<_>, Vec<_>) =
        findings.into_iter().partition(|f| guard::stops(f, body));
    for finding in rest {
        out.line(format!("note       {finding}"))?;
    }
    let mut stopping = stopping.into_iter();
    let Some(first) = stopping.next() else {
        return Ok(());
    };
    for other in stopping {
        output::note(&format!("blockfeed: {}", Error::Guard(Box::new(other))));
    }
    out.data(&json!({ "status": "refused", "code": first.code(), "counts": batch.counts }))?;
    Err(Error::Guard(Box::new(first)))
}

fn measure(code: &str) -> Result<MeasureName, String> {
    composing::measure(code).ok_or_else(|| {
        format!("there is no measure {code:?}; lists/measures.toml has them, such as block_domain")
    })
}

/// How many kinds of refusal are explained on the screen; --result has all.
const EXPLAINED: usize = 3;

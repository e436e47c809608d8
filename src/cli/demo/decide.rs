//! The officers' part: a list checked and proposed, a second signature, a revocation.

use super::{Figures, list, millis, section, stage::Stage, when};
use crate::{
    canon::{DecisionId, Origin},
    casework::{Made, Subjects},
    check::{
        self, Guard,
        batch::{self, Batch, Options, Outcome},
    },
    cli::{
        Error, Output,
        desk::Officer,
        guard,
        proposal::{self, Opened},
        server::CommittedView,
    },
    decision::{self, Action, Basis, Body, List, MeasureName, PartRef, Revoke, Target, TextRef},
    entries::FeedName,
    subject::{Kind, Line, OwnedLine, Scope, Subject, feed_of},
    trust::Role,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Instant,
};

/// Who signs: one proposes, one approves, one may approve what is large.
pub struct Desk {
    proposer: Officer,
    approver: Officer,
    senior: Officer,
    guard: Arc<Guard>,
}

impl Desk {
    pub fn open(stage: &Stage) -> Result<Self, Error> {
        Ok(Self {
            proposer: stage.officer("o-0017")?,
            approver: stage.officer("o-0042")?,
            senior: stage.officer("o-0007")?,
            guard: guard::load(&stage.config)?,
        })
    }
}

/// Checks, proposes and approves the list; gives the names that the story goes on with.
pub async fn list(
    stage: &Stage,
    desk: &Desk,
    figures: &mut Figures,
    out: Output,
) -> Result<list::Names, Error> {
    section(
        out,
        "An officer's list: a real sample, and names under .example",
    )?;
    let run = stage.casework.authority().current().size;
    let batch = read(desk, &list::file(run), out)?;
    explain(&batch, out)?;
    let new: Vec<Line<'_>> = batch
        .accepted()
        .filter(|line| !is_listed(stage, line))
        .collect();
    let c = batch.counts;
    figures.lines = c.lines;
    (figures.accepted, figures.merged, figures.refused) = (c.accepted, c.merged, c.refused);
    figures.proposed = new.len() as u64;
    figures.sealed = batch.accepted().filter(is_sealed).count() as u64;
    figures.already_in_force = c.accepted - figures.proposed;
    if figures.sealed > 0 {
        out.line(format!(
            "  of these   {} are shops and pages: the log has them as commitments, their platforms the names",
            figures.sealed
        ))?;
    }
    if figures.already_in_force > 0 {
        out.line(format!(
            "  of these   {} are in force since an earlier run; {} are new and proposed now",
            figures.already_in_force, figures.proposed
        ))?;
    }
    // A real name that is in force is asked for, too.
    let real = batch
        .accepted()
        .find(|line| line.kind == Kind::Domain && line.scope == Scope::Subtree);
    let names = list::Names::of_run(run).with_real(real.map(|line| line.name.to_owned()));
    let subjects = Subjects::new(new.iter().copied(), &batch.aliases)?;
    let kinds: BTreeSet<Kind> = new.iter().map(|line| line.kind).collect();
    let terms = Terms {
        words: ["counterfeit", "counterfeit", "cosmetics", "fake_brand_site"],
        bulk: stage.is_first,
        reasons: "Sites that sell counterfeit goods under a brand's name, by the department's check of this week.",
    };
    sign(stage, desk, &terms, &subjects, &kinds, figures, out).await?;
    test_entry(stage, desk, out).await?;
    Ok(names)
}

/// Reads the officer's file to one outcome a line.
fn read(desk: &Desk, text: &str, out: Output) -> Result<Batch, Error> {
    let began = Instant::now();
    let options = Options {
        category: "counterfeit",
        ..Options::default()
    };
    let batch = Batch::read(text.as_bytes(), &desk.guard, &options);
    let took = millis(began.elapsed());
    let c = batch.counts;
    out.line(format!(
        "  {} lines   {} accepted, {} merged, {} refused, {} skipped (comments) in {took} ms",
        c.lines, c.accepted, c.merged, c.refused, c.skipped,
    ))?;
    Ok(batch)
}

/// The two signatures, and what the log made of them.
async fn sign(
    stage: &Stage,
    desk: &Desk,
    terms: &Terms,
    subjects: &Subjects,
    kinds: &BTreeSet<Kind>,
    figures: &mut Figures,
    out: Output,
) -> Result<(), Error> {
    section(out, "Two officers sign; the log grows")?;
    let before = stage.casework.authority().current().size;
    let opened = propose(stage, desk, terms, subjects, kinds).await?;
    let (id, hash) = (opened.body.id(), opened.hash.to_string());
    out.line(format!(
        "  o-0017     proposes {id} (propose), body {}…",
        &hash[..16]
    ))?;
    let began = Instant::now();
    let committed = approve(stage, desk, &opened, terms.bulk).await?;
    figures.commit_ms = millis(began.elapsed());
    let (who, role) = if terms.bulk {
        ("o-0007", "senior, since it is bulk")
    } else {
        ("o-0042", "approve")
    };
    out.line(format!(
        "  {who}     recomputes the hash and signs ({role})"
    ))?;
    out.line(format!(
        "  log        {before} to {} leaves; leaf {} durable and published {} ms after the second signature",
        committed.size, committed.leaf, figures.commit_ms
    ))?;
    figures.decision = id.to_string();
    (figures.leaf, figures.size) = (committed.leaf, committed.size);
    Ok(())
}

/// Three refusals, each of another rule, with what to do.
fn explain(batch: &Batch, out: Output) -> Result<(), Error> {
    let mut refused: Vec<_> = batch
        .rows
        .iter()
        .filter_map(|row| match &row.outcome {
            Outcome::Refused(refusal) => Some((row, refusal)),
            _ => None,
        })
        .collect();
    let rank = |code: &str| {
        list::TELLING
            .iter()
            .position(|c| *c == code)
            .unwrap_or(usize::MAX)
    };
    refused.sort_by_key(|(row, refusal)| (rank(refusal.code), row.number));
    refused.dedup_by_key(|(_, refusal)| refusal.code);
    for (row, refusal) in refused.into_iter().take(3) {
        out.line(format!("  refused    line {}: {:?}", row.number, row.text))?;
        out.line(format!(
            "             {}: {}",
            refusal.code, refusal.message
        ))?;
        if let Some(rule) = check::explain(refusal.code) {
            out.line(format!("             {} {}", rule.vi, rule.instead_vi))?;
        }
    }
    Ok(())
}

/// Whether the log has it as a commitment.
fn is_sealed(line: &Line<'_>) -> bool {
    matches!(line.kind, Kind::Seller | Kind::Account)
}

/// Whether a decision holds exactly this line already.
fn is_listed(stage: &Stage, line: &Line<'_>) -> bool {
    if is_sealed(line) {
        let found = stage.casework.lookup(&line.to_string());
        return found.is_ok_and(|found| found.listed);
    }
    let Ok(feed) = FeedName::parse(&feed_of(line)) else {
        return false;
    };
    stage.casework.feed(&feed).is_ok_and(|view| {
        view.set
            .entries_of(line.name)
            .iter()
            .any(|entry| entry.scope == line.scope)
    })
}

/// Every feed carries a test entry, by which a subscriber sees that enforcement works: here one
/// decision over all four kinds, of which the log has seller and account as commitments.
async fn test_entry(stage: &Stage, desk: &Desk, out: Output) -> Result<(), Error> {
    let first = OwnedLine::parse(TESTED[0])?;
    if is_listed(stage, &first.line()) {
        return Ok(());
    }
    let lines = TESTED.map(OwnedLine::parse);
    let lines = lines.into_iter().collect::<Result<Vec<_>, _>>()?;
    let subjects = Subjects::new(lines.iter().map(OwnedLine::line), &BTreeMap::new())?;
    let kinds = lines.iter().map(|line| line.line().kind).collect();
    let terms = Terms {
        words: ["test", "counterfeit", "test", "test"],
        bulk: false,
        reasons: "A test entry: whoever asks for it and is refused knows that the block works.",
    };
    let opened = propose(stage, desk, &terms, &subjects, &kinds).await?;
    approve(stage, desk, &opened, false).await?;
    out.line(format!(
        "  test       {} lists what is set aside for tests in every kind of feed: a name, an address, a shop, a page;\n             the log has shop and page as commitments, which only their platform can open",
        opened.body.id()
    ))
}

/// Of lists/test-subjects.toml, one of each kind.
const TESTED: [&str; 4] = [
    "domain:test.blockfeed.example +",
    "net:203.0.113.254/32",
    "seller:shopee.vn/0",
    "account:facebook/blockfeedtest",
];

/// What a list is for.
struct Terms {
    /// Category, head, goods, method.
    words: [&'static str; 4],
    bulk: bool,
    reasons: &'static str,
}

async fn propose(
    stage: &Stage,
    desk: &Desk,
    terms: &Terms,
    subjects: &Subjects,
    kinds: &BTreeSet<Kind>,
) -> Result<Opened, Error> {
    let measure = |kind: &Kind| match kind {
        Kind::Net => MeasureName::BlockIp,
        Kind::Domain => MeasureName::BlockDomain,
        Kind::Seller => MeasureName::DelistSeller,
        Kind::Account => MeasureName::RemoveAccount,
    };
    let [category, head, goods, method] = terms.words.map(str::to_owned);
    let (submit_by, not_after) = (when::end("+7d")?, when::end("+180d")?);
    let mut measures: Vec<_> = kinds.iter().map(measure).collect();
    measures.sort();
    let make = |origin: Origin, id: DecisionId| {
        let sealed = subjects.parts(&origin, &id)?;
        let parts = sealed.parts.iter().map(|part| PartRef::of(part)).collect();
        let mut files = sealed.parts;
        files.push(terms.reasons.as_bytes().to_vec());
        let body = Body::List(List {
            origin,
            id,
            action: Action::List,
            submit_by,
            category: category.clone(),
            head: head.clone(),
            goods: goods.clone(),
            method: method.clone(),
            measures: measures.clone(),
            basis: basis(),
            not_after,
            bulk: terms.bulk,
            reasons: TextRef::of(terms.reasons),
            guard: decision::Guard {
                version: guard::VERSION,
                lists: desk.guard.lists().hash(),
                overrides: Vec::new(),
            },
            parts,
        });
        Ok(Made {
            body,
            files,
            openings: sealed.openings,
        })
    };
    proposal::open_made(&stage.server, &desk.proposer, false, make).await
}

/// Proposes to revoke a name under every decision that holds it.
pub async fn propose_revocation(
    stage: &Stage,
    desk: &Desk,
    name: &str,
    out: Output,
) -> Result<Opened, Error> {
    let found = stage.server.lookup(name).await?;
    let subject = format!("domain:{name}");
    let line = OwnedLine::new(Subject::parse(&subject)?, Scope::Subtree);
    let part = batch::parts(std::iter::once(line.line())).concat();
    let own = found
        .holds
        .into_iter()
        .filter(|hold| hold.subject == subject);
    let targets: Vec<Target> = own
        .map(|hold| Target {
            decision: hold.decision,
            parts: Some(vec![PartRef::of(&part)]),
        })
        .collect();
    let submit_by = when::end("+7d")?;
    let files = [part, MISTAKE.as_bytes().to_vec()];
    let opened = proposal::open(
        &stage.server,
        &desk.proposer,
        &files,
        false,
        |origin, id| {
            Body::Revoke(Revoke {
                origin,
                id,
                action: Action::Revoke,
                submit_by,
                basis: basis(),
                reasons: TextRef::of(MISTAKE),
                targets: targets.clone(),
            })
        },
    )
    .await?;
    let held: Vec<_> = targets.iter().map(|t| t.decision.as_str()).collect();
    out.line(format!(
        "  o-0017     proposes {} to revoke it under {}",
        opened.body.id(),
        held.join(", ")
    ))?;
    Ok(opened)
}

/// The second signature.
pub async fn approve(
    stage: &Stage,
    desk: &Desk,
    opened: &Opened,
    bulk: bool,
) -> Result<CommittedView, Error> {
    let (officer, role) = if bulk {
        (&desk.senior, Role::Senior)
    } else {
        (&desk.approver, Role::Approve)
    };
    let approval = officer.approve(&opened.body, &opened.hash, role);
    let outcome = stage.server.approve(opened.body.id(), &approval).await?;
    outcome.committed.ok_or_else(|| {
        Error::said(format!(
            "{} was approved and isn't committed",
            opened.body.id()
        ))
    })
}

fn basis() -> Basis {
    Basis {
        authority: "moit.e-commerce".into(),
        number: "12/QĐ-TMĐT".into(),
        date: when::today(),
    }
}

const MISTAKE: &str = "Listed by mistake: the shop sells its own goods.";

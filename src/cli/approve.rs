//! `blockfeed approve`: the second officer's signature, after looking at what is signed.

use super::{
    Error, Output,
    desk::{DeskArgs, Officer},
    facts, guard,
    output::Progress,
    sealed,
    server::{ProposalView, Proposals, Server},
    when,
};
use crate::{
    canon::{self, DecisionId},
    config::Config,
    decision::{Basis, Body, List, Opening, PartError, Parts, is_commitment, read_part, read_text},
    tlog::Hash,
    trust::Role,
};
use clap::Args;
use serde_json::Value;
use std::{collections::HashMap, path::PathBuf};

/// Approve a proposal: fetch it, check it again, sign it, put it in force
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example:
  blockfeed approve --server http://127.0.0.1:8399 --officer o-0042 --key-file o-0042.pem   (lists them)
  blockfeed approve 2026-000123 --server http://127.0.0.1:8399 --officer o-0042 --key-file o-0042.pem

What you sign is recomputed here from what was downloaded: the body's hash, every part's hash and
lines, and the guard's findings by this machine's lists.")]
pub struct ApproveArgs {
    /// The proposal; without it the open ones are listed
    #[arg(value_name = "ID")]
    id: Option<String>,
    /// Write every subject to a file, in clear, to look at before signing
    #[arg(long, value_name = "FILE")]
    list: Option<PathBuf>,
    /// Sign without asking
    #[arg(long)]
    yes: bool,
    /// Sign only if the body has this hash, as the proposing officer read it out
    #[arg(long, value_name = "SHA256")]
    expect: Option<String>,
    #[command(flatten)]
    desk: DeskArgs,
}

/// A proposal as it was downloaded and verified.
pub struct Downloaded {
    pub body: Body,
    pub hash: Hash,
    parts: HashMap<Hash, Vec<u8>>,
    /// By commitment.
    openings: HashMap<Hash, Opening>,
}

impl Downloaded {
    /// A line of a part, or what its commitment stands for.
    fn clear(&self, line: &str) -> String {
        let sealed = line
            .split_once("/#")
            .and_then(|(_, hex)| Hash::from_hex(hex).ok());
        let opening = sealed.and_then(|commitment| self.openings.get(&commitment));
        opening.map_or_else(|| line.to_owned(), |opening| opening.subject.to_string())
    }

    /// Every subject of a list in clear, one a line.
    fn in_clear(&self) -> String {
        let mut text = String::new();
        for part in self.body.parts() {
            let bytes = self.part(&part.sha256).unwrap_or_default();
            for line in String::from_utf8_lossy(&bytes).lines() {
                text.push_str(&self.clear(line));
                text.push('\n');
            }
        }
        text
    }
}

impl Parts for Downloaded {
    fn part(&self, sha256: &Hash) -> Result<Vec<u8>, PartError> {
        self.parts.get(sha256).cloned().ok_or(PartError::Missing)
    }

    fn opening(&self, _: &DecisionId, commitment: &Hash) -> Result<Option<Opening>, PartError> {
        Ok(self.openings.get(commitment).cloned())
    }
}

impl ApproveArgs {
    pub async fn run(self, config: &Config, out: Output) -> Result<(), Error> {
        let (server, officer) = (self.desk.server(config)?, self.desk.officer(config)?);
        let Some(id) = &self.id else {
            return open_ones(&server.proposals(&officer).await?, out);
        };
        let proposal = server.proposal(id, &officer).await?;
        if proposal.status != "proposed" {
            return Err(Error::said(format!(
                "{id} is {}; only an open proposal can be approved",
                proposal.status
            )));
        }
        let downloaded = download(&server, &officer, &proposal).await?;
        let hash = downloaded.hash.to_string();
        if self
            .expect
            .as_ref()
            .is_some_and(|expected| *expected != hash)
        {
            return Err(Error::said(format!(
                "the body's hash is {hash}, not the expected one: nothing was signed"
            )));
        }
        summary(&proposal, &downloaded, out)?;
        if let Some(path) = &self.list {
            std::fs::write(path, downloaded.in_clear()).map_err(Error::io(path))?;
            out.line(format!("list       {}", path.display()))?;
        }
        let role = findings(config, &downloaded, out)?;
        if let Body::List(list) = &downloaded.body {
            facts::preview(config, list, || downloaded.in_clear(), out)?;
        }
        if !self.yes {
            let (who, role) = (&officer.id, role.as_str());
            out.confirm(&format!("Sign {id} as {who} in the role {role}?"), "--yes")?;
        }
        let approval = officer.approve(&downloaded.body, &downloaded.hash, role);
        let outcome = server.approve(&proposal.id, &approval).await?;
        out.data(&outcome)?;
        match outcome.committed {
            Some(c) => out.line(format!(
                "in force   leaf {} of the log, size {}, {}",
                c.leaf,
                c.size,
                when::time(c.time)
            )),
            None => out.line(format!("{}    {}", outcome.status, proposal.id)),
        }
    }
}

/// Lists what waits for a second signature.
fn open_ones(proposals: &Proposals, out: Output) -> Result<(), Error> {
    out.data(proposals)?;
    let mut none = true;
    for proposal in proposals
        .proposals
        .iter()
        .filter(|p| p.status == "proposed")
    {
        none = false;
        let by: Vec<_> = proposal
            .approvals
            .iter()
            .map(|a| a.officer.as_str())
            .collect();
        let action = proposal
            .body
            .get("action")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let opened = when::time(proposal.opened);
        out.line(format!(
            "{}  {action:<6}  by {}  {opened}",
            proposal.id,
            by.join(", ")
        ))?;
    }
    if none {
        out.line("no proposal is open")?;
    }
    Ok(())
}

/// Fetches body and parts and verifies every hash, length and line.
pub async fn download(
    server: &Server,
    officer: &Officer,
    proposal: &ProposalView,
) -> Result<Downloaded, Error> {
    let bytes = canon::to_vec(&proposal.body)?;
    let hash = Hash::of(&bytes);
    if hash != proposal.body_sha256 {
        return Err(Error::said(format!(
            "{}: the body has another hash than the authority states; nothing was signed",
            proposal.id
        )));
    }
    let body = Body::decode(canon::value(&bytes)?)?;
    let mut downloaded = Downloaded {
        hash,
        parts: HashMap::new(),
        openings: HashMap::new(),
        body,
    };
    let parts = downloaded.body.parts();
    let texts = downloaded.body.texts();
    let wanted = parts.iter().map(|p| (p.sha256, p.length));
    let wanted: Vec<_> = wanted
        .chain(texts.iter().map(|t| (t.sha256, t.length)))
        .collect();
    let mut progress = Progress::new();
    for (n, (sha256, length)) in wanted.iter().enumerate() {
        progress.tell(&format!("part {} of {}", n + 1, wanted.len()));
        let bytes = server
            .proposal_part(&proposal.id, sha256, *length, officer)
            .await?;
        downloaded.parts.insert(*sha256, bytes);
    }
    let broken = |sha256: Hash| {
        move |why: PartError| Error::said(format!("the part {sha256}: {why}; nothing was signed"))
    };
    let of_targets = downloaded.body.targets().iter().flat_map(|t| &t.parts);
    let own = match &downloaded.body {
        Body::List(list) => Some(&list.parts),
        _ => None,
    };
    let mut sealed = false;
    // Lines ascend over the parts of one list, or of one target.
    for parts in own.into_iter().chain(of_targets) {
        let mut last = String::new();
        for part in parts {
            read_part(&downloaded, part, &mut last, |line| {
                sealed |= is_commitment(&line);
                Ok::<_, PartError>(())
            })
            .map_err(broken(part.sha256))?;
        }
    }
    for text in &texts {
        read_text(&downloaded, text).map_err(broken(text.sha256))?;
    }
    if sealed && matches!(downloaded.body, Body::List(_)) {
        downloaded.openings = sealed::openings(server, officer, &downloaded.body).await?;
    }
    Ok(downloaded)
}

fn summary(proposal: &ProposalView, downloaded: &Downloaded, out: Output) -> Result<(), Error> {
    let body = &downloaded.body;
    let by: Vec<_> = proposal
        .approvals
        .iter()
        .map(|a| a.officer.as_str())
        .collect();
    let action = format!("{:?}", body.action()).to_lowercase();
    out.line(format!(
        "proposal   {} ({action}), by {}",
        proposal.id,
        by.join(", ")
    ))?;
    let Basis {
        authority,
        number,
        date,
    } = body.basis();
    out.line(format!("basis      {authority}, {number}, {date}"))?;
    match body {
        Body::List(list) => summary_of_list(list, downloaded, out)?,
        Body::Amend(amend) => {
            out.line(format!(
                "amends     {} to end {}",
                amend.target,
                when::last_day(amend.not_after)
            ))?;
        }
        Body::Revoke(_) | Body::Stay(_) => summary_of_targets(body, &action, downloaded, out)?,
    }
    let reasons = downloaded.part(&body.reasons().sha256).unwrap_or_default();
    let reasons = String::from_utf8_lossy(&reasons);
    let short: String = reasons
        .chars()
        .filter(|c| canon::is_plain(*c))
        .take(200)
        .collect();
    out.line(format!("reasons    {short}"))?;
    out.line(format!(
        "body       {}   (recomputed here; this is what you sign)",
        downloaded.hash
    ))
}

fn summary_of_targets(
    body: &Body,
    action: &str,
    downloaded: &Downloaded,
    out: Output,
) -> Result<(), Error> {
    for target in body.targets() {
        let what = match &target.parts {
            Some(parts) => format!(
                "{} of its lines",
                parts.iter().map(|p| p.count).sum::<u64>()
            ),
            None => "the whole decision".to_owned(),
        };
        out.line(format!("{action:<10} {}: {what}", target.decision))?;
        for part in target.parts.iter().flatten() {
            first_lines(downloaded, &part.sha256, out)?;
        }
    }
    if let Body::Stay(stay) = body {
        out.line(format!("until      {}", when::time(stay.until)))?;
    }
    Ok(())
}

fn summary_of_list(list: &List, downloaded: &Downloaded, out: Output) -> Result<(), Error> {
    let count: u64 = list.parts.iter().map(|p| p.count).sum();
    out.line(format!(
        "violation  {} / {} / {} / {}",
        list.category, list.head, list.goods, list.method
    ))?;
    let measures = serde_json::to_string(&list.measures).unwrap_or_default();
    out.line(format!("measures   {measures}"))?;
    out.line(format!(
        "ends       {} (inclusive)",
        when::last_day(list.not_after)
    ))?;
    out.line(format!(
        "subjects   {count} in {} parts{}",
        list.parts.len(),
        if list.bulk { ", bulk" } else { "" }
    ))?;
    match list.parts.first() {
        Some(part) => first_lines(downloaded, &part.sha256, out),
        None => Ok(()),
    }
}

fn first_lines(downloaded: &Downloaded, part: &Hash, out: Output) -> Result<(), Error> {
    let bytes = downloaded.part(part).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    for line in text.lines().take(SHOWN) {
        out.line(format!("           {}", downloaded.clear(line)))?;
    }
    let more = text.lines().count().saturating_sub(SHOWN);
    if more > 0 {
        out.line(format!("           … and {more} more in this part"))?;
    }
    Ok(())
}

/// Runs the guard here again; gives the role that the second signature needs.
fn findings(config: &Config, downloaded: &Downloaded, out: Output) -> Result<Role, Error> {
    let Body::List(list) = &downloaded.body else {
        return Ok(Role::Approve);
    };
    let guard = guard::load(config)?;
    if guard.lists().hash() != list.guard.lists {
        out.line("note       it was checked by other lists than those here; these are run now")?;
    }
    let (lines, kinds) = guard::lines(&guard, list, downloaded).map_err(Error::Said)?;
    for finding in guard::whole(&guard, list, when::now(), &kinds) {
        if guard::stops(&finding, &downloaded.body) {
            return Err(Error::Guard(Box::new(finding)));
        }
        out.line(format!("note       {finding}"))?;
    }
    let total = lines.len();
    for found in lines {
        if guard::stops(&found.finding, &downloaded.body) {
            out.line(format!("line       {}", found.text))?;
            return Err(Error::Guard(Box::new(found.finding)));
        }
    }
    out.line(format!(
        "guard      nothing refused; {total} findings passed by override or as notes"
    ))?;
    for o in &list.guard.overrides {
        let reason = downloaded.part(&o.reason.sha256).unwrap_or_default();
        let reason = String::from_utf8_lossy(&reason);
        let reason: String = reason
            .chars()
            .filter(|c| canon::is_plain(*c))
            .take(200)
            .collect();
        out.line(format!("override   {}: {reason}", o.code))?;
    }
    let senior = list.bulk || !list.guard.overrides.is_empty();
    Ok(if senior { Role::Senior } else { Role::Approve })
}

/// Subjects of a part that are shown; --list writes them all.
const SHOWN: usize = 200;

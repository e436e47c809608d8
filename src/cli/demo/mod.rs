//! `blockfeed demo`: the whole way from an officer's list to an ISP's block, on a real list.
//!
//! Nothing is played back: keys are made, decisions signed and committed, feeds verified and a
//! resolver asked while it runs, and every figure is what was counted or measured just then. The
//! same data directory goes on where it stopped, under new ids.

mod accounts;
mod decide;
mod isp;
mod list;
mod resolver;
mod stage;
mod tamper;

use super::{Error, Output, signals, telemetry, when};
use crate::{
    audit,
    config::{Config, Logging},
};
use clap::Args;
use decide::Desk;
use isp::Isp;
use resolver::Resolver;
use serde::Serialize;
use stage::Stage;
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// The whole way from a list to a block, in half a minute; then it goes on serving
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example:
  blockfeed demo                      (data in ./data/demo, HTTP on 127.0.0.1:8399, until Ctrl-C)
  blockfeed demo --once --data /tmp/demo --listen 127.0.0.1:0 --metrics 127.0.0.1:0 --dns 127.0.0.1:0")]
pub struct DemoArgs {
    /// Where everything is kept; a second start goes on there
    #[arg(long, value_name = "DIR", default_value = "data/demo")]
    data: PathBuf,
    /// Where files and API are served [setting serve.listen]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Where metrics are served [setting serve.metrics]
    #[arg(long, value_name = "ADDRESS")]
    metrics: Option<SocketAddr>,
    /// Where policy zones are served, by UDP and TCP [setting transfer.listen]
    #[arg(long, value_name = "ADDRESS")]
    dns: Option<SocketAddr>,
    /// End after the story instead of serving on
    #[arg(long)]
    once: bool,
}

/// What was counted and measured, for --json.
#[derive(Debug, Default, Serialize)]
struct Figures {
    first_run: bool,
    lines: u64,
    accepted: u64,
    merged: u64,
    refused: u64,
    already_in_force: u64,
    proposed: u64,
    /// Sellers and accounts among the accepted.
    sealed: u64,
    decision: String,
    leaf: u64,
    size: u64,
    /// From the second signature to the acknowledgement, milliseconds.
    commit_ms: u64,
    agent_entries: u64,
    agent_ms: u64,
    asked: String,
    blocked: Vec<String>,
    answered: Vec<String>,
    revoked: String,
    /// From the second signature to the free answer, milliseconds.
    free_ms: u64,
    tampered: String,
    audit_leaves: u64,
    audit_ms: u64,
}

impl DemoArgs {
    pub async fn run(self, mut config: Config, out: Output) -> Result<(), Error> {
        let stopped = signals::stopped()?;
        tokio::pin!(stopped);
        config.serve.listen = self.listen.unwrap_or(config.serve.listen);
        config.serve.metrics = self.metrics.unwrap_or(config.serve.metrics);
        config.transfer.listen = self.dns.unwrap_or(config.transfer.listen);
        // The story is on the screen, and what goes wrong in it on purpose, too.
        if config.logging.level != Logging::default().level {
            telemetry::start(&config.logging)?;
        }
        let data = std::path::absolute(&self.data).map_err(Error::io(&self.data))?;
        let stage = Stage::open(&data, config, out).await?;
        let told = tokio::select! {
            biased;
            () = &mut stopped => Ok(None),
            figures = story(&stage, out) => figures.map(Some),
        };
        let done = match told {
            Ok(Some(figures)) => {
                out.data(&figures)?;
                accounts::make(&stage, out).await?;
                next(&stage, &figures, self.once, out)?;
                if !self.once {
                    stopped.await;
                }
                Ok(())
            }
            Ok(None) => Ok(()),
            Err(error) => Err(error),
        };
        stage.close().await?;
        done
    }
}

/// The story, section by section.
async fn story(stage: &Stage, out: Output) -> Result<Figures, Error> {
    let mut figures = Figures {
        first_run: stage.is_first,
        ..Figures::default()
    };
    let desk = Desk::open(stage)?;
    let listed = decide::list(stage, &desk, &mut figures, out).await?;
    let mut isp = Isp::new(stage)?;
    apply(&mut isp, &mut figures, out).await?;
    let resolver = Resolver::start(&isp.folder(), &listed).await?;
    ask(&resolver, &listed, &mut figures, out).await?;
    let before = isp.second().await?;
    free(
        stage,
        &desk,
        &mut isp,
        &resolver,
        &listed,
        &mut figures,
        out,
    )
    .await?;
    drop(resolver);
    tamper::show(stage, &isp, before, &mut figures, out).await?;
    prove(stage, &mut figures, out).await?;
    Ok(figures)
}

async fn apply(isp: &mut Isp, figures: &mut Figures, out: Output) -> Result<(), Error> {
    section(out, "An ISP's agent verifies and applies it")?;
    let began = Instant::now();
    let report = isp.round().await?;
    figures.agent_ms = millis(began.elapsed());
    if let Some(head) = &report.head {
        out.line(format!(
            "  log        {} leaves read and verified, root {}…",
            head.size,
            &head.root.to_string()[..16]
        ))?;
    }
    for (feed, r) in &report.feeds {
        let from = r
            .from
            .map_or("nothing".to_owned(), |serial| format!("serial {serial}"));
        out.line(format!(
            "  {:<10} from {from} to serial {}: +{} -{}, digest equal, {} entries enforced",
            feed.as_str(),
            r.serial,
            r.added,
            r.removed,
            r.enforced
        ))?;
        figures.agent_entries += r.enforced;
    }
    for output in &report.outputs {
        let bytes = std::fs::metadata(&output.path).map_or(0, |m| m.len());
        out.line(format!(
            "  wrote      {} ({bytes} bytes)",
            output.path.display()
        ))?;
    }
    out.line(format!(
        "  in         {} ms, from pull to files",
        figures.agent_ms
    ))
}

async fn ask(
    resolver: &Resolver,
    listed: &list::Names,
    figures: &mut Figures,
    out: Output,
) -> Result<(), Error> {
    section(out, "A listed name is blocked, a lawful one is not")?;
    figures.asked = resolver.what();
    out.line(format!("  asked      {}", resolver.what()))?;
    for name in &listed.blocked {
        let answer = resolver.ask(name).await?;
        out.line(format!("  {name:<34} {answer}"))?;
        if !answer.is_blocked() {
            return Err(Error::said(format!(
                "{name} is listed and was not blocked: {answer}"
            )));
        }
        figures.blocked.push(name.clone());
    }
    let answer = resolver.ask(list::LAWFUL).await?;
    out.line(format!("  {:<34} {answer}", list::LAWFUL))?;
    if answer.is_blocked() {
        return Err(Error::said(format!(
            "{} isn't listed and was blocked",
            list::LAWFUL
        )));
    }
    figures.answered.push(list::LAWFUL.to_owned());
    Ok(())
}

async fn free(
    stage: &Stage,
    desk: &Desk,
    isp: &mut Isp,
    resolver: &Resolver,
    listed: &list::Names,
    figures: &mut Figures,
    out: Output,
) -> Result<(), Error> {
    section(out, "One entry was an error: it is revoked and free again")?;
    let name = &listed.mistaken;
    out.line(format!("  before     {name} {}", resolver.ask(name).await?))?;
    let opened = decide::propose_revocation(stage, desk, name, out).await?;
    let following = isp.follow(resolver.reload())?;
    let began = Instant::now();
    let committed = decide::approve(stage, desk, &opened, false).await?;
    let acknowledged = began.elapsed();
    let answer = loop {
        let answer = resolver.ask(name).await?;
        if !answer.is_blocked() || began.elapsed() > PATIENCE {
            break answer;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    figures.free_ms = millis(began.elapsed());
    following.end().await?;
    figures.revoked.clone_from(name);
    if answer.is_blocked() {
        return Err(Error::said(format!(
            "{name} was revoked and is still blocked after {PATIENCE:?}"
        )));
    }
    out.line(format!(
        "  signed     by two; leaf {} durable and published after {} ms",
        committed.leaf,
        millis(acknowledged)
    ))?;
    out.line(format!("  after      {name} {answer}"))?;
    out.line(format!(
        "  free       {} ms after the second signature ({})",
        figures.free_ms,
        resolver.way()
    ))
}

async fn prove(stage: &Stage, figures: &mut Figures, out: Output) -> Result<(), Error> {
    section(
        out,
        "An auditor rebuilds everything from what was published",
    )?;
    let mut settings = audit::Config::new(stage.url());
    settings.pin.session = Some(stage.session.clone());
    let began = Instant::now();
    let report = audit::run(&settings, &mut |_| {})
        .await
        .map_err(|finding| Error::said(format!("the audit failed: {finding}")))?;
    figures.audit_ms = millis(began.elapsed());
    figures.audit_leaves = report.size;
    let approvals: u64 = report.approvals.values().sum();
    out.line(format!(
        "  {} leaves, {approvals} signatures of {} officers, {} parts, {} feeds: every hash, set, digest and feed byte holds",
        report.size,
        report.approvals.len(),
        report.parts,
        report.feeds.len()
    ))?;
    out.line(format!("  in         {} ms", figures.audit_ms))?;
    for note in &report.notes {
        out.line(format!("  note       {note}"))?;
    }
    Ok(())
}

/// What to try next, with full paths.
fn next(stage: &Stage, figures: &Figures, once: bool, out: Output) -> Result<(), Error> {
    let program = std::env::current_exe().map_err(Error::io("the program"))?;
    let (program, url) = (quoted(&program), stage.url());
    let key = |file: &str| quoted(&stage.key(file));
    let phrase = quoted(&stage.passphrase_file);
    let name = figures
        .blocked
        .first()
        .map_or("shop.example", String::as_str);
    if once {
        section(out, "Done")?;
        return out.line(format!(
            "  everything is in {}; to serve it: {program} demo --data {}",
            stage.data.display(),
            quoted(&stage.data)
        ));
    }
    section(out, "It goes on serving (Ctrl-C ends it)")?;
    out.line(format!("  HTTP       {url}"))?;
    out.line(format!("  metrics    {}", stage.metrics_url()))?;
    if let Some(dns) = stage.dns() {
        let zone = &stage.config.transfer.zones.rpz;
        out.line(format!("  zones      {dns}"))?;
        let dig = format!("dig @{} -p {} {zone} AXFR +noidnout", dns.ip(), dns.port());
        out.line(format!(
            "\nThe policy zone as a resolver takes it:\n\n  {dig} | head"
        ))?;
    }
    out.line("\nNext, in another terminal:")?;
    out.line(format!("\n  {program} lookup {name} --server {url}"))?;
    out.line(format!(
        "\n  {program} propose another-shop.example --server {url} \\\n    --category counterfeit --head counterfeit --not-after +90d --basis-authority moit.e-commerce \\\n    --basis-number 12/QĐ-TMĐT --reasons 'Sells counterfeit goods' \\\n    --officer o-0017 --key-file {} --passphrase-file {phrase}",
        key("o-0017.pem")
    ))?;
    out.line(format!(
        "\n  {program} approve --server {url} \\\n    --officer o-0042 --key-file {} --passphrase-file {phrase}",
        key("o-0042.pem")
    ))
}

fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+".contains(c);
    if text.chars().all(plain) {
        text
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

fn section(out: Output, title: &str) -> Result<(), Error> {
    out.line(format!("\n{title}"))
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

/// How long a change may take to reach the resolver.
const PATIENCE: Duration = Duration::from_secs(20);

//! An authority that takes in decisions until something ends it, and what has to hold afterwards:
//! for the tests that kill it, fail its system calls and cut its power.

// Each test program compiles its own copy and uses some of it.
#![allow(dead_code)]

use crate::office::{Fallible, Office};
use blockfeed::{
    audit,
    decision::Parts,
    log::{Authority, Config, Entrant, Metrics},
};
use std::{
    collections::BTreeSet,
    io::{BufRead, BufReader},
    os::unix::process::CommandExt as _,
    path::Path,
    process::{Child, Command, Stdio},
};

pub const DIR: &str = "BLOCKFEED_CRASH_DIR";
/// How many decisions the child takes in; without end where it isn't set.
pub const ENOUGH: &str = "BLOCKFEED_CRASH_ENOUGH";

/// The child: takes in decisions one after the other and prints each id when it is acknowledged.
/// Without the variable there is nothing to do.
pub fn write() -> Fallible<()> {
    let Some(dir) = std::env::var_os(DIR) else {
        return Ok(());
    };
    let authority = open(Path::new(&dir))?;
    let office = Office::new()?;
    let runtime = tokio::runtime::Runtime::new()?;
    let from = authority.ledger().lists().len();
    runtime.block_on(async {
        let mut waiting = tokio::task::JoinSet::new();
        let enough = std::env::var(ENOUGH).ok().and_then(|n| n.parse().ok());
        for n in (from..).take(enough.unwrap_or(usize::MAX)) {
            let (authority, id) = (authority.clone(), format!("2026-{:06}", n + 1));
            let lines = (0..1 + n % 40)
                .map(|i| format!("domain:n{i}.d{n}.example +\n"))
                .collect();
            let (body, parts) = office.list(&id, lines).map_err(|e| e.to_string())?;
            let approvals = office.sign(&body).map_err(|e| e.to_string())?;
            for part in &parts {
                authority.keep_part(part).map_err(|e| e.to_string())?;
            }
            waiting.spawn(async move {
                let entrant = Entrant::Decision {
                    body: Box::new(body),
                    approvals,
                };
                (id, authority.submit(entrant).await)
            });
            // A few at once, so that commits are shared.
            if waiting.len() > n % 5
                && let Some(Ok((id, answer))) = waiting.join_next().await
            {
                answer.map_err(|e| format!("{id}: {e}"))?;
                println!("ACK {id}");
            }
        }
        while let Some(Ok((id, answer))) = waiting.join_next().await {
            answer.map_err(|e| format!("{id}: {e}"))?;
            println!("ACK {id}");
        }
        Ok::<(), String>(())
    })?;
    authority.stop();
    Ok(())
}

/// This program again as a writer in `dir`, behind `before` (`strace`, say).
pub fn writer(
    dir: &Path,
    before: &[String],
) -> Fallible<(Killed, impl Iterator<Item = String> + Send + use<>)> {
    let this = std::env::current_exe()?;
    let mut command = match before.split_first() {
        Some((program, arguments)) => {
            let mut command = Command::new(program);
            command.args(arguments).arg(this);
            command
        }
        None => Command::new(this),
    };
    let child = command
        .args(["--exact", "writer", "--nocapture", "--test-threads=1"])
        .env(DIR, dir)
        // Whatever stands before it ends with it.
        .process_group(0)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let mut child = Killed(child);
    let out = child.0.stdout.take().ok_or("no output")?;
    let acknowledged = BufReader::new(out)
        .lines()
        .map_while(Result::ok)
        .filter_map(|line| Some(line.split("ACK ").nth(1)?.trim().to_owned()));
    Ok((child, acknowledged))
}

/// The child is gone at the end, even when the test fails.
pub struct Killed(pub Child);

impl Killed {
    /// Ends the child and whatever it started.
    pub fn end(&mut self) {
        let group = format!("-{}", self.0.id());
        drop(
            Command::new("kill")
                .args(["-KILL", "--", &group])
                .stderr(Stdio::null())
                .status(),
        );
        drop(self.0.wait());
    }
}

impl Drop for Killed {
    fn drop(&mut self) {
        if matches!(self.0.try_wait(), Ok(None)) {
            self.end();
        }
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Restarts the authority, looks for every acknowledged decision, and audits all that was
/// published: leaves, tree, parts, approvals, digests, manifests, snapshots and deltas.
pub fn check(dir: &Path, acknowledged: &BTreeSet<String>) -> Fallible<()> {
    let authority = open(dir)?;
    // The base may move until it has stopped.
    authority.stop();
    let known: BTreeSet<String> = authority
        .ledger()
        .lists()
        .keys()
        .map(ToString::to_string)
        .collect();
    let size = authority.ledger().size();
    let public = authority.public().to_owned();
    if let Some(lost) = acknowledged.iter().find(|id| !known.contains(*id)) {
        return Err(format!("{lost} was acknowledged and is lost").into());
    }
    let config = audit::Config {
        patience_seconds: 0,
        ..audit::Config::new(public.display().to_string())
    };
    let report = tokio::runtime::Runtime::new()?.block_on(audit::run(&config, &mut |_| {}))?;
    // An id used twice is refused by the auditor's fold; so equal counts are equal decisions.
    assert_eq!(report.size, size, "all of the log is published");
    let listed = report.decisions.get("list").copied().unwrap_or(0);
    assert_eq!(listed, known.len() as u64);
    Ok(())
}

pub fn open(dir: &Path) -> Fallible<Authority> {
    let metrics = Metrics::new(&prometheus::Registry::new())?;
    let fatal = |e| panic!("{e}");
    let guard = Box::new(|_: &_, _: &_, _, _: &dyn Parts| Ok(()));
    Ok(Authority::open(
        Config {
            // The base moves all the time, in commits of its own.
            compact_at: 30,
            least_between_compactions: 0,
            ..Config::at(dir)
        },
        &Office::new()?.keys(),
        guard,
        metrics,
        fatal,
    )?)
}

//! Nothing lost: the authority is killed with SIGKILL at random moments while it takes in
//! decisions. After each restart every acknowledged decision is in the log once, none half, and the
//! audit of all that was published passes.
//!
//! `KILLS=1000 cargo test --test crash -- --nocapture` for the long run; 25 by default.

mod office;

use blockfeed::{
    audit,
    decision::Parts,
    log::{Authority, Config, Entrant, Metrics},
};
use office::{Fallible, Office};
use std::{
    collections::BTreeSet,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

const DIR: &str = "BLOCKFEED_CRASH_DIR";

/// The child: takes in decisions one after the other and prints each id when it is acknowledged.
/// Without the variable there is nothing to do.
#[test]
fn writer() -> Fallible<()> {
    let Some(dir) = std::env::var_os(DIR) else {
        return Ok(());
    };
    let authority = open(Path::new(&dir))?;
    let office = Office::new()?;
    let runtime = tokio::runtime::Runtime::new()?;
    let from = authority.ledger().lists().len();
    runtime.block_on(async {
        let mut waiting = tokio::task::JoinSet::new();
        for n in from.. {
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
        Ok::<(), String>(())
    })?;
    Ok(())
}

/// A log is given up after so many kills: each check folds it from its first leaf.
const KILLS_A_LOG: u32 = 25;

#[test]
fn nothing_acknowledged_is_lost() -> Fallible<()> {
    let kills: u32 = std::env::var("KILLS")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(25);
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let (mut done, mut acknowledged) = (0, 0);
    while done < kills {
        let round = KILLS_A_LOG.min(kills - done);
        acknowledged += one_log(round, &mut random)?;
        done += round;
        println!(
            "{done} kills: {acknowledged} decisions acknowledged, none lost, none doubled, none half"
        );
    }
    assert!(
        acknowledged > kills as usize,
        "the writer was killed before it wrote anything to speak of"
    );
    Ok(())
}

/// Kills the writers of one log so many times; gives back how many decisions were acknowledged.
fn one_log(kills: u32, random: &mut u64) -> Fallible<usize> {
    let dir = tempfile::tempdir()?;
    Office::new()?.init(&Config::at(dir.path()))?;
    let mut acknowledged = BTreeSet::new();
    for kill in 0..kills {
        *random ^= *random << 13;
        *random ^= *random >> 7;
        *random ^= *random << 17;
        for id in run_and_kill(dir.path(), Duration::from_micros(*random % 120_000))? {
            assert!(
                acknowledged.insert(id.clone()),
                "{id} was acknowledged twice"
            );
        }
        check(dir.path(), &acknowledged).map_err(|e| format!("after kill {kill}: {e}"))?;
    }
    Ok(acknowledged.len())
}

/// Runs the writer, kills it some time after its first acknowledgement, and gives back all that
/// it acknowledged.
fn run_and_kill(dir: &Path, after: Duration) -> Fallible<Vec<String>> {
    let child = Command::new(std::env::current_exe()?)
        .args(["--exact", "writer", "--nocapture", "--test-threads=1"])
        .env(DIR, dir)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let mut child = Killed(child);
    let out = child.0.stdout.take().ok_or("no output")?;
    let mut lines = BufReader::new(out).lines();
    let mut heard = Vec::new();
    let ack = |line: &str| line.split("ACK ").nth(1).map(|id| id.trim().to_owned());
    for line in lines.by_ref() {
        if let Some(id) = ack(&line?) {
            heard.push(id);
            break;
        }
    }
    let reader = std::thread::spawn(move || {
        lines
            .map_while(Result::ok)
            .filter_map(|l| ack(&l))
            .collect::<Vec<_>>()
    });
    std::thread::sleep(after);
    child.0.kill()?;
    child.0.wait()?;
    heard.extend(reader.join().map_err(|_| "the reader failed")?);
    Ok(heard)
}

/// The child is gone at the end, even when the test fails.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Restarts the authority, looks for every acknowledged decision, and audits all that was
/// published: leaves, tree, parts, approvals, digests, manifests, snapshots and deltas.
fn check(dir: &Path, acknowledged: &BTreeSet<String>) -> Fallible<()> {
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
    assert_eq!(report.decisions["list"], known.len() as u64);
    Ok(())
}

fn open(dir: &Path) -> Fallible<Authority> {
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

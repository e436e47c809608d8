//! Nothing lost: the authority is killed with SIGKILL at random moments while it takes in
//! decisions. After each restart every acknowledged decision is in the log once, none half, and the
//! audit of all that was published passes.
//!
//! `KILLS=1000 cargo test --test crash -- --nocapture` for the long run; 25 by default.

mod office;
mod writing;

use blockfeed::log::Config;
use office::{Fallible, Office};
use std::{collections::BTreeSet, path::Path, time::Duration};
use writing::{check, write};

/// The child. Without the variable there is nothing to do.
#[test]
fn writer() -> Fallible<()> {
    write()
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
    let (mut child, mut acknowledged) = writing::writer(dir, &[])?;
    let mut heard: Vec<String> = acknowledged.next().into_iter().collect();
    let reader = std::thread::spawn(move || acknowledged.collect::<Vec<_>>());
    std::thread::sleep(after);
    child.0.kill()?;
    child.0.wait()?;
    heard.extend(reader.join().map_err(|_| "the reader failed")?);
    Ok(heard)
}

//! Nothing lost: the authority is killed with SIGKILL at random moments while it takes in
//! decisions. Every acknowledged decision is in the log once, none half, and what was published
//! holds together after each restart.
//!
//! `KILLS=1000 cargo test --test crash -- --nocapture` for the long run; 25 by default.

mod office;

use blockfeed::{
    decision::{Fold, Interest, Leaf, PartError, Parts},
    entries::FeedName,
    feed::{Manifest, Route, delta, paths, snapshot},
    log::{Authority, Config, Entrant, Metrics},
    tlog::{self, Hash, Note, Tree},
};
use office::{Fallible, Office};
use std::{
    collections::BTreeSet,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
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
const KILLS_A_LOG: u32 = 100;

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

/// Restarts the authority and checks everything that it published.
fn check(dir: &Path, acknowledged: &BTreeSet<String>) -> Fallible<usize> {
    let authority = open(dir)?;
    let public = authority.public().to_owned();
    let known: BTreeSet<String> = authority
        .ledger()
        .lists()
        .keys()
        .map(ToString::to_string)
        .collect();
    if let Some(lost) = acknowledged.iter().find(|id| !known.contains(*id)) {
        return Err(format!("{lost} was acknowledged and is lost").into());
    }
    let fold = fold_published(&public)?;
    assert_eq!(fold.ledger.lists().len(), known.len());
    check_feed(&public, &fold, &FeedName::domains())?;
    authority.stop();
    drop(authority);
    Ok(known.len())
}

/// Folds the published leaves, whose tree must have the published root.
fn fold_published(public: &Path) -> Fallible<Fold> {
    let note = Note::parse(
        &std::fs::read(public.join(paths::CHECKPOINT))?,
        tlog::MAX_CHECKPOINT,
    )?;
    let checkpoint = tlog::Checkpoint::parse(&note.text)?;
    let parts = Folder(public.to_owned());
    let (mut tree, mut fold): (Tree, Option<Fold>) = (Tree::new(), None);
    let mut ids = BTreeSet::new();
    for tile in tlog::all_tiles(checkpoint.size) {
        let bytes = std::fs::read(public.join(paths::tile(&tile)))?;
        if tile.level != tlog::Level::Entries {
            continue;
        }
        for leaf in tlog::decode_bundle(&bytes, tile.width.into())? {
            tree.push(tlog::leaf_hash(&leaf));
            if let Leaf::Decision(d) = Leaf::parse(&leaf)? {
                assert!(
                    ids.insert(d.body.id().to_string()),
                    "{} stands twice",
                    d.body.id()
                );
            }
            match &mut fold {
                None => fold = Some(Fold::begin(&leaf, Interest::All, &parts)?),
                Some(fold) => drop(fold.apply(&leaf, &parts)?),
            }
        }
    }
    assert_eq!(
        tree.root(),
        checkpoint.root,
        "the tiles make the root of the checkpoint"
    );
    fold.ok_or_else(|| "an empty log".into())
}

/// Snapshot and deltas of the manifest lead to the folded set.
fn check_feed(public: &Path, fold: &Fold, feed: &FeedName) -> Fallible<()> {
    let origin = fold.ledger.origin();
    let note = std::fs::read(public.join(paths::manifest(feed)))?;
    let manifest = Manifest::open(&note, origin, &fold.ledger.trust().feed_keys())?;
    manifest.check()?;
    assert_eq!(manifest.serial, fold.ledger.feeds()[feed].serial);
    let packed =
        std::fs::read(public.join(paths::snapshot(feed, &manifest.snapshot.packed_sha256)))?;
    let mut set = snapshot::decode(
        &manifest.snapshot.open(&packed)?,
        origin,
        feed,
        manifest.snapshot_serial,
    )?;
    if let Route::Snapshot(steps) = manifest.route(None) {
        for step in steps {
            let packed = std::fs::read(public.join(paths::delta(feed, &step.file.packed_sha256)))?;
            set.apply(&delta::decode(
                &step.file.open(&packed)?,
                origin,
                feed,
                step.from,
                step.to,
            )?)?;
        }
    }
    assert_eq!(
        set.digest(origin, feed),
        manifest.digest,
        "files lead to the digest"
    );
    Ok(())
}

fn open(dir: &Path) -> Fallible<Authority> {
    let metrics = Metrics::new(&prometheus::Registry::new())?;
    let fatal = |e| panic!("{e}");
    let guard = Box::new(|_: &_, _: &_, _, _: &dyn Parts| Ok(()));
    Ok(Authority::open(
        Config::at(dir),
        &Office::new()?.keys(),
        guard,
        metrics,
        fatal,
    )?)
}

struct Folder(PathBuf);

impl Parts for Folder {
    fn part(&self, sha256: &Hash) -> Result<Vec<u8>, PartError> {
        std::fs::read(self.0.join(paths::part(sha256))).map_err(|_| PartError::Missing)
    }
}

//! A million domains in one decision: proposed, approved, durable, published; then an agent's
//! work from nothing and by a delta of a thousand. Prints tables; the peers' rows are measured in
//! the same run where their tools are installed (`targets.md`).
//!
//! `cargo bench --bench scale -- [NAMES]`

mod names;
#[path = "../../tests/office/mod.rs"]
mod office;
mod peers;
#[path = "../../tests/peers/mod.rs"]
mod tools;

use blockfeed::{
    agent,
    canon::Origin,
    decision::{Body, Parts},
    entries::{ChangeBuilder, FeedName, Set},
    feed::{Manifest, delta, snapshot},
    log::{Authority, Config, Entrant, Metrics},
};
use office::{Fallible, Office};
use std::{path::Path, process::Command, time::Instant};

fn main() -> Fallible<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [verb, public, state] = &arguments[..]
        && verb == "agent"
    {
        return follow(Path::new(public), Path::new(state));
    }
    let count = arguments
        .iter()
        .find_map(|a| a.parse().ok())
        .unwrap_or(1_000_000);
    let names = names::realistic(count, 7);
    println!(
        "{} names, mean {:.1} characters\n",
        names.len(),
        names::mean_length(&names)
    );
    let dir = tempfile::tempdir()?;
    authority(
        &names,
        &dir.path().join("authority"),
        &dir.path().join("agent"),
    )?;
    files(&dir.path().join("authority/public"))?;
    sets()?;
    peers::table(&names, dir.path());
    Ok(())
}

/// One decision over all names, an agent from nothing, a thousand more, the agent by the delta,
/// one more, one revoked, a restart.
fn authority(names: &[String], dir: &Path, state: &Path) -> Fallible<()> {
    let office = Office::new()?;
    let config = Config::at(dir);
    office.init(&config)?;
    let authority = open(&office, &config)?;
    let runtime = tokio::runtime::Runtime::new()?;
    println!("| step | seconds | |\n|---|---|---|");
    let began = Instant::now();
    let lines = names.iter().map(|n| format!("domain:{n} +\n")).collect();
    let (body, parts) = office.list("2026-000001", lines)?;
    row(
        "sorted, cut into parts, hashed",
        began,
        &format!("{} parts", parts.len()),
    );
    submit(
        &runtime,
        &authority,
        &office,
        body,
        parts,
        "a million: signed, kept, judged, durable, published",
    )?;
    println!("| | | peak {} MiB |", peak());
    // A snapshot is cut in the background; an agent that comes later takes it.
    std::thread::sleep(std::time::Duration::from_secs(6));
    child(
        &config.public(),
        state,
        "agent from nothing, to files on disk",
    )?;
    let more = (0..1000)
        .map(|i| format!("domain:more{i:04}.example +\n"))
        .collect();
    let (body, parts) = office.list("2026-000002", more)?;
    submit(&runtime, &authority, &office, body, parts, "1,000 more")?;
    child(&config.public(), state, "agent by the delta of 1,000")?;
    let (body, parts) = office.list("2026-000003", vec!["domain:one.example +\n".into()])?;
    submit(&runtime, &authority, &office, body, parts, "one more")?;
    let line = format!("domain:{} +\n", names[names.len() / 2]);
    let (body, part) = office.revoke("2026-000004", "2026-000001", &line)?;
    submit(
        &runtime,
        &authority,
        &office,
        body,
        vec![part],
        "one of the million revoked",
    )?;
    authority.stop();
    drop(authority);
    let began = Instant::now();
    open(&office, &config)?.stop();
    row("restart", began, "every leaf folded again");
    println!(
        "\ndisk: {} MiB in all, {} MiB of it published\n",
        du(dir) >> 20,
        du(&config.public()) >> 20
    );
    Ok(())
}

fn open(office: &Office, config: &Config) -> Fallible<Authority> {
    let metrics = Metrics::new(&prometheus::Registry::new())?;
    let guard = Box::new(|_: &_, _: &_, _, _: &dyn Parts| Ok(()));
    Ok(Authority::open(
        config.clone(),
        &office.keys(),
        guard,
        metrics,
        |e| panic!("{e}"),
    )?)
}

/// From the signatures to the acknowledgement.
fn submit(
    runtime: &tokio::runtime::Runtime,
    authority: &Authority,
    office: &Office,
    body: Body,
    parts: Vec<Vec<u8>>,
    step: &str,
) -> Fallible<()> {
    let began = Instant::now();
    let approvals = office.sign(&body)?;
    for part in &parts {
        authority.keep_part(part)?;
    }
    runtime.block_on(authority.submit(Entrant::Decision {
        body: Box::new(body),
        approvals,
    }))?;
    row(step, began, "");
    Ok(())
}

/// Runs an agent in a process of its own, so that its memory is its own.
fn child(public: &Path, state: &Path, step: &str) -> Fallible<()> {
    let began = Instant::now();
    let out = Command::new(std::env::current_exe()?)
        .arg("agent")
        .args([public, state])
        .output()?;
    if !out.status.success() {
        return Err(String::from_utf8_lossy(&out.stderr).into_owned().into());
    }
    row(step, began, String::from_utf8(out.stdout)?.trim());
    Ok(())
}

/// The child: one round of an agent.
fn follow(public: &Path, state: &Path) -> Fallible<()> {
    let mut config = agent::Config {
        state: state.to_owned(),
        sources: vec![agent::SourceConfig {
            at: public.display().to_string(),
            token_file: None,
        }],
        feeds: [FeedName::domains()].into(),
        ..agent::Config::default()
    };
    config.trust.trust_on_first_use = true;
    let began = Instant::now();
    let mut agent = agent::Agent::open(config, &prometheus::Registry::new())?;
    let opened = began.elapsed().as_secs_f64();
    let began = Instant::now();
    let report = tokio::runtime::Runtime::new()?.block_on(agent.once())?;
    let entries = report.feeds.values().map(|f| f.entries).sum::<u64>();
    println!(
        "state opened in {opened:.3} s, round {:.3} s, {entries} entries, peak {} MiB",
        began.elapsed().as_secs_f64(),
        peak()
    );
    Ok(())
}

/// What an agent does with the published files, without its disk and its network.
fn files(public: &Path) -> Fallible<()> {
    let origin = Origin::new(office::ORIGIN)?;
    let feed = FeedName::domains();
    let note = std::fs::read(public.join("feeds/domains/manifest"))?;
    let manifest = Manifest::open(&note, &origin, &[Office::new()?.feed_public()])?;
    manifest.check()?;
    let path = public.join(blockfeed::feed::paths::snapshot(
        &feed,
        &manifest.snapshot.packed_sha256,
    ));
    let packed = std::fs::read(path)?;
    let began = Instant::now();
    let text = manifest.snapshot.open(&packed)?;
    let set = snapshot::decode(&text, &origin, &feed, manifest.snapshot_serial)?;
    let digest = set.digest(&origin, &feed);
    println!(
        "snapshot: {} entries, {} bytes packed ({:.2} a name), {:.2} s to verify and load, peak {} MiB, digest {}…",
        set.entries(),
        packed.len(),
        packed.len() as f64 / set.entries().max(1) as f64,
        began.elapsed().as_secs_f64(),
        peak(),
        &digest.to_string()[..8],
    );
    for d in &manifest.deltas {
        println!(
            "delta {} to {}: +{} -{}, {} bytes packed",
            d.from, d.to, d.added, d.removed, d.file.packed_length
        );
    }
    Ok(())
}

/// A delta of a thousand on sets of growing size: the time follows the delta.
fn sets() -> Fallible<()> {
    let origin = Origin::new(office::ORIGIN)?;
    let feed = FeedName::domains();
    println!("\n| entries | apply 1,000, verified (ms, median of 7) |\n|---|---|");
    for size in [10_000, 100_000, 1_000_000] {
        let lines: Vec<String> = (0..size)
            .map(|i| format!("E n{i}.example + 2026-000001"))
            .collect();
        let mut set = Set::new(feed.kind());
        set.apply_lines(std::iter::empty(), lines.iter().map(String::as_str))?;
        let mut change = ChangeBuilder::default();
        (0..1000).for_each(|i| change.add(&format!("E m{i}.example + 2026-000002")));
        change.add("D 2026-000002 block_domain 1900000000");
        let text = delta::encode(&origin, &feed, 1, 2, &change.finish(feed.kind()));
        let mut times: Vec<f64> = (0..7)
            .map(|_| {
                let mut set = set.clone();
                let began = Instant::now();
                let change = delta::decode(&text, &origin, &feed, 1, 2).unwrap_or_default();
                let fits = set.apply(&change).is_ok();
                std::hint::black_box((fits, set.digest(&origin, &feed)));
                began.elapsed().as_secs_f64() * 1e3
            })
            .collect();
        times.sort_by(f64::total_cmp);
        println!("| {size} | {:.2} |", times[3]);
    }
    Ok(())
}

fn row(step: &str, began: Instant, note: &str) {
    println!("| {step} | {:.3} | {note} |", began.elapsed().as_secs_f64());
}

/// Peak resident memory of this process, MiB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    line.and_then(|l| l.split_whitespace().next()?.parse::<u64>().ok())
        .unwrap_or(0)
        / 1024
}

/// Bytes under a folder.
fn du(dir: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(dir) else {
        return 0;
    };
    entries
        .flatten()
        .map(|e| match e.metadata() {
            Ok(m) if m.is_dir() => du(&e.path()),
            Ok(m) => m.len(),
            Err(_) => 0,
        })
        .sum()
}

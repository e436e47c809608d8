//! A million domains in one decision: proposed, approved, durable, published; then an agent's
//! work from nothing and by a delta of a thousand. Prints tables; the peers' rows are measured in
//! the same run where their tools are installed (`targets.md`).
//!
//! `cargo bench --bench scale -- [NAMES]`

mod names;
#[path = "../../tests/office/mod.rs"]
mod office;
mod peers;

use blockfeed::{
    canon::Origin,
    entries::{ChangeBuilder, FeedName, Set},
    feed::{Manifest, delta, snapshot},
    log::{Authority, Config, Entrant, Metrics},
};
use office::{Fallible, Office};
use std::{path::Path, time::Instant};

fn main() -> Fallible<()> {
    let count = std::env::args()
        .skip(1)
        .find_map(|a| a.parse().ok())
        .unwrap_or(1_000_000);
    let names = names::realistic(count, 7);
    println!(
        "{} names, mean {:.1} characters\n",
        names.len(),
        names::mean_length(&names)
    );
    let dir = tempfile::tempdir()?;
    authority(&names, dir.path())?;
    agent(&dir.path().join("public"))?;
    sets()?;
    peers::table(&names, dir.path());
    Ok(())
}

/// One decision over all names, then a thousand more, then one revoked.
fn authority(names: &[String], dir: &Path) -> Fallible<()> {
    let office = Office::new()?;
    let config = Config::at(dir);
    office.init(&config)?;
    let keys = office.keys();
    let metrics = Metrics::new(&prometheus::Registry::new())?;
    let fatal = |e| panic!("{e}");
    let authority = Authority::open(
        config.clone(),
        &keys,
        Box::new(|_, _, _, _| Ok(())),
        metrics,
        fatal,
    )?;
    let runtime = tokio::runtime::Runtime::new()?;
    println!("| step | seconds | |\n|---|---|---|");
    let began = Instant::now();
    let lines: Vec<String> = names.iter().map(|n| format!("domain:{n} +\n")).collect();
    let (body, parts) = office.list("2026-000001", lines)?;
    row(
        "sorted, cut into parts, hashed",
        began,
        &format!("{} parts", parts.len()),
    );
    let began = Instant::now();
    let approvals = office.sign(&body)?;
    row("two signatures", began, "");
    let began = Instant::now();
    for part in &parts {
        authority.keep_part(part)?;
    }
    row("parts kept", began, "");
    let began = Instant::now();
    runtime.block_on(authority.submit(Entrant::Decision {
        body: Box::new(body),
        approvals,
    }))?;
    row(
        "judged, durable, published, acknowledged",
        began,
        &format!("peak {} MiB", peak()),
    );
    let more: Vec<String> = (0..1000)
        .map(|i| format!("domain:more{i:04}.example +\n"))
        .collect();
    for (id, step) in [("2026-000002", "1,000 more"), ("2026-000003", "one more")] {
        let lines = if id.ends_with('2') {
            more.clone()
        } else {
            vec!["domain:one.example +\n".into()]
        };
        let began = Instant::now();
        let (body, parts) = office.list(id, lines)?;
        let approvals = office.sign(&body)?;
        for part in &parts {
            authority.keep_part(part)?;
        }
        runtime.block_on(authority.submit(Entrant::Decision {
            body: Box::new(body),
            approvals,
        }))?;
        row(step, began, "from signing to acknowledgement");
    }
    let began = Instant::now();
    let (body, part) = office.revoke(
        "2026-000004",
        "2026-000001",
        &format!("domain:{} +\n", names[names.len() / 2]),
    )?;
    let approvals = office.sign(&body)?;
    authority.keep_part(&part)?;
    runtime.block_on(authority.submit(Entrant::Decision {
        body: Box::new(body),
        approvals,
    }))?;
    row(
        "one of the million revoked",
        began,
        "from signing to acknowledgement",
    );
    println!(
        "\ndisk: {} MiB in all, {} MiB of it published\n",
        du(dir) >> 20,
        du(&config.public()) >> 20
    );
    // A snapshot is cut in the background; let it come out before the folder is read.
    std::thread::sleep(std::time::Duration::from_secs(6));
    authority.stop();
    let began = Instant::now();
    drop(authority);
    std::thread::sleep(std::time::Duration::from_millis(300));
    let metrics = Metrics::new(&prometheus::Registry::new())?;
    let again = Authority::open(config, &keys, Box::new(|_, _, _, _| Ok(())), metrics, |e| {
        panic!("{e}")
    })?;
    println!(
        "restart (300 ms of it waiting): {:.2} s\n",
        began.elapsed().as_secs_f64()
    );
    again.stop();
    std::thread::sleep(std::time::Duration::from_millis(200));
    Ok(())
}

/// What an agent does with the published files, without its disk and its network.
fn agent(public: &Path) -> Fallible<()> {
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

//! Real lists, read as they are: each line accepted, merged, refused or skipped, and the four add up. Without `../shared` (or
//! `BLOCKFEED_SHARED`) the samples of `tests/data` stand in.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use blockfeed::check::Guard;
use blockfeed::check::batch::{Batch, Options};
use blockfeed::registry::Lists;
use blockfeed::subject::Line;

static GUARD: LazyLock<Guard> = LazyLock::new(|| Guard::new(Arc::new(Lists::embedded().unwrap())));

const OPTIONS: Options<'static> = Options {
    category: "counterfeit",
    keep_covered: false,
    overrides: &[],
    known: None,
};

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// A file of the shared data, or nothing where the data isn't there.
fn shared(path: &str) -> Option<PathBuf> {
    let root =
        std::env::var_os("BLOCKFEED_SHARED").map_or_else(|| here("../shared"), PathBuf::from);
    let path = root.join("data").join(path);
    if !path.exists() {
        println!("SKIPPED: {} is not there", path.display());
        return None;
    }
    Some(path)
}

fn read(bytes: &[u8]) -> Batch {
    let batch = Batch::read(bytes, &GUARD, &OPTIONS);
    let counts = batch.counts;
    assert_eq!(
        counts.lines,
        counts.accepted + counts.merged + counts.refused + counts.skipped
    );
    assert_eq!(counts.lines, batch.rows.len() as u64);
    batch
}

/// Prints the figures of a list and returns the share of its entries that is refused.
fn figures(name: &str, batch: &Batch) -> f64 {
    let mut codes: BTreeMap<&str, u64> = BTreeMap::new();
    for row in batch.views().filter(|row| row.outcome == "refused") {
        *codes.entry(row.code).or_default() += 1;
    }
    let counts = batch.counts;
    println!(
        "{name}: {} lines, {} accepted, {} merged, {} refused, {} skipped {codes:?}",
        counts.lines, counts.accepted, counts.merged, counts.refused, counts.skipped
    );
    counts.refused as f64 / (counts.lines - counts.skipped).max(1) as f64
}

fn unpacked(path: &Path) -> Vec<u8> {
    let bytes = std::fs::read(path).unwrap();
    match path.extension().is_some_and(|ext| ext == "zst") {
        true => zstd::decode_all(bytes.as_slice()).unwrap(),
        false => bytes,
    }
}

/// The last version of a history that was kept as deltas, in the order of a sorted list.
fn last_version(path: &Path) -> Vec<u8> {
    let mut text = String::new();
    zstd::Decoder::new(std::fs::File::open(path).unwrap())
        .unwrap()
        .read_to_string(&mut text)
        .unwrap();
    let mut entries = std::collections::BTreeSet::new();
    for line in text.lines() {
        let delta: serde_json::Value = serde_json::from_str(line).unwrap();
        let names = |key: &str| {
            let array = delta[key].as_array().cloned().unwrap_or_default();
            array
                .into_iter()
                .map(|name| name.as_str().unwrap().to_owned())
                .collect::<Vec<_>>()
        };
        names("del")
            .iter()
            .for_each(|name| _ = entries.remove(name));
        entries.extend(names("add"));
    }
    entries
        .into_iter()
        .collect::<Vec<_>>()
        .join("\n")
        .into_bytes()
}

#[test]
fn the_table_of_quirks_holds() {
    let table = std::fs::read_to_string(here("tests/data/quirks.tsv")).unwrap();
    let mut lines = 0;
    let mut wrong = Vec::new();
    for row in table.lines().filter(|line| !line.starts_with('#')).skip(1) {
        let fields: Vec<&str> = row.split('\t').collect();
        let &[number, raw, outcome, canonical, code, notes, _why] = fields.as_slice() else {
            panic!("{row}")
        };
        let raw: String = serde_json::from_str(raw).unwrap();
        let batch = read(raw.as_bytes());
        let found = batch.rows[0].view();
        let found_notes = if found.outcome == "accepted" {
            found.detail.as_str()
        } else {
            ""
        };
        let is = (
            found.outcome,
            found.canonical.as_str(),
            found.code,
            found_notes,
        );
        if is != (outcome, canonical, code, notes) {
            wrong.push(format!(
                "line {number} {raw}: expected {outcome} {canonical} {code} {notes}, found {is:?}"
            ));
        }
        lines += 1;
    }
    assert_eq!(lines, 286);
    assert!(
        wrong.is_empty(),
        "{} of {lines}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn quirks_are_those_of_the_shared_table() {
    let Some(path) = shared("domains/quirk-lines.tsv") else {
        return;
    };
    let theirs = std::fs::read_to_string(path).unwrap();
    let ours = std::fs::read_to_string(here("tests/data/quirks.tsv")).unwrap();
    let theirs: Vec<&str> = theirs
        .lines()
        .skip(1)
        .filter_map(|line| line.split('\t').nth(2))
        .collect();
    let ours = ours.lines().filter(|line| !line.starts_with('#')).skip(1);
    let ours: Vec<&str> = ours.filter_map(|line| line.split('\t').nth(1)).collect();
    assert_eq!(ours, theirs);
}

#[test]
fn samples_add_up_and_few_are_refused() {
    for (file, most) in [
        ("chongluadao-sample.txt", 0.04),
        ("hostsvn-threat-sample.txt", 0.01),
    ] {
        let batch = read(&std::fs::read(here(&format!("tests/data/{file}"))).unwrap());
        let share = figures(file, &batch);
        assert!(share <= most, "{file}: {share}");
    }
}

#[test]
fn chongluadao_adds_up() {
    let Some(path) = shared("domains/chongluadao-urls_2023-09-06.txt") else {
        return;
    };
    let batch = read(&std::fs::read(path).unwrap());
    let counts = batch.counts;
    assert_eq!(counts.accepted + counts.merged + counts.refused, 34_404);
    assert!(figures("chongluadao-urls_2023-09-06.txt", &batch) <= 0.01);
    for row in batch.views().filter(|row| row.outcome == "refused").take(3) {
        println!(
            "  line {} {}: {} {}",
            row.line, row.text, row.code, row.detail
        );
    }
}

#[test]
fn no_popular_name_and_no_suffix_gets_through() {
    let popular = "apple.com blogspot.com ddns.net duckdns.org facebook.com fastly.net freebitco.in github.io google.com \
        herokuapp.com nadex.com net.ru netlify.app org.ru vercel.app webflow.io weebly.com wixsite.com wordpress.com \
        workers.dev youtube.com zalo.me";
    let suffixes = "ath.cx blogspot.com co.com co.de ddns.net duckdns.org dynv6.net github.io herokuapp.com net.ru \
        netlify.app org.ru vercel.app webflow.io wixsite.com workers.dev";
    assert_eq!(
        (
            popular.split_whitespace().count(),
            suffixes.split_whitespace().count()
        ),
        (22, 16)
    );
    let sample = here("tests/data/chongluadao-ubl-sample.txt");
    let whole = shared("formats/chongluadao-urls-UBL_2023-08-12.txt");
    for path in [Some(sample), whole].into_iter().flatten() {
        let batch = read(&std::fs::read(&path).unwrap());
        figures(&path.file_name().unwrap().to_string_lossy(), &batch);
        let through: Vec<&str> = batch.accepted().map(|line| line.name).collect();
        for name in popular
            .split_whitespace()
            .chain(suffixes.split_whitespace())
        {
            let text = format!("*://*.{name}/*");
            assert!(
                batch.rows.iter().any(|row| *row.text == *text),
                "{name} is not in the list"
            );
            assert!(!through.contains(&name), "{name} got through");
        }
    }
}

#[test]
fn all_other_lists_add_up() {
    for folder in ["domains", "formats"] {
        let Some(folder) = shared(folder) else { return };
        let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)
            .unwrap()
            .map(|item| item.unwrap().path())
            .collect();
        paths.sort();
        for path in paths {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let bytes = match name.as_str() {
                n if n.ends_with(".deltas.jsonl.zst") => last_version(&path),
                n if n.ends_with(".versions.tar.zst") || n.ends_with(".index.tsv") => continue,
                _ => unpacked(&path),
            };
            let batch = read(&bytes);
            let share = figures(&name, &batch);
            if ["hostsvn-threat-vn", "durablenapkin", "chongluadao-urls_"]
                .iter()
                .any(|list| name.starts_with(list))
            {
                assert!(share <= 0.01, "{name}: {share}");
            }
            for line in batch.accepted() {
                assert_eq!(Line::parse(&line.to_string()), Ok(line));
                assert!(GUARD.subject(&line, OPTIONS.category).is_empty(), "{line}");
            }
        }
    }
}

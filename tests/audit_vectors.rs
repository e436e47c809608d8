//! `audit` of the shared vectors and of the same log forged here: it passes, its figures are
//! those of `expected.json`, and a flipped bit in any file is found and named.

mod forge;

use blockfeed::{
    audit::{self, Config, Finding, Pin, Progress, Report},
    entries::FeedName,
    tlog::Hash,
};
use std::path::{Path, PathBuf};

fn shared() -> Option<PathBuf> {
    let shared = std::env::var_os("BLOCKFEED_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"),
        PathBuf::from,
    );
    Some(shared.join("vectors")).filter(|dir| dir.is_dir())
}

/// The vectors where they are there, else the same log made here.
fn vectors() -> (PathBuf, Option<tempfile::TempDir>) {
    if let Some(dir) = shared() {
        return (dir, None);
    }
    println!("../shared isn't there: the same log is forged instead");
    let dir = tempfile::tempdir().unwrap();
    forge::vectors::log().publish().write(dir.path());
    (dir.path().to_owned(), Some(dir))
}

fn config(dir: &Path) -> Config {
    Config {
        patience_seconds: 0,
        ..Config::new(dir.to_str().unwrap())
    }
}

fn run(config: &Config) -> Result<Report, Finding> {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(audit::run(config, &mut |_: Progress| {}))
}

#[test]
fn the_forged_log_is_the_vectors_log() {
    let log = forge::vectors::log();
    assert_eq!(log.tree().root().to_base64(), forge::vectors::ROOT);
    let Some(dir) = shared() else { return };
    let published = log.publish();
    for (path, bytes) in published
        .files
        .iter()
        .filter(|(path, _)| !path.starts_with("feeds/"))
    {
        assert!(std::fs::read(dir.join(path)).unwrap() == *bytes, "{path}");
    }
}

#[test]
fn the_forged_log_passes() {
    let dir = tempfile::tempdir().unwrap();
    forge::vectors::log().publish().write(dir.path());
    let report = run(&config(dir.path())).unwrap();
    assert_eq!(report.root, forge::vectors::ROOT);
}

#[test]
fn the_figures_are_the_expected_ones() {
    let Some(dir) = shared() else {
        return println!("../shared isn't there: left out");
    };
    let text = std::fs::read(dir.join("expected.json")).unwrap();
    let expected: serde_json::Value = serde_json::from_slice(&text).unwrap();
    let word = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let pinned = Config {
        pin: Pin {
            session: Some(word(&expected["session"])),
            log_key: Some(word(&expected["log_vkey"])),
            seen: None,
        },
        ..config(&dir)
    };
    let report = run(&pinned).unwrap();
    assert_eq!(report.origin, word(&expected["origin"]));
    assert_eq!(report.size, expected["size"].as_u64().unwrap());
    assert_eq!(report.root, word(&expected["root"]));
    assert_eq!(report.log_keys, [word(&expected["log_vkey"])]);
    assert_eq!(report.feed_keys, [word(&expected["feed_vkey"])]);
    let feeds = expected["feeds"].as_object().unwrap();
    assert_eq!(report.feeds.len(), feeds.len());
    for (name, feed) in &report.feeds {
        let expected = &feeds[name.as_str()];
        assert_eq!(feed.serial, expected["serial"].as_u64().unwrap());
        assert_eq!(feed.digest, word(&expected["digest"]));
        let lines = expected["lines"].as_array().unwrap();
        let entries = lines.iter().filter(|l| word(l).starts_with('E')).count();
        assert_eq!(feed.entries, entries as u64);
        assert!(feed.files.is_some(), "{name}");
    }
    figures(&report);
}

/// What `expected.json` doesn't say but the leaves do.
fn figures(report: &Report) {
    let decisions: Vec<_> = report.decisions.iter().map(|(k, n)| (*k, *n)).collect();
    assert_eq!(
        decisions,
        [("amend", 1), ("list", 2), ("revoke", 1), ("stay", 1)]
    );
    let by: Vec<_> = report
        .approvals
        .iter()
        .map(|(o, n)| (o.as_str(), *n))
        .collect();
    assert_eq!(by, [("o-0017", 4), ("o-0042", 3), ("o-0043", 2)]);
    assert_eq!((report.texts, report.erased_texts), (5, 0));
    assert_eq!(
        (report.first_time, report.last_time),
        (1_790_000_000, 1_790_864_000)
    );
    assert_eq!((report.open_decisions, report.trust_version), (1, 2));
    assert_eq!((report.bulk_decisions, report.overrides), (0, 0));
    assert!(report.notes[0].contains("two histories"));
}

#[test]
fn a_flipped_bit_is_found_in_every_file() {
    let (source, _keep) = vectors();
    let dir = tempfile::tempdir().unwrap();
    copy(&source, dir.path());
    let config = config(dir.path());
    run(&config).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut flips = 0;
    for path in files(dir.path()) {
        let good = std::fs::read(dir.path().join(&path)).unwrap();
        // Some twenty places in each, at another bit each time.
        let stride = 1 + good.len() / 20;
        for at in (0..good.len()).step_by(stride) {
            let mut bad = good.clone();
            bad[at] ^= 1 << (at % 8);
            std::fs::write(dir.path().join(&path), &bad).unwrap();
            let found = runtime.block_on(audit::run(&config, &mut |_: Progress| {}));
            let Err(finding) = found else {
                panic!("{path} byte {at}: not found");
            };
            names(&finding, &path, at);
            flips += 1;
        }
        std::fs::write(dir.path().join(&path), &good).unwrap();
    }
    assert!(flips > 300, "{flips}");
    run(&config).unwrap();
}

/// The finding names the file, or what can't be told from it.
fn names(finding: &Finding, path: &str, at: usize) {
    let file = finding.file.as_deref().unwrap_or_default();
    // One bit more in the checkpoint's size asks for tiles that aren't there.
    let from_checkpoint = path == "log/checkpoint" && file.starts_with("log/");
    // A bundle or a tile whose last partial file can't be read any more.
    assert!(
        file == path || from_checkpoint,
        "{path} byte {at}: {finding}"
    );
}

#[test]
fn pins_hold_another_log_off() {
    let (dir, _keep) = vectors();
    let pin = |pin: Pin| {
        let config = Config {
            pin,
            ..config(&dir)
        };
        run(&config).unwrap_err().code
    };
    let session = Some("00b8b3e1b11c426d".into());
    assert_eq!(
        pin(Pin {
            session,
            ..Pin::default()
        }),
        "pin"
    );
    let other = forge::keys::feed_key().verifier().to_string();
    assert_eq!(
        pin(Pin {
            log_key: Some(other),
            ..Pin::default()
        }),
        "pin"
    );
    let seen = |size| {
        Some(audit::Seen {
            size,
            root: Hash([7; 32]),
        })
    };
    assert_eq!(
        pin(Pin {
            seen: seen(5),
            ..Pin::default()
        }),
        "two_histories"
    );
    assert_eq!(
        pin(Pin {
            seen: seen(19),
            ..Pin::default()
        }),
        "shrank"
    );
}

#[test]
fn erased_reasons_are_counted_and_nothing_else_may_be_missing() {
    let (source, _keep) = vectors();
    let dir = tempfile::tempdir().unwrap();
    copy(&source, dir.path());
    let config = config(dir.path());
    let reason = Hash::of("Lý do của 2026-000003".as_bytes());
    std::fs::remove_file(dir.path().join(format!("part/{reason}"))).unwrap();
    let report = run(&config).unwrap();
    assert_eq!((report.texts, report.erased_texts), (4, 1));
    let kept: Vec<String> = files(dir.path())
        .into_iter()
        .filter(|path| {
            let text = std::fs::read(dir.path().join(path)).unwrap();
            !text.starts_with("Lý do".as_bytes())
        })
        .collect();
    for path in kept {
        let place = dir.path().join(&path);
        let bytes = std::fs::read(&place).unwrap();
        std::fs::remove_file(&place).unwrap();
        let finding = run(&config).unwrap_err();
        assert_eq!(finding.file.as_deref(), Some(path.as_str()), "{finding}");
        std::fs::write(&place, bytes).unwrap();
    }
    assert!(
        run(&config)
            .unwrap()
            .feeds
            .contains_key(&FeedName::domains())
    );
}

/// The published files, relative.
fn files(dir: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.file_name().is_some_and(|name| name != "expected.json") {
                let relative = path.strip_prefix(dir).unwrap();
                found.push(relative.to_str().unwrap().to_owned());
            }
        }
    }
    found.sort();
    found
}

fn copy(from: &Path, to: &Path) {
    for path in files(from) {
        let place = to.join(&path);
        std::fs::create_dir_all(place.parent().unwrap()).unwrap();
        std::fs::write(place, std::fs::read(from.join(path)).unwrap()).unwrap();
    }
}

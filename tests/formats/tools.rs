//! Each file is loaded by the tool that it is for.

use super::*;
use std::{fs, path::Path, process::Command};

/// Runs a check, which succeeds.
///
/// # Panics
/// Where it doesn't, with what it printed.
pub fn passes(command: &mut Command) -> String {
    let done = command.output().unwrap();
    let text = String::from_utf8_lossy(&done.stdout) + String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{command:?}\n{text}");
    text.into_owned()
}

/// Writes a rendered file.
pub fn write(dir: &Path, format: Format, (feed, set): (FeedName, Set)) -> std::path::PathBuf {
    let file = dir.join(format!("{feed}.{format}"));
    fs::write(&file, rendered(format, &feed, &set).0).unwrap();
    file
}

/// No entries: a file that loads all the same.
fn empty(feed: FeedName) -> (FeedName, Set) {
    let set = Set::new(feed.kind());
    (feed, set)
}

#[test]
fn named_checkzone_loads_the_zones() {
    let Some(tool) = peers::tool("named-checkzone") else {
        return peers::skip("the zone files", "named-checkzone");
    };
    let dir = tempfile::tempdir().unwrap();
    for (case, serial) in [
        (domains(), 184_467),
        (networks(), 184_467),
        (empty(FeedName::domains()), 184_467),
    ] {
        let file = write(dir.path(), Format::Rpz, case);
        // Whatever the zone is called: the names are relative.
        for apex in ["domains.blockfeed", "x"] {
            let text = passes(Command::new(&tool).args([apex, file.to_str().unwrap()]));
            assert!(text.contains(&format!("loaded serial {serial}")), "{text}");
        }
    }
}

#[test]
fn unbound_checkconf_loads_its_file() {
    let Some(tool) = peers::tool("unbound-checkconf") else {
        return peers::skip("the Unbound file", "unbound-checkconf");
    };
    let dir = tempfile::tempdir().unwrap();
    for case in [domains(), empty(FeedName::domains())] {
        let file = write(dir.path(), Format::Unbound, case);
        let conf = dir.path().join("unbound.conf");
        let text = format!(
            "server:\n  chroot: \"\"\n  username: \"\"\n  directory: \"{0}\"\ninclude: \"{1}\"\nremote-control:\n  control-enable: no\n",
            dir.path().display(),
            file.display()
        );
        fs::write(&conf, text).unwrap();
        passes(Command::new(&tool).arg(&conf));
    }
}

#[test]
fn dnsmasq_loads_its_file_and_the_hosts_file() {
    let Some(tool) = peers::tool("dnsmasq") else {
        return peers::skip("the dnsmasq file", "dnsmasq");
    };
    let dir = tempfile::tempdir().unwrap();
    for case in [domains(), empty(FeedName::domains())] {
        let file = write(dir.path(), Format::Dnsmasq, case);
        let text = passes(Command::new(&tool).arg("--test").arg("-C").arg(&file));
        assert!(text.contains("syntax check OK"), "{text}");
    }
}

#[test]
fn python_reads_the_tables() {
    let Some(tool) = peers::tool("python3") else {
        return peers::skip("the CSV and JSON files", "python3");
    };
    const SCRIPT: &str = r#"
import csv, json, sys
rows = list(csv.DictReader(open(sys.argv[1], newline="", encoding="utf-8")))
doc = json.load(open(sys.argv[2], encoding="utf-8"))
assert doc["serial"] == 184467 and doc["origin"] == "blocklist.example/399/v1"
assert all(int(r["serial"]) == doc["serial"] and r["origin"] == doc["origin"] for r in rows)
assert all(None not in r and None not in r.values() for r in rows)
assert not [c for r in rows for c in r.values() if c[:1] in ("=", "+", "-", "@", "\t", "\r")]
flat = lambda r: (r["subject"], r["scope"], r["decision"].lstrip("'"), r["measure"], int(r["not_after"]))
table = [flat(r) for r in rows]
dec = doc["decisions"]
tree = [(e["subject"], e["scope"], d, dec[d]["measure"], dec[d]["not_after"]) for e in doc["entries"] for d in e["decisions"]]
assert table == tree, (table, tree)
subjects = [(e["subject"], e["scope"]) for e in doc["entries"]]
assert len(subjects) == len(set(subjects))
print(len(rows))
"#;
    let dir = tempfile::tempdir().unwrap();
    for case in [domains, networks, sellers] {
        let (feed, set) = case();
        let file = |format| {
            let file = dir.path().join(format!("table.{format}"));
            fs::write(&file, rendered(format, &feed, &set).0).unwrap();
            file
        };
        let mut command = Command::new(&tool);
        command.args(["-c", SCRIPT]);
        command.args([file(Format::Csv), file(Format::Json)]);
        assert_eq!(passes(&mut command).trim(), set.entries().to_string());
    }
}

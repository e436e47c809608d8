//! `blockfeed check` and `blockfeed lists`, run as programs: what an officer sees, and the files that come out.

mod peers;

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn run(dir: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_blockfeed"));
    let command = command.current_dir(dir).args(args);
    let variables = std::env::vars().filter(|(name, _)| name.starts_with("BLOCKFEED_"));
    variables.for_each(|(name, _)| _ = command.env_remove(name));
    command.output().unwrap()
}

fn said(output: &Output) -> String {
    let all = [output.stdout.clone(), output.stderr.clone()].concat();
    String::from_utf8(all).unwrap()
}

#[test]
fn a_subject_is_explained_in_both_languages() {
    let dir = tempfile::tempdir().unwrap();
    let output = run(
        dir.path(),
        &["check", "facebook.com", "shop.vn", "--offline"],
    );
    let said_ = said(&output);
    assert!(!output.status.success());
    for part in [
        "protected_name",
        "Tên miền được bảo vệ",
        "protected-names.txt line",
        "compiled by hand",
        "accepted",
    ] {
        assert!(said_.contains(part), "{part}: {said_}");
    }
    let explained = said(&run(dir.path(), &["check", "--explain", "known_shop"]));
    assert!(explained.contains("(override)"), "{explained}");
    let wrong = said(&run(dir.path(), &["check", "--explain", "known_shops"]));
    assert!(wrong.contains("the nearest is \"known_shop\""), "{wrong}");
}

#[test]
fn a_list_becomes_files_that_can_be_opened() {
    let dir = tempfile::tempdir().unwrap();
    let list = "=HYPERLINK(\"http://x\")\n@SUM(1)\nfacebook.com\nshop.vn\n203.0.113.0/25\n203.0.113.128/25\n";
    std::fs::write(dir.path().join("list.txt"), list).unwrap();
    let args = [
        "check", "--file", "list.txt", "--result", "a.csv", "--result", "a.xlsx", "--json",
    ];
    let output = run(dir.path(), &args);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["counts"]["refused"], 3);
    assert_eq!(report["lines"][2]["findings"][0]["code"], "protected_name");
    assert_eq!(report["findings"][0]["code"], "aggregation");
    let csv = std::fs::read_to_string(dir.path().join("a.csv")).unwrap();
    assert!(csv.contains("'@SUM(1)"), "{csv}");
    sheet(&dir.path().join("a.xlsx"));
    let other = run(
        dir.path(),
        &["check", "shop.vn", "--offline", "--result", "a.ods"],
    );
    assert!(said(&other).contains("name it .csv or .xlsx"));
}

/// The sheet has the texts as texts and no formula.
fn sheet(path: &Path) {
    let Some(python) = peers::tool("python3") else {
        return peers::skip("the spreadsheet", "python3");
    };
    let program = "import sys, zipfile\nz = zipfile.ZipFile(sys.argv[1])\nassert z.testzip() is None\n\
        print(z.read('xl/worksheets/sheet1.xml').decode(), z.read('xl/sharedStrings.xml').decode())";
    let mut command = Command::new(python);
    let output = command.args(["-c", program]).arg(path).output().unwrap();
    let said_ = said(&output);
    assert!(output.status.success(), "{said_}");
    assert!(
        said_.contains("=HYPERLINK(") && said_.contains("Tên miền được bảo vệ"),
        "{said_}"
    );
    assert!(
        !said_.contains("<f>") && !said_.contains("<hyperlink"),
        "{said_}"
    );
}

#[test]
fn a_list_is_refreshed_and_judges() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("new.txt");
    std::fs::write(&file, "198.51.100.0/24\n").unwrap();
    let import = [
        "lists",
        "import",
        "shared-networks.txt",
        "new.txt",
        "--group",
        "example",
        "--source",
        "https://example.org",
        "--licence",
        "facts",
        "--date",
        "2026-11-20",
        "--directory",
        "lists",
    ];
    let output = run(dir.path(), &import);
    let told = said(&output);
    assert!(
        output.status.success() && told.contains("1 added, 0 removed"),
        "{told}"
    );
    let checked = [
        "check",
        "198.51.100.7",
        "--offline",
        "--set",
        "lists.directory=lists",
    ];
    let found = said(&run(dir.path(), &checked));
    assert!(found.contains("shared_network"), "{found}");
    assert!(
        found.contains("https://example.org, facts, 2026-11-20"),
        "{found}"
    );
    let shown = run(
        dir.path(),
        &["lists", "show", "--json", "--set", "lists.directory=lists"],
    );
    let shown: Value = serde_json::from_slice(&shown.stdout).unwrap();
    assert!(told.contains(shown["sha256"].as_str().unwrap()), "{told}");
    std::fs::write(&file, "198.51.100.0/24\n198.51.100.1/24\n").unwrap();
    let output = run(dir.path(), &import);
    assert!(!output.status.success());
    assert!(
        said(&output).contains("new.txt line 2"),
        "{}",
        said(&output)
    );
    let again = run(
        dir.path(),
        &["lists", "show", "--json", "--set", "lists.directory=lists"],
    );
    let again: Value = serde_json::from_slice(&again.stdout).unwrap();
    assert_eq!(again["sha256"], shown["sha256"]);
}

/// Imports a made data set.
fn import(dir: &Path, set: &str, rows: &str) {
    std::fs::write(dir.join("rows.csv"), rows).unwrap();
    let output = run(
        dir,
        &[
            "registry",
            "import",
            "--into",
            set,
            "--date",
            "2026-11-01",
            "--licence",
            "made",
            "--fresh-days",
            "36500",
            "rows.csv",
        ],
    );
    assert!(output.status.success(), "{}", said(&output));
}

#[test]
fn data_sets_speak_and_say_what_a_list_touches() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let registered =
        "name,status,created\nlawful-shop.vn,active,2010-03-01\nfresh-shop.vn,active,2026-10-30\n";
    import(dir, "vn-registry", registered);
    import(
        dir,
        "licences-notified",
        "name,number,status\nlawful-shop.vn,TB-1,valid\n",
    );
    import(dir, "popularity", "rank,name\n17,visited.vn\n");
    let seen: String = (0..12)
        .map(|n| format!("s{n}.example,203.0.113.7\n"))
        .collect();
    import(
        dir,
        "passive-dns",
        &format!("name,address\n{seen}visited.vn,203.0.113.9\n"),
    );
    let shop = said(&run(dir, &["check", "lawful-shop.vn", "--offline"]));
    for part in [
        "TB-1",
        "since 2010-03-01",
        "known_shop",
        "registered_long_ago",
        "not asked (offline)",
    ] {
        assert!(shop.contains(part), "{part}: {shop}");
    }
    let list = "lawful-shop.vn\nfresh-shop.vn\nnobodys.vn\nvisited.vn\n203.0.113.7\n203.0.113.9\n";
    std::fs::write(dir.join("list.txt"), list).unwrap();
    let report = run(dir, &["check", "--file", "list.txt", "--json"]);
    let report: Value = serde_json::from_slice(&report.stdout).unwrap();
    let outcomes: Vec<_> = report["lines"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| {
            let findings = line["findings"].as_array().unwrap();
            let codes = findings.iter().map(|f| f["code"].as_str().unwrap());
            (
                line["outcome"].as_str().unwrap(),
                codes.collect::<Vec<_>>().join(" "),
            )
        })
        .collect();
    let expected = [
        ("refused", "known_shop registered_long_ago"),
        ("accepted", "registered_lately"),
        ("accepted", "unregistered"),
        ("refused", "popular_name unregistered"),
        ("refused", "crowded_address"),
        ("accepted", "other_names"),
    ];
    assert_eq!(
        outcomes,
        expected.map(|(outcome, codes)| (outcome, codes.to_owned()))
    );
    assert_eq!(
        report["collateral"]["registered"]["examples"][0],
        "fresh-shop.vn"
    );
    assert_eq!(report["collateral"]["popular"]["examples"][0], "visited.vn");
    assert!(
        report["findings"].to_string().contains("not_asked"),
        "{}",
        report["findings"]
    );
}

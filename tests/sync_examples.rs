//! The published examples (`deploy/examples`) as real processes: three marketplaces keep their own
//! lists in SQLite while made sellers are listed and let go, are killed at any moment, come back,
//! and hold exactly what is theirs. Damaged openings are refused, by them and by the authority.

mod house;
mod market;
mod peers;

use blockfeed::{canon::DecisionId, subject::Subject, tlog::Hash, trust::Role};
use house::{House, ListOptions, Officer, Proposal};
use market::{
    Example, PLATFORMS, Random, Subscriber, held,
    history::{History, SELLERS},
    middle::{Middle, damages},
    node, python,
};
use std::{collections::BTreeMap, path::PathBuf, thread, time::Duration};

const STEPS: usize = 200;
const KILLS: usize = 30;

#[test]
fn three_marketplaces_are_killed_and_hold_what_is_theirs() {
    let Some(python) = python() else {
        return peers::skip("sync.py", "a python3 with sqlite3");
    };
    let house = House::new();
    let dir = tempfile::tempdir().unwrap();
    let second = node().unwrap_or_else(|| python.clone());
    let examples = [python.clone(), second, python.clone()];
    let named = PLATFORMS.iter().zip(examples);
    let mut subscribers: Vec<Subscriber> = named
        .map(|(platform, example)| Subscriber::new(&house, platform, example, dir.path()))
        .collect();
    let mut history = History::new();
    let mut random = Random(399);
    for step in 0..STEPS {
        history.step(&house, STEPS - step);
        for subscriber in &mut subscribers {
            subscriber.live(&python, &history, &mut random);
        }
        thread::sleep(Duration::from_millis(20));
    }
    while subscribers.iter().map(|s| s.kills).sum::<usize>() < KILLS {
        for subscriber in &mut subscribers {
            subscriber.live(&python, &history, &mut random);
        }
        thread::sleep(Duration::from_millis(20));
    }
    let listed: usize = history.now.values().map(BTreeMap::len).sum();
    assert!(history.fresh == SELLERS && listed > SELLERS / 4, "{listed}");
    for subscriber in &mut subscribers {
        let held = subscriber.finish(&house, &python, &history);
        assert_eq!(held.rows, history.now[subscriber.platform]);
        let own = format!("seller:{}/", subscriber.platform);
        assert!(
            held.rows
                .values()
                .all(|(subject, ..)| subject.starts_with(&own))
        );
        println!(
            "{}: {} entries, {} kills ({} after new rows, {} amid a transaction), {} old backups",
            subscriber.platform,
            held.rows.len(),
            subscriber.kills,
            subscriber.moved,
            subscriber.torn,
            subscriber.restored
        );
    }
}

#[test]
fn damaged_openings_are_refused_and_the_last_good_state_stays() {
    let Some(python) = python() else {
        return peers::skip("sync.py", "a python3 with sqlite3");
    };
    let examples = [Some(python.clone()), node()];
    let house = House::new();
    let readers = ["shopee.vn", "lazada.vn"].map(|platform| {
        let feed = format!("sellers/{platform}");
        house.reader(platform.trim_end_matches(".vn"), &[&feed])
    });
    house.list(
        &["seller:shopee.vn/1", "seller:lazada.vn/made-1"],
        ListOptions::default(),
    );
    let dir = tempfile::tempdir().unwrap();
    let middle = Middle::begin(house.address());
    let runs: Vec<(Example, PathBuf)> = examples
        .into_iter()
        .flatten()
        .map(|example| {
            let db = dir
                .path()
                .join(example.script.file_name().unwrap())
                .with_extension("sqlite");
            (example, db)
        })
        .collect();
    let sync = |(example, db): &(Example, PathBuf)| {
        let url = format!("http://{}", middle.address);
        example
            .command(&url, "sellers/shopee.vn", &readers[0], db)
            .arg("--once")
            .output()
            .unwrap()
    };
    for run in &runs {
        assert!(sync(run).status.success());
        assert_eq!(held(&python, &run.1).rows.len(), 1);
    }
    // Two decisions, and more than a page: what is damaged comes after what was good.
    let many: Vec<String> = (100..1_300)
        .map(|n| format!("seller:shopee.vn/{n}"))
        .collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    house.list(&many, ListOptions::default());
    house.list(
        &["seller:shopee.vn/150", "seller:shopee.vn/7"],
        ListOptions::default(),
    );
    let foreign = house
        .get_by(&readers[1], "/api/v1/changes?feed=sellers/lazada.vn")
        .json();
    for (name, page, damage) in damages(foreign) {
        middle.set(page, Some(damage));
        for run in &runs {
            let before = held(&python, &run.1);
            let output = sync(run);
            let told = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(1), "{name}: {told}");
            assert!(told.contains("sync"), "{name}: {told}");
            assert_eq!(held(&python, &run.1), before, "{name}");
        }
        assert!(
            middle.damaged() >= runs.len(),
            "{name}: nothing was damaged"
        );
    }
    middle.set("", None);
    for run in &runs {
        assert!(sync(run).status.success());
        assert_eq!(held(&python, &run.1).rows.len(), 1_203);
    }
    if runs.len() < 2 {
        peers::skip("sync.mjs", "a Node.js with node:sqlite");
    }
}

#[test]
fn what_is_listed_is_removed_said_and_restored() {
    let Some(sync) = python() else {
        return peers::skip("act.py", "a python3 with sqlite3");
    };
    let act = sync.other("act.py");
    let house = House::new();
    let feed = "sellers/shopee.vn";
    let token = house.reader("shopee", &[feed]);
    let (one, two) = ("seller:shopee.vn/1", "seller:shopee.vn/2");
    let first = house.list(&[one, two], ListOptions::default());
    let second = house.list(&[one], ListOptions::default());
    let dir = tempfile::tempdir().unwrap();
    let db = dir.path().join("shopee.sqlite");
    let both = || {
        let mut synced = sync.command(&house.url(), feed, &token, &db);
        assert!(synced.arg("--once").status().unwrap().success());
        let acted = act.command(&house.url(), feed, &token, &db);
        let acted = { acted }.output().unwrap();
        let told = String::from_utf8_lossy(&acted.stderr).into_owned();
        assert!(acted.status.success() && told.is_empty(), "{told}");
        let mut lines: Vec<String> = String::from_utf8(acted.stdout)
            .unwrap()
            .lines()
            .map(str::to_owned)
            .collect();
        lines.sort();
        lines
    };
    let stands = || {
        let standing = house.get_by(&token, "/api/v1/standing").json();
        let feed = &standing["feeds"][feed];
        assert_eq!(feed["overdue"], 0, "{feed}");
        (
            feed["acknowledged"]["applied"].clone(),
            feed["waiting"].clone(),
        )
    };
    assert_eq!(both(), [one, one, two].map(|s| format!("remove {s}")));
    assert_eq!(stands(), (3.into(), 0.into()));
    assert!(both().is_empty());
    // One decision of two that hold it is no reason to restore it.
    house.revoke(&second, None);
    assert!(both().is_empty());
    house.revoke(&first, None);
    assert_eq!(both(), [one, two].map(|s| format!("restore {s}")));
    house.list(&[two], ListOptions::default());
    assert_eq!(both(), [format!("remove {two}")]);
    assert_eq!(stands(), (1.into(), 0.into()));
}

#[test]
fn the_authority_refuses_damaged_openings() {
    let house = House::new();
    let lines = [
        "seller:shopee.vn/1001",
        "seller:shopee.vn/1002",
        "seller:tiki.vn/made-3",
    ];
    let other = DecisionId::new("2025-000399").unwrap();
    let earlier = Proposal::list(other, &lines, &ListOptions::default());
    let proposal = Proposal::list(house.next_id(), &lines, &ListOptions::default());
    let good = proposal.openings.clone().unwrap();
    let rows: Vec<&str> = good.lines().collect();
    let salt = |row: usize| rows[row].split(' ').next().unwrap();
    let with = |row: usize, text: &str| {
        let mut rows: Vec<&str> = rows.clone();
        rows[row] = text;
        rows.join("\n") + "\n"
    };
    let swapped = with(1, &rows[1].replace(salt(1), salt(2)));
    let swapped = swapped.replacen(rows[2], &rows[2].replace(salt(2), salt(1)), 1);
    let flipped: String = match rows[1].split_at(1) {
        ("A", rest) => format!("B{rest}"),
        (_, rest) => format!("A{rest}"),
    };
    let cases = [
        ("a salt flipped", Some(with(1, &flipped)), "not_opened"),
        (
            "a subject changed",
            Some(good.replace("/1002", "/1003")),
            "not_opened",
        ),
        (
            "another decision's openings",
            earlier.openings.clone(),
            "malformed",
        ),
        (
            "another decision's salt",
            Some(with(
                1,
                earlier.openings.as_ref().unwrap().lines().nth(1).unwrap(),
            )),
            "not_opened",
        ),
        ("two salts swapped", Some(swapped), "not_opened"),
        (
            "no salt",
            Some(with(1, "seller:shopee.vn/1001")),
            "malformed",
        ),
        (
            "a short salt",
            Some(with(1, &rows[1].replace(salt(1), "AAAA"))),
            "malformed",
        ),
        (
            "another platform's",
            Some(with(1, &rows[1].replace("shopee.vn", "lazada.vn"))),
            "not_opened",
        ),
        (
            "a platform's alias",
            Some(with(1, &format!("{} seller:tiki.vn/x", rows[1]))),
            "malformed",
        ),
        (
            "one left out",
            Some(good.replace(&format!("{}\n", rows[2]), "")),
            "not_opened",
        ),
        (
            "one twice",
            Some(with(1, &format!("{0}\n{0}", rows[1]))),
            "malformed",
        ),
        (
            "one too many",
            Some(format!("{good}{} seller:tiki.vn/made-9\n", salt(1))),
            "malformed",
        ),
        (
            "a commitment opened by itself",
            Some(with(1, &sealed(rows[1], salt(1)))),
            "malformed",
        ),
        ("cut short", Some(good.trim_end().to_owned()), "malformed"),
        ("none", None, "not_opened"),
    ];
    let approval = house.sign(&proposal.body, Officer::First, Role::Propose);
    for (name, openings, code) in cases {
        let damaged = Proposal {
            openings,
            ..proposal.clone()
        };
        let answer = house.propose(&damaged, &approval);
        let status = if code == "malformed" { 400 } else { 422 };
        assert_eq!(answer.status, status, "{name}: {}", answer.text());
        assert_eq!(answer.json()["code"], code, "{name}: {}", answer.text());
        let held = house
            .casework
            .listings_of(&Subject::parse("seller:shopee.vn/1001").unwrap());
        assert!(held.is_empty(), "{name}");
    }
    let answer = house.propose(&proposal, &approval);
    assert_eq!(answer.status, 201, "{}", answer.text());
}

fn sealed(row: &str, salt: &str) -> String {
    let hex = Hash::of(row);
    format!("{salt} seller:shopee.vn/#{hex}")
}

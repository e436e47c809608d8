//! The cursor: a program that asks for changes and applies them holds the set, whatever happens in
//! between.

mod house;

use house::{House, ListOptions, Proposal, now};
use serde_json::Value;
use std::collections::BTreeMap;

/// What a program keeps: entries by key, with the end of each.
#[derive(Default)]
struct Copy {
    serial: u64,
    entries: BTreeMap<String, Value>,
    wholes: usize,
    items: usize,
}

impl Copy {
    /// Asks until the last page, as a client does.
    fn sync(&mut self, house: &House, limit: usize) {
        let mut page = String::new();
        loop {
            let path = format!(
                "/api/v1/changes?feed=domains&since={}&limit={limit}{page}",
                self.serial
            );
            let answer = house.get(&path);
            assert_eq!(answer.status, 200, "{}", answer.text());
            let answer = answer.json();
            assert!(answer["first"] == page.is_empty());
            if answer["whole"] == true && answer["first"] == true {
                self.entries.clear();
                self.wholes += 1;
            }
            self.take(&answer);
            match answer["page"].as_str() {
                Some(next) => page = format!("&page={next}"),
                None => {
                    self.serial = answer["serial"].as_u64().unwrap();
                    return;
                }
            }
        }
    }

    fn take(&mut self, answer: &Value) {
        for item in answer["changes"].as_array().unwrap() {
            self.items += 1;
            let key = item["key"].as_str().map(str::to_owned);
            match item["op"].as_str().unwrap() {
                "add" => {
                    let key = key.unwrap();
                    assert!(self.entries.insert(key, item.clone()).is_none(), "{item}");
                }
                "remove" => {
                    assert!(self.entries.remove(&key.unwrap()).is_some(), "{item}");
                }
                "change" => {
                    let ended = |e: &&mut Value| e["decision"] == item["decision"];
                    for entry in self.entries.values_mut().filter(ended) {
                        entry["not_after"] = item["not_after"].clone();
                    }
                }
                other => panic!("{other}"),
            }
        }
    }

    fn is(&self, house: &House) {
        let feed = blockfeed::entries::FeedName::domains();
        let view = house.casework.feed(&feed).unwrap();
        assert_eq!(self.serial, view.state.serial);
        let mut lines: Vec<&str> = view.set.lines().filter(|l| l.starts_with('E')).collect();
        lines.sort_unstable();
        let held: Vec<String> = self.entries.keys().map(|key| format!("E {key}")).collect();
        assert_eq!(held, lines);
        for entry in self.entries.values() {
            let decision = entry["decision"].as_str().unwrap();
            let row = view.set.row(decision).unwrap();
            assert_eq!(entry["not_after"], row.not_after, "{entry}");
        }
    }
}

#[test]
fn changes_make_the_set_again() {
    let house = House::new();
    let (mut often, mut seldom) = (Copy::default(), Copy::default());
    often.sync(&house, 3);
    seldom.sync(&house, 1000);
    let mut decisions = Vec::new();
    for n in 0..12 {
        let lines: Vec<String> = (0..7)
            .map(|i| format!("domain:s{n}-{i}.example {}", ["+", "="][i % 2]))
            .collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        decisions.push(house.list(&lines, ListOptions::default()));
        match n {
            3 => drop(house.revoke(&decisions[0], Some(&lines_of(0)))),
            5 => drop(house.amend(&decisions[2], now() + 100 * 86_400)),
            7 => drop(house.stay(&decisions[4], None, 3600)),
            9 => drop(house.revoke(&decisions[6], None)),
            _ => {}
        }
        often.sync(&house, 3);
        often.is(&house);
    }
    seldom.sync(&house, 1000);
    seldom.is(&house);
    // The first answer was the whole; after that only what changed.
    assert_eq!((often.wholes, seldom.wholes), (1, 1));
    assert!(often.items < 12 * 7 + 40, "{}", often.items);
    let end = seldom
        .entries
        .values()
        .find(|e| e["decision"] == decisions[2].as_str());
    assert!(end.unwrap()["not_after"].as_u64().unwrap() < now() + 101 * 86_400);
}

fn lines_of(n: usize) -> [&'static str; 1] {
    assert_eq!(n, 0);
    ["domain:s0-0.example +"]
}

#[test]
fn an_item_says_what_a_program_needs() {
    let house = House::new();
    let id = house.list(
        &["domain:a.example +", "net:203.0.113.0/24"],
        ListOptions::default(),
    );
    let first = |feed: &str| {
        let answer = house.get(&format!("/api/v1/changes?feed={feed}")).json();
        assert_eq!(answer["whole"], true);
        assert_eq!(answer["feed"], feed);
        assert_eq!(answer["origin"], house::ORIGIN);
        answer["changes"][0].clone()
    };
    let domain = first("domains");
    assert_eq!(domain["op"], "add");
    assert_eq!(domain["key"], format!("a.example + {id}"));
    assert_eq!(domain["subject"], "domain:a.example");
    assert_eq!(domain["scope"], "+");
    assert_eq!(domain["measure"], "block_domain");
    assert_eq!(domain["category"], "counterfeit");
    let record = house.authority.ledger().lists()[&id].clone();
    assert_eq!(domain["respond_by"], record.time + 24 * 3600);
    assert_eq!(domain["not_after"], record.not_after);
    assert!(domain.get("commitment").is_none());
    assert_eq!(first("networks")["subject"], "net:203.0.113.0/24");
}

#[test]
fn an_old_or_foreign_cursor_gets_the_whole() {
    let house = House::new();
    house.list(
        &["domain:a.example +", "domain:b.example +"],
        ListOptions::default(),
    );
    let now = house.get("/api/v1/changes?feed=domains").json()["serial"].clone();
    for since in ["1", "3", "999999", "18446744073709551615"] {
        let answer = house.get(&format!("/api/v1/changes?feed=domains&since={since}"));
        assert_eq!(answer.json()["whole"], true, "{since}");
    }
    let same = house
        .get(&format!("/api/v1/changes?feed=domains&since={now}"))
        .json();
    assert_eq!(same["whole"], false);
    assert_eq!(same["changes"], serde_json::json!([]));
    for page in ["x", "s1", "s1-2-3-4", "w--", "w1-2-99999999999999999999"] {
        let path = format!("/api/v1/changes?feed=domains&page={page}");
        house.get(&path).refused(400, "malformed");
    }
    // A page of a serial that there never was begins anew.
    let anew = house.get("/api/v1/changes?feed=domains&page=w0-3-1").json();
    assert_eq!(anew["first"], true);
    assert_eq!(
        (&anew["whole"], &anew["serial"]),
        (&Value::Bool(true), &now)
    );
    assert_eq!(anew["changes"].as_array().unwrap().len(), 2);
    house
        .get("/api/v1/changes?feed=other")
        .refused(400, "no_feed");
    house.get("/api/v1/changes").refused(400, "query");
    house
        .get("/api/v1/changes?feed=domains&since=-1")
        .refused(400, "query");
}

#[test]
fn pages_keep_to_their_serial_while_the_log_goes_on() {
    let house = House::new();
    house.list(&["domain:zero.example +"], ListOptions::default());
    let mut copy = Copy::default();
    copy.sync(&house, 100);
    let lines: Vec<String> = (0..10).map(|i| format!("domain:n{i}.example +")).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let id = house.list(&lines, ListOptions::default());
    let path = format!("/api/v1/changes?feed=domains&since={}&limit=4", copy.serial);
    let first = house.get(&path).json();
    house.revoke(&id, Some(&["domain:n0.example +", "domain:n9.example +"]));
    let second = house
        .get(&format!("{path}&page={}", first["page"].as_str().unwrap()))
        .json();
    assert_eq!(first["serial"], second["serial"]);
    assert_eq!(first["digest"], second["digest"]);
    assert_eq!(second["whole"], false);
    let third = house
        .get(&format!("{path}&page={}", second["page"].as_str().unwrap()))
        .json();
    assert!(third.get("page").is_none());
    for answer in [&first, &second, &third] {
        copy.take(answer);
    }
    assert_eq!(copy.entries.len(), 11);
    copy.serial = first["serial"].as_u64().unwrap();
    copy.sync(&house, 100);
    copy.is(&house);
    assert_eq!(copy.wholes, 1);
}

/// An end that moves between two pages shows in the next step and in none of the pages, of a change
/// and of the whole alike.
#[test]
fn an_end_is_that_of_the_page() {
    let house = House::new();
    house.list(&["domain:zero.example +"], ListOptions::default());
    let cursor = house.get("/api/v1/changes?feed=domains").json()["serial"].clone();
    let lines = [
        "domain:a.example +",
        "domain:b.example +",
        "domain:c.example +",
    ];
    let options = ListOptions::default();
    let (old, new) = (options.not_after, options.not_after + 86_400);
    let id = house.list(&lines, options);
    let starts = [0, cursor.as_u64().unwrap()];
    let paths = starts.map(|since| format!("/api/v1/changes?feed=domains&since={since}&limit=2"));
    let firsts = paths.each_ref().map(|path| house.get(path).json());
    house.amend(&id, new);
    for (path, first) in paths.iter().zip(&firsts) {
        let page = first["page"].as_str().unwrap();
        let second = house.get(&format!("{path}&page={page}")).json();
        let items = [first, &second].map(|answer| answer["changes"].as_array().unwrap());
        let mut ends = items
            .into_iter()
            .flatten()
            .filter(|item| item["decision"] == *id.as_str());
        assert!(ends.all(|item| item["not_after"] == old), "{path}");
        let next = format!("/api/v1/changes?feed=domains&since={}", first["serial"]);
        let step = house.get(&next).json()["changes"].clone();
        assert_eq!(
            (&step[0]["op"], &step[0]["not_after"]),
            (&"change".into(), &new.into())
        );
        assert!(step.get(1).is_none());
    }
}

#[test]
fn a_long_poll_answers_when_something_changes() {
    let house = House::new();
    house.list(&["domain:a.example +"], ListOptions::default());
    let serial = house.get("/api/v1/changes?feed=domains").json()["serial"].clone();
    let path = format!("/api/v1/changes?feed=domains&since={serial}&wait=60");
    let address = house.address();
    let began = std::time::Instant::now();
    let waiting = std::thread::spawn(move || house::http::send(address, "GET", &path, &[], &[]));
    // Listed while the other waits, or before it came: it is answered either way.
    let proposal = Proposal::list(
        house.next_id(),
        &["domain:b.example +"],
        &ListOptions::default(),
    );
    house.enact(&proposal);
    let answer = waiting.join().unwrap().json();
    assert_eq!(answer["changes"][0]["subject"], "domain:b.example");
    assert!(began.elapsed().as_secs() < 55);
}

//! What subscribers do: they take openings, match their own sellers, acknowledge each entry, and
//! where each stands is seen.

mod house;

use blockfeed::entries::FeedName;
use house::{House, ListOptions, Officer, http::Answer, now};
use serde_json::{Value, json};

const SHOPS: &[&str] = &[
    "seller:shopee.vn/1001|seller:shopee.vn/@shop.one",
    "seller:shopee.vn/1002",
    "seller:shopee.vn/1003",
    "seller:lazada.vn/shop-x",
    "account:facebook/some.page",
    "domain:shop.example +",
    "net:203.0.113.0/24",
];

fn items(house: &House, token: &str, feed: &str) -> Vec<Value> {
    let path = format!("/api/v1/changes?feed={feed}");
    let answer = house.get_by(token, &path);
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["changes"].as_array().unwrap().clone()
}

fn acknowledge(house: &House, token: &str, feed: &str, said: &[Value]) -> Answer {
    let body = json!({ "feed": feed, "acknowledgements": said });
    house.post_by(token, "/api/v1/acknowledgements", &body)
}

fn said(item: &Value, outcome: &str) -> Value {
    json!({ "key": item["key"], "outcome": outcome, "time": now() })
}

fn status(house: &House, name: &str, feed: &str) -> Value {
    let path = format!("/api/v1/subscribers/{name}");
    let standing = house.signed(Officer::Second, "GET", &path, b"").json();
    standing["feeds"][feed].clone()
}

#[test]
fn each_platform_gets_its_own_openings_and_no_other() {
    let house = House::new();
    let id = house.list(SHOPS, ListOptions::default());
    let shopee = house.reader("shopee", &["sellers/shopee.vn"]);
    let lazada = house.reader("lazada", &["sellers/lazada.vn", "accounts/facebook"]);
    let mine = items(&house, &shopee, "sellers/shopee.vn");
    let mut subjects: Vec<&str> = mine
        .iter()
        .map(|i| i["subject"].as_str().unwrap())
        .collect();
    subjects.sort_unstable();
    assert_eq!(
        subjects,
        [
            "seller:shopee.vn/1001",
            "seller:shopee.vn/1002",
            "seller:shopee.vn/1003"
        ]
    );
    let one = mine
        .iter()
        .find(|i| i["subject"] == "seller:shopee.vn/1001")
        .unwrap();
    assert_eq!(one["aliases"], json!(["seller:shopee.vn/@shop.one"]));
    let opening = house::bodies::opening(&id, "seller:shopee.vn/1001", &[]);
    assert_eq!(one["commitment"], opening.commitment().unwrap().to_string());
    assert_eq!(one["salt"], opening.salt_text());
    assert!(one["key"].as_str().unwrap().contains("/#"));
    assert_eq!(
        items(&house, &lazada, "accounts/facebook")[0]["subject"],
        "account:facebook/some.page"
    );
    let path = "/api/v1/changes?feed=sellers/shopee.vn";
    house.get_by(&lazada, path).refused(403, "scope");
    house.get(path).refused(401, "token");
    let page = house
        .get_by(&shopee, "/api/v1/entries?feed=sellers/shopee.vn&limit=2")
        .json();
    assert_eq!(
        page["items"].as_array().unwrap().len(),
        1,
        "a D line, an E line: {page}"
    );
    assert!(page["items"][0]["salt"].is_string());
    let mut disputed = said(one, "disputed");
    disputed["reason"] = json!("canary: the shop 1001 of Mrs Nobody");
    let feed = "sellers/shopee.vn";
    acknowledge(&house, &shopee, feed, &[disputed]);
    let lies_about = || {
        let db = house.public().parent().unwrap().join("db");
        std::fs::read_dir(db).unwrap().any(|file| {
            let bytes = std::fs::read(file.unwrap().path()).unwrap();
            bytes.windows(7).any(|w| w == b"canary:")
        })
    };
    assert!(lies_about());
    // A cursor brings what is withdrawn under the name that it was added by.
    let serial = house
        .casework
        .feed(&FeedName::parse("sellers/shopee.vn").unwrap());
    let serial = serial.unwrap().state.serial;
    let line = opening.line().unwrap().line().to_string();
    house.revoke(&id, Some(&[&line]));
    let path = format!("/api/v1/changes?feed=sellers/shopee.vn&since={serial}");
    let changes = house.get_by(&shopee, &path).json();
    assert_eq!(changes["whole"], false);
    assert_eq!(changes["changes"].as_array().unwrap().len(), 1);
    assert_eq!(changes["changes"][0]["op"], "remove");
    assert_eq!(changes["changes"][0]["key"], one["key"]);
    assert_eq!(changes["changes"][0]["subject"], "seller:shopee.vn/1001");
    assert!(changes["changes"][0].get("respond_by").is_none());
    // What was erased is a commitment alone, everywhere.
    let erase = json!({ "subjects": ["seller:shopee.vn/1001"], "texts": false }).to_string();
    let path = format!("/api/v1/decisions/{id}/erasure");
    let erased = house.signed(Officer::Second, "POST", &path, erase.as_bytes());
    assert_eq!(erased.status, 200, "{}", erased.text());
    // What was said of it in words is gone from every file, too.
    assert!(!lies_about());
    let path = format!("/api/v1/changes?feed=sellers/shopee.vn&since={serial}");
    let gone = house.get_by(&shopee, &path).json()["changes"][0].clone();
    assert_eq!(gone["key"], one["key"]);
    assert!(gone.get("subject").is_none() && gone.get("salt").is_none());
}

#[test]
fn a_call_matches_what_is_in_force() {
    let house = House::new();
    let id = house.list(SHOPS, ListOptions::default());
    let narrow = house.list(&["domain:deep.shop.example ="], ListOptions::default());
    let shopee = house.reader("shopee", &["sellers/shopee.vn"]);
    let texts = [
        "seller:shopee.vn/1001",
        "seller:shopee.vn/@shop.one",
        "seller:shopee.vn/4444",
        "seller:lazada.vn/shop-x",
        "SHOP.example.",
        "a.shop.example",
        "deep.shop.example",
        "b.deep.shop.example",
        "example",
        "203.0.113.7",
        "198.51.100.7",
        "https://shop.example/a/b",
        "",
    ];
    let asked = json!({ "subjects": texts });
    let answer = house.post_by(&shopee, "/api/v1/match", &asked);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let answer = answer.json();
    let matches = answer["matches"].as_array().unwrap();
    assert_eq!(matches.len(), texts.len());
    let short: Vec<(bool, usize, &str)> = matches
        .iter()
        .map(|m| {
            let holds = m["holds"].as_array().unwrap();
            let listed = m["listed"].as_bool().unwrap();
            (listed, holds.len(), m["code"].as_str().unwrap_or("-"))
        })
        .collect();
    assert_eq!(
        short,
        [
            (true, 1, "-"),
            (true, 1, "-"),
            (false, 0, "-"),
            (false, 0, "scope"),
            (true, 1, "-"),
            (true, 1, "-"),
            (true, 2, "-"),
            (true, 1, "-"),
            (false, 0, "one_label"),
            (true, 1, "-"),
            (false, 0, "-"),
            (false, 0, "url_with_path"),
            (false, 0, matches[12]["code"].as_str().unwrap()),
        ]
    );
    assert_eq!(matches[6]["holds"][0]["decision"], narrow.as_str());
    assert_eq!(matches[11]["offer"], "domain:shop.example +");
    assert_eq!(matches[4]["subject"], "domain:shop.example");
    let hold = &matches[0]["holds"][0];
    assert_eq!(hold["decision"], id.as_str());
    assert_eq!(hold["measure"], "delist_seller");
    assert_eq!(hold["feed"], "sellers/shopee.vn");
    let mine = items(&house, &shopee, "sellers/shopee.vn");
    assert!(mine.iter().any(|item| item["key"] == hold["key"]));
    assert_eq!(hold["not_after"], mine[0]["not_after"]);
    house
        .post("/api/v1/match", asked.to_string().as_bytes())
        .refused(401, "token");
    // A key isn't heeded: the answer, which names subjects in clear, is kept nowhere.
    for subject in ["seller:shopee.vn/1001", "seller:shopee.vn/4444"] {
        let bearer = format!("Bearer {shopee}");
        let headers = [("authorization", bearer.as_str()), ("idempotency-key", "k")];
        let asked = json!({ "subjects": [subject] }).to_string();
        let answer = house.send("POST", "/api/v1/match", &headers, asked.as_bytes());
        assert_eq!(answer.json()["matches"][0]["subject"], subject);
    }
    let many = json!({ "subjects": vec!["a.example"; 10_000] });
    let all = house.post_by(&shopee, "/api/v1/match", &many).json();
    assert_eq!(all["matches"].as_array().unwrap().len(), 10_000);
    let more = json!({ "subjects": vec!["a.example"; 10_001] });
    house
        .post_by(&shopee, "/api/v1/match", &more)
        .refused(422, "too_many");
    house
        .post_by(&shopee, "/api/v1/match", &json!([]))
        .refused(400, "malformed");
}

#[test]
fn acknowledgements_are_judged_one_by_one() {
    let house = House::new();
    let id = house.list(SHOPS, ListOptions::default());
    let feed = "sellers/shopee.vn";
    let shopee = house.reader("shopee", &[feed]);
    let mine = items(&house, &shopee, feed);
    let mut future = said(&mine[0], "applied");
    future["time"] = json!(now() + 10_000);
    let mut disputed = said(&mine[0], "disputed");
    let mut long = said(&mine[0], "disputed");
    long["reason"] = json!("x".repeat(501));
    let mut foul = said(&mine[0], "disputed");
    foul["reason"] = json!("a\u{202e}b");
    let bare = disputed.clone();
    disputed["reason"] = json!("Chủ shop đã chứng minh nguồn gốc hàng.");
    let unknown = json!({ "key": format!("shopee.vn/#{} = {id}", "0".repeat(64)),
        "outcome": "applied", "time": now() });
    let foreign = json!({ "key": format!("shopee.vn/#{} = 1999-000001", "0".repeat(64)),
        "outcome": "applied", "time": now() });
    let key = json!({ "key": "shopee.vn/1001", "outcome": "applied", "time": now() });
    let calls = [
        said(&mine[0], "applied"),
        future,
        bare,
        long,
        foul,
        json!({ "key": 5 }),
        said(&mine[1], "other"),
        unknown,
        foreign,
        key,
        said(&mine[1], "not_found"),
        json!({ "key": mine[2]["key"], "outcome": "disputed", "time": now(),
            "reason": disputed["reason"] }),
    ];
    let answer = acknowledge(&house, &shopee, feed, &calls);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let answer = answer.json();
    assert_eq!(answer["accepted"], 3);
    let refused: Vec<(u64, &str)> = answer["refused"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| (r["index"].as_u64().unwrap(), r["code"].as_str().unwrap()))
        .collect();
    assert_eq!(
        refused,
        [
            (1, "time"),
            (2, "reason"),
            (3, "reason"),
            (4, "reason"),
            (5, "malformed"),
            (6, "malformed"),
            (7, "ended"),
            (8, "unknown"),
            (9, "key"),
        ]
    );
    let stands = status(&house, "shopee", feed);
    assert_eq!(
        stands["acknowledged"],
        json!({ "applied": 1, "already_gone": 0, "not_found": 1, "disputed": 1 })
    );
    assert_eq!(
        (&stands["waiting"], &stands["overdue"]),
        (&json!(0), &json!(0))
    );
    // A later one takes the place of the earlier, an earlier one changes nothing.
    let mut early = said(&mine[0], "not_found");
    early["time"] = json!(now() - 5_000);
    acknowledge(&house, &shopee, feed, &[early, said(&mine[1], "applied")]);
    assert_eq!(status(&house, "shopee", feed)["acknowledged"]["applied"], 2);
    let house = house.restart();
    assert_eq!(status(&house, "shopee", feed)["acknowledged"]["applied"], 2);
    // Others can't, and nobody else's feed can be acknowledged.
    acknowledge(&house, &shopee, "sellers/lazada.vn", &[]).refused(403, "scope");
    acknowledge(&house, "bf_x", feed, &[]).refused(401, "token");
    let many = vec![json!({}); 10_001];
    acknowledge(&house, &shopee, feed, &many).refused(422, "too_many");
    let own = house.get_by(&shopee, "/api/v1/standing").json();
    assert_eq!(own["name"], "shopee");
    assert_eq!(own["feeds"][feed], status(&house, "shopee", feed));
}

#[test]
fn what_is_late_is_seen() {
    let mut options = house::Options::default();
    // The time to respond is over at once.
    options
        .rules
        .respond_hours
        .values_mut()
        .for_each(|h| *h = 0);
    let house = House::with(options);
    house.list(SHOPS, ListOptions::default());
    let feed = "sellers/shopee.vn";
    let shopee = house.reader("shopee", &[feed, "domains"]);
    let stands = status(&house, "shopee", feed);
    assert_eq!(
        (&stands["waiting"], &stands["overdue"]),
        (&json!(3), &json!(3))
    );
    assert!(stands.get("held").is_none());
    let first = house
        .get_by(&shopee, &format!("/api/v1/changes?feed={feed}"))
        .json();
    let serial = first["serial"].clone();
    let path = format!("/api/v1/changes?feed={feed}&since={serial}");
    assert_eq!(house.get_by(&shopee, &path).json()["whole"], false);
    let mine = first["changes"].as_array().unwrap();
    acknowledge(&house, &shopee, feed, &[said(&mine[0], "already_gone")]);
    let stands = status(&house, "shopee", feed);
    assert_eq!(
        (&stands["waiting"], &stands["overdue"]),
        (&json!(2), &json!(2))
    );
    assert_eq!(stands["held"]["serial"], serial);
    assert_eq!(stands["held"]["current"], true);
    house.casework.show_standings().unwrap();
    let text = house::http::send(house.metrics_address(), "GET", "/metrics", &[], &[]);
    let text = text.text();
    let labels = "{feed=\"sellers/shopee.vn\",subscriber=\"shopee\"}";
    assert!(
        text.contains(&format!("blockfeed_subscriber_overdue_entries{labels} 2")),
        "{text}"
    );
    assert!(text.contains(&format!(
        "blockfeed_subscriber_held_serial{labels} {serial}"
    )));
    let labels = "{feed=\"sellers/shopee.vn\",outcome=\"already_gone\",subscriber=\"shopee\"}";
    assert!(text.contains(&format!(
        "blockfeed_subscriber_acknowledged_entries{labels} 1"
    )));
    assert!(text.contains(&format!("blockfeed_acknowledgements_total{labels} 1")));
}

#[test]
fn a_sandbox_sees_made_data_and_keeps_nothing() {
    let house = House::new();
    house.list(SHOPS, ListOptions::default());
    let feed = "sellers/shopee.vn";
    house.subscriber("shopee", &[feed, "domains"]);
    let (sandbox, _) = house.token("shopee", &json!({ "sandbox": true }));
    let whole = house
        .get_by(&sandbox, &format!("/api/v1/changes?feed={feed}"))
        .json();
    assert_eq!(whole["whole"], true);
    let made = whole["changes"].as_array().unwrap();
    assert_eq!(made.len(), 19);
    for item in made {
        let subject = item["subject"].as_str().unwrap();
        assert!(
            subject.starts_with("seller:shopee.vn/sandbox-"),
            "{subject}"
        );
        assert!(item["salt"].is_string() && item["respond_by"].is_u64());
    }
    let path = format!("/api/v1/changes?feed={feed}&since=1&limit=4");
    let mut step = house.get_by(&sandbox, &path).json();
    assert_eq!(step["changes"][0]["op"], "remove");
    let mut seen = step["changes"].as_array().unwrap().len();
    while let Some(page) = step["page"].as_str() {
        step = house
            .get_by(&sandbox, &format!("{path}&page={page}"))
            .json();
        seen += step["changes"].as_array().unwrap().len();
    }
    assert_eq!((seen, &step["whole"]), (11, &json!(false)));
    let path = format!("/api/v1/changes?feed={feed}&since=2");
    assert_eq!(house.get_by(&sandbox, &path).json()["changes"], json!([]));
    let domains = house
        .get_by(&sandbox, "/api/v1/entries?feed=domains")
        .json();
    assert_eq!(domains["items"].as_array().unwrap().len(), 19);
    assert!(!domains.to_string().contains("shop.example"));
    let answer = acknowledge(
        &house,
        &sandbox,
        feed,
        &[said(&made[0], "applied"), json!({})],
    );
    assert_eq!(answer.json()["accepted"], 1);
    assert_eq!(status(&house, "shopee", feed)["acknowledged"]["applied"], 0);
    let asked = json!({ "subjects": ["seller:shopee.vn/1001", made[0]["subject"], "shop.example",
        "sandbox-05.blockfeed.example", "203.0.113.7"] });
    let found = house.post_by(&sandbox, "/api/v1/match", &asked).json();
    let listed: Vec<bool> = (0..5)
        .map(|n| found["matches"][n]["listed"] == true)
        .collect();
    assert_eq!(listed, [false, true, false, true, false]);
    house
        .get_by(&sandbox, &format!("/feeds/{feed}/manifest"))
        .refused(403, "sandbox");
    house
        .get_by(&sandbox, "/api/v1/changes?feed=networks")
        .refused(403, "scope");
}

#[test]
fn a_platform_of_which_nobody_is_listed_yet_waits_in_peace() {
    let house = House::new();
    let feed = "sellers/tiki.vn";
    let tiki = house.reader("tiki", &[feed]);
    let path = format!("/api/v1/changes?feed={feed}");
    let none = house.get_by(&tiki, &path).json();
    assert_eq!((&none["serial"], &none["whole"]), (&json!(0), &json!(true)));
    assert_eq!(none["changes"], json!([]));
    let (address, bearer) = (house.address(), format!("Bearer {tiki}"));
    let waiting = std::thread::spawn(move || {
        let headers = [("authorization", bearer.as_str())];
        house::http::send(address, "GET", &format!("{path}&wait=60"), &headers, &[])
    });
    house.list(&["seller:tiki.vn/first-shop"], ListOptions::default());
    let answer = waiting.join().unwrap().json();
    assert_eq!(answer["changes"][0]["subject"], "seller:tiki.vn/first-shop");
    let typo = json!({ "name": "typo", "feeds": ["sellers/tikki.vn"] });
    house
        .order("/api/v1/subscribers", &typo)
        .refused(422, "invalid");
    let change = json!({ "feeds": ["accounts/nowhere"] });
    house
        .order("/api/v1/subscribers/tiki", &change)
        .refused(422, "invalid");
}

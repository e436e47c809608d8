//! `POST /api/v1/check`: the same judgement as on the command line, for officers.

mod house;

use house::{House, ListOptions, Officer, http::Answer};
use serde_json::{Value, json};

const PATH: &str = "/api/v1/check";

fn ask(house: &House, subjects: &[&str]) -> Value {
    let body = json!({ "subjects": subjects }).to_string();
    let answer = house.signed(Officer::First, "POST", PATH, body.as_bytes());
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

fn by(house: &House, token: &str, body: &Value) -> Answer {
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str())];
    house.send("POST", PATH, &headers, body.to_string().as_bytes())
}

#[test]
fn each_line_has_its_verdict_and_its_reason() {
    let house = House::new();
    let lines = ["domain:shop.example +", "seller:shopee.vn/1001"];
    let decision = house.list(&lines, ListOptions::default()).to_string();
    let asked = [
        "facebook.com",
        "www.shop.example",
        "weebly.com",
        "https://shopee.vn/shop/1001",
        "https://x.example/page",
        "two\nlines.example",
        "",
    ];
    let checks = ask(&house, &asked);
    let lines = checks["lines"].as_array().unwrap();
    let outcomes: Vec<_> = lines
        .iter()
        .map(|line| (line["outcome"].as_str().unwrap(), line["code"].as_str()))
        .collect();
    assert_eq!(
        outcomes,
        [
            ("refused", Some("protected_name")),
            ("accepted", None),
            ("refused", Some("platform_host")),
            ("accepted", None),
            ("refused", Some("url_with_path")),
            ("refused", Some("several_subjects")),
            ("skipped", Some("blank")),
        ]
    );
    assert_eq!(checks["counts"]["lines"], 7);
    let facebook = &lines[0]["findings"][0];
    assert_eq!(facebook["grade"], "refuse");
    assert_eq!(facebook["matched"]["file"], "protected-names.txt");
    assert!(facebook["vi"].as_str().unwrap().contains("bảo vệ"));
    assert_eq!(lines[2]["findings"][0]["grade"], "override");
    assert_eq!(lines[4]["offer"], "domain:x.example +");
    let listed: Vec<_> = checks["listed"]
        .as_array()
        .unwrap()
        .iter()
        .map(|listed| {
            (
                listed["line"].as_u64().unwrap(),
                listed["holds"][0]["decision"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(listed, [(2, decision.as_str()), (4, decision.as_str())]);
}

/// What is listed: the same, what covers it, what it would cover, and what was decided of it before.
#[test]
fn what_is_and_was_listed_is_told() {
    let house = House::new();
    let list = |lines: &[&str]| house.list(lines, ListOptions::default());
    let first = list(&["domain:shop.example +", "domain:other.example ="]);
    let below = list(&["domain:a.b.shop.example =", "net:203.0.113.7/32"]);
    let seller = list(&["seller:shopee.vn/1001"]);
    let again = list(&["domain:shop.example +"]);
    let revoked = house.revoke(&first, Some(&["domain:shop.example +"]));
    let stay = house.stay(&below, Some(&["net:203.0.113.7/32"]), 3600);
    let sold = house.revoke(&seller, None);
    let checks = ask(
        &house,
        &[
            "shop.example",
            "www.shop.example",
            "203.0.113.7",
            "other.example",
            "https://shopee.vn/shop/1001",
            "never.example",
        ],
    );
    assert_eq!(checks["past_is_whole"], true);
    let listed = checks["listed"].as_array().unwrap();
    let numbers: Vec<u64> = listed.iter().map(|l| l["line"].as_u64().unwrap()).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5], "{checks}");
    let shop = &listed[0];
    assert_eq!(shop["holds"][0]["decision"], again.to_string());
    assert_eq!(shop["covers"]["entries"], 1);
    assert_eq!(
        shop["covers"]["some"][0]["subject"],
        "domain:a.b.shop.example ="
    );
    let past = &shop["history"][0];
    assert_eq!(
        (past["decision"].as_str(), past["state"].as_str()),
        (Some(first.as_str()), Some("ended"))
    );
    assert_eq!(past["events"][0]["what"], "revoke");
    assert_eq!(past["events"][0]["id"], revoked.to_string());
    // Covered, and nothing was ever decided of it itself.
    assert_eq!(listed[1]["holds"][0]["own"], false);
    assert!(listed[1].get("history").is_none());
    // Stayed: nothing holds it now.
    assert!(listed[2]["holds"].as_array().unwrap().is_empty());
    let past = &listed[2]["history"][0];
    assert_eq!(
        (past["state"].as_str(), past["events"][0]["id"].as_str()),
        (Some("stayed"), Some(stay.as_str()))
    );
    // Its decision was touched, but not this line of it.
    let past = &listed[3]["history"][0];
    assert_eq!(past["state"], "in_force");
    assert_eq!(past["events"].as_array().unwrap().len(), 0);
    let past = &listed[4]["history"][0];
    assert_eq!(
        (past["state"].as_str(), past["events"][0]["id"].as_str()),
        (Some("ended"), Some(sold.as_str()))
    );
}

/// The same by the program: all of it to an officer, what is in force to anybody.
#[test]
fn the_program_says_what_is_listed() {
    let house = House::new();
    let first = house.list(&["domain:shop.example +"], ListOptions::default());
    house.list(&["domain:a.shop.example ="], ListOptions::default());
    let check = |more: &[&str]| {
        let url = house.url();
        let settings = ["--set", "registry.source_seconds=1"];
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_blockfeed"));
        command.args(["check", "shop.example", "--server", &url, "--wait", "1"]);
        let output = command.args(settings).args(more).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let said = check(&[]);
    let by = format!("itself: domain:shop.example + by {first}");
    assert!(
        said.contains(&by) && said.contains("told to officers"),
        "{said}"
    );
    let dir = tempfile::tempdir().unwrap();
    let (key, phrase) = (dir.path().join("key.pem"), dir.path().join("phrase"));
    std::fs::write(&phrase, "a passphrase\n").unwrap();
    let pem = blockfeed::trust::encrypt_key(&Officer::First.key(), b"a passphrase").unwrap();
    std::fs::write(&key, pem).unwrap();
    let id = Officer::First.id().to_string();
    let said = check(&[
        "--officer",
        &id,
        "--key-file",
        key.to_str().unwrap(),
        "--passphrase-file",
        phrase.to_str().unwrap(),
    ]);
    assert!(
        said.contains(&by) && said.contains("would cover  1 entries in force"),
        "{said}"
    );
}

#[test]
fn officers_may_ask_and_nobody_else() {
    let house = House::new();
    let token = house.reader("shopee", &["sellers/shopee.vn"]);
    let body = json!({ "subjects": ["gov.vn"], "category": "deceptive" });
    let answer = by(&house, &token, &body);
    assert_eq!(answer.status, 401, "{}", answer.text());
    let bytes = body.to_string().into_bytes();
    let answer = house.signed(Officer::First, "POST", PATH, &bytes);
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.json()["counts"]["refused"], 1);
    assert_eq!(house.post(PATH, &bytes).status, 401);
    let stranger = house.signed(Officer::Stranger, "POST", PATH, &bytes);
    assert!(matches!(stranger.status, 401 | 403), "{}", stranger.text());
    let unknown = json!({ "subjects": [], "catagory": "x" });
    house.order(PATH, &unknown).refused(400, "malformed");
}

#[test]
fn a_category_that_nobody_knows_is_said() {
    let house = House::new();
    let body = json!({ "subjects": ["shop.example"], "category": "nope" });
    let answer = house.order(PATH, &body).json();
    assert_eq!(answer["findings"][0]["code"], "category_unknown");
    assert_eq!(answer["stopped"], true);
    let answer = house
        .order(PATH, &json!({ "subjects": ["shop.example"] }))
        .json();
    assert_eq!(answer["stopped"], false);
}

#[test]
fn ten_thousand_lines_are_a_call() {
    let house = House::new();
    let mut subjects: Vec<String> = (0..10_000).map(|n| format!("shop-{n}.example")).collect();
    let body = json!({ "subjects": subjects }).to_string();
    let answer = house.signed(Officer::Second, "POST", PATH, body.as_bytes());
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.json()["counts"]["accepted"], 10_000);
    subjects.push("one-more.example".to_owned());
    let body = json!({ "subjects": subjects });
    house.order(PATH, &body).refused(422, "too_many");
}

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

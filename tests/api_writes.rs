//! Writes that are sent twice, and those who ask too often.

mod house;

use house::{House, ListOptions, Officer, http::Answer};
use serde_json::{Value, json};

/// An officer's write under a key.
fn write(house: &House, officer: Officer, path: &str, key: &str, body: &Value) -> Answer {
    let body = body.to_string();
    let signed =
        house
            .secrets
            .authorization(officer, "POST", path, house::http::stamp(), body.as_bytes());
    let headers = [("authorization", signed.as_str()), ("idempotency-key", key)];
    house.send("POST", path, &headers, body.as_bytes())
}

fn tokens(house: &House, name: &str) -> usize {
    let path = format!("/api/v1/subscribers/{name}/tokens");
    let found = house.signed(Officer::First, "GET", &path, b"").json();
    found["tokens"].as_array().unwrap().len()
}

#[test]
fn a_write_under_a_key_is_done_once() {
    let house = House::new();
    let shopee = json!({ "name": "shopee", "feeds": ["sellers/shopee.vn"] });
    let path = "/api/v1/subscribers";
    let (one, two) = (Officer::First, Officer::Both);
    let first = write(&house, one, path, "k-1", &shopee);
    let again = write(&house, one, path, "k-1", &shopee);
    assert_eq!((first.status, &first.body), (201, &again.body));
    assert_eq!(again.header("idempotent-replay"), "true");
    assert_eq!(again.header("content-type"), first.header("content-type"));
    let lazada = json!({ "name": "lazada", "feeds": ["sellers/lazada.vn"] });
    write(&house, one, path, "k-1", &lazada).refused(409, "key_reused");
    // Another officer's keys are another's.
    assert_eq!(write(&house, two, path, "k-1", &lazada).status, 201);
    for bad in ["", "with space", &"x".repeat(256)] {
        write(&house, one, path, bad, &shopee).refused(400, "idempotency_key");
    }

    let path = "/api/v1/subscribers/shopee/tokens";
    let first = write(&house, one, path, "t-1", &json!({}));
    let again = write(&house, one, path, "t-1", &json!({}));
    assert_eq!((first.status, again.status), (201, 201));
    assert_eq!(tokens(&house, "shopee"), 1);
    // The secret is told once, and isn't kept for the second time.
    let (first, again) = (first.json(), again.json());
    assert!(first["secret"].is_string() && again.get("secret").is_none());
    assert_eq!(first["id"], again["id"]);
    let secret = first["secret"].as_str().unwrap().to_owned();
    // What is refused is refused alike, whatever has changed since.
    write(&house, one, path, "t-2", &json!({}));
    write(&house, one, path, "t-3", &json!({})).refused(409, "too_many_tokens");
    let house = house.restart();
    assert_eq!(write(&house, one, path, "t-1", &json!({})).json(), again);
    write(&house, one, path, "t-3", &json!({})).refused(409, "too_many_tokens");
    write(&house, one, path, "t-1", &json!({ "sandbox": true })).refused(409, "key_reused");
    assert_eq!(tokens(&house, "shopee"), 2);
    let db = house.public().parent().unwrap().join("db");
    for file in std::fs::read_dir(db).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        assert!(!bytes.windows(secret.len()).any(|w| w == secret.as_bytes()));
    }
}

#[test]
fn a_hundred_at_once_under_one_key_are_one() {
    let house = House::new();
    let new = json!({ "name": "shopee", "feeds": ["sellers/shopee.vn"] });
    write(&house, Officer::First, "/api/v1/subscribers", "k", &new);
    let path = "/api/v1/subscribers/shopee/tokens";
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..5 {
                    let answer = write(&house, Officer::First, path, "t", &json!({}));
                    assert!(matches!(answer.status, 201 | 409), "{}", answer.text());
                    if answer.status == 409 {
                        answer.refused(409, "key_busy");
                        assert_eq!(answer.header("retry-after"), "1");
                    }
                }
            });
        }
    });
    assert_eq!(tokens(&house, "shopee"), 1);
}

#[test]
fn who_asks_too_often_is_told_when_to_ask_again() {
    let mut options = house::Options::default();
    // So slow that nothing fills while this test runs, however slow the machine is.
    options.serve.token_rate = 1;
    options.serve.token_burst = 200;
    options.serve.address_rate = 0;
    let house = House::with(options);
    house.list(&["domain:a.example +"], ListOptions::default());
    let new = json!({ "name": "isp", "feeds": ["domains"] });
    write(&house, Officer::First, "/api/v1/subscribers", "k", &new);
    let secret = |key: &str| {
        let path = "/api/v1/subscribers/isp/tokens";
        let made = write(&house, Officer::First, path, key, &json!({})).json();
        made["secret"].as_str().unwrap().to_owned()
    };
    let (one, two) = (secret("t-1"), secret("t-2"));
    let ask = |token: &str| {
        let bearer = format!("Bearer {token}");
        house.get_with("/api/v1/log", &[("authorization", &bearer)])
    };
    let first = ask(&one);
    assert_eq!(first.header("ratelimit-policy"), "\"token\";q=200;w=200");
    assert!(first.header("ratelimit").starts_with("\"token\";r=199;t="));
    let mut passed = 1;
    let refused = loop {
        let answer = ask(&one);
        if answer.status == 429 {
            break answer;
        }
        assert_eq!(answer.status, 200);
        passed += 1;
        assert!(passed < 5_000, "no limit was met");
    };
    assert!(passed >= 200, "{passed}");
    refused.refused(429, "rate_limit");
    assert_eq!(refused.header("retry-after"), "1");
    assert_eq!(ask(&two).status, 200, "another token has its own");
    assert_eq!(
        house.get("/api/v1/log").status,
        200,
        "addresses have none here"
    );
    assert_eq!(house.get("/feeds/domains/manifest").status, 200);
}

#[test]
fn an_address_has_a_limit_for_the_api_alone() {
    let mut options = house::Options::default();
    options.serve.address_rate = 1;
    options.serve.address_burst = 20;
    let house = House::with(options);
    let mut asked = 0;
    while house.get("/api/v1/log").status == 200 {
        asked += 1;
        assert!(asked < 5_000, "no limit was met");
    }
    assert!(asked >= 20, "{asked}");
    assert_eq!(house.get("/log/checkpoint").status, 200);
    assert_eq!(house.get("/healthz").status, 200);
}

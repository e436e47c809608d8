//! Subscribers and their tokens: made, scoped, exchanged, ended; and what they open.

mod house;

use house::{House, ListOptions, Officer, http::Answer, now};
use serde_json::{Value, json};

/// A commitment that nobody made: the feed's proof says so.
const COMMITMENT: &str = "0101010101010101010101010101010101010101010101010101010101010101";

/// An officer's request with a JSON body.
fn order(house: &House, officer: Officer, path: &str, body: &Value) -> Answer {
    house.signed(officer, "POST", path, body.to_string().as_bytes())
}

fn with(house: &House, path: &str, token: &str) -> Answer {
    house.get_by(token, path)
}

/// A house with a shop listed at one marketplace.
fn market(options: house::Options) -> House {
    let house = House::with(options);
    house.list(
        &["seller:shopee.vn/123456", "domain:a.example +"],
        ListOptions::default(),
    );
    house
}

#[test]
fn a_token_opens_its_feeds_and_no_others() {
    let house = market(house::Options::default());
    house.subscriber("shopee", &["sellers/shopee.vn"]);
    house.subscriber("lazada", &["sellers/lazada.vn"]);
    let (mine, _) = house.token("shopee", &json!({}));
    let (other, _) = house.token("lazada", &json!({}));
    let manifest = "/feeds/sellers/shopee.vn/manifest";
    house.get(manifest).refused(401, "token");
    let refused = with(&house, manifest, &other).refused(403, "scope");
    assert!(
        refused["detail"]
            .as_str()
            .unwrap()
            .contains("sellers/lazada.vn")
    );
    let given = with(&house, manifest, &mine);
    assert_eq!(given.status, 200);
    assert!(given.header("cache-control").starts_with("private"));
    assert_eq!(given.header("vary"), "authorization");
    let snapshot = given.text();
    let snapshot = snapshot
        .lines()
        .find(|l| l.starts_with("snapshot "))
        .unwrap();
    let file = snapshot.rsplit(' ').next().unwrap();
    for path in [
        format!("/feeds/sellers/shopee.vn/snapshot/{file}.zst"),
        "/feeds/sellers/shopee.vn.csv".into(),
        format!("/feeds/sellers/shopee.vn/proof?name=shopee.vn/%23{COMMITMENT}"),
        "/api/v1/entries?feed=sellers/shopee.vn".into(),
    ] {
        let nobody = house.get(&path);
        nobody.refused(401, "token");
        assert!(nobody.header("www-authenticate").contains("Bearer"));
        with(&house, &path, &other).refused(403, "scope");
        with(&house, &path, "bf_x").refused(401, "token");
        let given = with(&house, &path, &mine);
        assert_eq!(given.status, 200, "{path}: {}", given.text());
        assert!(
            given.header("cache-control").starts_with("private"),
            "{path}"
        );
    }
    // What is open stays open, whatever is shown.
    for shown in [&mine, &other, "bf_nonsense"] {
        assert_eq!(with(&house, "/feeds/domains/manifest", shown).status, 200);
    }
    // In the API a credential that is shown has to hold.
    with(&house, "/api/v1/log", "bf_nonsense").refused(401, "token");
    assert_eq!(with(&house, "/api/v1/log", &mine).status, 200);
    // A token signs nothing, a signature reads nothing.
    with(&house, "/api/v1/subscribers", &mine).refused(401, "unauthorised");
    house
        .signed(Officer::First, "GET", "/api/v1/standing", b"")
        .refused(401, "token");
    house
        .signed(
            Officer::First,
            "GET",
            "/api/v1/entries?feed=sellers/shopee.vn",
            b"",
        )
        .refused(401, "token");
}

#[test]
fn feeds_that_are_closed_want_a_token_too() {
    let mut options = house::Options::default();
    options.serve.open_feeds = false;
    let house = market(options);
    house.subscriber("isp", &["domains"]);
    let (isp, _) = house.token("isp", &json!({}));
    for path in ["/feeds/domains/manifest", "/api/v1/entries?feed=domains"] {
        house.get(path).refused(401, "token");
        let given = with(&house, path, &isp);
        assert_eq!(given.status, 200, "{path}");
        assert!(given.header("cache-control").starts_with("private"));
    }
    with(&house, "/feeds/networks/manifest", &isp).refused(403, "scope");
    assert_eq!(house.get("/log/checkpoint").status, 200);
}

#[test]
fn two_live_tokens_take_each_others_place() {
    let house = market(house::Options::default());
    house.subscriber("shopee", &["sellers/shopee.vn", "domains"]);
    let path = "/api/v1/subscribers/shopee/tokens";
    let feed = "/api/v1/entries?feed=sellers/shopee.vn";
    let (first, first_id) = house.token("shopee", &json!({}));
    let (second, _) = house.token("shopee", &json!({}));
    order(&house, Officer::First, path, &json!({})).refused(409, "too_many_tokens");
    assert_eq!(with(&house, feed, &first).status, 200);
    assert_eq!(with(&house, feed, &second).status, 200);
    let revocation = format!("{path}/{first_id}/revocation");
    assert_eq!(
        order(&house, Officer::First, &revocation, &json!({})).status,
        200
    );
    with(&house, feed, &first).refused(401, "token");
    assert_eq!(with(&house, feed, &second).status, 200);
    house.token("shopee", &json!({ "feeds": ["domains"] }));
    // What was ended stays ended, and what was made stays made, after a restart; the secret is
    // nowhere on the disk.
    let listed = house.signed(Officer::Second, "GET", path, b"").json();
    assert_eq!(listed["tokens"].as_array().unwrap().len(), 3);
    assert!(!listed.to_string().contains("bf_"));
    let house = house.restart();
    with(&house, feed, &first).refused(401, "token");
    assert_eq!(with(&house, feed, &second).status, 200);
    // A feed that is taken from the subscriber is taken from its tokens.
    let feeds = json!({ "feeds": ["domains"] });
    let changed = order(&house, Officer::First, "/api/v1/subscribers/shopee", &feeds);
    assert_eq!(changed.status, 200);
    with(&house, feed, &second).refused(403, "scope");
}

#[test]
fn tokens_end_and_are_scoped() {
    let house = market(house::Options::default());
    house.subscriber("shopee", &["sellers/shopee.vn"]);
    let path = "/api/v1/subscribers/shopee/tokens";
    let refused = |body: Value, status: u16, code: &str| {
        order(&house, Officer::First, path, &body).refused(status, code);
    };
    refused(json!({ "feeds": ["domains"] }), 422, "not_its_feed");
    refused(json!({ "feeds": ["other"] }), 400, "malformed");
    refused(json!({ "expires": now() - 1 }), 422, "invalid");
    refused(
        json!({ "expires": now() + 3 * 366 * 86_400 }),
        422,
        "invalid",
    );
    refused(json!({ "more": 1 }), 400, "malformed");
    let nobody = "/api/v1/subscribers/nobody/tokens";
    order(&house, Officer::First, nobody, &json!({})).refused(404, "no_subscriber");
    let gone = format!("{path}/000000000000/revocation");
    order(&house, Officer::First, &gone, &json!({})).refused(404, "no_token");
    let (short, _) = house.token("shopee", &json!({ "expires": now() + 2 }));
    let feed = "/feeds/sellers/shopee.vn/manifest";
    // However slow this machine is, the token is refused in the end.
    let end = std::time::Instant::now();
    while with(&house, feed, &short).status == 200 {
        assert!(end.elapsed().as_secs() < 60);
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    with(&house, feed, &short).refused(401, "token");
    // An expired one makes room.
    house.token("shopee", &json!({}));
    house.token("shopee", &json!({}));
}

#[test]
fn officers_sign_the_body_and_need_the_role() {
    let house = House::new();
    let path = "/api/v1/subscribers";
    let body = json!({ "name": "shopee", "feeds": ["sellers/shopee.vn"] }).to_string();
    let header = house
        .secrets
        .authorization(Officer::First, "POST", path, now(), body.as_bytes());
    let headers = [("authorization", header.as_str())];
    let other = body.replace("shopee", "lazada");
    house
        .send("POST", path, &headers, other.as_bytes())
        .refused(401, "unauthorised");
    assert_eq!(
        house.send("POST", path, &headers, body.as_bytes()).status,
        201
    );
    house
        .signed(Officer::Second, "POST", path, other.as_bytes())
        .refused(403, "forbidden");
    house
        .signed(Officer::Stranger, "POST", path, other.as_bytes())
        .refused(401, "unauthorised");
    let long = vec![b' '; 300 * 1024];
    house
        .signed(Officer::First, "POST", path, &long)
        .refused(413, "too_large");
    let another = json!({ "name": "shopee", "feeds": ["domains"] });
    order(&house, Officer::First, path, &another).refused(409, "subscriber_taken");
    house
        .signed(Officer::First, "GET", "/api/v1/subscribers/nobody", b"")
        .refused(404, "no_subscriber");
}

/// Whoever overhears a signed write can't have it done again.
#[test]
fn a_signed_write_is_taken_once() {
    let house = House::new();
    house.reader("shopee", &["sellers/shopee.vn"]);
    let path = "/api/v1/subscribers/shopee/tokens";
    let secrets = &house.secrets;
    let stamp = house::http::stamp();
    let header = secrets.authorization(Officer::First, "POST", path, stamp, b"{}");
    let send = |more: &[(&str, &str)]| {
        let headers = [&[("authorization", header.as_str())], more].concat();
        house.send("POST", path, &headers, b"{}")
    };
    assert_eq!(send(&[]).status, 201);
    send(&[]).refused(401, "replayed");
    send(&[("idempotency-key", "k")]).refused(401, "replayed");
}

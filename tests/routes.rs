//! Every role against every route and verb of the API's own description: nobody gets more than
//! is theirs, nothing is answered that isn't described, nothing breaks.

mod house;

use house::{House, ListOptions, Officer, http::Answer, now};
use serde_json::{Value, json};
use std::{collections::BTreeSet, time::Instant};

const FEED: &str = "sellers/shopee.vn";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Nobody,
    /// `propose`
    Proposer,
    /// `approve`, `senior`
    Senior,
    /// In a trust document of before.
    Former,
    /// In no trust document.
    Stranger,
    /// A token whose scope has the feed.
    Right,
    /// A token of another marketplace.
    Other,
    Expired,
    Revoked,
    Unknown,
    Sandbox,
}

const ROLES: [Role; 11] = [
    Role::Nobody,
    Role::Proposer,
    Role::Senior,
    Role::Former,
    Role::Stranger,
    Role::Right,
    Role::Other,
    Role::Expired,
    Role::Revoked,
    Role::Unknown,
    Role::Sandbox,
];

struct World {
    house: House,
    document: Value,
    decision: String,
    tokens: Vec<(Role, String)>,
}

impl World {
    fn new() -> Self {
        let house = House::new();
        let lines = ["seller:shopee.vn/1001", "domain:shop.example +"];
        let decision = house.list(&lines, ListOptions::default()).to_string();
        house.renew_trust(|trust| {
            trust.officers.remove(&Officer::Both.id());
        });
        let right = house.reader("shopee", &[FEED, "domains"]);
        let other = house.reader("lazada", &["sellers/lazada.vn"]);
        let (sandbox, _) = house.token("shopee", &json!({ "sandbox": true }));
        house.subscriber("ended", &[FEED]);
        let (revoked, id) = house.token("ended", &json!({}));
        let path = format!("/api/v1/subscribers/ended/tokens/{id}/revocation");
        assert_eq!(house.order(&path, &json!({})).status, 200);
        let (expired, _) = house.token("ended", &json!({ "expires": now() + 1 }));
        let began = Instant::now();
        while house.get_by(&expired, "/api/v1/log").status == 200 {
            assert!(began.elapsed().as_secs() < 60);
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        let document = house.get("/api/openapi.json").json();
        let tokens = vec![
            (Role::Right, right),
            (Role::Other, other),
            (Role::Expired, expired),
            (Role::Revoked, revoked),
            (Role::Unknown, format!("bf_{}", "A".repeat(43))),
            (Role::Sandbox, sandbox),
        ];
        Self {
            house,
            document,
            decision,
            tokens,
        }
    }

    fn send(&self, role: Role, method: &str, path: &str, body: &[u8]) -> Answer {
        let officer = match role {
            Role::Proposer => Some(Officer::First),
            Role::Senior => Some(Officer::Second),
            Role::Former => Some(Officer::Both),
            Role::Stranger => Some(Officer::Stranger),
            _ => None,
        };
        if let Some(officer) = officer {
            return self.house.signed(officer, method, path, body);
        }
        match self.tokens.iter().find(|(of, _)| *of == role) {
            Some((_, token)) => {
                let bearer = format!("Bearer {token}");
                let headers = [("authorization", bearer.as_str())];
                self.house.send(method, path, &headers, body)
            }
            None => self.house.send(method, path, &[], body),
        }
    }

    /// A path with real things in the place of its parameters.
    fn filled(&self, template: &str) -> String {
        let id = match template.contains("/tokens/") {
            true => "000000000000",
            false => &self.decision,
        };
        let path = template
            .replace("{id}", id)
            .replace("{name}", "shopee")
            .replace("{sha256}", &"0".repeat(64));
        assert!(
            !path.contains('{'),
            "{path}: a parameter that this test doesn't know"
        );
        match template {
            "/api/v1/changes" | "/api/v1/entries" => format!("{path}?feed={FEED}"),
            "/api/v1/lookup" => format!("{path}?q=shop.example"),
            _ => path,
        }
    }
}

/// A body that the route would take.
fn body(template: &str) -> Value {
    match template {
        "/api/v1/subscribers" => json!({ "name": "tiki", "feeds": ["sellers/tiki.vn"] }),
        "/api/v1/match" => json!({ "subjects": ["shop.example", "seller:shopee.vn/1001"] }),
        "/api/v1/check" => {
            json!({ "subjects": ["shop.example", "facebook.com"], "category": "deceptive" })
        }
        "/api/v1/acknowledgements" => json!({ "feed": FEED, "acknowledgements": [] }),
        _ => json!({}),
    }
}

/// Whether the description gives a role what an operation does.
fn may(role: Role, method: &str, path: &str, operation: &Value) -> bool {
    let schemes: BTreeSet<&str> = operation["security"]
        .as_array()
        .into_iter()
        .flatten()
        .flat_map(|one| match one.as_object().unwrap().keys().next() {
            Some(scheme) => Some(scheme.as_str()),
            None => Some("none"),
        })
        .collect();
    let is_token = matches!(role, Role::Right | Role::Other | Role::Sandbox);
    let is_officer = matches!(role, Role::Proposer | Role::Senior);
    if schemes.contains("officer") && schemes.contains("token") {
        return is_officer || is_token;
    }
    // What the asked feed needs: it is a marketplace's.
    let of_feed = [
        "/api/v1/changes",
        "/api/v1/entries",
        "/api/v1/acknowledgements",
    ];
    if of_feed.contains(&path) {
        return matches!(role, Role::Right | Role::Sandbox);
    }
    if schemes.contains("officer") {
        return match (method, path) {
            (_, path) if path.starts_with("/api/v1/accounts") => role == Role::Senior,
            ("post", "/api/v1/decisions/{id}/erasure" | "/api/v1/compaction") => {
                role == Role::Senior
            }
            ("post", path) if path.starts_with("/api/v1/subscribers") => role == Role::Proposer,
            _ => is_officer,
        };
    }
    if schemes.contains("token") {
        return is_token;
    }
    role == Role::Nobody || is_token || is_officer
}

fn operations(document: &Value) -> impl Iterator<Item = (&String, &String, &Value)> {
    let paths = document["paths"].as_object().unwrap();
    paths.iter().flat_map(|(path, item)| {
        let verbs = item.as_object().unwrap().iter();
        verbs.map(move |(method, operation)| (path, method, operation))
    })
}

#[test]
fn nobody_gets_more_than_is_theirs() {
    let world = World::new();
    let (mut asked, mut given) = (0, 0);
    for (path, method, operation) in operations(&world.document) {
        for role in ROLES {
            let body = match method.as_str() {
                "get" => Vec::new(),
                _ => body(path).to_string().into_bytes(),
            };
            let place = world.filled(path);
            let answer = world.send(role, &method.to_uppercase(), &place, &body);
            let what = format!(
                "{role:?} {method} {path}: {} {}",
                answer.status,
                answer.text()
            );
            assert!(answer.status < 500, "{what}");
            let described = operation["responses"].get(answer.status.to_string());
            assert!(described.is_some(), "not described: {what}");
            if answer.status >= 400 {
                let media = answer.header("content-type");
                assert_eq!(media, "application/problem+json", "{what}");
            }
            let success = answer.status < 300;
            asked += 1;
            given += usize::from(success);
            if may(role, method, path, operation) {
                assert!(!matches!(answer.status, 401 | 403), "refused: {what}");
            } else {
                assert!(!success, "given: {what}");
                assert!(matches!(answer.status, 400 | 401 | 403 | 404), "{what}");
            }
        }
    }
    assert!(asked > 200 && given > 30, "{asked} asked, {given} given");
}

#[test]
fn other_verbs_are_refused() {
    let world = World::new();
    let paths = world.document["paths"].as_object().unwrap();
    for (path, item) in paths {
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
            if item.get(method.to_lowercase()).is_some() {
                continue;
            }
            for role in ROLES {
                let place = world.filled(path);
                let answer = world.send(role, method, &place, b"");
                let what = format!("{role:?} {method} {path}: {}", answer.text());
                assert!(matches!(answer.status, 401 | 405), "{what}");
            }
        }
    }
}

#[test]
fn files_of_a_marketplace_are_its_own() {
    let world = World::new();
    let manifest = world.send(Role::Right, "GET", &format!("/feeds/{FEED}/manifest"), b"");
    let manifest = manifest.text();
    let snapshot = manifest
        .lines()
        .find(|l| l.starts_with("snapshot "))
        .unwrap();
    let snapshot = snapshot.rsplit(' ').next().unwrap();
    let places = [
        format!("/feeds/{FEED}/manifest"),
        format!("/feeds/{FEED}/manifest?after=1&wait=1"),
        format!("/feeds/{FEED}/snapshot/{snapshot}.zst"),
        format!("/feeds/{FEED}/delta/{snapshot}.zst"),
        format!("/feeds/{FEED}/proof?name=shopee.vn/%23{}", "0".repeat(64)),
        format!("/feeds/{FEED}.csv"),
        format!("/feeds/{FEED}.json"),
    ];
    for place in &places {
        for role in ROLES {
            for method in ["GET", "HEAD"] {
                let answer = world.send(role, method, place, b"");
                let what = format!("{role:?} {method} {place}: {}", answer.text());
                match role {
                    Role::Right if place.contains("/delta/") => {
                        assert_eq!(answer.status, 404, "{what}");
                    }
                    Role::Right => assert_eq!(answer.status, 200, "{what}"),
                    Role::Other | Role::Sandbox => assert_eq!(answer.status, 403, "{what}"),
                    _ => assert_eq!(answer.status, 401, "{what}"),
                }
            }
        }
    }
    for role in ROLES {
        let answer = world.send(role, "GET", "/feeds/domains/manifest", b"");
        assert_eq!(answer.status, 200, "{role:?}: what is open is open");
    }
}

#[test]
fn the_description_says_every_refusal() {
    let house = House::new();
    let answer = house.get("/api/openapi.json");
    assert_eq!(answer.header("content-type"), "application/json");
    let document = answer.json();
    assert_eq!(document["openapi"], "3.1.0");
    let schemas = &document["components"]["schemas"];
    for (path, method, operation) in operations(&document) {
        let what = format!("{method} {path}");
        assert!(path.starts_with("/api/v1/"), "{what}");
        assert!(operation["summary"].is_string(), "{what}");
        let responses = operation["responses"].as_object().unwrap();
        for status in ["400", "401", "403", "404", "429", "500", "503"] {
            let schema = &responses[status]["content"]["application/problem+json"]["schema"];
            assert_eq!(
                schema["$ref"], "#/components/schemas/Problem",
                "{what} {status}"
            );
        }
        assert!(responses.keys().any(|s| s.starts_with('2')), "{what}");
        let parameters = operation["parameters"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let keyed = parameters.iter().any(|p| p["name"] == "Idempotency-Key");
        let reads = method == "get" || ["/api/v1/match", "/api/v1/check"].contains(&path.as_str());
        let writes = !reads && operation.get("security").is_some();
        assert_eq!(keyed, writes, "{what}");
    }
    // Every schema that is named is there.
    let text = document.to_string();
    for name in text.split("#/components/schemas/").skip(1) {
        let name = name.split('"').next().unwrap();
        assert!(schemas.get(name).is_some(), "{name}");
    }
    // A route that isn't described can't be served: none is made without its description.
    let source = std::fs::read_to_string(house::root().join("src/serve/router.rs")).unwrap();
    assert!(!source.contains(".route(\"/api/v1"));
}

/// What no route was made for: the answer is a refusal that is described, and never a fault.
#[test]
fn nonsense_is_refused_in_words() {
    let world = World::new();
    let deep = "[".repeat(100_000);
    let long = format!("{{\"name\":\"{}\"}}", "x".repeat(100_000));
    let bodies: [&[u8]; 9] = [
        b"",
        b"null",
        b"[]",
        b"{",
        b"{\"feed\":\"\",\"acknowledgements\":[null,[],{}],\"subjects\":[null]}",
        b"{\"feeds\":[\"../..\"],\"name\":\"..\",\"expires\":-1,\"public\":\"!\"}",
        b"\xff\xfe{}",
        deep.as_bytes(),
        long.as_bytes(),
    ];
    let queries = [
        "?feed=%00",
        "?feed=sellers/..%2f..",
        "?since=99999999999999999999",
        "?wait=-1&feed=domains",
        "?feed=domains&feed=networks",
        "?limit=0&feed=domains",
        "?%ff=%ff",
    ];
    for (path, method, operation) in operations(&world.document) {
        for role in [Role::Nobody, Role::Proposer, Role::Senior, Role::Right] {
            let place = world.filled(path);
            let bare = place.split('?').next().unwrap().to_owned();
            let asked: Vec<(String, &[u8])> = match method.as_str() {
                "get" => queries.map(|q| (format!("{bare}{q}"), &b""[..])).to_vec(),
                _ => bodies.map(|body| (bare.clone(), body)).to_vec(),
            };
            for (place, body) in asked {
                let answer = world.send(role, &method.to_uppercase(), &place, body);
                let what = format!(
                    "{role:?} {method} {place}: {} {}",
                    answer.status,
                    answer.text()
                );
                assert!(answer.status < 500, "{what}");
                let status = answer.status.to_string();
                let described = operation["responses"].get(&status);
                assert!(described.is_some(), "not described: {what}");
            }
        }
        for (from, to) in [
            ("shopee", "%00"),
            ("shopee", ".."),
            (world.decision.as_str(), "%2e%2e"),
        ] {
            let place = world.filled(path).replace(from, to);
            let answer = world.send(Role::Proposer, &method.to_uppercase(), &place, b"{}");
            assert!(answer.status < 500, "{method} {place}: {}", answer.text());
        }
    }
}

//! What anybody may ask over HTTP: look-up, pages of a feed, proofs; and what subscribers say.

mod house;
mod peers;

use blockfeed::{
    canon::Base64,
    casework::{Receipt, receipt_message},
    entries::FeedName,
    tlog::Hash,
};
use ed25519_dalek::Signer;
use house::{House, ListOptions, Officer, keys, now};
use std::process::Command;

const LINES: &[&str] = &["domain:a.example +", "domain:b.example ="];

#[test]
fn a_look_up_names_everything_that_holds() {
    let house = House::new();
    let wide = house.list(
        &["domain:shop.example +", "net:203.0.113.0/24"],
        ListOptions::default(),
    );
    let narrow = house.list(
        &["domain:a.shop.example =", "net:203.0.113.7/32"],
        ListOptions::default(),
    );
    let holds = |query: &str| -> Vec<String> {
        let found = house.get(&format!("/api/v1/lookup?q={query}")).json();
        let holds = found["holds"].as_array().unwrap();
        holds
            .iter()
            .map(|h| h["decision"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(
        holds("a.shop.example"),
        [narrow.to_string(), wide.to_string()]
    );
    assert_eq!(holds("b.a.shop.example"), [wide.to_string()]);
    assert_eq!(holds("203.0.113.7"), [narrow.to_string(), wide.to_string()]);
    assert_eq!(holds("203.0.113.8"), [wide.to_string()]);
    assert_eq!(holds("198.51.100.1"), [""; 0]);
    assert_eq!(holds("SHOP.example."), [wide.to_string()]);
    let hold = house.get("/api/v1/lookup?q=shop.example").json()["holds"][0].clone();
    assert_eq!(hold["subject"], "domain:shop.example");
    assert_eq!(hold["measure"], "block_domain");
    assert_eq!(hold["category"], "counterfeit");
    assert_eq!(hold["basis"]["number"], "12/QĐ-BVHTTDL");
    let refused = house.get("/api/v1/lookup?q=https://shop.example/a/b");
    let problem = refused.refused(422, "url_with_path");
    assert_eq!(problem["offer"], "domain:shop.example +");
    house.get("/api/v1/lookup").refused(400, "query");
    house
        .get("/api/v1/lookup?q=")
        .status
        .eq(&422)
        .then_some(())
        .unwrap();

    let log = house.get("/api/v1/log").json();
    assert_eq!(log["origin"], house::ORIGIN);
    assert_eq!(log["size"], house.authority.current().size);
    assert_eq!(log["trust"]["version"], 1);
    assert_eq!(log["feeds"]["domains"]["entries"], 2);
    assert!(
        log["log_vkey"]
            .as_str()
            .unwrap()
            .starts_with("blocklist.example/399/v1+")
    );
    assert!(
        log["feed_vkey"]
            .as_str()
            .unwrap()
            .starts_with("blocklist.example/399/v1/feed+")
    );
}

#[test]
fn pages_keep_to_their_serial_and_reach_back() {
    let house = House::new();
    let domains = FeedName::domains();
    let mut past = Vec::new();
    let mut ids = Vec::new();
    for n in 0..5 {
        let lines: Vec<String> = (0..4)
            .map(|i| format!("domain:s{n}-{i}.example +"))
            .collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        ids.push(house.list(&lines, ListOptions::default()));
        let view = house.casework.feed(&domains).unwrap();
        let lines: Vec<String> = view.set.sorted().into_iter().map(str::to_owned).collect();
        past.push((view.state.serial, view.state.digest.to_string(), lines));
    }
    house.revoke(&ids[1], None);
    let pages = |at: u64| {
        let (mut lines, mut after) = (Vec::new(), String::new());
        loop {
            let page = house
                .get(&format!(
                    "/api/v1/entries?feed=domains&limit=3&at={at}{after}"
                ))
                .json();
            assert_eq!(page["serial"], at);
            lines.extend(serde_json::from_value::<Vec<String>>(page["lines"].clone()).unwrap());
            match page["next"].as_str() {
                Some(next) => after = format!("&after={next}"),
                None => return (page["digest"].as_str().unwrap().to_owned(), lines),
            }
        }
    };
    for (serial, digest, lines) in &past {
        assert_eq!(pages(*serial), (digest.clone(), lines.clone()), "{serial}");
    }
    // Without the deltas the log itself tells.
    let folder = house.public().join("feeds/domains/delta");
    for file in std::fs::read_dir(folder).unwrap() {
        std::fs::remove_file(file.unwrap().path()).unwrap();
    }
    assert_eq!(pages(past[0].0), (past[0].1.clone(), past[0].2.clone()));
    house
        .get("/api/v1/entries?feed=domains&at=3")
        .refused(404, "no_serial");
    house
        .get("/api/v1/entries?feed=domains&at=999")
        .refused(404, "no_serial");
    house
        .get("/api/v1/entries?feed=other")
        .refused(400, "no_feed");
    house
        .get("/api/v1/entries?feed=sellers/shopee.vn")
        .refused(401, "token");
    house
        .get("/api/v1/entries?feed=domains&after=x")
        .refused(400, "malformed");
}

#[test]
fn receipts_are_held_against_the_log() {
    let house = House::new();
    let path = "/api/v1/subscribers";
    let key = &house.secrets.subscriber;
    let named = |name: &str, public: Base64| {
        serde_json::json!({ "name": name, "public": public })
            .to_string()
            .into_bytes()
    };
    let isp = named("isp-1", keys::public(key));
    house.post(path, &isp).refused(401, "unauthorised");
    assert_eq!(house.signed(Officer::First, "POST", path, &isp).status, 201);
    assert_eq!(
        house.signed(Officer::First, "POST", path, &isp).status,
        201,
        "the same again"
    );
    let other = named("isp-1", keys::public(&house.secrets.log));
    house
        .signed(Officer::First, "POST", path, &other)
        .refused(409, "subscriber_taken");
    let weak = named("isp-2", Base64(vec![0; 32]));
    house
        .signed(Officer::First, "POST", path, &weak)
        .refused(400, "malformed");

    house.list(LINES, ListOptions::default());
    let old = house.casework.feed(&FeedName::domains()).unwrap().state;
    let send = |change: &dyn Fn(&mut Receipt), resign: bool| {
        let mut receipt = Receipt {
            origin: house.origin(),
            subscriber: "isp-1".into(),
            feed: FeedName::domains(),
            serial: old.serial,
            digest: old.digest,
            time: now(),
            sig: Base64(Vec::new()),
        };
        let sign = |r: &Receipt| {
            let message = receipt_message(
                &r.origin,
                &r.subscriber,
                &r.feed,
                r.serial,
                &r.digest,
                r.time,
            );
            Base64(key.sign(&message).to_bytes().to_vec())
        };
        receipt.sig = sign(&receipt);
        change(&mut receipt);
        if resign {
            receipt.sig = sign(&receipt);
        }
        house.post("/api/v1/receipts", &serde_json::to_vec(&receipt).unwrap())
    };
    let good = send(&|_| {}, true);
    assert_eq!((good.status, good.body.len()), (204, 0));
    send(&|r| r.serial -= 1, false).refused(403, "signature");
    send(&|r| r.subscriber = "isp-9".into(), true).refused(403, "unknown_subscriber");
    send(&|r| r.digest = Hash([7; 32]), true).refused(422, "receipt");
    send(&|r| r.serial = 2, true).refused(422, "receipt");
    send(&|r| r.serial = 99, true).refused(422, "receipt");
    send(&|r| r.time += 1000, true).refused(422, "receipt");
    house
        .post("/api/v1/receipts", b"{}")
        .refused(400, "malformed");

    let standing = || {
        let all = house.signed(Officer::Second, "GET", path, b"").json();
        all["subscribers"][0].clone()
    };
    assert_eq!(standing()["name"], "isp-1");
    assert_eq!(
        standing()["feeds"]["domains"]["applied"]["serial"],
        old.serial
    );
    assert_eq!(standing()["feeds"]["domains"]["applied"]["current"], true);
    house.list(&["domain:c.example +"], ListOptions::default());
    assert_eq!(standing()["feeds"]["domains"]["applied"]["current"], false);
    assert_eq!(standing()["feeds"]["domains"]["applied"]["behind"], 2);
    // An older receipt, sent again, sets nothing back.
    assert_eq!(send(&|r| r.time -= 100, true).status, 204);
    let time = standing()["feeds"]["domains"]["applied"]["time"]
        .as_u64()
        .unwrap();
    assert!(now() - time < 60);
}

#[test]
fn a_program_written_from_the_design_verifies_the_folder_and_the_proofs() {
    let house = House::new();
    let first = house.list(LINES, ListOptions::default());
    house.list(
        &["domain:shop.example +", "net:203.0.113.0/24"],
        ListOptions::default(),
    );
    house.stay(&first, Some(&["domain:b.example ="]), 3600);
    house.revoke(&first, Some(&["domain:a.example +"]));
    house.renew_trust(|document| document.expires += 1);
    let python = std::env::var_os("BLOCKFEED_PYTHON").unwrap_or("python3".into());
    let loads = Command::new(&python)
        .args(["-c", "import cryptography"])
        .output();
    if !loads.is_ok_and(|said| said.status.success()) {
        return peers::skip("proofs by the Python verifier", "Python with cryptography");
    }
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(python);
    command
        .arg(house::root().join("tests/verifiers/python/verify.py"))
        .arg(house.public());
    let mut verdicts = Vec::new();
    for (n, (feed, name, verdict)) in [
        ("domains", "x.shop.example", "x.shop.example listed by"),
        ("domains", "a.example", "a.example not listed"),
        ("domains", "b.example", "b.example not listed"),
        ("networks", "203.0.113.7/32", "203.0.113.7/32 listed by"),
        ("networks", "198.51.100.0/24", "198.51.100.0/24 not listed"),
    ]
    .into_iter()
    .enumerate()
    {
        let file = folder.path().join(format!("{n}.json"));
        std::fs::write(
            &file,
            house.get(&format!("/feeds/{feed}/proof?name={name}")).body,
        )
        .unwrap();
        command.arg("--proof").arg(file);
        verdicts.push(verdict);
    }
    let said = command.output().unwrap();
    let text = String::from_utf8_lossy(&said.stdout);
    assert!(
        said.status.success(),
        "{text}{}",
        String::from_utf8_lossy(&said.stderr)
    );
    for verdict in verdicts {
        assert!(text.contains(verdict), "{verdict}: {text}");
    }
}

//! What a log line may not hold, at the level debug: secrets and personal data. Canaries go in by
//! every door, and none comes out.

use crate::{
    cli_world::{GROUNDS, PASSPHRASE, TERMS, World, json, run, text},
    peers,
    serving::{Serving, curl, get},
};
use std::fs;

const SHOP: &str = "700700700123";
const TSIG: &str = "Y2FuYXJ5LWNhbmFyeS1jYW5hcnktY2FuYXJ5LWNhbmFyeQ==";

#[test]
fn no_secret_and_no_person_stands_in_the_log() {
    if peers::tool("curl").is_none() {
        return peers::skip("canaries in the log", "curl");
    }
    let mut world = World::begin().stopped();
    let keys = world.dir.path().join("tsig.toml");
    let tsig = format!(
        "[[key]]\nname = \"isp1.\"\nsubscriber = \"isp-one\"\nalgorithm = \"hmac-sha256\"\nsecret = \"{TSIG}\"\n"
    );
    fs::write(&keys, tsig).unwrap();
    fs::set_permissions(&keys, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let set = [
        "logging.level=debug".to_owned(),
        "logging.json=true".to_owned(),
        format!("transfer.keys={}", keys.display()),
    ];
    let serving = Serving::start(&[], &world.data(), &set);
    world.url = serving.url();

    let shop = format!("https://shopee.vn/shop/{SHOP}");
    let propose = [&["propose", &shop][..], TERMS, GROUNDS].concat();
    let id = world.decide("o-0042", &[&propose]);
    let feed = "sellers/shopee.vn";
    let added = world.as_officer(
        "o-0017",
        &[&["subscriber", "add", "shopee", "--feed", feed]],
    );
    assert!(
        added.status.success(),
        "{}",
        String::from_utf8_lossy(&added.stderr)
    );
    let made = json(world.as_officer(
        "o-0017",
        &[&["subscriber", "token", "shopee", "--feed", feed]],
    ));
    let token = made["secret"].as_str().unwrap().to_owned();
    let bearer = format!("Authorization: Bearer {token}");
    // Good and bad requests that carry what must not be kept.
    let bad = format!("Authorization: Bearer bf_{}", "canarytoken".repeat(4));
    for (path, header) in [
        ("feeds/sellers/shopee.vn/manifest", bearer.as_str()),
        (&format!("api/v1/lookup?q=seller:shopee.vn/{SHOP}"), &bearer),
        (
            &format!("api/v1/lookup?q=https://shopee.vn/shop/{SHOP}"),
            "X-Nothing: a",
        ),
        (&format!("feeds/sellers/shopee.vn/{SHOP}"), &bad),
        (&format!("api/v1/log?token={token}"), &bad),
        ("api/v1/log", "Cookie: session=canarycookie"),
    ] {
        get(&format!("{}/{path}", serving.url()), &[header]);
    }
    json(run(&[
        "lookup",
        &shop,
        "--server",
        &serving.url(),
        "--json",
    ]));
    drop(run(&[
        "propose",
        &shop,
        "--server",
        &serving.url(),
        "--officer",
        "o-0017",
        "--key-file",
        text(&world.data().join("keys/o-0017.pem")),
        "--file",
        "/nowhere",
    ]));

    let log = serving.log();
    let structured = log.lines().filter(|line| line.starts_with('{')).count();
    assert!(structured > 10, "{log}");
    for canary in [
        PASSPHRASE,
        SHOP,
        TSIG,
        &token,
        "canarytoken",
        "canarycookie",
    ] {
        assert!(!log.contains(canary), "{canary} stands in the log:\n{log}");
    }
    // Requests have ids, and a decision's way can be followed.
    assert!(log.contains("\"id\":\"0000"), "{log}");
    assert!(log.contains(&id), "{id}: {log}");
}

#[test]
fn nothing_of_a_tip_stands_in_the_log() {
    if peers::tool("curl").is_none() {
        return peers::skip("canaries of tips in the log", "curl");
    }
    let world = World::begin().stopped();
    let set = ["logging.level=debug", "serve.form_seconds=0"].map(str::to_owned);
    let serving = Serving::start(&[], &world.data(), &set);
    let url = format!("{}/tips/new", serving.url());
    let form = get(&url, &[]).1;
    let shown = form.split("name=\"shown\" value=\"").nth(1).unwrap();
    let shown = shown.split('"').next().unwrap();
    let [who, told, link] = [
        "canary-nguyen-van-an",
        "canary-told-at-the-market",
        "canary-shop.example",
    ];
    let fields = [
        ("kind", "tip"),
        ("text", told),
        ("links", link),
        ("name", who),
        ("contact", "0912345678"),
    ];
    // Taken, refused for what it lacks, refused for what it is: none of them is repeated in the log.
    let send = |fields: &[(&str, &str)], to: &str| {
        let fields = fields
            .iter()
            .flat_map(|(name, value)| ["--data-urlencode".to_owned(), format!("{name}={value}")]);
        let fields: Vec<String> = fields.collect();
        let mut arguments: Vec<&str> = vec!["-s", "-w", "\n%{http_code}"];
        arguments.extend(fields.iter().map(String::as_str));
        arguments.push(to);
        String::from_utf8(curl(&arguments)).unwrap()
    };
    let taken = send(&[&fields[..], &[("shown", shown)]].concat(), &url);
    assert!(taken.ends_with("201"), "{taken}");
    let secret = taken
        .split("id=\"secret\">")
        .nth(1)
        .and_then(|text| text.split('<').next());
    let refused = send(&fields, &url);
    assert!(!refused.ends_with("201"), "{refused}");
    let elsewhere = send(&fields, &format!("{}/api/v1/proposals", serving.url()));
    assert!(!elsewhere.ends_with("201"), "{elsewhere}");
    get(&format!("{url}?name={who}"), &[]);
    let log = serving.log();
    assert!(log.contains("/tips/new"), "{log}");
    for canary in ["canary", "0912345678", secret.unwrap()] {
        assert!(!log.contains(canary), "{canary} stands in the log:\n{log}");
    }
}

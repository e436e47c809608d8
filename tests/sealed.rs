//! Sellers and accounts through the whole way by real processes: sealed in the log, told to the
//! second officer, found by any spelling, ended, erased (design: The log, *Privacy*).

mod cli_world;
mod peers;

use cli_world::{GROUNDS, TERMS, World, json, refused, run, text};
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// One case: a domain, an address, a page and a shop, in one decision.
const CASE: [&str; 4] = [
    "sealed-case.example",
    "203.0.113.80",
    "https://www.facebook.com/Sealed.Case.Page/",
    "https://shopee.vn/shop/76543210?ref=x",
];

#[test]
fn one_case_over_four_kinds() {
    let world = World::begin();
    let id = world.decide("o-0042", &[&["propose"], &CASE, TERMS, GROUNDS]);
    let log = log(&world);
    for feed in [
        "domains",
        "networks",
        "accounts/facebook",
        "sellers/shopee.vn",
    ] {
        assert_eq!(log["feeds"][feed]["entries"], 1, "{feed}: {log}");
    }
    for spelling in [
        "seller:shopee.vn/76543210",
        "https://shopee.vn/universal-link/shop/76543210",
        "account:facebook/sealedcasepage",
        "https://m.facebook.com/sealedcasepage?ref=1",
    ] {
        let found = world.lookup(spelling);
        assert_eq!(found["holds"][0]["decision"], *id, "{spelling}");
    }
    assert_eq!(
        world.lookup("https://shopee.vn/shop/76543211")["listed"],
        false
    );
    // What is public has no name of the two.
    let public = world.data().join("public");
    assert_eq!(
        holding(&public, &["76543210", "sealedcasepage"]),
        Vec::<PathBuf>::new()
    );

    // Each feed changes only if its own entries do.
    let before = serials(&world);
    let shop = ["revoke", "https://shopee.vn/shop/76543210"];
    world.decide("o-0042", &[&shop, GROUNDS]);
    let after = serials(&world);
    for (feed, serial) in before.as_object().unwrap() {
        assert_eq!(
            *serial == after[feed],
            feed != "sellers/shopee.vn",
            "{feed}"
        );
    }
    assert_eq!(world.lookup("seller:shopee.vn/76543210")["listed"], false);
    assert_eq!(
        world.lookup("account:facebook/sealedcasepage")["listed"],
        true
    );

    let page = ["erase", &id, "account:facebook/sealedcasepage"];
    assert!(refused(&world.as_officer("o-0007", &[&page])).contains("in force"));
    let alone = ["erase", &id, "seller:shopee.vn/76543210"];
    assert!(refused(&world.as_officer("o-0042", &[&alone])).contains("senior"));
    assert_eq!(json(world.as_officer("o-0007", &[&alone]))["openings"], 1);
    assert_eq!(json(world.as_officer("o-0007", &[&alone]))["openings"], 0);
    assert_eq!(holding(&world.data(), &["76543210"]), Vec::<PathBuf>::new());
    audited(&world);
}

#[test]
fn what_is_sealed_is_refused_where_it_must_be() {
    let world = World::begin();
    let refuse = |subjects: &[&str]| {
        refused(&world.as_officer("o-0017", &[&["propose"], subjects, TERMS, GROUNDS]))
    };
    assert!(refuse(&["https://zalo.me/0912345678"]).contains("no line was accepted"));
    assert!(refuse(&["seller:shopee.vn/0"]).contains("no line was accepted"));
    assert!(refuse(&["seller:unknown.example/1"]).contains("no line was accepted"));
    // A name and a number are one shop, once somebody has said so.
    let both = "https://shopee.vn/shop/97531086 = https://shopee.vn/joined_shop";
    let id = world.decide(
        "o-0042",
        &[
            &["propose", both, "https://shopee.vn/joined_shop"],
            TERMS,
            GROUNDS,
        ],
    );
    let found = world.lookup("https://shopee.vn/joined_shop?x=1");
    assert_eq!(found["holds"].as_array().unwrap().len(), 1);
    assert_eq!(found["holds"][0]["decision"], *id);
    assert!(refuse(&["https://shopee.vn/joined_shop"]).contains("seller:shopee.vn/97531086"));
    // A proposal that is taken back leaves nothing behind.
    let shop = ["propose", "https://shopee.vn/shop/86420975"];
    let proposed = json(world.as_officer("o-0017", &[&shop, TERMS, GROUNDS]));
    assert!(!holding(&world.data(), &["86420975"]).is_empty());
    json(world.as_officer("o-0017", &[&["withdraw", proposed["id"].as_str().unwrap()]]));
    assert_eq!(holding(&world.data(), &["86420975"]), Vec::<PathBuf>::new());
}

/// 10,000 sellers whose ids hold a name and a telephone number go through; nothing public has
/// any of it, and after erasure nothing that is ours has.
#[test]
fn ten_thousand_canaries() {
    let world = World::begin();
    let list = world.dir.path().join("canaries.txt");
    let hosts = ["sendo.vn/shop", "lazada.vn/shop", "tiki.vn/cua-hang"];
    let lines: String = (0..10_000)
        .map(|n| {
            let host = hosts[n % 3];
            format!(
                "https://{host}/canary-nguyen-van-{}-09{n:08}\n",
                WORDS[n % WORDS.len()]
            )
        })
        .collect();
    fs::write(&list, lines).unwrap();
    let file = ["propose", "--bulk", "--file", text(&list)];
    let id = world.decide("o-0007", &[&file, TERMS, GROUNDS]);
    let entries: u64 = ["sendo.vn", "lazada.vn", "tiki.vn"]
        .iter()
        .map(|host| {
            log(&world)["feeds"][format!("sellers/{host}")]["entries"]
                .as_u64()
                .unwrap()
        })
        .sum();
    assert_eq!(entries, 10_000);
    let canaries = ["canary", "nguyen-van", "0900000"];
    assert_eq!(
        holding(&world.data().join("public"), &canaries),
        Vec::<PathBuf>::new()
    );
    let (served, log) = (over_http(&world, &id), world.data().with_extension("log"));
    for (what, bytes) in [
        ("an answer", served),
        ("the server's log", fs::read(log).unwrap()),
    ] {
        assert_eq!(found(&bytes, &canaries), None, "{what}");
    }
    assert!(!holding(&world.data(), &canaries).is_empty());
    world.decide("o-0042", &[&["revoke", &id], GROUNDS]);
    let erased = json(world.as_officer("o-0007", &[&["erase", &id, "--reasons"]]));
    assert_eq!(erased["openings"], 10_000);
    assert_eq!(holding(&world.data(), &canaries), Vec::<PathBuf>::new());
    audited(&world);
}

const WORDS: [&str; 5] = ["an", "binh", "chi", "dung", "giang"];

/// Everything that anybody may read of a decision and its feeds, in one heap of bytes.
fn over_http(world: &World, id: &str) -> Vec<u8> {
    let paths = [
        format!("api/v1/decisions/{id}"),
        "api/v1/log".into(),
        "api/v1/entries?feed=sellers/sendo.vn&limit=10000".into(),
        "feeds/sellers/sendo.vn.csv".into(),
        "feeds/sellers/sendo.vn.json".into(),
        "feeds/sellers/sendo.vn/manifest".into(),
    ];
    let get = |path: String| world.get(&path);
    paths.into_iter().flat_map(get).collect()
}

fn log(world: &World) -> Value {
    serde_json::from_slice(&world.get("api/v1/log")).unwrap()
}

fn serials(world: &World) -> Value {
    let log = log(world);
    let feeds = log["feeds"].as_object().unwrap().iter();
    feeds
        .map(|(feed, state)| (feed.clone(), state["serial"].clone()))
        .collect()
}

fn audited(world: &World) {
    let public = world.data().join("public");
    json(run(&["audit", text(&public), "--json"]));
}

/// The files below a folder in which one of the texts stands, packed or not.
fn holding(dir: &Path, texts: &[&str]) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(holding(&path, texts));
            continue;
        }
        // Not the socket by which a running authority is asked.
        if !path.is_file() {
            continue;
        }
        let bytes = fs::read(&path).unwrap();
        let unpacked = zstd::decode_all(&bytes[..]).unwrap_or_default();
        if found(&bytes, texts).or(found(&unpacked, texts)).is_some() {
            files.push(path);
        }
    }
    files
}

fn found<'a>(bytes: &[u8], texts: &[&'a str]) -> Option<&'a str> {
    let holds = |text: &&&str| memchr::memmem::find(bytes, text.as_bytes()).is_some();
    texts.iter().find(holds).copied()
}

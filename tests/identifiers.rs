//! Sellers and accounts in all their spellings, held against two tables that were written by hand before the reader: each text
//! comes out as its row says. What holds for every text and not only for those is tried on made ones.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use blockfeed::subject::{
    Kind, Line, Platforms, Scope,
    typed::{self, Note, Read, Unusable},
};
use proptest::{prelude::*, sample::select};

const LIST: &str = include_str!("../lists/platforms.toml");

static PLATFORMS: LazyLock<Platforms> = LazyLock::new(|| Platforms::parse(LIST).unwrap());

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// A file of the shared identifiers, or nothing where the data isn't there.
fn shared(name: &str) -> Option<String> {
    let root =
        std::env::var_os("BLOCKFEED_SHARED").map_or_else(|| here("../shared"), PathBuf::from);
    let path = root.join("data/identifiers").join(name);
    if !path.exists() {
        println!("SKIPPED: {} is not there", path.display());
        return None;
    }
    Some(std::fs::read_to_string(path).unwrap())
}

fn read(text: &str) -> Result<Read, Unusable> {
    typed::read(text, &PLATFORMS)
}

/// The rows of a table: text, expectation, why.
fn rows(file: &str) -> Vec<[String; 3]> {
    let table = std::fs::read_to_string(here(&format!("tests/data/{file}"))).unwrap();
    let rows = table.lines().filter(|line| !line.starts_with('#')).skip(1);
    rows.map(|row| {
        let fields: Vec<String> = row.split('\t').map(str::to_owned).collect();
        <[String; 3]>::try_from(fields).unwrap_or_else(|_| panic!("{row}"))
    })
    .collect()
}

fn shown(read: &Result<Read, Unusable>) -> String {
    match read {
        Ok(read) => {
            let names = read.aliases.iter().map(|name| format!(" = {name}"));
            format!("{}{}", read.line, names.collect::<String>())
        }
        Err(unusable) => format!("refused:{}", unusable.code.as_str()),
    }
}

/// Holds texts against their rows; a reason that begins with `a listing` wants the note.
fn hold(rows: &[[String; 3]]) {
    let mut wrong = Vec::new();
    for [text, expected, why] in rows {
        let found = read(text);
        let is = shown(&found);
        let notes = found.map(|read| read.notes).unwrap_or_default();
        let listing = why.starts_with("a listing") && !expected.starts_with("refused:");
        if is != *expected || notes.contains(&Note::Listing) != listing {
            wrong.push(format!(
                "{text:?}: {expected} ({why}); found {is} {notes:?}"
            ));
        }
    }
    let wrong_ones = wrong.join("\n");
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{wrong_ones}",
        wrong.len(),
        rows.len()
    );
}

fn more() -> Vec<[String; 3]> {
    let unescaped = |text: &str| serde_json::from_str(&format!("\"{text}\"")).unwrap();
    let rows = rows("identifiers-more.tsv").into_iter();
    rows.map(|[text, expected, why]| [unescaped(&text), expected, why])
        .collect()
}

#[test]
fn the_shared_rows_come_out_as_the_table_says() {
    let rows = rows("identifiers.tsv");
    assert_eq!(rows.len(), 47);
    hold(&rows);
}

#[test]
fn the_table_holds_every_shared_row() {
    let Some(theirs) = shared("platform-identifiers.tsv") else {
        return;
    };
    let theirs: Vec<&str> = theirs
        .lines()
        .skip(1)
        .filter_map(|row| row.split('\t').nth(4))
        .collect();
    let ours = rows("identifiers.tsv");
    let ours: Vec<&str> = ours.iter().map(|[url, ..]| url.as_str()).collect();
    assert_eq!(ours, theirs);
}

#[test]
fn more_spellings_come_out_as_the_table_says() {
    let rows = more();
    println!("{} spellings and look-alikes", rows.len());
    assert!(rows.len() >= 100);
    hold(&rows);
}

#[test]
fn social_urls_of_a_real_list_are_never_cut_to_their_host() {
    let Some(masked) = shared("chongluadao-social-url-shapes.masked.txt") else {
        return;
    };
    let mut counts = std::collections::BTreeMap::new();
    for line in masked.lines() {
        let found = read(line);
        let outcome = match &found {
            Ok(read) => {
                assert_eq!(read.line.subject().kind(), Kind::Account, "{line}");
                "account"
            }
            Err(unusable) => {
                assert_eq!(unusable.offer, None, "{line}");
                unusable.code.as_str()
            }
        };
        *counts.entry(outcome).or_insert(0) += 1;
    }
    println!("{counts:?}");
    assert_eq!(counts.values().sum::<usize>(), 59);
}

/// On every host of every platform, and below it: a path is never cut away, and the host isn't even offered.
#[test]
fn no_path_on_a_platform_is_its_host() {
    let hosts = PLATFORMS.rows().iter().flat_map(|row| &row.hosts);
    for host in hosts {
        let host = host.replace('*', "xy");
        let hosts = match host.contains("://") {
            true => vec![host],
            false => vec![
                format!("https://{host}"),
                host.clone(),
                format!("new.{host}"),
            ],
        };
        for host in hosts {
            for path in [
                "/x", "/x/y?z=1", "/?x", "/%E1", "/a/../b", "//", "/#x", ":8443/x", "\\x",
            ] {
                let text = format!("{host}{path}");
                match read(&text) {
                    Ok(read) => assert!(
                        matches!(read.line.subject().kind(), Kind::Seller | Kind::Account),
                        "{text}: {}",
                        read.line
                    ),
                    Err(unusable) => assert_eq!(unusable.offer, None, "{text}"),
                }
            }
        }
    }
}

/// One shop is one subject: every spelling of the table that names a subject reads as it does when that is typed.
#[test]
fn what_was_read_reads_as_itself() {
    let mut tables = rows("identifiers.tsv");
    tables.extend(more());
    for [text, ..] in tables {
        if let Ok(read) = read(&text) {
            stable(&read);
        }
    }
}

fn stable(first: &Read) {
    let scope = first.line.scope();
    for subject in std::iter::once(first.line.subject()).chain(&first.aliases) {
        let text = subject.to_string();
        if subject.kind() == Kind::Domain && scope == Scope::Exact {
            continue;
        }
        let again = read(&text).unwrap_or_else(|e| panic!("{text}: {e}"));
        assert_eq!(again.line.subject(), subject);
        assert!(again.aliases.is_empty() && Line::parse(&again.line.to_string()).is_ok());
    }
}

const MADE: &str = r#"
[list]
title = "made"

[[platform]]
name = "cho-thu.example"
kind = "seller"
title = "Chợ Thử"
hosts = ["cho-thu.example", "m.cho-thu.example", "*-*.cho-thu.example", "chothu://shop"]
reserved = ["help"]
named = { "cho-thu.example" = "name" }
ids.shop = { class = "number", min = 3, role = "identity" }
ids.name = { prefix = "@", class = "handle", lower = true, role = "alias" }
urls = [
  { path = "/go/**", refuse = "unresolved_link" },
  { path = "/item/{id}.{n}", id = "shop", listing = true },
  { path = "/item/**", refuse = "listing_without_seller" },
  { path = "/s/{id}/**", id = "shop" },
  { path = "/{id}", hosts = ["chothu://shop"], id = "shop" },
  { path = "/", query = "shop", id = "shop" },
  { path = "/{id}", id = "name" },
]
"#;

/// A new platform is a row of data: nothing of it stands in the code.
#[test]
fn a_platform_is_data() {
    let platforms = Platforms::parse(MADE).unwrap();
    for (text, expected) in [
        (
            "https://cho-thu.example/s/123/all?x=1",
            "seller:cho-thu.example/123",
        ),
        ("m.cho-thu.example/s/123", "seller:cho-thu.example/123"),
        (
            "https://vi-vn.cho-thu.example/?shop=123",
            "seller:cho-thu.example/123",
        ),
        ("chothu://shop/123", "seller:cho-thu.example/123"),
        (
            "https://cho-thu.example/item/123.9",
            "seller:cho-thu.example/123",
        ),
        (
            "https://cho-thu.example/item/9",
            "refused:listing_without_seller",
        ),
        (
            "https://cho-thu.example/Mot_Shop",
            "seller:cho-thu.example/@mot_shop",
        ),
        ("https://cho-thu.example/help", "refused:reserved_path"),
        ("seller:cho-thu.example/@help", "refused:reserved_path"),
        (
            "Mot-Shop.cho-thu.example",
            "domain:mot-shop.cho-thu.example +",
        ),
        (
            "mot_shop.cho-thu.example",
            "seller:cho-thu.example/@mot_shop",
        ),
        (
            "https://blog.cho-thu.example/s/123",
            "refused:reserved_path",
        ),
        ("https://cho-thu.example/go/x", "refused:unresolved_link"),
        ("https://cho-thu.example/s/12", "refused:not_an_account"),
        (
            "https://cho-thu.example/0912345678",
            "refused:personal_data",
        ),
        (
            "seller:cho-thu.example/123 = @mot_shop",
            "seller:cho-thu.example/123 = seller:cho-thu.example/@mot_shop",
        ),
        ("https://shopee.vn/shop/123", "refused:url_with_path"),
    ] {
        assert_eq!(shown(&typed::read(text, &platforms)), expected, "{text}");
    }
    let both = format!("{LIST}\n{}", &MADE[MADE.find("[[platform]]").unwrap()..]);
    let both = Platforms::parse(&both).unwrap();
    let url = "https://m.cho-thu.example/s/123";
    assert_eq!(
        shown(&typed::read(url, &both)),
        "seller:cho-thu.example/123"
    );
    assert_eq!(shown(&read(url)), "refused:url_with_path");
}

/// A row that can't be meant is refused when the list is read.
#[test]
fn rows_that_lead_nowhere_are_refused() {
    for (from, to) in [
        ("refuse = \"unresolved_link\"", "id = \"shop\""),
        ("id = \"name\"", "id = \"nobody\""),
        ("hosts = [\"chothu://shop\"]", "hosts = [\"other.example\"]"),
        ("{ \"cho-thu.example\" =", "{ \"other.example\" ="),
        ("kind = \"seller\"", "kind = \"domain\""),
        ("name = \"cho-thu.example\"", "name = \"chothu\""),
        ("refuse = \"unresolved_link\"", "refuse = \"never\""),
    ] {
        let text = MADE.replace(from, to);
        assert_ne!(text, MADE);
        assert!(Platforms::parse(&text).is_err(), "{to}");
    }
    let twice = format!("{MADE}\n{}", &MADE[MADE.find("[[platform]]").unwrap()..]);
    assert!(Platforms::parse(&twice).is_err());
}

fn urls() -> impl Strategy<Value = String> {
    let rows = PLATFORMS.rows().iter();
    let hosts: Vec<String> = rows
        .flat_map(|row| &row.hosts)
        .map(|host| host.replace('*', "vi"))
        .collect();
    let words = [
        "shop",
        "product",
        "p",
        "groups",
        "pages",
        "people",
        "channel",
        "c",
        "user",
        "s",
        "@x",
        "profile.php",
        "cua-hang",
        "store",
        "apps",
        "details",
        "app",
        "joinchat",
        "i",
        "intent",
        "share",
        "..",
        "",
        "marketplace",
        "help",
        "search",
    ];
    let segment = prop_oneof![
        3 => select(words.to_vec()).prop_map(str::to_owned),
        3 => "[A-Za-z0-9._-]{1,24}",
        2 => "[1-9][0-9]{3,18}",
        1 => "@[a-zA-Z0-9._ỀềđĐßİǅ\u{300}\u{323}]{1,12}",
        1 => "[+][A-Za-z0-9_-]{6,24}",
        1 => "(%[0-9A-F]{2}){1,4}",
        1 => "[a-z]{0,5}-i\\.[0-9]{1,9}\\.[0-9]{1,9}",
        1 => "\\PC{0,8}",
    ];
    let query = prop_oneof![
        Just(String::new()),
        "[?](id|phone|domain|username|screen_name|invite|x)=[A-Za-z0-9.+%-]{0,20}",
    ];
    let scheme = select(vec!["", "//", "https://", "HTTP://"]);
    (
        scheme,
        select(hosts),
        prop::collection::vec(segment, 0..5),
        query,
    )
        .prop_map(|(scheme, host, path, query)| match host.contains("://") {
            true => format!("{host}/{}{query}", path.join("/")),
            false => format!("{scheme}{host}/{}{query}", path.join("/")),
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever subject a URL gives, its canonical text reads as itself; a path never gives a domain.
    #[test]
    fn urls_give_stable_subjects(url in urls()) {
        if let Ok(read) = read(&url) {
            stable(&read);
        }
    }

    #[test]
    fn subjects_typed_in_any_way_are_stable(
        row in select(PLATFORMS.rows().iter().map(|row| (row.kind, row.name.clone())).collect::<Vec<_>>()),
        id in "(@|\\+|group:|c:|user:|id:)?(\\PC{0,6}|[A-Za-z0-9._-]{0,26}|[0-9]{0,20})",
    ) {
        let (kind, name) = row;
        if let Ok(read) = read(&format!("{kind}:{name}/{id}")) {
            stable(&read);
        }
    }

    #[test]
    fn nothing_that_is_typed_panics(text in any::<String>(), bytes in any::<Vec<u8>>()) {
        let _ = read(&text);
        let _ = read(&String::from_utf8_lossy(&bytes));
        let _ = typed::skipped(&text);
    }

    #[test]
    fn no_pair_of_spellings_panics(left in urls(), right in urls()) {
        if let Ok(read) = read(&format!("{left} = {right}")) {
            stable(&read);
        }
    }
}

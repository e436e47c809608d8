//! The public pages as a browser gets them: both languages, both outcomes, nothing personal; tips and
//! appeals; the commands of `/verify`, run as they stand there.

mod house;

use blockfeed::{
    casework::{CaseFilter, CaseId, CaseState, Hand},
    decision::Body,
};
use house::{House, ListOptions, Options, Proposal, http::Answer};
use std::{fs, path::Path, process::Command};

const HTML: (&str, &str) = ("accept", "text/html,application/xhtml+xml,*/*;q=0.8");
const ENGLISH: (&str, &str) = ("cookie", "lang=en");

fn page(house: &House, path: &str) -> String {
    let answer = house.get_with(path, &[HTML]);
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    answer.text()
}

fn english(house: &House, path: &str) -> String {
    house.get_with(path, &[HTML, ENGLISH]).text()
}

fn post(house: &House, path: &str, fields: &[(&str, &str)]) -> Answer {
    let mut body = String::new();
    for (name, value) in fields {
        let value: String = url_encode(value);
        body.push_str(&format!("{name}={value}&"));
    }
    let kind = ("content-type", "application/x-www-form-urlencoded");
    house.send(
        "POST",
        path,
        &[HTML, kind],
        body.trim_end_matches('&').as_bytes(),
    )
}

fn url_encode(text: &str) -> String {
    let plain = |b: &u8| b.is_ascii_alphanumeric() || b"-._~".contains(b);
    let each = |b: u8| {
        if plain(&b) {
            char::from(b).to_string()
        } else {
            format!("%{b:02X}")
        }
    };
    text.bytes().map(each).collect()
}

/// What a form carries of when it was shown.
fn shown(house: &House, path: &str) -> String {
    let text = page(house, path);
    let from = text.split("name=\"shown\" value=\"").nth(1).unwrap();
    from.split('"').next().unwrap().to_owned()
}

fn quick_forms() -> Options {
    let mut options = Options::default();
    options.serve.form_seconds = 0;
    options
}

#[test]
fn every_page_in_both_languages() {
    let house = House::new();
    let id = house.list(
        &["domain:shop.example +", "net:203.0.113.0/24"],
        ListOptions::default(),
    );
    let paths = [
        "/".to_owned(),
        "/lookup".into(),
        "/lookup?q=shop.example".into(),
        "/decisions".into(),
        format!("/decisions/{id}"),
        "/statistics".into(),
        "/notice".into(),
        "/verify".into(),
        "/tips/new".into(),
        "/appeals/new".into(),
        "/appeals".into(),
        "/appeals/A-2026-000001".into(),
    ];
    for path in &paths {
        for (lang, headers) in [
            ("vi", vec![HTML, ("accept-language", "en")]),
            ("en", vec![HTML, ENGLISH]),
        ] {
            let answer = house.get_with(path, &headers);
            let text = answer.text();
            assert_eq!(answer.status, 200, "{path}: {text}");
            assert!(text.contains(&format!("<html lang=\"{lang}\">")), "{path}");
            assert_eq!(text.matches("<h1").count(), 1, "{path}");
            assert_eq!(text.matches("<main").count(), 1, "{path}");
            assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
            let policy = answer.header("content-security-policy");
            assert!(
                policy.contains("script-src 'self'") && !policy.contains("unsafe"),
                "{policy}"
            );
            assert_eq!(answer.header("x-content-type-options"), "nosniff");
            assert_eq!(answer.header("x-frame-options"), "DENY");
            assert_eq!(answer.header("access-control-allow-origin"), "");
            assert!(
                !text.contains(" style=") && !text.contains(" onclick"),
                "{path}"
            );
            for link in text.split("\"/assets/").skip(1) {
                let asset = format!("/assets/{}", link.split('"').next().unwrap());
                let answer = house.get(&asset);
                assert_eq!(answer.status, 200, "{asset}");
                assert!(
                    answer.header("cache-control").contains("immutable"),
                    "{asset}"
                );
            }
        }
        let vi = page(&house, path);
        let en = english(&house, path);
        assert_ne!(vi.len(), en.len(), "{path} says the same in both languages");
        // No officer by name or number, anywhere.
        assert!(!vi.contains("o-0001") && !vi.contains("o-0002"), "{path}");
    }
    let chosen = house.get_with("/decisions?head=counterfeit&lang=en", &[HTML]);
    assert_eq!(
        (chosen.status, chosen.header("location")),
        (303, "/decisions?head=counterfeit")
    );
    assert!(chosen.header("set-cookie").starts_with("lang=en"));
}

#[test]
fn a_look_up_answers_with_the_statement_or_with_its_absence() {
    let house = House::new();
    let id = house.list(&["domain:shop.example +"], ListOptions::default());
    for spelling in [
        "shop.example",
        "WWW.Shop.Example.",
        "https%3A%2F%2Fshop.example%2F",
    ] {
        let text = page(&house, &format!("/lookup?q={spelling}"));
        assert!(text.contains("Đang có hiệu lực"), "{spelling}: {text}");
        assert!(text.contains(id.as_str()) && text.contains("Website giả mạo thương hiệu."));
        assert!(text.contains("12/QĐ-BVHTTDL") && text.contains("/appeals/new?decision="));
        assert!(text.contains("/feeds/domains/proof?name="));
    }
    let free = english(&house, "/lookup?q=other.example");
    assert!(
        free.contains("Not listed") && free.contains("download=\"proof.json\""),
        "{free}"
    );
    let proof = house.get("/feeds/domains/proof?name=other.example").json();
    assert!(
        proof["proofs"][0]["lines"]
            .as_array()
            .unwrap()
            .iter()
            .all(|l| !l.as_str().unwrap().contains("other"))
    );
    let unclear = house.get_with("/lookup?q=https%3A%2F%2Fshop.example%2Fa%2Fb", &[HTML]);
    assert_eq!(unclear.status, 422);
    assert!(
        unclear.text().contains("/lookup?q=domain%3Ashop.example"),
        "{}",
        unclear.text()
    );
    let evil = page_any(&house, "/lookup?q=%3Cscript%3Ealert(1)%3C%2Fscript%3E");
    assert!(!evil.contains("<script>alert"));
    house.stay(&id, None, 3600);
    let stayed = page(&house, "/lookup?q=shop.example");
    assert!(stayed.contains("Tạm ngừng áp dụng"), "{stayed}");
    house.revoke(&id, None);
    assert!(page(&house, "/lookup?q=shop.example").contains("Không có trong danh sách"));
}

fn page_any(house: &House, path: &str) -> String {
    house.get_with(path, &[HTML]).text()
}

#[test]
fn sellers_are_found_by_their_link_and_named_nowhere() {
    let house = House::new();
    let id = house.list(&["seller:shopee.vn/99887766"], ListOptions::default());
    let found = page(
        &house,
        "/lookup?q=https%3A%2F%2Fshopee.vn%2Fshop%2F99887766",
    );
    assert!(
        found.contains("Đang có hiệu lực") && !found.contains("/proof?name="),
        "{found}"
    );
    for path in [
        "/".to_owned(),
        "/decisions".into(),
        format!("/decisions/{id}"),
        "/statistics".into(),
    ] {
        assert!(!page(&house, &path).contains("99887766"), "{path}");
    }
    assert!(page(&house, &format!("/decisions/{id}")).contains("cam kết mật mã"));
}

#[test]
fn the_register_is_filtered_and_paged_and_counted() {
    let house = House::new();
    let mut ids = Vec::new();
    for n in 0..53 {
        let line = format!("domain:s{n}.example +");
        ids.push(house.list(&[line.as_str()], ListOptions::default()));
    }
    let category = ListOptions {
        category: "smuggled".into(),
        ..ListOptions::default()
    };
    let other = house.list(&["net:203.0.113.0/24"], category);
    let revoked = house.revoke(&ids[0], None);
    let first = page(&house, "/decisions");
    assert!(first.contains(revoked.as_str()) && first.contains(other.as_str()));
    let next = first.split("rel=\"next\"").next().unwrap();
    let next = next
        .rsplit("href=\"")
        .next()
        .unwrap()
        .split('"')
        .next()
        .unwrap()
        .to_owned();
    let second = page(&house, &next);
    assert!(
        second.contains(ids[0].as_str()) && !second.contains("rel=\"next\""),
        "{next}"
    );
    let smuggled = page(&house, "/decisions?category=smuggled");
    assert!(smuggled.contains(other.as_str()) && !smuggled.contains(ids[5].as_str()));
    let ended = page(&house, "/decisions?action=revoke");
    assert!(ended.contains(revoked.as_str()) && !ended.contains(other.as_str()));
    assert!(page(&house, "/decisions?category=none").contains("Không có quyết định nào như vậy"));
    let figures = house.casework.statistics().unwrap();
    assert_eq!(
        (
            figures.all.lists,
            figures.all.subjects,
            figures.all.open,
            figures.all.revoked
        ),
        (54, 54, 53, 1)
    );
    assert!(english(&house, "/statistics").contains("<b>53</b>"));
    let one = page(&house, &format!("/decisions/{}", ids[0]));
    assert!(
        one.contains(revoked.as_str()) && one.contains("Không hiệu lực"),
        "{one}"
    );
    let missing = house.get_with("/decisions/2020-000001", &[HTML]);
    assert_eq!(missing.status, 404);
    assert!(missing.text().contains("Không có trang này"));
    house
        .get("/decisions/2020-000001")
        .refused(404, "no_decision");
    // After a restart the same is counted from the log.
    let house = house.restart();
    assert_eq!(house.casework.statistics().unwrap().all, figures.all);
}

#[test]
fn a_blocked_name_that_is_led_here_is_told_why() {
    let house = House::new();
    let id = house.list(&["domain:shop.example +"], ListOptions::default());
    let send = |host: &str, path: &str| {
        // The socket's own Host comes second in `send`; so the request is written by hand.
        by_hand(&house, path, host)
    };
    for path in ["/", "/cart/5?x=1", "/notice"] {
        let text = send("www.shop.example", path);
        assert!(text.starts_with("HTTP/1.1 451"), "{path}: {text}");
        assert!(
            text.contains(id.as_str()) && text.contains("rel=\"blocked-by\""),
            "{text}"
        );
        assert!(text.contains("Website giả mạo thương hiệu."));
    }
    assert!(send("other.example", "/").starts_with("HTTP/1.1 200"));
    assert!(send("shop.example", "/lookup?q=shop.example").starts_with("HTTP/1.1 200"));
}

fn by_hand(house: &House, path: &str, host: &str) -> String {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(house.address()).unwrap();
    let request = format!(
        "GET {path} HTTP/1.1\r\nhost: {host}\r\naccept: text/html\r\nconnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut text = Vec::new();
    stream.read_to_end(&mut text).unwrap();
    String::from_utf8_lossy(&text).into_owned()
}

#[test]
fn an_erased_text_is_shown_as_erased() {
    let house = House::new();
    let id = house.list(&["domain:shop.example +"], ListOptions::default());
    house.revoke(&id, None);
    let path = format!("/api/v1/decisions/{id}/erasure");
    let body = br#"{"texts":true}"#;
    let answer = house.signed(house::Officer::Second, "POST", &path, body);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let text = page(&house, &format!("/decisions/{id}"));
    assert!(
        !text.contains("Website giả mạo") && text.contains("Đã xóa"),
        "{text}"
    );
}

#[test]
fn a_tip_is_taken_sealed_and_followed_by_its_secret() {
    let house = House::with(quick_forms());
    let canary = "canary-nguyen-van-an-0912345678";
    let told = "canary-told-at-the-market";
    let fields = |shown: &str| {
        vec![
            ("kind", "tip".to_owned()),
            ("text", told.to_owned()),
            ("links", "shop.example not-a-link!".to_owned()),
            ("name", canary.to_owned()),
            ("contact", canary.to_owned()),
            ("shown", shown.to_owned()),
        ]
    };
    let send = |fields: &[(&str, String)]| {
        let fields: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (*n, v.as_str())).collect();
        post(&house, "/tips/new", &fields)
    };
    let taken = send(&fields(&shown(&house, "/tips/new")));
    assert_eq!(taken.status, 201, "{}", taken.text());
    assert_eq!(taken.header("cache-control"), "no-store");
    let text = taken.text();
    let of = |id: &str| {
        let from = text.split(&format!("id=\"{id}\">")).nth(1).unwrap();
        from.split('<').next().unwrap().to_owned()
    };
    let (receipt, secret) = (of("receipt"), of("secret"));
    assert!(receipt.starts_with("T-"), "{receipt}");
    let status = post(
        &house,
        "/appeals",
        &[("receipt", &receipt), ("secret", &secret)],
    );
    assert!(status.text().contains("Mới nhận") && !status.text().contains(told));
    let wrong = post(
        &house,
        "/appeals",
        &[("receipt", &receipt), ("secret", "aaaa")],
    );
    assert_eq!(wrong.status, 422);
    // What is wrong comes back with what was typed, in the reader's language.
    let empty = post(
        &house,
        "/tips/new",
        &[("name", "An <b>"), ("shown", &shown(&house, "/tips/new"))],
    );
    assert_eq!(empty.status, 422);
    assert!(empty.text().contains("Hãy điền mục này.") && empty.text().contains("An &#60;b&#62;"));
    let mut trapped = fields(&shown(&house, "/tips/new"));
    trapped.push(("website", "http://x".into()));
    assert_eq!(send(&trapped).status, 422);
    assert_eq!(send(&fields("1-00")).status, 422);

    let id = CaseId::parse(&receipt).unwrap();
    let officer = Hand::new("lan", "moit.e-commerce");
    let case = house.casework.case(&id).unwrap();
    assert!(case.text.unwrap().contains(told) && case.has_informant);
    assert_eq!(case.case.subjects, ["domain:shop.example"]);
    assert_eq!(
        house
            .casework
            .informant(&id, &officer)
            .unwrap()
            .unwrap()
            .name,
        canary
    );
    let events = house.casework.case(&id).unwrap().events;
    assert_eq!(events.last().unwrap().0.what, "informant_shown");
    // Nothing of it lies in the open, before or after.
    let found = |needle: &str| found_below(house.public().parent().unwrap(), needle.as_bytes());
    assert!(!found(canary) && !found(told));
    house
        .casework
        .move_case(&id, CaseState::Closed, "xong", &officer)
        .unwrap();
    assert!(found("shop.example"));
    house.casework.erase_case(&id, &officer).unwrap();
    let erased = house.casework.case(&id).unwrap();
    assert!(erased.case.erased && erased.text.is_none() && erased.case.subjects.is_empty());
    assert!(house.casework.informant(&id, &officer).is_err());
    assert!(
        !found("domain:shop.example"),
        "a subject of an erased case is in a file"
    );
    let house = house.restart();
    assert!(house.casework.case(&id).unwrap().text.is_none());
    assert_eq!(house.casework.check_cases().unwrap().broken_at, None);
}

fn found_below(folder: &Path, needle: &[u8]) -> bool {
    fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return found_below(&path, needle);
        }
        let bytes = fs::read(&path).unwrap();
        bytes.windows(needle.len()).any(|w| w == needle)
    })
}

#[test]
fn forms_are_limited_by_address() {
    let mut options = quick_forms();
    options.serve.forms_per_hour = 2;
    let house = House::with(options);
    let send = || {
        let shown = shown(&house, "/appeals/new");
        post(
            &house,
            "/appeals/new",
            &[
                ("subject", "shop.example"),
                ("text", "x"),
                ("name", "An"),
                ("shown", &shown),
            ],
        )
    };
    assert_eq!([send().status, send().status], [201, 201]);
    let refused = send();
    assert_eq!(refused.status, 429);
    assert!(
        refused.text().contains("Quá nhiều yêu cầu") && !refused.header("retry-after").is_empty()
    );
    let filter = CaseFilter::default();
    assert_eq!(house.casework.cases(&filter, 50).unwrap().cases.len(), 2);
    let long = "x".repeat(300 * 1024);
    assert_eq!(post(&house, "/tips/new", &[("text", &long)]).status, 413);
    let unknown = shown(&house, "/appeals/new");
    let answer = post(
        &house,
        "/appeals/new",
        &[
            ("subject", "a.example"),
            ("decision", "2020-000001"),
            ("text", "x"),
            ("name", "An"),
            ("shown", &unknown),
        ],
    );
    assert_eq!(answer.status, 422);
}

#[test]
fn an_appeal_goes_its_way_with_clocks_and_an_edited_journal_shows() {
    let house = House::with(quick_forms());
    let decision = house.list(&["domain:shop.example +"], ListOptions::default());
    let fields = [
        ("subject", "shop.example"),
        ("text", "x"),
        ("name", "An"),
        ("shown", &shown(&house, "/appeals/new")),
    ];
    assert_eq!(post(&house, "/appeals/new", &fields).status, 201);
    let filter = CaseFilter::default();
    let (case, clocks) = house.casework.cases(&filter, 50).unwrap().cases.remove(0);
    assert_eq!(case.decisions, [decision]);
    let due: Vec<(&str, u64)> = clocks
        .iter()
        .map(|c| (c.step, (c.due - case.opened) / 86_400))
        .collect();
    assert_eq!(due, [("accept", 1), ("answer", 30)]);
    let officer = Hand::new("lan", "moit.e-commerce");
    let desk = &house.casework;
    assert!(
        desk.move_case(&case.id, CaseState::Confirmed, "", &officer)
            .is_err()
    );
    // The stay and its confirmation are the log's: no hand moves a case there.
    assert!(
        desk.move_case(&case.id, CaseState::Stayed, "", &officer)
            .is_err()
    );
    let stay = |seconds| {
        let mut stay = Proposal::stay(
            house.next_id(),
            &case.decisions[0],
            None,
            house::now() + seconds,
        );
        if let Body::Stay(body) = &mut stay.body {
            body.appeal = Some(case.id.to_string());
        }
        stay
    };
    house.enact_alone(&stay(3600));
    assert_eq!(desk.case(&case.id).unwrap().case.state, CaseState::Stayed);
    house.enact(&stay(20 * 86_400));
    assert_eq!(
        desk.case(&case.id).unwrap().case.state,
        CaseState::Confirmed
    );
    desk.move_case(&case.id, CaseState::Upheld, "đã xem", &officer)
        .unwrap();
    desk.add_note(&case.id, "trả lời bằng văn bản", &officer)
        .unwrap();
    let view = desk.case(&case.id).unwrap();
    let whats: Vec<&str> = view.events.iter().map(|(e, _)| e.what.as_str()).collect();
    assert_eq!(whats, ["opened", "state", "state", "state", "note"]);
    assert!(view.clocks.iter().all(|c| c.done.is_some()));
    assert_eq!(view.events[4].1.as_deref(), Some("trả lời bằng văn bản"));
    let good = desk.check_cases().unwrap();
    assert_eq!((good.events, good.broken_at), (5, None));
    // Somebody with the database and without the key file edits an event.
    let store = house.authority.store();
    let key = 2u64.to_be_bytes();
    let value = store.get("case-journal", &key).unwrap().unwrap();
    let text = String::from_utf8_lossy(&value).into_owned();
    assert!(text.contains("confirmed"));
    let mut edited = value.clone();
    let at = edited.windows(9).position(|w| w == b"confirmed").unwrap();
    edited[at..at + 9].copy_from_slice(b"upheld123");
    let put = |bytes: &[u8]| {
        store
            .put(
                "case-journal",
                &key,
                bytes,
                blockfeed::store::Durability::Synced,
            )
            .unwrap()
    };
    put(&edited);
    assert_eq!(desk.check_cases().unwrap().broken_at, Some(2));
    put(&value);
    assert_eq!(desk.check_cases().unwrap().broken_at, None);
    // Cut off at the end, and an event taken out.
    let last = 4u64.to_be_bytes();
    let end = store.get("case-journal", &last).unwrap().unwrap();
    store
        .delete("case-journal", &last, blockfeed::store::Durability::Synced)
        .unwrap();
    assert_eq!(desk.check_cases().unwrap().broken_at, Some(4));
    store
        .put(
            "case-journal",
            &last,
            &end,
            blockfeed::store::Durability::Synced,
        )
        .unwrap();
    store
        .delete("case-journal", &key, blockfeed::store::Durability::Synced)
        .unwrap();
    assert_eq!(desk.check_cases().unwrap().broken_at, Some(2));
}

/// The commands are read from the page, and run as they stand there.
#[test]
fn the_commands_of_the_page_run() {
    let house = House::new();
    house.list(&["domain:shop.example +"], ListOptions::default());
    let text = page(&house, "/verify");
    let command = |id: &str| {
        let from = text.split(&format!("id=\"{id}\"")).nth(1).unwrap();
        let from = from.split_once('>').unwrap().1;
        let command = from.split("</pre>").next().unwrap();
        command
            .replace("&#39;", "'")
            .replace("&#43;", "+")
            .replace("&#38;", "&")
    };
    let folder = tempfile::tempdir().unwrap();
    let bin = Path::new(env!("CARGO_BIN_EXE_blockfeed")).parent().unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let run = |command: &str| {
        let said = Command::new("sh")
            .args(["-c", command])
            .current_dir(folder.path())
            .env("PATH", &path)
            .output()
            .unwrap();
        let out = String::from_utf8_lossy(&said.stdout).into_owned();
        assert!(
            said.status.success(),
            "{command}: {out}{}",
            String::from_utf8_lossy(&said.stderr)
        );
        out
    };
    run(&command("c-audit"));
    let said = run(&command("c-lookup"));
    assert!(!said.is_empty());
    if Command::new("curl").arg("--version").output().is_ok() {
        run(&command("c-proof"));
        assert!(folder.path().join("proof.json").metadata().unwrap().len() > 100);
        assert!(run(&command("c-checkpoint")).starts_with(house::ORIGIN));
    } else {
        fs::write(
            folder.path().join("proof.json"),
            house.get("/feeds/domains/proof?name=example.vn").body,
        )
        .unwrap();
    }
    let python = std::env::var("BLOCKFEED_PYTHON").unwrap_or("python3".into());
    let loads = Command::new(&python)
        .args(["-c", "import cryptography"])
        .output();
    if !loads.is_ok_and(|said| said.status.success()) {
        return;
    }
    let published = house.public().display().to_string();
    let source = house::root().display().to_string();
    let command = command("c-python")
        .replace("python3", &python)
        .replace("tests/", &format!("{source}/tests/"))
        .replace(" published ", &format!(" {published} "));
    let said = run(&command);
    assert!(said.contains("example.vn not listed"), "{said}");
}

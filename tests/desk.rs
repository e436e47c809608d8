//! The officers' day at the desk, without a browser: what pages send, and passkeys in software.

mod desk_world;
mod house;

use desk_world::{Passkey, Person, between, give_passkey, hidden, is_listed};
use house::{House, Officer, now};

struct Day {
    house: House,
    first: Passkey,
    second: Passkey,
}

impl Day {
    fn new() -> Self {
        let day = Self {
            house: House::new(),
            first: Passkey::new(41),
            second: Passkey::new(42),
        };
        give_passkey(&day.house, Officer::First, &day.first);
        give_passkey(&day.house, Officer::Second, &day.second);
        day
    }

    fn officer(&self) -> Person<'_> {
        Person::signed_in(&self.house, "thu.ha", &["officer"], Some("o-0001"))
    }

    fn approver(&self) -> Person<'_> {
        Person::signed_in(
            &self.house,
            "minh.duc",
            &["approver", "senior"],
            Some("o-0002"),
        )
    }
}

#[test]
fn a_list_is_proposed_and_approved_by_passkeys() {
    let day = Day::new();
    let (officer, approver) = (day.officer(), day.approver());
    let list =
        "11tiki-khuyen-mai.example\nfacebook.com\nhttps://shopee.vn/shop/123456\n203.0.113.9\n";
    let paper = officer.prepare(list, &[]);
    let page = officer.ready(&paper);
    assert!(
        page.contains("facebook.com") && page.contains("protected_name"),
        "{page}"
    );
    for format in ["csv", "xlsx"] {
        let file = officer.get(&format!("{paper}/result/{format}"));
        assert_eq!(file.status, 200);
        assert!(file.header("content-disposition").contains(format));
    }
    let signed = officer.sign(&paper, &day.first);
    assert_eq!(signed.status, 303, "{}", signed.text());
    let proposal = signed.header("location").to_owned();
    assert!(!is_listed(&day.house, "11tiki-khuyen-mai.example"));

    // Its proposer can't be second; the queue of the other has it.
    assert!(!officer.get(&proposal).text().contains("data-passkey"));
    let id = proposal.rsplit('/').next().unwrap();
    assert!(approver.get("/desk").text().contains(id));
    let seen = approver.get(&proposal).text();
    assert!(seen.contains("seller:shopee.vn/123456"), "in clear: {seen}");
    let approved = approver.sign(&proposal, &day.second);
    assert_eq!(approved.status, 303, "{}", approved.text());
    assert!(is_listed(&day.house, "11tiki-khuyen-mai.example"));
    assert!(is_listed(&day.house, "203.0.113.9"));
    assert!(!is_listed(&day.house, "facebook.com"));

    // A stay by one officer unblocks at once; a revocation takes two.
    let grounds = [
        ("authority", "moit.e-commerce"),
        ("number", "15/QĐ-TMĐT"),
        ("date", "2026-09-02"),
        ("reasons", "Khiếu nại của chủ cửa hàng."),
        ("days", "7"),
    ];
    let stay = [
        &grounds[..],
        &[("named", "11tiki-khuyen-mai.example"), ("length", "alone")],
    ]
    .concat();
    let paper = officer.made("/desk/act/stay", &stay);
    let stayed = officer.sign(&paper, &day.first);
    assert_eq!(stayed.status, 303, "{}", stayed.text());
    assert!(!is_listed(&day.house, "11tiki-khuyen-mai.example"));
    // What is stayed can be named still: stayed for longer by two, revoked in the end.
    let stays = || {
        day.house
            .get("/api/v1/lookup?q=11tiki-khuyen-mai.example")
            .json()["stayed"]
            .clone()
    };
    assert_eq!(stays()[0]["decision"], id, "{}", stays());
    let until = desk_world::day(now() + 14 * 86_400);
    let named = [("named", "11tiki-khuyen-mai.example")];
    let longer = [("length", "longer"), ("until", until.as_str())];
    for (act, more) in [("stay", &longer[..]), ("revoke", &[])] {
        let paper = officer.made(
            &format!("/desk/act/{act}"),
            &[&grounds[..], &named, more].concat(),
        );
        let signed = officer.sign(&paper, &day.first);
        let approved = approver.sign(signed.header("location"), &day.second);
        assert_eq!(approved.status, 303, "{act}: {}", approved.text());
    }
    assert!(stays().is_null() && !is_listed(&day.house, "11tiki-khuyen-mai.example"));
    let revoke = [&grounds[..], &[("named", "203.0.113.9")]].concat();
    let paper = officer.made("/desk/act/revoke", &revoke);
    let proposal = officer
        .sign(&paper, &day.first)
        .header("location")
        .to_owned();
    assert!(is_listed(&day.house, "203.0.113.9"));
    assert_eq!(approver.sign(&proposal, &day.second).status, 303);
    assert!(!is_listed(&day.house, "203.0.113.9"));

    // Another end, after a fresh check.
    let end = desk_world::day(now() + 120 * 86_400);
    let amend = [&grounds[..], &[("target", id), ("not_after", end.as_str())]].concat();
    let paper = officer.made("/desk/act/amend", &amend);
    let proposal = officer
        .sign(&paper, &day.first)
        .header("location")
        .to_owned();
    assert_eq!(approver.sign(&proposal, &day.second).status, 303);
    let life = officer.get(&format!("/desk/decisions/{id}")).text();
    assert!(life.contains("timeline"), "{life}");
    assert_eq!(
        officer
            .get("/desk/search?q=https://11TIKI-khuyen-mai.example/")
            .status,
        200
    );
}

#[test]
fn what_is_turned_down_stays_so() {
    let day = Day::new();
    let (officer, approver) = (day.officer(), day.approver());
    let paper = officer.prepare("shop-gia.example", &[]);
    let proposal = officer
        .sign(&paper, &day.first)
        .header("location")
        .to_owned();
    let reject = format!("{proposal}/reject");
    assert_eq!(approver.post(&reject, &[("reason", "")]).status, 422);
    let done = approver.post(&reject, &[("reason", "Thiếu chứng cứ.")]);
    assert_eq!(done.status, 303, "{}", done.text());
    let page = approver.get(&proposal).text();
    assert!(
        page.contains("Thiếu chứng cứ.") && !page.contains("data-passkey"),
        "{page}"
    );
    assert_eq!(approver.post(&reject, &[("reason", "x")]).status, 409);
    // Thrown away is thrown away.
    let paper = officer.prepare("shop-gia.example", &[]);
    assert_eq!(officer.post(&format!("{paper}/drop"), &[]).status, 303);
    assert_eq!(officer.get(&paper).status, 404);
}

#[test]
fn bulk_has_one_signature_from_the_command_line() {
    let day = Day::new();
    let (officer, approver) = (day.officer(), day.approver());
    let paper = officer.prepare("shop-gia.example", &[("bulk", "yes")]);
    let proposal = officer
        .sign(&paper, &day.first)
        .header("location")
        .to_owned();
    let page = approver.get(&proposal).text();
    assert!(!page.contains("data-passkey"), "{page}");
    assert!(
        page.contains("blockfeed approve") && page.contains("--expect"),
        "{page}"
    );
    // Not even by a form that the page didn't show: the log refuses it.
    let id = proposal.rsplit('/').next().unwrap();
    let hash = between(&page, "--expect ", " ").unwrap();
    let message = format!(
        "blockfeed/approval/v1\n{}\n{id}\nsenior\no-0002\nk2\n{hash}\n",
        house::ORIGIN
    );
    let challenge = {
        use base64::Engine;
        use sha2::Digest;
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(sha2::Sha256::digest(message))
    };
    let answer = day.second.answer(&challenge);
    let mut fields = vec![("key", "k2"), ("hash", hash.as_str())];
    fields.extend(answer.iter().map(|(name, value)| (*name, value.as_str())));
    let refused = approver.post(&format!("{proposal}/approve"), &fields);
    assert_eq!(refused.status, 403, "{}", refused.text());
    assert!(!is_listed(&day.house, "shop-gia.example"));
}

#[test]
fn a_passkey_is_registered_as_text_for_the_root_keys() {
    let day = Day::new();
    let officer = day.officer();
    let page = officer.get("/desk/account").text();
    assert!(page.contains("data-register"), "{page}");
    let passkey = Passkey::new(77);
    let spki = {
        use base64::Engine;
        base64::engine::general_purpose::STANDARD.encode(passkey.spki())
    };
    let answer = officer.post("/desk/passkey", &[("key", "k3"), ("spki", &spki)]);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let text = answer.text();
    let text = between(&text, "<pre id=\"text\">", "</pre>").unwrap();
    let text = text.replace("&#34;", "\"");
    let read: serde_json::Value = serde_json::from_str(&text).unwrap();
    let key = &read["o-0001"]["keys"]["k3"];
    assert_eq!(key["alg"], "webauthn-es256");
    assert_eq!(read["o-0001"]["keys"].as_object().unwrap().len(), 1);
    // It is a text, and nothing more: the trust document is as it was.
    let trust = day.house.authority.ledger().trust().clone();
    assert_eq!(trust.officers[&Officer::First.id()].keys.len(), 2);
    let bad = officer.post("/desk/passkey", &[("key", "k3"), ("spki", "AAAA")]);
    assert_eq!(bad.status, 400);
    assert!(hidden(&page, "spki").is_none());
}

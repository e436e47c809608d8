//! The officers' way over HTTP: propose, approve, withdraw, stay; what is refused and how; what is
//! private.

mod house;

use blockfeed::{
    canon::{Base64, DecisionId},
    casework::Judge,
    decision::{Approval, Body, MAX_PART},
    feed::paths,
    tlog::{self, Hash},
    trust::Role,
};
use house::{House, ListOptions, Officer, Options, Proposal, now};
use std::sync::Arc;

const LINES: &[&str] = &["domain:a.example +", "domain:b.example ="];

fn ready(house: &House) -> (Proposal, Approval, Approval) {
    let proposal = Proposal::list(house.next_id(), LINES, &ListOptions::default());
    let first = house.sign(&proposal.body, Officer::First, Role::Propose);
    let second = house.sign(&proposal.body, Officer::Second, Role::Approve);
    (proposal, first, second)
}

#[test]
fn proposed_approved_published() {
    let house = House::new();
    let next = house.get("/api/v1/ids/next").json();
    let (proposal, first, second) = ready(&house);
    assert_eq!(next["id"], proposal.id.as_str());
    let made = house.propose(&proposal, &first);
    assert_eq!(made.status, 201, "{}", made.text());
    let path = format!("/api/v1/proposals/{}", proposal.id);
    assert_eq!(made.header("location"), path);
    assert_eq!(made.json()["status"], "proposed");
    let hash = Hash::of(proposal.bytes()).to_string();
    assert_eq!(made.json()["body_sha256"], hash);
    let part = format!("/{}", paths::part(&Hash::of(&proposal.parts[0])));
    assert_eq!(
        house.get(&part).status,
        404,
        "a proposal's parts aren't public"
    );
    assert_eq!(
        house.get("/api/v1/lookup?q=a.example").json()["listed"],
        false
    );

    let shown = house.signed(Officer::Second, "GET", &path, b"").json();
    assert_eq!(shown["body"], serde_json::to_value(&proposal.body).unwrap());
    let private = format!("{path}/parts/{}", Hash::of(&proposal.parts[0]));
    assert_eq!(
        house.signed(Officer::Second, "GET", &private, b"").body,
        proposal.parts[0]
    );

    let committed = house.approve(&proposal, &second);
    assert_eq!(committed.status, 200, "{}", committed.text());
    let said = committed.json();
    assert_eq!(said["status"], "committed");
    assert_eq!(said["committed"]["leaf"], 2);
    assert_eq!(said["committed"]["size"], 4);
    // Published before it was acknowledged.
    assert_eq!(house.get(&part).body, proposal.parts[0]);
    let lookup = house.get("/api/v1/lookup?q=https://x.A.example/").json();
    assert_eq!(lookup["listed"], true);
    assert_eq!(lookup["canonical"], "domain:x.a.example");
    assert_eq!(lookup["holds"][0]["decision"], proposal.id.as_str());
    assert_eq!(lookup["covered_by"][0], "domain:a.example");

    // The answer was lost: the same approval is answered in the same way, even after a restart.
    assert_eq!(house.approve(&proposal, &second).json(), said);
    assert_eq!(
        house.propose(&proposal, &first).json()["status"],
        "committed"
    );
    let house = house.restart();
    assert_eq!(house.approve(&proposal, &second).json(), said);
    assert_eq!(house.authority.current().size, 4);
    let late = house.sign(&proposal.body, Officer::Both, Role::Approve);
    house
        .approve(&proposal, &late)
        .refused(409, "already_committed");
}

#[test]
fn only_the_right_signatures_count() {
    let house = House::new();
    let (proposal, first, second) = ready(&house);
    let sign = |officer, role| house.sign(&proposal.body, officer, role);
    let mut forged = first.clone();
    forged.sig.0[7] ^= 1;
    house.propose(&proposal, &forged).refused(403, "signature");
    let mut borrowed = sign(Officer::Both, Role::Propose);
    borrowed.officer = Officer::First.id();
    house
        .propose(&proposal, &borrowed)
        .refused(403, "signature");
    let stranger = sign(Officer::Stranger, Role::Propose);
    house
        .propose(&proposal, &stranger)
        .refused(403, "unknown_officer");
    house
        .propose(&proposal, &sign(Officer::Second, Role::Propose))
        .refused(403, "role");
    house
        .propose(&proposal, &sign(Officer::Both, Role::Approve))
        .refused(403, "role");
    assert_eq!(house.propose(&proposal, &first).status, 201);

    let same = Proposal::list(house.next_id(), LINES, &ListOptions::default());
    let both = house.sign(&same.body, Officer::Both, Role::Propose);
    assert_eq!(house.propose(&same, &both).status, 201);
    let again = house.sign(&same.body, Officer::Both, Role::Approve);
    house.approve(&same, &again).refused(403, "same_officer");

    let mut forged = second.clone();
    forged.sig.0[7] ^= 1;
    house.approve(&proposal, &forged).refused(403, "signature");
    house
        .approve(
            &proposal,
            &house.sign(&same.body, Officer::Second, Role::Approve),
        )
        .refused(403, "signature");
    house
        .approve(&proposal, &sign(Officer::First, Role::Approve))
        .refused(403, "role");
    house
        .approve(&proposal, &sign(Officer::Second, Role::Senior))
        .refused(403, "approvals");
    house
        .post(
            &format!("/api/v1/proposals/{}/approvals", proposal.id),
            b"{}",
        )
        .refused(400, "malformed");
    house
        .post(
            "/api/v1/proposals/2026-999999/approvals",
            &serde_json::to_vec(&second).unwrap(),
        )
        .refused(404, "no_proposal");
    let bulk = ListOptions {
        bulk: true,
        ..ListOptions::default()
    };
    let bulk = Proposal::list(house.next_id(), &["domain:bulk.example +"], &bulk);
    let sign = |officer, role| house.sign(&bulk.body, officer, role);
    assert_eq!(
        house
            .propose(&bulk, &sign(Officer::First, Role::Propose))
            .status,
        201
    );
    house
        .approve(&bulk, &sign(Officer::Second, Role::Approve))
        .refused(403, "approvals");
    assert_eq!(
        house
            .approve(&bulk, &sign(Officer::Second, Role::Senior))
            .status,
        200
    );
}

fn a(bytes: &[u8]) -> (&'static str, &[u8]) {
    ("approval", bytes)
}

fn b(bytes: &[u8]) -> (&'static str, &[u8]) {
    ("body", bytes)
}

fn part(bytes: &[u8]) -> (&'static str, &[u8]) {
    ("part", bytes)
}

#[test]
fn bodies_and_parts_are_what_was_signed() {
    let house = House::new();
    let (proposal, first, _) = ready(&house);
    let body = proposal.bytes();
    let approval = serde_json::to_vec(&first).unwrap();
    let (lines, reasons) = (proposal.parts[0].as_slice(), proposal.parts[1].as_slice());
    let send = |fields: &[(&str, &[u8])]| house.multipart("/api/v1/proposals", fields);
    let mut tampered = lines.to_vec();
    tampered[8] = b'z';
    send(&[b(&body), a(&approval), part(&tampered), part(reasons)]).refused(400, "part_not_named");
    send(&[b(&body), a(&approval), part(lines), part(lines)]).refused(400, "part_not_named");
    send(&[b(&body), a(&approval), part(lines)]).refused(422, "part_missing");
    send(&[a(&approval), b(&body)]).refused(400, "multipart");
    send(&[b(&body)]).refused(400, "multipart");
    send(&[b(&body), a(b"no"), part(lines)]).refused(400, "malformed");
    send(&[b(b"{\"b\":1,\"a\":2}"), a(&approval)]).refused(400, "malformed");
    let spaced = [body.as_slice(), b"\n"].concat();
    send(&[b(&spaced), a(&approval)]).refused(400, "malformed");
    let large = vec![b'x'; MAX_PART as usize + 1];
    send(&[b(&body), a(&approval), part(&large)]).refused(413, "too_large");
    send(&[b(&vec![b' '; 70_000]), a(&approval)]).refused(413, "too_large");
    // Nobody who hasn't signed fills the memory here, by whatever field or none.
    send(&[("other", &vec![b'-'; 6 << 20])]).refused(400, "multipart");
    let media = [("content-type", "multipart/form-data; boundary=edge")];
    house
        .send("POST", "/api/v1/proposals", &media, &vec![b'-'; 6 << 20])
        .refused(413, "too_large");
    house
        .post("/api/v1/proposals", &body)
        .refused(400, "multipart");
    let path = format!("/api/v1/proposals/{}/approvals", proposal.id);
    house
        .post(&path, &vec![b' '; 300_000])
        .refused(413, "too_large");

    let refused = |lines: &[u8], code: &str| {
        let mut other = proposal.clone();
        other.parts[0] = lines.to_vec();
        if let Body::List(list) = &mut other.body {
            list.parts = vec![blockfeed::decision::PartRef::of(lines)];
        }
        let first = house.sign(&other.body, Officer::First, Role::Propose);
        house.propose(&other, &first).refused(422, code);
    };
    refused(b"domain:b.example +\ndomain:a.example +\n", "part");
    refused(b"domain:A.example +\n", "part");
    refused(b"domain:a.example +\ndomain:b.example +", "part");
    let options = ListOptions {
        reasons: "a\u{202e}b".into(),
        ..ListOptions::default()
    };
    let other = Proposal::list(house.next_id(), LINES, &options);
    let first = house.sign(&other.body, Officer::First, Role::Propose);
    house.propose(&other, &first).refused(422, "text");
    let mut elsewhere = proposal.clone();
    if let Body::List(list) = &mut elsewhere.body {
        list.origin = blockfeed::canon::Origin::new("other.example/399/v1").unwrap();
    }
    let first = house.sign(&elsewhere.body, Officer::First, Role::Propose);
    house.propose(&elsewhere, &first).refused(422, "origin");
    // After all that the same id is still free.
    assert_eq!(
        house
            .propose(
                &proposal,
                &house.sign(&proposal.body, Officer::First, Role::Propose)
            )
            .status,
        201
    );
}

#[test]
fn ids_are_used_once_and_bodies_in_time() {
    let house = House::new();
    let (proposal, first, _) = ready(&house);
    assert_eq!(house.propose(&proposal, &first).status, 201);
    let other = Proposal::list(
        proposal.id.clone(),
        &["domain:c.example +"],
        &ListOptions::default(),
    );
    let other_first = house.sign(&other.body, Officer::First, Role::Propose);
    house.propose(&other, &other_first).refused(409, "id_taken");
    assert_eq!(
        house.propose(&proposal, &first).status,
        201,
        "the same again"
    );
    assert_ne!(house.next_id(), proposal.id);

    let late = ListOptions {
        submit_by: now() - 1,
        ..ListOptions::default()
    };
    let late = Proposal::list(house.next_id(), LINES, &late);
    let first = house.sign(&late.body, Officer::First, Role::Propose);
    house.propose(&late, &first).refused(409, "submit_by");
    let soon = ListOptions {
        submit_by: now() + 1,
        ..ListOptions::default()
    };
    let soon = Proposal::list(house.next_id(), LINES, &soon);
    let first = house.sign(&soon.body, Officer::First, Role::Propose);
    assert_eq!(house.propose(&soon, &first).status, 201);
    std::thread::sleep(std::time::Duration::from_millis(2100));
    let second = house.sign(&soon.body, Officer::Second, Role::Approve);
    house.approve(&soon, &second).refused(409, "submit_by");
    let path = format!("/api/v1/proposals/{}", soon.id);
    assert_eq!(
        house.signed(Officer::First, "GET", &path, b"").json()["status"],
        "expired"
    );

    let nothing = DecisionId::new("2026-000399").unwrap();
    let revoke = Proposal::revoke(house.next_id(), &nothing, None);
    let first = house.sign(&revoke.body, Officer::First, Role::Propose);
    house
        .propose(&revoke, &first)
        .refused(422, "unknown_target");
}

#[test]
fn the_guard_is_heard_before_the_second_officer_is_asked() {
    let mut options = Options::default();
    let judge: Judge = Arc::new(|body, _, _, _| match body {
        Body::List(_) => Err("vn is a public suffix".into()),
        _ => Ok(()),
    });
    options.rules.judge = judge;
    let house = House::with(options);
    let (proposal, first, second) = ready(&house);
    let problem = house.propose(&proposal, &first).refused(422, "guard");
    assert_eq!(problem["detail"], "vn is a public suffix");
    house
        .approve(&proposal, &second)
        .refused(404, "no_proposal");
}

#[test]
fn proposals_are_for_officers() {
    let house = House::new();
    let (proposal, first, second) = ready(&house);
    assert_eq!(house.propose(&proposal, &first).status, 201);
    let list = "/api/v1/proposals";
    let one = format!("{list}/{}", proposal.id);
    for path in [
        list,
        &one,
        &format!("{one}/parts/{}", Hash::of(&proposal.parts[0])),
        "/api/v1/subscribers",
    ] {
        let refused = house.get(path);
        refused.refused(401, "unauthorised");
        assert_eq!(refused.header("www-authenticate"), "Bearer, Blockfeed");
        house
            .signed(Officer::Stranger, "GET", path, b"")
            .refused(401, "unauthorised");
        let seen = house.signed(Officer::First, "GET", path, b"");
        assert_eq!(seen.status, 200, "{path}");
        assert_eq!(seen.header("cache-control"), "no-store");
        let refuse = |header: String| {
            house
                .get_with(path, &[("authorization", &header)])
                .refused(401, "unauthorised");
        };
        let sign = |method, path: &str, time| {
            house
                .secrets
                .authorization(Officer::First, method, path, time, b"")
        };
        refuse(sign("POST", path, now()));
        refuse(sign("GET", "/api/v1/log", now()));
        refuse(sign("GET", &format!("{path}?status=proposed"), now()));
        refuse(sign("GET", path, now() - 400));
        refuse(sign("GET", path, now() + 400));
        let bearer = sign("GET", path, now()).replace("Blockfeed", "Bearer");
        house
            .get_with(path, &[("authorization", &bearer)])
            .refused(401, "token");
    }
    let listed = house
        .signed(
            Officer::First,
            "GET",
            "/api/v1/proposals?status=proposed",
            b"",
        )
        .json();
    assert_eq!(listed["proposals"][0]["id"], proposal.id.as_str());

    let away = format!("{one}/withdrawal");
    house.post(&away, b"").refused(401, "unauthorised");
    assert_eq!(
        house.signed(Officer::First, "POST", &away, b"").json()["status"],
        "withdrawn"
    );
    assert_eq!(
        house.signed(Officer::Second, "POST", &away, b"").status,
        200,
        "a senior officer, again"
    );
    house.approve(&proposal, &second).refused(409, "withdrawn");
    let listed = house
        .signed(
            Officer::First,
            "GET",
            "/api/v1/proposals?status=proposed",
            b"",
        )
        .json();
    assert_eq!(listed["proposals"], serde_json::json!([]));

    let other = Proposal::list(house.next_id(), LINES, &ListOptions::default());
    let by = house.sign(&other.body, Officer::Both, Role::Propose);
    assert_eq!(house.propose(&other, &by).status, 201);
    let away = format!("{list}/{}/withdrawal", other.id);
    house
        .signed(Officer::First, "POST", &away, b"")
        .refused(403, "forbidden");
    assert_eq!(
        house
            .approve(
                &other,
                &house.sign(&other.body, Officer::Second, Role::Approve)
            )
            .status,
        200
    );
    house
        .signed(Officer::Both, "POST", &away, b"")
        .refused(409, "already_committed");
}

#[test]
fn a_stay_needs_one_officer_and_a_decision_shows_its_life() {
    let house = House::new();
    let id = house.list(LINES, ListOptions::default());
    let until = now() + 3600;
    let stay = Proposal::stay(house.next_id(), &id, Some(&["domain:a.example +"]), until);
    let first = house.sign(&stay.body, Officer::First, Role::Propose);
    let now_path = "/api/v1/proposals?commit=now";
    let long = Proposal::stay(house.next_id(), &id, None, now() + 80 * 3600);
    let alone = house.sign(&long.body, Officer::First, Role::Propose);
    house
        .propose_alone(&long, &alone, Officer::First)
        .refused(422, "stay_too_long");
    // What was refused waits for nobody.
    let second = house.sign(&long.body, Officer::Second, Role::Approve);
    house.approve(&long, &second).refused(409, "withdrawn");
    let stay = Proposal {
        id: house.next_id(),
        ..stay
    };
    let stay = Proposal::stay(stay.id, &id, Some(&["domain:a.example +"]), until);
    let first_again = house.sign(&stay.body, Officer::First, Role::Propose);
    drop(first);
    // Whoever sees a signed stay can't put it in force alone.
    house
        .propose_to(now_path, &stay, &first_again)
        .refused(401, "unauthorised");
    house
        .propose_alone(&stay, &first_again, Officer::Second)
        .refused(401, "unauthorised");
    let done = house.propose_alone(&stay, &first_again, Officer::First);
    assert_eq!(done.status, 200, "{}", done.text());
    assert_eq!(done.json()["status"], "committed");
    assert_eq!(
        house
            .propose_alone(&stay, &first_again, Officer::First)
            .json(),
        done.json()
    );
    assert_eq!(
        house.get("/api/v1/lookup?q=a.example").json()["listed"],
        false
    );
    assert_eq!(
        house.get("/api/v1/lookup?q=b.example").json()["listed"],
        true
    );
    let (list, first, _) = ready(&house);
    house
        .propose_alone(&list, &first, Officer::First)
        .refused(422, "approvals");
    house
        .propose_to("/api/v1/proposals?commit=later", &list, &first)
        .refused(400, "query");

    house.amend(&id, now() + 200 * 86_400);
    let ended = house.revoke(&stay.id, None);
    assert_eq!(
        house.get("/api/v1/lookup?q=a.example").json()["listed"],
        true
    );
    let revoked = house.revoke(&id, Some(&["domain:b.example ="]));
    let shown = house.get(&format!("/api/v1/decisions/{id}")).json();
    assert_eq!((&shown["open"], &shown["total"]), (&1.into(), &2.into()));
    assert_eq!(shown["approvals"][1]["officer"], "o-0002");
    assert_eq!(shown["approvals"][1]["unit"], "Cục Phát thanh, truyền hình");
    let life: Vec<(&str, &str)> = shown["history"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| {
            (
                event["what"].as_str().unwrap(),
                event["id"].as_str().unwrap(),
            )
        })
        .collect();
    let (stay, ended, revoked) = (stay.id.as_str(), ended.as_str(), revoked.as_str());
    assert_eq!(life[0], ("stay", stay));
    assert_eq!(life[1].0, "amend");
    assert_eq!(life[2..], [("revoke", ended), ("revoke", revoked)]);
    proves(&house, &shown);
}

/// The inclusion proof of a decision leads from its leaf to the signed checkpoint.
fn proves(house: &House, shown: &serde_json::Value) {
    let keys = house.authority.ledger().trust().log_keys();
    let note = shown["checkpoint"].as_str().unwrap();
    let opened = tlog::open_checkpoint(note.as_bytes(), house::ORIGIN, &keys, &[], 0).unwrap();
    let leaf: Base64 = serde_json::from_value(shown["leaf_bytes"].clone()).unwrap();
    let proof: Vec<Hash> = serde_json::from_value(shown["proof"].clone()).unwrap();
    let index = shown["leaf"].as_u64().unwrap();
    let (size, root) = (opened.checkpoint.size, opened.checkpoint.root);
    tlog::verify_inclusion(&tlog::leaf_hash(&leaf), index, size, &proof, &root).unwrap();
}

#[test]
fn trust_is_renewed_by_the_root() {
    let house = House::new();
    let mut document = house.authority.ledger().trust().clone();
    document.version = 2;
    document.officers.remove(&Officer::First.id());
    let (bytes, signatures) = house.secrets.sign_trust(&document);
    let one = serde_json::to_vec(&signatures[..1]).unwrap();
    let both = serde_json::to_vec(&signatures).unwrap();
    let send = |document: &[u8], signatures: &[u8]| {
        house.multipart(
            "/api/v1/trust",
            &[("document", document), ("signatures", signatures)],
        )
    };
    send(&bytes, &one).refused(403, "trust");
    send(&bytes, b"[]").refused(403, "trust");
    send(&bytes, b"no").refused(400, "malformed");
    let done = send(&bytes, &both);
    assert_eq!(done.status, 200, "{}", done.text());
    assert_eq!(
        house.get("/api/v1/log").json()["trust"]["sha256"],
        Hash::of(&bytes).to_string()
    );
    assert_eq!(
        house.get(&format!("/part/{}", Hash::of(&bytes))).body,
        bytes
    );
    send(&bytes, &both).refused(403, "trust");
    let (proposal, first, _) = ready(&house);
    house
        .propose(&proposal, &first)
        .refused(403, "unknown_officer");
}

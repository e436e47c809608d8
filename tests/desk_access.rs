//! Who gets in, and to what: every role on every route of the desk's own table, and what an attacker
//! tries with forms, sessions, codes, the database and the whole server.

mod desk_world;
mod house;

use blockfeed::{
    accounts::Role,
    serve::desk::access::{ROUTES, Who},
};
use desk_world::{PASSWORD, Passkey, Person, give_passkey, is_listed};
use house::{House, Officer};
use std::collections::BTreeSet;

fn filled(path: &str) -> String {
    path.replace("{token}", &"A".repeat(43))
        .replace("{name}", "nobody.here")
        .replace("{id}", "2026-000999")
        .replace("{format}", "csv")
        .replace("{what}", "stay")
}

#[test]
fn nobody_gets_more_than_their_role() {
    let house = House::new();
    let people: Vec<(Role, Person<'_>)> = Role::ALL
        .into_iter()
        .map(|role| {
            (
                role,
                Person::signed_in(&house, &format!("a.{role}"), &[role.as_str()], None),
            )
        })
        .collect();
    let stranger = Person::enrolled(&house, "not.signed.in", &["officer"], None);
    let ends = ["/desk/sign-out", "/desk/sign-out-everywhere"];
    let (mut asked, mut given) = (0, 0);
    for route in ROUTES.iter().filter(|route| !ends.contains(&route.path)) {
        let path = filled(route.path);
        let send = |person: &Person<'_>| match route.method {
            "GET" => person.get(&path),
            _ => person.post(&path, &[]),
        };
        let answer = send(&stranger);
        let what = format!(
            "nobody {} {path}: {} {}",
            route.method,
            answer.status,
            answer.text()
        );
        match (route.who, route.method) {
            (Who::Anybody, _) => assert!(
                !answer.text().contains("the roles of this account"),
                "{what}"
            ),
            (_, "GET") => {
                assert_eq!(answer.status, 303, "{what}");
                assert!(
                    answer.header("location").starts_with("/desk/sign-in?"),
                    "{what}"
                );
            }
            _ => assert_eq!(answer.status, 401, "{what}"),
        }
        for (role, person) in &people {
            let answer = send(person);
            let what = format!(
                "{role} {} {path}: {} {}",
                route.method,
                answer.status,
                answer.text()
            );
            assert!(answer.status < 500, "{what}");
            asked += 1;
            if route.who.may(&BTreeSet::from([*role])) {
                given += 1;
                // A person who signs as nobody is told so by some of them; the gate has let them in.
                assert!(
                    !answer.text().contains("the roles of this account"),
                    "{what}"
                );
            } else {
                assert_eq!(answer.status, 403, "{what}");
            }
        }
    }
    assert!(asked > 180 && given > 60, "{asked} asked, {given} given");
    // A method or a path that isn't in the table is closed, and the journal has the refusals.
    let (_, officer) = &people[1];
    assert_eq!(
        house
            .send("DELETE", "/desk", &[("cookie", &officer.cookie)], &[])
            .status,
        405
    );
    assert_eq!(officer.get("/desk/nowhere").status, 404);
    let (_, auditor) = &people[5];
    assert!(
        auditor
            .get("/desk/journal")
            .text()
            .contains("Mở trang không có quyền")
    );
}

/// Every role of two units on every route of a case: another unit's case isn't there, whatever the role,
/// but for those who sum up and look over.
#[test]
fn another_units_case_is_missing() {
    let house = House::new();
    let owner = Person::signed_in(&house, "lan", &["officer"], None);
    let call = [("channel", "letter"), ("kind", "tip"), ("text", "x")];
    assert_eq!(owner.post("/desk/cases/new", &call).status, 201);
    let filter = blockfeed::casework::CaseFilter::default();
    let page = house.casework.cases(&filter, 9).unwrap();
    let id = page.cases[0].0.id.to_string();
    let people = |unit: &'static str, tag: &str| -> Vec<(Role, Person<'_>)> {
        let person = |role: Role| {
            let name = format!("{tag}.{role}");
            (role, Person::of_unit(&house, unit, &name, &[role.as_str()]))
        };
        Role::ALL.into_iter().map(person).collect()
    };
    let routes = ROUTES.iter().filter(|route| {
        route.path.starts_with("/desk/cases/{id}") && !matches!(route.who, Who::Anybody)
    });
    let (mut missing, mut there) = (0, 0);
    for (unit, tag) in [("moit.e-commerce", "b"), ("mof.tax", "c"), ("moit", "d")] {
        for (role, person) in &people(unit, tag) {
            let listed = person.get("/desk/cases").text().contains(&id);
            for route in routes.clone() {
                let path = route.path.replace("{id}", &id);
                let answer = match route.method {
                    "GET" => person.get(&path),
                    _ => person.post(&path, &[]),
                };
                let what = format!(
                    "{role} of {unit} {} {path}: {}",
                    route.method, answer.status
                );
                let may = route.who.may(&BTreeSet::from([*role]));
                let all = matches!(role, Role::Coordinator | Role::Auditor);
                match (may, unit == "mof.tax" && !all) {
                    (false, _) => assert_eq!(answer.status, 403, "{what}"),
                    (true, true) => {
                        assert_eq!(answer.status, 404, "{what}");
                        assert!(!listed, "{what}: it is listed");
                        missing += 1;
                    }
                    (true, false) => {
                        assert!(matches!(answer.status, 200 | 303 | 422), "{what}");
                        assert!(listed, "{what}: it isn't listed");
                        there += 1;
                    }
                }
            }
        }
    }
    assert!(
        missing > 10 && there > 30,
        "{missing} missing, {there} there"
    );
}

#[test]
fn a_stolen_database_has_no_code() {
    let house = House::new();
    let person = Person::signed_in(&house, "thu.ha", &["officer"], None);
    let secret = person.secret().to_vec();
    let token = desk_world::invite(&house, "moi.den", "moit.e-commerce", &["officer"], None);
    let invited = house.get(&format!("/desk/enrol/{token}")).text();
    let invited = desk_world::between(&invited, "<code>", "</code>").unwrap();
    let invited = invited.replace(' ', "");
    let store = house.authority.store();
    for row in store.scan("accounts", b"").unwrap() {
        let (_, value) = row.unwrap();
        let text = String::from_utf8(value).unwrap();
        let base64 = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, &secret);
        assert!(
            !text.contains(&base64) && !text.contains(&invited),
            "{text}"
        );
        assert!(text.contains("sealed"), "{text}");
    }
    let file = house.public().with_file_name("keys").join("accounts.key");
    let mode = std::os::unix::fs::PermissionsExt::mode(&file.metadata().unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    // The database on another machine, without the file: the right code is no code there.
    let code = person.code(30);
    std::fs::remove_file(&file).unwrap();
    let house = house.restart();
    let mut thief = Person::returning(&house, "thu.ha", &secret);
    assert_eq!(thief.sign_in(PASSWORD, &code).status, 401);
}

#[test]
fn a_form_of_another_page_is_refused() {
    let house = House::new();
    let person = Person::signed_in(&house, "thu.ha", &["officer"], None);
    let own = house.url();
    let to = "/desk/papers/new";
    let same = [("origin", own.as_str()), ("sec-fetch-site", "same-origin")];
    let status = |headers: &[(&str, &str)], csrf: &str| {
        person.post_with(to, &[("list", "")], headers, csrf).status
    };
    assert_eq!(
        status(&same, &person.csrf),
        422,
        "the form's own fault alone"
    );
    assert_eq!(status(&same, ""), 403, "no token");
    assert_eq!(
        status(&same, &"A".repeat(43)),
        403,
        "another session's token"
    );
    let evil = [
        ("origin", "https://evil.example"),
        ("sec-fetch-site", "cross-site"),
    ];
    assert_eq!(status(&evil, &person.csrf), 403);
    assert_eq!(
        status(&[("origin", "https://evil.example")], &person.csrf),
        403
    );
    assert_eq!(status(&[("origin", "null")], &person.csrf), 403);
    let sibling = [("origin", own.as_str()), ("sec-fetch-site", "same-site")];
    assert_eq!(status(&sibling, &person.csrf), 403);
    assert_eq!(status(&[], &person.csrf), 403, "no browser sent it");
    // Signing in is guarded the same way: nobody is signed in to an attacker's account.
    let form = [
        ("name", "thu.ha"),
        ("password", PASSWORD),
        ("code", "000000"),
    ];
    assert_eq!(
        person.post_with("/desk/sign-in", &form, &evil, "").status,
        403
    );
}

#[test]
fn sessions_are_new_at_every_step_and_end() {
    let house = House::new();
    let mut person = Person::enrolled(&house, "thu.ha", &["officer"], None);
    // A session that somebody else chose is none, before and after.
    person.cookie = format!("bf={}", "A".repeat(43));
    let code = person.code(0);
    let planted = person.cookie.clone();
    assert_eq!(person.sign_in(PASSWORD, &code).status, 303);
    assert_ne!(person.cookie, planted);
    let first = person.cookie.clone();
    let set = person.get("/desk");
    assert_eq!(set.status, 200);
    assert_eq!(set.header("cache-control"), "no-store");
    // Showing password and code again: a new id, and the old one is dead.
    let code = person.code(30);
    let confirmed = person.post("/desk/confirm", &[("password", PASSWORD), ("code", &code)]);
    assert_eq!(confirmed.status, 303, "{}", confirmed.text());
    let cookie = confirmed.header("set-cookie").to_owned();
    assert!(
        cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"),
        "{cookie}"
    );
    person.take_cookie(&confirmed);
    assert_ne!(person.cookie, first);
    let old = house.send("GET", "/desk", &[("cookie", &first)], &[]);
    assert_eq!(old.status, 303);
    // Out everywhere.
    assert_eq!(person.post("/desk/sign-out-everywhere", &[]).status, 303);
    assert_eq!(person.get("/desk").status, 303);
    assert_eq!(
        person.post("/desk/papers/new", &[]).status,
        401,
        "a replay finds nobody"
    );
}

#[test]
fn a_code_is_good_once_and_failures_wait() {
    let house = House::new();
    let mut person = Person::enrolled(&house, "thu.ha", &["officer"], None);
    let code = person.code(0);
    assert_eq!(person.sign_in(PASSWORD, &code).status, 303);
    assert_eq!(
        person.sign_in(PASSWORD, &code).status,
        401,
        "the same code again"
    );
    // A wrong name, password and code are told in the same words.
    let wrong = person.sign_in("another password", "000000").text();
    let mut nobody = Person::enrolled(&house, "other.one", &["officer"], None);
    nobody.name = "nobody.here".into();
    let unknown = nobody.sign_in("another password", "000000").text();
    let said = |page: &str| desk_world::between(page, "class=\"summary\"", "</div>").unwrap();
    assert_eq!(said(&wrong), said(&unknown));
    let mut waits = None;
    for _ in 0..8 {
        let answer = person.sign_in("another password", "000000");
        if answer.status == 429 {
            waits = Some(answer);
            break;
        }
    }
    assert!(waits.is_some(), "an account that is guessed at waits");
    // Even the right password waits now.
    let code = person.code(30);
    assert_eq!(person.sign_in(PASSWORD, &code).status, 429);
    let answer = house.signed(Officer::First, "GET", "/api/v1/accounts", b"");
    assert_eq!(answer.status, 403, "accounts are a senior officer's");
}

/// Whoever has a session, the database or the whole machine, but no officer's key, mints nothing.
#[test]
fn nothing_is_minted_without_an_officers_key() {
    let house = House::new();
    let (mine, thief) = (Passkey::new(41), Passkey::new(99));
    give_passkey(&house, Officer::First, &mine);
    let officer = Person::signed_in(&house, "thu.ha", &["officer"], Some("o-0001"));
    let size = house.authority.current().size;

    // A stolen session: it prepares, and signs with whatever it has.
    let paper = officer.prepare("shop-gia.example", &[]);
    let refused = officer.sign(&paper, &thief);
    assert_eq!(refused.status, 403, "{}", refused.text());
    let nothing = officer.post(&format!("{paper}/sign"), &[("key", "k2")]);
    assert!(matches!(nothing.status, 409 | 422), "{}", nothing.text());

    // An administrator who writes accounts as they like: an account says who signs, and signs nothing.
    let second = Person::signed_in(
        &house,
        "root",
        &["approver", "senior", "operator"],
        Some("o-0002"),
    );
    let signed = officer.sign(&paper, &mine);
    let proposal = signed.header("location").to_owned();
    let page = second.get(&proposal).text();
    assert!(
        !page.contains("data-passkey"),
        "o-0002 has no passkey in the trust document"
    );
    let hash = desk_world::between(&page, "--expect ", " ").unwrap();
    for (key, by) in [("k1", &thief), ("k2", &thief), ("k2", &mine)] {
        let answer = by.answer("AAAA");
        let mut fields = vec![("key", key), ("hash", hash.as_str())];
        fields.extend(answer.iter().map(|(name, value)| (*name, value.as_str())));
        let refused = second.post(&format!("{proposal}/approve"), &fields);
        assert!(
            matches!(refused.status, 400 | 403),
            "{key}: {}",
            refused.text()
        );
    }

    // The database itself, edited: the proposal's row with a second approval that nobody made.
    let store = house.authority.store();
    let rows: Vec<_> = store
        .scan("proposals", b"")
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert_eq!(rows.len(), 1);
    let (key, value) = &rows[0];
    let forged = String::from_utf8(value.clone())
        .unwrap()
        .replace("o-0001", "o-0003");
    let durability = blockfeed::store::Durability::Synced;
    store
        .put("proposals", key, forged.as_bytes(), durability)
        .unwrap();
    let id = proposal.rsplit('/').next().unwrap();
    let body: serde_json::Value = serde_json::from_slice(value).unwrap();
    let body = body["body"].as_str().unwrap();
    let hash = blockfeed::tlog::Hash::of(body.as_bytes());
    let message = blockfeed::decision::approval_message(
        &house.origin(),
        &blockfeed::canon::DecisionId::new(id).unwrap(),
        blockfeed::trust::Role::Approve,
        &Officer::Second.id(),
        &blockfeed::canon::KeyId::new("k1").unwrap(),
        &hash,
    );
    // The second officer signs in good faith what is there: the first signature isn't o-0003's.
    let sig = ed25519_dalek::Signer::sign(&Officer::Second.key(), &message).to_bytes();
    let approval = blockfeed::decision::Approval {
        officer: Officer::Second.id(),
        key: blockfeed::canon::KeyId::new("k1").unwrap(),
        role: blockfeed::trust::Role::Approve,
        alg: blockfeed::trust::Alg::Ed25519,
        sig: blockfeed::canon::Base64(sig.to_vec()),
        auth_data: None,
        client_data: None,
    };
    let path = format!("/api/v1/proposals/{id}/approvals");
    let refused = house.post(&path, &serde_json::to_vec(&approval).unwrap());
    assert_eq!(refused.status, 403, "{}", refused.text());
    assert_eq!(house.authority.current().size, size, "no leaf was written");
    assert!(!is_listed(&house, "shop-gia.example"));

    // The journal, edited: it shows, and it puts nothing anywhere.
    let auditor = Person::signed_in(&house, "kiem.tra", &["auditor"], None);
    assert!(!auditor.get("/desk/journal").text().contains("notice bad"));
    let number = 1u64.to_be_bytes();
    let entry = store.get("accounts-journal", &number).unwrap().unwrap();
    let edited = String::from_utf8(entry)
        .unwrap()
        .replace("thu.ha", "ha.thu");
    store
        .put("accounts-journal", &number, edited.as_bytes(), durability)
        .unwrap();
    assert!(auditor.get("/desk/journal").text().contains("notice bad"));

    // What was published holds, to whoever recomputes it.
    let settings = blockfeed::audit::Config::new(house.url());
    let report = house
        .wait(blockfeed::audit::run(&settings, &mut |_| {}))
        .unwrap();
    assert_eq!(report.size, house.authority.current().size);
}

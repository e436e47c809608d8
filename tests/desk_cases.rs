//! Cases at the desk: a call is entered, the identity is shown to whoever is entitled and the journal
//! says so, an appeal leads to its stay and follows it, lists are kept, what is against an officer passes the unit by; and who has
//! acted, with its reminder.

mod desk_world;
mod house;

use blockfeed::{
    canon::DecisionId,
    casework::{CaseFilter, CaseId, CaseKind, CaseState, Channel, Hand, Informant, NewCase, Whose},
    decision::Body,
    log::Entrant,
    trust::Role,
};
use desk_world::{Passkey, Person, give_passkey};
use house::{House, ListOptions, Officer, Proposal, now};

const CANARY: &str = "Nguyễn Văn Canary 0912345678";

#[test]
fn a_call_is_entered_and_its_caller_kept_apart() {
    let house = House::new();
    let officer = Person::signed_in(&house, "lan", &["officer"], None);
    let senior = Person::signed_in(&house, "minh", &["senior"], None);
    let operator = Person::signed_in(&house, "van.hanh", &["operator"], None);
    let call = [
        ("channel", "telephone"),
        ("kind", "tip"),
        ("text", "bán mỹ phẩm giả"),
        ("links", "domain:shop.example"),
        ("name", CANARY),
    ];
    let empty = officer.post("/desk/cases/new", &[("channel", "letter")]);
    assert_eq!(empty.status, 422, "{}", empty.text());
    let taken = officer.post("/desk/cases/new", &call);
    assert_eq!(taken.status, 201, "{}", taken.text());
    let (case, _) = house
        .casework
        .cases(&CaseFilter::default(), 9)
        .unwrap()
        .cases
        .remove(0);
    let place = format!("/desk/cases/{}", case.id);
    let seen = officer.get(&place);
    assert_eq!(seen.status, 200, "{}", seen.text());
    assert!(seen.text().contains("bán mỹ phẩm giả") && !seen.text().contains(CANARY));
    assert!(!senior.get(&place).text().contains(CANARY));
    assert_eq!(operator.get(&place).status, 403);
    assert_eq!(officer.post(&format!("{place}/informant"), &[]).status, 403);
    let shown = senior.post(&format!("{place}/informant"), &[]);
    assert!(shown.text().contains(CANARY), "{}", shown.text());
    assert!(
        officer
            .get(&place)
            .text()
            .contains("Đã xem danh tính người gửi")
    );
    assert!(officer.get("/desk/cases").text().contains(case.id.as_str()));
    let noted = officer.post(&format!("{place}/note"), &[("text", "đã gọi lại")]);
    assert_eq!(noted.status, 303);
    let linked = officer.post(
        &format!("{place}/link"),
        &[("links", "domain:b.example"), ("decisions", "2026-000001")],
    );
    assert_eq!(linked.status, 303);
    let text = officer.get(&place).text();
    assert!(
        text.contains("đã gọi lại") && text.contains("domain:b.example"),
        "{text}"
    );
    // Ended, then erased by whoever may; never before.
    let early = senior.post(&format!("{place}/erase"), &[("sure", "yes")]);
    assert_eq!(early.status, 422, "{}", early.text());
    for to in ["open", "closed"] {
        let moved = officer.post(&format!("{place}/state"), &[("to", to), ("why", "xong")]);
        assert_eq!(moved.status, 303, "{}", moved.text());
    }
    assert_eq!(senior.post(&format!("{place}/erase"), &[]).status, 422);
    assert_eq!(
        senior
            .post(&format!("{place}/erase"), &[("sure", "yes")])
            .status,
        303
    );
    let text = senior.get(&place).text();
    assert!(
        !text.contains("bán mỹ phẩm giả") && !text.contains(CANARY) && !text.contains("đã gọi lại")
    );
}

#[test]
fn what_is_against_an_officer_passes_the_unit_by() {
    let house = House::new();
    let officer = Person::signed_in(&house, "lan", &["officer"], None);
    let coordinator = Person::signed_in(&house, "dieu.phoi", &["coordinator"], None);
    let call = [
        ("channel", "letter"),
        ("kind", "denunciation"),
        ("text", "cán bộ bao che"),
        ("about_officer", "yes"),
    ];
    assert_eq!(officer.post("/desk/cases/new", &call).status, 201);
    assert!(!officer.get("/desk/cases").text().contains("/desk/cases/D-"));
    let text = coordinator.get("/desk/cases").text();
    let id = text
        .split("/desk/cases/D-")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap()
        .to_owned();
    let place = format!("/desk/cases/D-{id}");
    assert_eq!(coordinator.get(&place).status, 200);
    assert_eq!(officer.get(&place).status, 404);
    assert_eq!(
        officer
            .post(&format!("{place}/note"), &[("text", "x")])
            .status,
        404
    );
}

#[test]
fn a_case_is_given_to_another_unit() {
    let house = House::new();
    let ours = Person::signed_in(&house, "lan", &["officer"], None);
    let theirs = Person::of_unit(&house, "mof.tax", "thue", &["officer"]);
    let call = [
        ("channel", "letter"),
        ("kind", "tip"),
        ("text", "trốn thuế"),
    ];
    assert_eq!(ours.post("/desk/cases/new", &call).status, 201);
    let page = house.casework.cases(&CaseFilter::default(), 9).unwrap();
    let place = format!("/desk/cases/{}", page.cases[0].0.id);
    let statuses = || [&ours, &theirs].map(|person| person.get(&place).status);
    assert_eq!(statuses(), [200, 404]);
    let to = format!("{place}/unit");
    let nowhere = ours.post(&to, &[("unit", "nowhere"), ("because", "x")]);
    assert_eq!(nowhere.status, 422, "{}", nowhere.text());
    let given = ours.post(
        &to,
        &[("unit", "mof.tax"), ("because", "thuộc cơ quan thuế")],
    );
    assert_eq!(given.status, 303, "{}", given.text());
    assert_eq!(statuses(), [404, 200]);
    assert!(theirs.get("/desk/cases").text().contains(&place));
    assert!(!ours.get("/desk/cases").text().contains(&place));
    assert!(theirs.get(&place).text().contains("thuộc cơ quan thuế"));
}

/// Somebody telephones against a decision; gives the number of the appeal.
fn appealed(house: &House, officer: &Person<'_>, decision: &DecisionId) -> CaseId {
    let call = [
        ("channel", "telephone"),
        ("kind", "appeal"),
        ("text", "cửa hàng hợp pháp"),
        ("links", "domain:shop.example"),
        ("decisions", decision.as_str()),
    ];
    assert_eq!(officer.post("/desk/cases/new", &call).status, 201);
    let page = house.casework.cases(&CaseFilter::default(), 9).unwrap();
    page.cases[0].0.id.clone()
}

#[test]
fn an_appeal_leads_to_its_stay_and_follows_it() {
    let house = House::new();
    let (first, second) = (Passkey::new(41), Passkey::new(42));
    give_passkey(&house, Officer::First, &first);
    give_passkey(&house, Officer::Second, &second);
    let decision = house.list(&["domain:shop.example +"], ListOptions::default());
    let officer = Person::signed_in(&house, "lan", &["officer"], Some("o-0001"));
    let approver = Person::signed_in(&house, "minh", &["approver"], Some("o-0002"));
    let id = appealed(&house, &officer, &decision);
    let place = format!("/desk/cases/{id}");
    let to = |state| {
        let form = [("to", state), ("why", "có giấy phép")];
        officer.post(&format!("{place}/state"), &form)
    };
    let skipped = to("confirmed");
    assert_eq!(skipped.status, 422, "{}", skipped.text());
    let stayed = to("stayed");
    assert_eq!(stayed.status, 303);
    let form = stayed.header("location").to_owned();
    assert!(
        form.starts_with("/desk/act/stay?") && form.contains(id.as_str()),
        "{form}"
    );
    let shown = officer.get(&form);
    assert!(shown.text().contains("domain:shop.example") && shown.text().contains(id.as_str()));
    // Nothing is stayed by a word: the case goes on when the stay is signed.
    let state = || house.casework.case(&id).unwrap().case.state;
    assert_eq!(state(), CaseState::New);
    assert!(officer.get(&place).text().contains("có giấy phép"));
    let grounds = [
        ("authority", "moit.e-commerce"),
        ("number", "15/QĐ-TMĐT"),
        ("date", "2026-09-02"),
        ("reasons", "Khiếu nại của chủ cửa hàng."),
        ("days", "7"),
        ("named", "shop.example"),
        ("appeal", id.as_str()),
    ];
    let alone = [&grounds[..], &[("length", "alone")]].concat();
    let paper = officer.made("/desk/act/stay", &alone);
    let signed = officer.sign(&paper, &first);
    assert_eq!(signed.status, 303, "{}", signed.text());
    assert_eq!(state(), CaseState::Stayed);
    let case = house.casework.case(&id).unwrap();
    assert_eq!(case.case.decisions.len(), 2, "the stay is linked");
    assert_eq!(case.events.last().unwrap().0.by, "o-0001");
    assert!(
        case.clocks
            .iter()
            .any(|c| c.step == "confirm" && c.due - case.case.stayed.unwrap() == 72 * 3600)
    );
    let page = officer.get(&place).text();
    assert!(page.contains("Hạn xác nhận tạm ngừng"), "{page}");
    // By the decision's number: what is stayed isn't found by its subject.
    let mut whole = grounds;
    whole[5].1 = decision.as_str();
    let paper = officer.made("/desk/act/revoke", &whole);
    let proposal = officer.sign(&paper, &first).header("location").to_owned();
    assert_eq!(state(), CaseState::Stayed, "one signature revokes nothing");
    let approved = approver.sign(&proposal, &second);
    assert_eq!(approved.status, 303, "{}", approved.text());
    assert_eq!(state(), CaseState::Revoked);
    assert_eq!(house.casework.check_cases().unwrap().broken_at, None);
}

/// The crash between the two steps: the leaf is there, and the case has heard nothing of it.
#[test]
fn a_case_behind_its_decision_follows_at_the_start() {
    let house = House::new();
    let decision = house.list(&["domain:shop.example +"], ListOptions::default());
    let officer = Person::signed_in(&house, "lan", &["officer"], None);
    let id = appealed(&house, &officer, &decision);
    let mut stay = Proposal::stay(house.next_id(), &decision, None, now() + 3600);
    if let Body::Stay(body) = &mut stay.body {
        body.appeal = Some(id.to_string());
    }
    for part in &stay.parts {
        house.authority.keep_part(part).unwrap();
    }
    let approval = house.sign(&stay.body, Officer::First, Role::Propose);
    let entered = house.authority.submit(Entrant::Decision {
        body: Box::new(stay.body.clone()),
        approvals: vec![approval],
    });
    house.wait(entered).unwrap();
    let at = |house: &House| house.casework.case(&id).unwrap();
    assert_eq!(at(&house).case.state, CaseState::New);
    let house = house.restart();
    let followed = at(&house);
    assert_eq!(followed.case.state, CaseState::Stayed);
    assert!(followed.case.decisions.contains(&stay.id));
    // Once, however often it starts.
    let house = house.restart();
    assert_eq!(at(&house).events.len(), followed.events.len());
    assert_eq!(house.casework.check_cases().unwrap().broken_at, None);
}

#[test]
fn lists_of_cases_are_kept_and_made_for_a_database_of_before() {
    let house = House::new();
    let desk = &house.casework;
    let by = |unit: &str| Hand::new("lan", unit);
    let open = |kind, unit: &str| {
        let new = NewCase {
            kind,
            channel: Channel::Form,
            unit: unit.into(),
            about_officer: false,
            subjects: Vec::new(),
            decisions: Vec::new(),
            text: "x".into(),
            informant: Informant::default(),
        };
        desk.open_case(new, &by(unit)).unwrap().id
    };
    let ids: Vec<CaseId> = (0..30)
        .map(|n| match n % 3 {
            0 => open(CaseKind::Tip, ""),
            1 => open(CaseKind::Tip, "moit.e-commerce"),
            _ => open(CaseKind::Appeal, "moit.market-surveillance"),
        })
        .collect();
    let take_up = |n: usize| {
        desk.move_case(&ids[n], CaseState::Open, "", &by("mof.tax"))
            .unwrap()
    };
    take_up(0);
    take_up(1);
    // Pages of four, one behind the other, as long as there are some.
    let all = |house: &House, filter: &CaseFilter| {
        let (mut found, mut filter) = (Vec::new(), filter.clone());
        loop {
            let page = house.casework.cases(&filter, 4).unwrap();
            found.extend(page.cases.into_iter().map(|(case, _)| case.id));
            match page.next {
                Some(next) => filter.after = Some(next),
                None => return found,
            }
        }
    };
    let newest: Vec<CaseId> = ids.iter().rev().cloned().collect();
    let of = |unit: &str, state, kind| CaseFilter {
        whose: Whose::Of(unit.into()),
        state,
        kind,
        ..CaseFilter::default()
    };
    let every = CaseFilter::default();
    let commerce = of("moit.e-commerce", None, None);
    let ministry = of("moit", Some(CaseState::New), Some(CaseKind::Tip));
    let tax = of("mof.tax", Some(CaseState::Open), None);
    assert_eq!(all(&house, &every), newest);
    let seen = [&every, &commerce, &ministry, &tax].map(|filter| all(&house, filter));
    assert_eq!(seen.each_ref().map(Vec::len), [30, 19, 18, 1]);
    assert_eq!(seen[3], [ids[0].clone()]);
    let counts = desk.cases(&commerce, 4).unwrap().counts;
    assert_eq!(counts[..2], [(CaseState::New, 18), (CaseState::Open, 1)]);
    // A database of before has no lists.
    let store = house.authority.store();
    for table in ["case-lists", "case-counts"] {
        let keys: Vec<Vec<u8>> = store
            .scan(table, b"")
            .unwrap()
            .map(|r| r.unwrap().0)
            .collect();
        assert!(keys.len() > 10, "{table}: {}", keys.len());
        store.erase(table, &keys).unwrap();
    }
    let house = house.restart();
    assert_eq!(
        [&every, &commerce, &ministry, &tax].map(|filter| all(&house, filter)),
        seen
    );
    assert_eq!(house.casework.cases(&commerce, 4).unwrap().counts, counts);
}

#[test]
fn who_has_acted_is_told_with_a_reminder() {
    let house = House::new();
    house.list(&["domain:shop.example +"], ListOptions::default());
    let isp = br#"{"name":"isp-1","feeds":["domains"]}"#;
    let made = house.signed(Officer::First, "POST", "/api/v1/subscribers", isp);
    assert_eq!(made.status, 201, "{}", made.text());
    let officer = Person::signed_in(&house, "lan", &["officer"], None);
    let page = officer.get("/desk/subscribers");
    assert_eq!(page.status, 200, "{}", page.text());
    assert!(
        page.text().contains("isp-1") && page.text().contains("Chưa nhận gì"),
        "{}",
        page.text()
    );
    let letter = officer.get("/desk/subscribers/isp-1/letter").text();
    assert!(letter.contains("Kính gửi:") && letter.contains("isp-1"));
    assert_eq!(officer.get("/desk/subscribers/nobody/letter").status, 404);
}

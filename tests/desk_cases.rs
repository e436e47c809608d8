//! Cases at the desk: a call is entered, the identity is shown to whoever is entitled and the journal
//! says so, an appeal leads to its stay, what is against an officer passes the unit by; and who has
//! acted, with its reminder.

mod desk_world;
mod house;

use blockfeed::casework::{CaseFilter, CaseId, CaseState};
use desk_world::Person;
use house::{House, ListOptions, Officer};

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
fn an_appeal_leads_to_its_stay() {
    let house = House::new();
    let decision = house.list(&["domain:shop.example +"], ListOptions::default());
    let officer = Person::signed_in(&house, "lan", &["officer"], None);
    let call = [
        ("channel", "telephone"),
        ("kind", "appeal"),
        ("text", "cửa hàng hợp pháp"),
        ("links", "domain:shop.example"),
        ("decisions", decision.as_str()),
    ];
    assert_eq!(officer.post("/desk/cases/new", &call).status, 201);
    let id: CaseId = house
        .casework
        .cases(&CaseFilter::default(), 9)
        .cases
        .remove(0)
        .0
        .id;
    let place = format!("/desk/cases/{id}");
    let skipped = officer.post(
        &format!("{place}/state"),
        &[("to", "confirmed"), ("why", "x")],
    );
    assert_eq!(skipped.status, 422, "{}", skipped.text());
    let stayed = officer.post(
        &format!("{place}/state"),
        &[("to", "stayed"), ("why", "có giấy phép")],
    );
    assert_eq!(stayed.status, 303);
    let to = stayed.header("location");
    assert!(
        to.starts_with("/desk/act/stay?") && to.contains(id.as_str()),
        "{to}"
    );
    let form = officer.get(to);
    assert_eq!(form.status, 200);
    assert!(form.text().contains("domain:shop.example") && form.text().contains(id.as_str()));
    let case = house.casework.case(&id).unwrap();
    assert_eq!(case.case.state, CaseState::Stayed);
    assert!(
        case.clocks
            .iter()
            .any(|c| c.step == "confirm" && c.due - case.case.changed == 72 * 3600)
    );
    assert!(
        officer
            .get(&place)
            .text()
            .contains("Hạn xác nhận tạm ngừng")
    );
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

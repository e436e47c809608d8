//! The data directory: names in force, proposals that wait, subscribers, officers with sessions, and
//! cases, all made by the program's own code, in this process. Then everything is closed, and the
//! server opens it.

use crate::{
    Size,
    desk_world::{Passkey, Person, give_passkey},
    house::{House, ListOptions, Officer, Proposal, now},
    names, server,
};
use blockfeed::{
    canon::DecisionId,
    casework::{CaseId, CaseKind, CaseState, Channel, Hand, Informant, NewCase},
    trust,
};
use std::{fs, path::Path, time::Instant};
use tempfile::TempDir;

/// Proposals that wait for their second officer.
const WAITING: usize = 40;

/// Lines of each.
const LINES: usize = 200;

const SUBSCRIBERS: usize = 20;

pub const UNITS: [&str; 4] = [
    "moit.e-commerce",
    "moit.market-surveillance",
    "mps.cyber",
    "office-389",
];

/// Somebody who is signed in.
#[derive(Clone)]
pub struct Desk {
    pub cookie: String,
    pub csrf: String,
}

pub struct World {
    dir: TempDir,
    pub names: Vec<String>,
    pub decisions: Vec<DecisionId>,
    pub waiting: Vec<DecisionId>,
    pub cases: Vec<CaseId>,
    pub officers: Vec<Desk>,
    pub auditor: Desk,
    /// The passkey of the first officer's account.
    pub passkey: Passkey,
}

impl World {
    pub fn make(size: &Size) -> Self {
        let house = House::new();
        let passkey = Passkey::new(41);
        give_passkey(&house, Officer::First, &passkey);
        let mut names = names::realistic(size.names + WAITING * LINES, 7);
        let spare: Vec<String> = (0..WAITING * LINES)
            .map(|n| names.swap_remove(n * 7 % names.len()))
            .collect();
        let decisions = timed("entries listed", names.len(), || {
            list(&house, &names, size.decisions)
        });
        let waiting = timed("proposals opened", WAITING, || wait(&house, &spare));
        timed("subscribers registered", SUBSCRIBERS, || {
            for n in 0..SUBSCRIBERS {
                house.subscriber(&format!("isp-{n:02}"), &["domains", "networks"]);
            }
        });
        let cases = timed("cases opened, with their events", size.cases, || {
            cases(&house, size.cases, &names)
        });
        let (officers, auditor) = timed("officers signed in", size.officers, || {
            people(&house, size.officers)
        });
        let dir = house.close();
        keys(dir.path());
        Self {
            dir,
            names,
            decisions,
            waiting,
            cases,
            officers,
            auditor,
            passkey,
        }
    }

    pub fn data(&self) -> &Path {
        self.dir.path()
    }
}

fn timed<T>(what: &str, count: usize, work: impl FnOnce() -> T) -> T {
    let began = Instant::now();
    let done = work();
    println!(
        "made: {count} {what} in {:.1} s",
        began.elapsed().as_secs_f64()
    );
    done
}

/// One bulk decision, and small ones of ten names each.
fn list(house: &House, names: &[String], decisions: usize) -> Vec<DecisionId> {
    let lines: Vec<String> = names.iter().map(|n| format!("domain:{n} +")).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let bulk = ListOptions {
        bulk: true,
        ..ListOptions::default()
    };
    let mut ids = vec![house.list(&lines, bulk)];
    for n in 0..decisions {
        let soon = ListOptions {
            not_after: now() + (10 + n as u64 % 300) * 86_400,
            ..ListOptions::default()
        };
        let lines: Vec<String> = (0..10)
            .map(|i| format!("domain:small-{n}-{i}.example +"))
            .collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        ids.push(house.list(&lines, soon));
    }
    ids
}

fn wait(house: &House, names: &[String]) -> Vec<DecisionId> {
    let open = |names: &[String]| {
        let lines: Vec<String> = names.iter().map(|n| format!("domain:{n} +")).collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let proposal = Proposal::list(house.next_id(), &lines, &ListOptions::default());
        house.stage(&proposal).unwrap();
        proposal.id
    };
    names.chunks(LINES).map(open).collect()
}

/// Cases of every kind; two thirds were taken up, of these half are closed, some with notes. Gives back
/// those that the officers see.
fn cases(house: &House, count: usize, names: &[String]) -> Vec<CaseId> {
    let desk = &house.casework;
    let kinds = [
        CaseKind::Tip,
        CaseKind::Tip,
        CaseKind::Tip,
        CaseKind::Tip,
        CaseKind::Tip,
        CaseKind::Tip,
        CaseKind::Complaint,
        CaseKind::Appeal,
        CaseKind::Appeal,
        CaseKind::Submission,
    ];
    let open = |n: usize| {
        let name = &names[n * 31 % names.len()];
        let new = NewCase {
            kind: kinds[n % kinds.len()],
            channel: Channel::Form,
            unit: String::new(),
            about_officer: false,
            subjects: vec![format!("domain:{name}")],
            decisions: Vec::new(),
            text: format!(
                "Trang {name} bán mỹ phẩm giả nhãn hiệu, giao hàng không đúng, không trả lại tiền. Đơn hàng số {n}."
            ),
            informant: Informant {
                name: format!("Nguyễn Văn {n}"),
                contact: format!("09{n:08}"),
            },
        };
        let id = desk.open_case(new, &Hand::public()).unwrap().id;
        let by = Hand::new("thu.ha", UNITS[n % UNITS.len()]);
        if !n.is_multiple_of(3) {
            let step = |to| desk.move_case(&id, to, "Đã xem hồ sơ.", &by).unwrap();
            step(CaseState::Open);
            if n.is_multiple_of(5) {
                desk.add_note(&id, "Đã gọi lại cho người báo tin.", &by)
                    .unwrap();
            }
            if n % 3 == 1 {
                step(CaseState::Closed);
            }
        }
        id
    };
    // The officers are of the first unit: they see its cases, and what nobody has taken up.
    let theirs = |n: &usize| n.is_multiple_of(3) || n.is_multiple_of(UNITS.len());
    let ids: Vec<CaseId> = (0..count).map(open).collect();
    let numbered = ids.into_iter().enumerate();
    numbered
        .filter(|(n, _)| theirs(n))
        .map(|(_, id)| id)
        .collect()
}

/// The officers, the first of whom signs as `o-0001`; and an auditor.
fn people(house: &House, count: usize) -> (Vec<Desk>, Desk) {
    let desk = |person: Person<'_>| Desk {
        cookie: person.cookie.clone(),
        csrf: person.csrf.clone(),
    };
    let first = Person::signed_in(house, "thu.ha", &["officer"], Some("o-0001"));
    let mut officers = vec![desk(first)];
    for n in 1..count {
        let roles: &[&str] = if n.is_multiple_of(4) {
            &["officer", "approver", "senior"]
        } else {
            &["officer"]
        };
        let name = format!("officer.{n:03}");
        officers.push(desk(Person::signed_in(house, &name, roles, None)));
    }
    let auditor = Person::signed_in(house, "kiem.tra", &["auditor"], None);
    (officers, desk(auditor))
}

/// The files of the log's keys, as `blockfeed init` leaves them.
fn keys(data: &Path) {
    let secrets = crate::house::Secrets::fixed();
    for (name, key) in [("log.pem", &secrets.log), ("feed.pem", &secrets.feed)] {
        let pem = trust::encrypt_key(key, server::PASSPHRASE.as_bytes()).unwrap();
        let path = data.join("keys").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, pem.as_bytes()).unwrap();
    }
}

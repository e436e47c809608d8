//! Officers at once: each on a connection of their own, each drawing the next page from the mix.
//! A page counts only if it shows what was asked for.

use crate::{
    Size,
    desk_world::between,
    made::{Desk, World},
    server::Server,
    wire::{Answer, Browser},
};
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

/// Lines of the paper that each officer has open.
const PAPER: usize = 200;

/// What is asked, with how often, of 100.
const MIX: [(Step, u64); 17] = [
    (Step::Queue, 12),
    (Step::Cases, 8),
    (Step::CasesOf, 6),
    (Step::CasesOn, 4),
    (Step::Case, 14),
    (Step::Note, 4),
    (Step::Search, 10),
    (Step::Proposal, 8),
    (Step::Paper, 6),
    (Step::Acted, 4),
    (Step::Lookup, 8),
    (Step::Register, 4),
    (Step::Decision, 2),
    (Step::Statistics, 2),
    (Step::ApiLookup, 5),
    (Step::ApiList, 2),
    (Step::Audited, 1),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Queue,
    Cases,
    CasesOf,
    CasesOn,
    Case,
    Note,
    Search,
    Proposal,
    Paper,
    Acted,
    Lookup,
    Register,
    Decision,
    Statistics,
    ApiLookup,
    ApiList,
    Audited,
    /// The list is there and its verdicts aren't any more: they are being made again.
    Unmade,
}

impl Step {
    fn name(self) -> &'static str {
        match self {
            Step::Queue => "the queue",
            Step::Cases => "cases, newest",
            Step::CasesOf => "cases of a state and kind",
            Step::CasesOn => "cases, a later page",
            Step::Case => "a case",
            Step::Note => "a note added to a case",
            Step::Search => "search by a spelling",
            Step::Proposal => "a proposal with what has changed",
            Step::Paper => "a list of 200 with its verdicts",
            Step::Acted => "who has acted",
            Step::Lookup => "public look-up",
            Step::Register => "register of decisions",
            Step::Decision => "a decision",
            Step::Statistics => "statistics",
            Step::ApiLookup => "API: look-up",
            Step::ApiList => "API: 1,000 entries",
            Step::Audited => "cases, as an auditor",
            Step::Unmade => "(verdicts that had to be made again)",
        }
    }
}

/// One officer's share of the times, milliseconds.
type Times = BTreeMap<Step, Vec<f64>>;

pub fn run(world: &World, server: &Server, size: &Size) {
    let officers = world.officers.iter().enumerate();
    let began = Instant::now();
    let mut people: Vec<Person<'_>> = officers
        .map(|(n, officer)| Person::new(world, server, officer, n as u64))
        .collect();
    println!(
        "\n{} lists of {PAPER} lines checked in {:.1} s",
        people.len(),
        began.elapsed().as_secs_f64()
    );
    let began = Instant::now();
    let end = began + Duration::from_secs(size.seconds);
    let pause = Duration::from_millis(size.pause);
    let times: Vec<Times> = std::thread::scope(|scope| {
        let work = people
            .iter_mut()
            .map(|p| scope.spawn(|| p.work(end, pause)));
        let work: Vec<_> = work.collect();
        work.into_iter().map(|w| w.join().unwrap()).collect()
    });
    table(times, began.elapsed(), size);
}

fn table(all: Vec<Times>, took: Duration, size: &Size) {
    let mut merged = Times::new();
    for (step, times) in all.into_iter().flatten() {
        merged.entry(step).or_default().extend(times);
    }
    println!(
        "\n| {} officers at once, {} ms between answer and next request | times | p50 ms | p99 ms | most ms |\n|---|---|---|---|---|",
        size.officers, size.pause
    );
    let mut every = Vec::new();
    for (step, mut times) in merged {
        row(step.name(), &mut times);
        every.extend(times);
    }
    row("all", &mut every);
    println!(
        "\n{:.0} requests/s over {:.0} s",
        every.len() as f64 / took.as_secs_f64(),
        took.as_secs_f64()
    );
}

fn row(name: &str, times: &mut [f64]) {
    times.sort_by(f64::total_cmp);
    let at = |part: f64| times[((times.len() - 1) as f64 * part) as usize];
    println!(
        "| {name} | {} | {:.1} | {:.1} | {:.1} |",
        times.len(),
        at(0.5),
        at(0.99),
        at(1.0)
    );
}

/// An officer at work.
struct Person<'w> {
    world: &'w World,
    desk: &'w Desk,
    browser: Browser,
    auditor: Browser,
    paper: String,
    random: u64,
}

impl<'w> Person<'w> {
    fn new(world: &'w World, server: &Server, desk: &'w Desk, n: u64) -> Self {
        let mut person = Self {
            world,
            desk,
            browser: Browser::open(server.address, &desk.cookie),
            auditor: Browser::open(server.address, &world.auditor.cookie),
            paper: String::new(),
            random: 0x9e37_79b9_7f4a_7c15 ^ (n + 1).wrapping_mul(0x2545_f491_4f6c_dd1d),
        };
        let lines: Vec<String> = (0..PAPER)
            .map(|i| format!("https://www.gian-hang-{n}-{i}.example/"))
            .collect();
        person.paper = crate::paste::save(&mut person.browser, desk, &lines.join("\n"));
        crate::paste::ready(&mut person.browser, &person.paper);
        person
    }

    fn work(&mut self, end: Instant, pause: Duration) -> Times {
        let mut times = Times::new();
        while Instant::now() < end {
            let step = self.draw();
            let began = Instant::now();
            let step = self.take(step);
            let took = began.elapsed().as_secs_f64() * 1e3;
            times.entry(step).or_default().push(took);
            if !pause.is_zero() {
                std::thread::sleep(pause);
            }
        }
        times
    }

    fn draw(&mut self) -> Step {
        let mut left = self.below(MIX.iter().map(|(_, n)| n).sum());
        for (step, n) in MIX {
            match left.checked_sub(n) {
                Some(rest) => left = rest,
                None => return step,
            }
        }
        Step::Queue
    }

    /// Takes a step; gives back which one it came to.
    fn take(&mut self, step: Step) -> Step {
        match step {
            Step::Queue => {
                let id = self.world.waiting.last().unwrap();
                self.page("/desk", id.as_str());
            }
            Step::Cases => self.page("/desk/cases", "/desk/cases/"),
            Step::CasesOf => {
                let states = ["new", "open", "closed"];
                let kinds = ["appeal", "complaint", "submission"];
                let (state, kind) = (self.pick(&states), self.pick(&kinds));
                self.page(&format!("/desk/cases?state={state}&kind={kind}"), "</html>");
            }
            Step::CasesOn => {
                let after = self.case();
                self.page(&format!("/desk/cases?after={after}"), "</html>");
            }
            Step::Case => {
                let id = self.case();
                self.page(&format!("/desk/cases/{id}"), &id);
            }
            Step::Note => self.note(),
            Step::Search => {
                let (typed, name) = self.typed();
                self.page(&format!("/desk/search?q={typed}"), &name);
            }
            Step::Proposal => {
                let at = self.below(self.world.waiting.len() as u64) as usize;
                let id = self.world.waiting[at].to_string();
                self.page(&format!("/desk/proposals/{id}"), &id);
            }
            Step::Paper => {
                let answer = self.browser.get(&self.paper);
                if answer.text().contains("<progress") {
                    return Step::Unmade;
                }
                shows(&self.paper, &answer, "gian-hang-");
            }
            Step::Acted => self.page("/desk/subscribers", "isp-00"),
            Step::Lookup => {
                let (typed, name) = self.typed();
                self.page(&format!("/lookup?q={typed}"), &name);
            }
            Step::Register => self.page("/decisions?head=counterfeit", "/decisions/"),
            Step::Decision => {
                let at = self.below(self.world.decisions.len() as u64) as usize;
                let id = self.world.decisions[at].to_string();
                self.page(&format!("/decisions/{id}"), &id);
            }
            Step::Statistics => self.page("/statistics", "</svg>"),
            Step::ApiLookup => {
                let (typed, name) = self.typed();
                self.page(&format!("/api/v1/lookup?q={typed}"), &name);
            }
            Step::ApiList => self.page("/api/v1/entries?feed=domains&limit=1000", "\"next\""),
            Step::Audited => {
                let answer = self.auditor.get("/desk/cases");
                shows("/desk/cases", &answer, "/desk/cases/");
            }
            Step::Unmade => {}
        }
        step
    }

    fn page(&mut self, path: &str, has: &str) {
        let answer = self.browser.get(path);
        shows(path, &answer, has);
    }

    fn note(&mut self) {
        let id = self.case();
        let path = format!("/desk/cases/{id}/note");
        let form = [("csrf", self.desk.csrf.as_str()), ("text", "Đã gọi lại.")];
        let answer = self.browser.post(&path, &form);
        assert_eq!(answer.status, 303, "{path}: {}", answer.text());
    }

    fn case(&mut self) -> String {
        let at = self.below(self.world.cases.len() as u64) as usize;
        self.world.cases[at].to_string()
    }

    /// A name as somebody types it, and as it is listed; one of four isn't.
    fn typed(&mut self) -> (String, String) {
        let at = self.below(self.world.names.len() as u64) as usize;
        let mut name = self.world.names[at].clone();
        if self.below(4) == 0 {
            name = format!("khong-co-{name}");
        }
        let typed = match self.below(3) {
            0 => name.clone(),
            1 => format!("https%3A%2F%2F{}%2F", name.to_uppercase()),
            _ => format!("{name}."),
        };
        (typed, name)
    }

    fn pick<'s>(&mut self, of: &[&'s str]) -> &'s str {
        of[self.below(of.len() as u64) as usize]
    }

    fn below(&mut self, n: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random % n
    }
}

fn shows(path: &str, answer: &Answer, has: &str) {
    let text = answer.text();
    assert!(
        answer.status == 200 && text.contains(has),
        "{path}: {} without {has:?}: {}",
        answer.status,
        between(&text, "<main", "</main>").unwrap_or(text.clone())
    );
}

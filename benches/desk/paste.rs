//! A long list pasted into the console: sent as a form, checked line by line, proposed by passkey.

use crate::{
    desk_world::{self, between, hidden},
    house::now,
    made::{Desk, World},
    names, peers,
    server::Server,
    wire::Browser,
};
use std::{
    fs,
    time::{Duration, Instant},
};

const LIST: &str = "data/domains/chongluadao-urls_2023-09-06.txt";

/// Lines of the real list.
const LINES: usize = 34_404;

pub fn run(world: &World, server: &Server) {
    let (list, what) = match peers::shared().map(|dir| fs::read_to_string(dir.join(LIST))) {
        Some(Ok(list)) => (list, "a real list"),
        _ => (names::realistic(LINES, 11).join("\n"), "made names"),
    };
    println!(
        "\n{} lines of {what}, {} KiB",
        list.lines().count(),
        list.len() >> 10
    );
    let desk = &world.officers[0];
    let mut browser = Browser::open(server.address, &desk.cookie);
    let began = Instant::now();
    let paper = save(&mut browser, desk, &list);
    let sent = began.elapsed();
    let page = ready(&mut browser, &paper);
    let checked = began.elapsed();
    let again = Instant::now();
    let refused = browser.get(&format!("{paper}?only=refused&page=3"));
    let again = again.elapsed();
    let proposal = sign(&mut browser, world, desk, &page);
    println!("\n| step | seconds |\n|---|---|");
    row("pasted: sent, kept, its page there", sent);
    row("verdicts of every line", checked);
    row("another page of them", again);
    row("proposed by passkey", proposal.1);
    let open = || {
        let began = Instant::now();
        let mut browser = Browser::open(server.address, &desk.cookie);
        let shown = browser.get(&proposal.0);
        assert_eq!(shown.status, 200, "{}", shown.text());
        began.elapsed()
    };
    row("the proposal's page, first", open());
    row("the same again", open());
    assert_eq!(refused.status, 200);
}

fn row(what: &str, took: Duration) {
    println!("| {what} | {:.2} |", took.as_secs_f64());
}

/// Sends the form of a new list; gives the path of its paper.
pub fn save(browser: &mut Browser, desk: &Desk, list: &str) -> String {
    let end = desk_world::day(now() + 90 * 86_400);
    let fields = [
        ("csrf", desk.csrf.as_str()),
        ("list", list),
        ("category", "deceptive"),
        ("head", "trade_fraud"),
        ("goods", "other"),
        ("method", "other"),
        ("not_after", end.as_str()),
        ("authority", "moit.e-commerce"),
        ("number", "12/QĐ-TMĐT"),
        ("date", "2026-09-01"),
        ("reasons", "Giả mạo sàn thương mại điện tử."),
        ("days", "7"),
    ];
    let answer = browser.post_multipart("/desk/papers/new", &fields);
    assert_eq!(answer.status, 303, "{}", answer.text());
    answer.location
}

/// The page of a paper, once every line has its verdict.
pub fn ready(browser: &mut Browser, paper: &str) -> String {
    for _ in 0..60_000 {
        let text = browser.get(paper).text();
        if !text.contains("<progress") {
            return text;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("{paper} isn't ready after ten minutes");
}

/// Answers the challenge of a page; gives the proposal's path and how long it took.
fn sign(browser: &mut Browser, world: &World, desk: &Desk, page: &str) -> (String, Duration) {
    let to = between(page, "<form method=\"post\" action=\"", "\" data-passkey").expect(page);
    let to = to.rsplit('"').next().unwrap().to_owned();
    let challenge = between(page, "data-challenge=\"", "\"").expect(page);
    let key = between(page, "name=\"key\" value=\"", "\"").expect(page);
    let hash = hidden(page, "hash").expect(page);
    let answer = world.passkey.answer(&challenge);
    let mut fields = vec![
        ("csrf", desk.csrf.as_str()),
        ("key", key.as_str()),
        ("hash", hash.as_str()),
    ];
    fields.extend(answer.iter().map(|(name, value)| (*name, value.as_str())));
    let began = Instant::now();
    let signed = browser.post(&to, &fields);
    assert_eq!(signed.status, 303, "{}", signed.text());
    (signed.location, began.elapsed())
}

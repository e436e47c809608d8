//! Somebody in the middle, who changes what the authority answers.

use super::added;
use crate::house::http;
use serde_json::{Value, json};
use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

pub type Damage = Box<dyn Fn(&mut Value) + Send>;

/// Listens until the test ends.
pub struct Middle {
    pub address: SocketAddr,
    doing: Arc<Mutex<Doing>>,
}

#[derive(Default)]
struct Doing {
    /// What the path of an answer that is damaged holds.
    path: &'static str,
    damage: Option<Damage>,
    damaged: usize,
}

impl Middle {
    pub fn begin(authority: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let doing = Arc::<Mutex<Doing>>::default();
        let shared = doing.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // A reader that goes away is none of its business.
                let _ = pass(stream, authority, &shared);
            }
        });
        Self { address, doing }
    }

    /// Damages from now on the answers to paths that hold a text.
    pub fn set(&self, path: &'static str, damage: Option<Damage>) {
        *self.doing.lock().unwrap() = Doing {
            path,
            damage,
            damaged: 0,
        };
    }

    /// How many answers were changed since.
    pub fn damaged(&self) -> usize {
        self.doing.lock().unwrap().damaged
    }
}

fn pass(mut stream: TcpStream, authority: SocketAddr, doing: &Mutex<Doing>) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        head.extend(byte);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let path = head.split(' ').nth(1).unwrap_or_default();
    let header = |line: &&str| line.to_ascii_lowercase().starts_with("authorization:");
    let token = head.lines().find(header).unwrap_or_default();
    let token = token.split_once(": ").unwrap_or_default().1;
    let answer = http::send(authority, "GET", path, &[("authorization", token)], &[]);
    let mut body: Value = answer.json();
    let mut doing = doing.lock().unwrap();
    if let (Some(damage), true) = (&doing.damage, path.contains(doing.path)) {
        let before = body.clone();
        damage(&mut body);
        doing.damaged += usize::from(body != before);
    }
    let (status, body) = (answer.status, body.to_string());
    let head = format!(
        "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(body.as_bytes())
}

/// Every kind of damage, with what the path of the answer holds that it is done to: that of the
/// second page stands after a whole page that was good. `foreign` is another platform's answer.
pub fn damages(foreign: Value) -> Vec<(&'static str, &'static str, Damage)> {
    const SECOND: &str = "&page=";
    let theirs = foreign["changes"][0].clone();
    let opening = theirs.clone();
    let first =
        |change: fn(&mut Value)| -> Damage { Box::new(move |answer| change(added(answer)[3])) };
    vec![
        ("a salt flipped", SECOND, first(flip)),
        ("a salt flipped, first page", "wait=", first(flip)),
        (
            "a salt cut short",
            SECOND,
            first(|item| item["salt"] = json!("AAAA")),
        ),
        ("no salt", SECOND, first(|item| take(item, "salt"))),
        ("no subject", SECOND, first(|item| take(item, "subject"))),
        (
            "no commitment",
            SECOND,
            first(|item| take(item, "commitment")),
        ),
        ("no opening", SECOND, first(close)),
        (
            "a subject changed",
            SECOND,
            first(|item| item["subject"] = json!("seller:shopee.vn/8")),
        ),
        (
            "a subject of another kind",
            SECOND,
            first(|item| item["subject"] = json!("account:shopee.vn/8")),
        ),
        (
            "a decision changed",
            SECOND,
            first(|item| item["decision"] = json!("2026-000001")),
        ),
        (
            "a wrong commitment",
            SECOND,
            first(|item| item["commitment"] = json!("0".repeat(64))),
        ),
        (
            "a wrong key",
            SECOND,
            first(|item| item["key"] = json!("shopee.vn/8")),
        ),
        (
            "two openings swapped",
            SECOND,
            Box::new(|answer| swap(answer, 3, 4)),
        ),
        (
            "another decision's opening",
            SECOND,
            Box::new(other_decision),
        ),
        (
            "another platform's entry",
            SECOND,
            Box::new(move |answer| *added(answer)[3] = theirs.clone()),
        ),
        (
            "another platform's opening",
            SECOND,
            Box::new(move |answer| give(added(answer)[3], &opening)),
        ),
        (
            "another platform's feed",
            SECOND,
            Box::new(move |answer| *answer = foreign.clone()),
        ),
        (
            "another origin",
            SECOND,
            Box::new(|answer| answer["origin"] = json!("other.example/1")),
        ),
        (
            "pages of two states",
            SECOND,
            Box::new(|answer| answer["serial"] = json!(1)),
        ),
        (
            "a whole in the middle",
            SECOND,
            Box::new(|answer| answer["whole"] = json!(true)),
        ),
        (
            "no changes",
            SECOND,
            Box::new(|answer| take(answer, "changes")),
        ),
    ]
}

fn take(value: &mut Value, name: &str) {
    value.as_object_mut().unwrap().remove(name);
}

/// As of what was erased.
fn close(item: &mut Value) {
    take(item, "salt");
    take(item, "subject");
}

fn flip(item: &mut Value) {
    let salt = item["salt"].as_str().unwrap();
    let other = if salt.starts_with('A') { "B" } else { "A" };
    item["salt"] = json!(format!("{other}{}", &salt[1..]));
}

/// Gives an item another's opening.
fn give(item: &mut Value, other: &Value) {
    for name in ["salt", "subject"] {
        item[name] = other[name].clone();
    }
}

fn swap(answer: &mut Value, one: usize, other: usize) {
    let mut items = added(answer);
    let (first, second) = (items[one].clone(), items[other].clone());
    give(items[one], &second);
    give(items[other], &first);
}

/// The one seller that two decisions hold: each is given the other's salt.
fn other_decision(answer: &mut Value) {
    let items = added(answer);
    let last = items[items.len() - 1]["decision"].clone();
    let of = |item: &Value, this: bool| (item["decision"] == last) == this;
    let one = items.iter().position(|item| of(item, true)).unwrap();
    let other = items.iter().position(|item| of(item, false)).unwrap();
    swap(answer, one, other);
}

//! Marketplaces: the published examples as processes, and the files they keep.

// Each test program compiles its own copy and uses some of it.
#![allow(dead_code)]

pub mod history;
pub mod middle;

use crate::{
    house::{self, House},
    peers::{self, Running},
};
use blockfeed::{entries::FeedName, tlog::Hash};
use history::History;
use serde_json::Value;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

pub const PLATFORMS: [&str; 3] = ["shopee.vn", "lazada.vn", "tiki.vn"];

/// An example, and the program that runs it.
#[derive(Clone)]
pub struct Example {
    pub program: PathBuf,
    pub script: PathBuf,
}

/// Subject, decision and end by key.
pub type Rows = BTreeMap<String, (String, String, u64)>;

/// What a subscriber's file holds.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Held {
    pub serial: u64,
    pub rows: Rows,
}

/// A marketplace that runs an example.
pub struct Subscriber {
    pub platform: &'static str,
    pub kills: usize,
    /// Kills after which the file held more than after the kill before.
    pub moved: usize,
    /// Kills that left a transaction's journal behind.
    pub torn: usize,
    /// How often an old backup took the file's place.
    pub restored: usize,
    example: Example,
    url: String,
    token: String,
    db: PathBuf,
    running: Option<Running>,
    /// When it is killed, or started again.
    due: Instant,
    last: Held,
}

/// Always the same numbers.
pub struct Random(pub u64);

pub fn python() -> Option<Example> {
    let program = peers::tool("python3")?;
    runs(&program, &["-c", "import sqlite3"]).then(|| example(program, "sync.py"))
}

pub fn node() -> Option<Example> {
    let program = peers::tool("node")?;
    runs(&program, &["-e", "require('node:sqlite')"]).then(|| example(program, "sync.mjs"))
}

fn runs(program: &Path, arguments: &[&str]) -> bool {
    let run = Command::new(program).args(arguments).output();
    run.is_ok_and(|run| run.status.success())
}

fn example(program: PathBuf, name: &str) -> Example {
    let script = house::root().join("deploy/examples").join(name);
    Example { program, script }
}

impl Example {
    /// Another script for the same program.
    pub fn other(&self, name: &str) -> Example {
        example(self.program.clone(), name)
    }

    pub fn command(&self, url: &str, feed: &str, token: &str, db: &Path) -> Command {
        let mut command = Command::new(&self.program);
        command
            .arg(&self.script)
            .arg(db)
            .env("FEED_URL", url)
            .env("FEED_NAME", feed)
            .env("FEED_TOKEN", token)
            .stdin(Stdio::null());
        command
    }
}

/// Reads a subscriber's file, as its own programs would.
pub fn held(python: &Example, db: &Path) -> Held {
    const READ: &str = "import json, sqlite3, sys
db = sqlite3.connect(sys.argv[1], timeout=60)
tables = [name for name, in db.execute('SELECT name FROM sqlite_master ORDER BY name')]
ready = {'cursor', 'entries'} <= set(tables)
serial = ready and db.execute('SELECT max(serial) FROM cursor').fetchone()[0] or 0
print(json.dumps([serial, db.execute('SELECT * FROM entries').fetchall() if ready else []]))";
    let read = sqlite(python, READ, db, &[]);
    let (serial, rows): (u64, Vec<(String, String, String, u64)>) =
        serde_json::from_slice(&read).unwrap();
    let rows = rows
        .into_iter()
        .map(|(key, subject, decision, end)| (key, (subject, decision, end)));
    let rows = rows.collect();
    Held { serial, rows }
}

fn sqlite(python: &Example, program: &str, db: &Path, arguments: &[&str]) -> Vec<u8> {
    let mut command = Command::new(&python.program);
    command.args(["-c", program]).arg(db).args(arguments);
    let output = command.output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
    output.stdout
}

impl Subscriber {
    pub fn new(house: &House, platform: &'static str, example: Example, dir: &Path) -> Self {
        let name = platform.trim_end_matches(".vn");
        let token = house.reader(name, &[&format!("sellers/{platform}")]);
        Self {
            platform,
            kills: 0,
            moved: 0,
            torn: 0,
            restored: 0,
            example,
            url: house.url(),
            token,
            db: dir.join(platform).with_extension("sqlite"),
            running: None,
            due: Instant::now(),
            last: Held::default(),
        }
    }

    /// Kills it or starts it, where its time has come. One that an error ended is started again, as
    /// systemd would.
    pub fn live(&mut self, python: &Example, history: &History, random: &mut Random) {
        self.supervise();
        if Instant::now() < self.due {
            return;
        }
        if self.running.is_some() {
            self.kill(python, history);
            if random.below(4) == 0 {
                self.restore(python);
            }
        } else {
            self.start();
        }
        let milliseconds = random.below(if self.running.is_some() { 2_000 } else { 400 });
        self.due = Instant::now() + Duration::from_millis(milliseconds as u64);
    }

    /// Lets it catch up, and gives what it holds in the end.
    pub fn finish(&mut self, house: &House, python: &Example, history: &History) -> Held {
        if self.running.is_none() {
            self.start();
        }
        let serial = serial(house, self.platform);
        let began = Instant::now();
        while held(python, &self.db).serial != serial {
            assert!(began.elapsed().as_secs() < 120, "{}", self.platform);
            self.supervise();
            thread::sleep(Duration::from_millis(100));
        }
        self.kill(python, history);
        self.last.clone()
    }

    fn supervise(&mut self) {
        let ended = |run: &mut Running| run.0.try_wait().is_ok_and(|status| status.is_some());
        if self.running.as_mut().is_some_and(ended) {
            self.start();
        }
    }

    fn start(&mut self) {
        let feed = format!("sellers/{}", self.platform);
        let mut command = self
            .example
            .command(&self.url, &feed, &self.token, &self.db);
        let silent = command.stdout(Stdio::null()).stderr(Stdio::null());
        self.running = Some(Running::start(silent));
    }

    /// Whenever it is killed, its file holds what was in force at the file's own serial.
    fn kill(&mut self, python: &Example, history: &History) {
        self.running = None;
        self.kills += 1;
        let journal = self.db.with_extension("sqlite-journal");
        self.torn += usize::from(journal.metadata().is_ok_and(|file| file.len() > 0));
        let held = held(python, &self.db);
        if held != self.last {
            self.moved += 1;
            let state = history.states.get(&(self.platform, held.serial));
            let found = digest(&held.rows);
            assert_eq!(state, Some(&found), "{} at {}", self.platform, held.serial);
        }
        self.last = held;
    }

    /// An old backup in the file's place: a cursor that no delta begins at, a row of long ago.
    fn restore(&mut self, python: &Example) {
        if self.last.serial == 0 {
            return;
        }
        const BACK: &str = "import sqlite3, sys
with sqlite3.connect(sys.argv[1]) as db:
    db.execute('UPDATE cursor SET serial = 2')
    db.execute('DELETE FROM entries WHERE rowid % 3 = 0')
    db.execute(\"REPLACE INTO entries VALUES ('long ago', 'nobody', '1999-1', 0)\")";
        sqlite(python, BACK, &self.db, &[]);
        self.last = held(python, &self.db);
        self.restored += 1;
    }
}

impl Random {
    /// xorshift64.
    pub fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }
}

pub fn serial(house: &House, platform: &str) -> u64 {
    let feed = FeedName::parse(&format!("sellers/{platform}")).unwrap();
    house
        .casework
        .feed(&feed)
        .map_or(0, |feed| feed.state.serial)
}

pub fn digest(rows: &Rows) -> Hash {
    Hash::of(serde_json::to_vec(rows).unwrap())
}

/// Items of an answer that add, as `damage` may change them.
pub fn added(answer: &mut Value) -> Vec<&mut Value> {
    let items = answer["changes"].as_array_mut().unwrap();
    items
        .iter_mut()
        .filter(|item| item["op"] == "add")
        .collect()
}

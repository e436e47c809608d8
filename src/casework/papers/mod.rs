//! Papers: what an officer is preparing at the console, kept for their account until it is signed or
//! thrown away. Private, and no more than a wish: what is signed is made from it and shown first.
//!
//! What was typed is durable in the private table `papers`. What is made of it, the verdicts and the
//! body, lies in memory and is made again when it is asked for after a restart.

mod act;
mod prepare;
mod sign;

pub use act::{Act, Order};
pub use prepare::Prepared;

use super::{Casework, Error, lock};
use crate::store::Durability;
use serde::{Deserialize, Serialize};
use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

/// The private table of papers, by account and id.
const PAPERS: &str = "papers";

/// The most papers of an account.
const MOST: usize = 50;

/// Lines of lists whose verdicts stay in memory, some 700 bytes each; the longest unseen go first.
const MADE: usize = 200_000;

/// What somebody is preparing.
#[derive(Debug, Clone)]
pub struct Paper {
    pub id: String,
    pub order: Order,
    /// Unix seconds.
    pub saved: u64,
    pub stage: Stage,
}

/// A paper in a list of them.
#[derive(Debug, Clone)]
pub struct PaperRow {
    pub id: String,
    /// `list`, `revoke`, `stay`, `amend`.
    pub action: &'static str,
    /// The beginning of what it is about.
    pub about: String,
    /// Unix seconds.
    pub saved: u64,
}

/// How far a paper is.
#[derive(Debug, Clone)]
pub enum Stage {
    Checking(Progress),
    Ready(Arc<Prepared>),
    /// Nothing can be made of it: a stable word for the reason, and its sentence.
    Broken {
        code: &'static str,
        why: String,
    },
}

/// Lines that were asked about, of how many.
#[derive(Debug, Clone, Default)]
pub struct Progress {
    done: Arc<AtomicUsize>,
    pub total: usize,
}

/// What was made of papers.
#[derive(Default)]
pub(super) struct Desk {
    stages: HashMap<String, Kept>,
    /// Rows of those accounts that were asked for.
    rows: HashMap<String, Vec<PaperRow>>,
    /// How often a stage was looked at.
    looks: u64,
}

struct Kept {
    stage: Stage,
    /// At which look it was seen last.
    seen: u64,
}

impl Desk {
    fn keep(&mut self, key: &str, stage: Stage) {
        self.looks += 1;
        let seen = self.looks;
        self.stages.insert(key.to_owned(), Kept { stage, seen });
    }

    fn seen(&mut self, key: &str) -> Option<Stage> {
        self.looks += 1;
        let kept = self.stages.get_mut(key)?;
        kept.seen = self.looks;
        Some(kept.stage.clone())
    }

    /// Forgets what was made and not seen for the longest, until the rest fits. One always stays.
    fn fit(&mut self) {
        let mut made: Vec<(u64, usize, String)> = self
            .stages
            .iter()
            .filter(|(_, kept)| !matches!(kept.stage, Stage::Checking(_)))
            .map(|(key, kept)| (kept.seen, kept.stage.lines(), key.clone()))
            .collect();
        made.sort_by(|a, b| b.cmp(a));
        let mut lines = 0;
        for (_, of_it, key) in made.into_iter().skip(1) {
            lines += of_it;
            if lines > MADE {
                self.stages.remove(&key);
            }
        }
    }
}

impl Stage {
    /// Lines that it holds; what has none counts as one.
    fn lines(&self) -> usize {
        match self {
            Self::Ready(made) => made
                .batch
                .as_ref()
                .map_or(1, |batch| batch.rows.len().max(1)),
            _ => 1,
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Record {
    order: Order,
    saved: u64,
}

impl PaperRow {
    fn of(id: String, record: &Record) -> Self {
        Self {
            id,
            action: record.order.act.action(),
            about: record.order.act.about(),
            saved: record.saved,
        }
    }
}

impl Progress {
    pub fn done(&self) -> usize {
        self.done.load(Ordering::Relaxed).min(self.total)
    }

    fn tell(&self, done: usize) {
        self.done.store(done, Ordering::Relaxed);
    }
}

impl Casework {
    /// Keeps a paper, new or changed, and begins to check it.
    pub fn save_paper(
        &self,
        account: &str,
        id: Option<String>,
        order: Order,
    ) -> Result<String, Error> {
        let id = match id {
            Some(id) => id,
            None if self.papers(account)?.len() >= MOST => {
                return Err(Error::Invalid {
                    what: "another paper",
                    why: format!("{MOST} are open already; sign or throw away some"),
                });
            }
            None => draw()?,
        };
        let record = Record {
            order,
            saved: self.inner.authority.now(),
        };
        let value = serde_json::to_vec(&record).map_err(|e| broken(&e))?;
        let key = key(account, &id)?;
        let store = self.inner.authority.store();
        self.keep(|| store.put(PAPERS, key.as_bytes(), &value, Durability::Synced))?;
        let mut desk = lock(&self.inner.papers);
        desk.stages.remove(&key);
        if let Some(rows) = desk.rows.get_mut(account) {
            rows.retain(|row| row.id != id);
            rows.push(PaperRow::of(id.clone(), &record));
        }
        drop(desk);
        self.stage(&key, &record.order);
        Ok(id)
    }

    /// A paper and how far it is; where nothing was made of it yet, that begins.
    pub fn paper(&self, account: &str, id: &str) -> Result<Paper, Error> {
        let key = key(account, id)?;
        let bytes = self.inner.authority.store().get(PAPERS, key.as_bytes())?;
        let bytes = bytes.ok_or_else(|| Error::NoProposal(id.to_owned()))?;
        let record: Record = serde_json::from_slice(&bytes).map_err(|e| broken(&e))?;
        let stage = self.stage(&key, &record.order);
        Ok(Paper {
            id: id.to_owned(),
            order: record.order,
            saved: record.saved,
            stage,
        })
    }

    /// The papers of an account, newest first. Read once: a paper holds its whole list.
    pub fn papers(&self, account: &str) -> Result<Vec<PaperRow>, Error> {
        let mut desk = lock(&self.inner.papers);
        let mut rows = match desk.rows.get(account) {
            Some(rows) => rows.clone(),
            None => {
                let rows = self.read_papers(account)?;
                desk.rows.insert(account.to_owned(), rows.clone());
                rows
            }
        };
        drop(desk);
        rows.sort_by_key(|row| std::cmp::Reverse(row.saved));
        Ok(rows)
    }

    fn read_papers(&self, account: &str) -> Result<Vec<PaperRow>, Error> {
        let prefix = format!("{account}\n");
        let store = self.inner.authority.store();
        let mut rows = Vec::new();
        for row in store.scan(PAPERS, prefix.as_bytes())? {
            let (key, value) = row?;
            let record: Record = serde_json::from_slice(&value).map_err(|e| broken(&e))?;
            let key = String::from_utf8_lossy(&key).into_owned();
            let id = key.strip_prefix(&prefix).unwrap_or_default().to_owned();
            rows.push(PaperRow::of(id, &record));
        }
        Ok(rows)
    }

    /// Throws a paper away. It can't be brought back.
    pub fn drop_paper(&self, account: &str, id: &str) -> Result<(), Error> {
        let key = key(account, id)?;
        let store = self.inner.authority.store();
        self.keep(|| store.delete(PAPERS, key.as_bytes(), Durability::Synced))?;
        let mut desk = lock(&self.inner.papers);
        desk.stages.remove(&key);
        if let Some(rows) = desk.rows.get_mut(account) {
            rows.retain(|row| row.id != id);
        }
        Ok(())
    }

    /// How far it is; begins to make it in a thread of its own.
    fn stage(&self, key: &str, order: &Order) -> Stage {
        let mut desk = lock(&self.inner.papers);
        if let Some(stage) = desk.seen(key) {
            return stage;
        }
        let progress = Progress {
            total: order.act.lines(),
            ..Progress::default()
        };
        let stage = Stage::Checking(progress.clone());
        desk.keep(key, stage.clone());
        drop(desk);
        let (desk, key, order) = (self.clone(), key.to_owned(), order.clone());
        let mine = progress.done.clone();
        std::thread::spawn(move || {
            let made = match desk.prepare(&order, &progress) {
                Ok(prepared) => Stage::Ready(Arc::new(prepared)),
                Err(error) => Stage::Broken {
                    code: error.code(),
                    why: error.to_string(),
                },
            };
            desk.made(&key, made, &mine);
        });
        stage
    }

    /// Keeps what was made, unless the paper was saved anew or thrown away meanwhile.
    fn made(&self, key: &str, made: Stage, mine: &Arc<AtomicUsize>) {
        let mut desk = lock(&self.inner.papers);
        let stage = desk.stages.get(key).map(|kept| &kept.stage);
        let current = matches!(stage, Some(Stage::Checking(p)) if Arc::ptr_eq(&p.done, mine));
        if current {
            desk.keep(key, made);
            desk.fit();
        }
    }

    /// Makes it anew at the next look: its id was taken by another.
    fn unmake(&self, key: &str) {
        lock(&self.inner.papers).stages.remove(key);
    }
}

fn key(account: &str, id: &str) -> Result<String, Error> {
    let good = id.len() == 16 && id.bytes().all(|b| b.is_ascii_hexdigit());
    if good {
        Ok(format!("{account}\n{id}"))
    } else {
        Err(Error::NoProposal(id.chars().take(40).collect()))
    }
}

fn draw() -> Result<String, Error> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(|e| Error::Random(e.to_string()))?;
    Ok(hex::encode(bytes))
}

fn broken(why: &serde_json::Error) -> Error {
    Error::Record {
        table: PAPERS,
        why: why.to_string(),
    }
}

//! Bodies of decisions with their parts, ready to be signed.

use super::{ORIGIN, now};
use blockfeed::{
    canon::{DecisionId, Origin},
    decision::{
        Action, Amend, Basis, Body, Guard, List, MeasureName, Opening, PartRef, Revoke, Stay,
        Target, TextRef, openings_text,
    },
    subject::{Kind, Line, Subject},
    tlog::Hash,
    trust::Role,
};

const PART: usize = 1 << 20;

/// What a list says beside its subjects.
#[derive(Debug, Clone)]
pub struct ListOptions {
    pub category: String,
    /// None: those that carry the subjects' kinds into their feeds.
    pub measures: Option<Vec<MeasureName>>,
    /// Unix seconds.
    pub not_after: u64,
    pub submit_by: u64,
    /// Needs a senior officer, who signs as such.
    pub bulk: bool,
    pub reasons: String,
}

/// A body, and the bytes of everything that it names.
#[derive(Debug, Clone)]
pub struct Proposal {
    pub id: DecisionId,
    pub body: Body,
    pub parts: Vec<Vec<u8>>,
    /// What the commitments among its lines stand for, as text.
    pub openings: Option<String>,
}

impl Default for ListOptions {
    fn default() -> Self {
        Self {
            category: "counterfeit".into(),
            measures: None,
            not_after: now() + 300 * 86_400,
            submit_by: now() + 7 * 86_400,
            bulk: false,
            reasons: "Website giả mạo thương hiệu.\n".into(),
        }
    }
}

impl Proposal {
    /// Lists subjects; sorts the lines, and keeps one of equal ones. A seller or account in clear
    /// (with its aliases after `|`) goes in as a commitment, with its opening.
    pub fn list(id: DecisionId, lines: &[&str], options: &ListOptions) -> Self {
        let (sealed, openings) = seal(&id, lines);
        let lines: Vec<&str> = sealed.iter().map(String::as_str).collect();
        let lines = lines.as_slice();
        let mut parts = parts(lines);
        let refs = parts.iter().map(|part| PartRef::of(part)).collect();
        let reasons = TextRef::of(&options.reasons);
        parts.push(options.reasons.clone().into_bytes());
        let body = Body::List(List {
            origin: origin(),
            id: id.clone(),
            action: Action::List,
            submit_by: options.submit_by,
            category: options.category.clone(),
            head: "counterfeit".into(),
            goods: "cosmetics".into(),
            method: "fake_brand_site".into(),
            measures: options.measures.clone().unwrap_or_else(|| measures(lines)),
            basis: basis(),
            not_after: options.not_after,
            bulk: options.bulk,
            reasons,
            guard: Guard {
                version: 1,
                lists: Hash::of(b""),
                overrides: Vec::new(),
            },
            parts: refs,
        });
        Self {
            id,
            body,
            parts,
            openings,
        }
    }

    /// Revokes a decision, or some of its lines.
    pub fn revoke(id: DecisionId, target: &DecisionId, lines: Option<&[&str]>) -> Self {
        let (target, mut parts) = targeted(target, lines);
        parts.push(REASONS.into());
        let body = Body::Revoke(Revoke {
            origin: origin(),
            id: id.clone(),
            action: Action::Revoke,
            submit_by: now() + 86_400,
            basis: basis(),
            reasons: TextRef::of(REASONS),
            targets: vec![target],
        });
        Self {
            id,
            body,
            parts,
            openings: None,
        }
    }

    /// Stays a decision, or some of its lines, until a time.
    pub fn stay(id: DecisionId, target: &DecisionId, lines: Option<&[&str]>, until: u64) -> Self {
        let (target, mut parts) = targeted(target, lines);
        parts.push(REASONS.into());
        let body = Body::Stay(Stay {
            origin: origin(),
            id: id.clone(),
            action: Action::Stay,
            submit_by: now() + 86_400,
            basis: basis(),
            reasons: TextRef::of(REASONS),
            targets: vec![target],
            until,
            appeal: None,
        });
        Self {
            id,
            body,
            parts,
            openings: None,
        }
    }

    /// Moves the end of a decision.
    pub fn amend(id: DecisionId, target: &DecisionId, not_after: u64) -> Self {
        let body = Body::Amend(Amend {
            origin: origin(),
            id: id.clone(),
            action: Action::Amend,
            submit_by: now() + 86_400,
            basis: basis(),
            reasons: TextRef::of(REASONS),
            target: target.clone(),
            not_after,
        });
        let parts = vec![REASONS.into()];
        Self {
            id,
            body,
            parts,
            openings: None,
        }
    }

    /// The canonical bytes.
    pub fn bytes(&self) -> Vec<u8> {
        self.body.to_bytes().unwrap()
    }

    /// The role that the second officer signs in.
    pub fn second_role(&self) -> Role {
        match &self.body {
            Body::List(list) if list.bulk || !list.guard.overrides.is_empty() => Role::Senior,
            _ => Role::Approve,
        }
    }
}

const REASONS: &str = "Theo đơn khiếu nại.\n";

/// The opening of a clear seller or account, with a salt that every run makes alike.
pub fn opening(id: &DecisionId, subject: &str, aliases: &[&str]) -> Opening {
    let read = |text: &str| Subject::parse(text).unwrap();
    Opening {
        salt: Hash::of(format!("{id} {subject}")).0,
        origin: origin(),
        id: id.clone(),
        subject: read(subject),
        aliases: aliases.iter().map(|alias| read(alias)).collect(),
    }
}

fn seal(id: &DecisionId, lines: &[&str]) -> (Vec<String>, Option<String>) {
    let mut openings = Vec::new();
    let sealed = lines.iter().map(|line| {
        let is_private = line.starts_with("seller:") || line.starts_with("account:");
        if !is_private || line.contains("/#") {
            return (*line).to_owned();
        }
        let mut spellings = line.split('|');
        let subject = spellings.next().unwrap();
        let aliases: Vec<&str> = spellings.collect();
        openings.push(opening(id, subject, &aliases));
        openings.last().unwrap().line().unwrap().line().to_string()
    });
    let sealed = sealed.collect();
    let text = (!openings.is_empty()).then(|| openings_text(&origin(), id, &openings));
    (sealed, text)
}

/// Lines as parts: sorted bytewise, LF-ended, at most 1 MiB each.
pub fn parts(lines: &[&str]) -> Vec<Vec<u8>> {
    let mut sorted = lines.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    let mut parts: Vec<Vec<u8>> = vec![Vec::new()];
    for line in sorted {
        if parts
            .last()
            .is_some_and(|part| part.len() + line.len() >= PART)
        {
            parts.push(Vec::new());
        }
        if let Some(part) = parts.last_mut() {
            part.extend_from_slice(line.as_bytes());
            part.push(b'\n');
        }
    }
    parts
}

fn targeted(decision: &DecisionId, lines: Option<&[&str]>) -> (Target, Vec<Vec<u8>>) {
    let parts = lines.map(parts);
    let refs = |parts: &Vec<Vec<u8>>| parts.iter().map(|part| PartRef::of(part)).collect();
    let target = Target {
        decision: decision.clone(),
        parts: parts.as_ref().map(refs),
    };
    (target, parts.unwrap_or_default())
}

fn measures(lines: &[&str]) -> Vec<MeasureName> {
    let kinds: Vec<Kind> = lines
        .iter()
        .map(|line| Line::parse(line).unwrap().kind)
        .collect();
    let all = [
        MeasureName::BlockDomain,
        MeasureName::BlockIp,
        MeasureName::DelistSeller,
        MeasureName::RemoveAccount,
    ];
    all.into_iter()
        .filter(|measure| kinds.iter().any(|kind| measure.feeds(*kind)))
        .collect()
}

fn basis() -> Basis {
    Basis {
        authority: "Bộ Văn hóa, Thể thao và Du lịch".into(),
        number: "12/QĐ-BVHTTDL".into(),
        date: "2026-09-01".into(),
    }
}

fn origin() -> Origin {
    Origin::new(ORIGIN).unwrap()
}

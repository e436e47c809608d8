//! Real histories, replayed as decisions and revocations: an agent at every version, one now and
//! then and one at the end hold the same text, equal to the last version less what was refused.
//! The histories lie in `../shared`; without it a made one of the same shape runs.

mod office;

use blockfeed::{
    agent::{Agent, Config as AgentConfig, SourceConfig},
    canon::{DecisionId, Origin},
    check::{Guard, batch},
    decision::{Action, Basis, Body, PartRef, Parts, Revoke, Target, TextRef},
    entries::FeedName,
    log::{Authority, Config, Entrant, Metrics},
    registry::Lists,
};
use office::{Fallible, ORIGIN, Office};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::Arc,
};

/// One version: what came and what went.
#[derive(serde::Deserialize)]
struct Version {
    add: Vec<String>,
    del: Vec<String>,
}

/// How a raw line of the history becomes a canonical one; nothing where it is refused.
type Reader = Box<dyn Fn(&[String]) -> BTreeMap<String, String>>;

#[test]
fn domains_of_two_years() -> Fallible<()> {
    let guard = Guard::new(Arc::new(Lists::embedded()?));
    let reader: Reader = Box::new(move |lines| {
        let options = batch::Options {
            category: "deceptive",
            keep_covered: true,
            ..Default::default()
        };
        let read = batch::Batch::read(lines.join("\n").as_bytes(), &guard, &options);
        let canonical = read
            .rows
            .iter()
            .zip(lines)
            .filter_map(|(row, raw)| match &row.outcome {
                batch::Outcome::Accepted { line, .. } | batch::Outcome::Merged { line, .. } => {
                    Some((raw.clone(), line.to_string()))
                }
                _ => None,
            });
        canonical.collect()
    });
    replay(
        "domains/hostsvn-threat-vn_2022-2024.deltas.jsonl.zst",
        &FeedName::domains(),
        &reader,
    )
}

#[test]
fn networks_of_three_years_with_caps_lifted() -> Fallible<()> {
    let reader: Reader = Box::new(|lines| {
        lines
            .iter()
            .map(|l| (l.clone(), format!("net:{l}")))
            .collect()
    });
    replay(
        "ip/vn-ipv4-cidr_2020-2022.deltas.jsonl.zst",
        &FeedName::networks(),
        &reader,
    )
}

fn replay(file: &str, feed: &FeedName, reader: &Reader) -> Fallible<()> {
    let versions = versions(file, feed)?;
    let dir = tempfile::tempdir()?;
    let office = Office::new()?;
    let config = Config::at(&dir.path().join("authority"));
    office.init(&config)?;
    let metrics = Metrics::new(&prometheus::Registry::new())?;
    let guard = Box::new(|_: &_, _: &_, _, _: &dyn Parts| Ok(()));
    let authority = Authority::open(config.clone(), &office.keys(), guard, metrics, |e| {
        panic!("{e}")
    })?;
    let runtime = tokio::runtime::Runtime::new()?;
    let mut always = agent(&dir.path().join("always"), &config.public(), feed)?;
    let mut sometimes = agent(&dir.path().join("sometimes"), &config.public(), feed)?;
    let mut replay = Replay {
        office: &office,
        held: BTreeMap::new(),
        raw: BTreeMap::new(),
        next: 1,
    };
    let mut refused = BTreeSet::new();
    for (n, version) in versions.iter().enumerate() {
        for body in replay.bodies(version, reader, &mut refused)? {
            runtime.block_on(submit(&authority, &office, body))?;
        }
        follow(&runtime, &mut always, feed)?;
        if n % 13 == 5 {
            follow(&runtime, &mut sometimes, feed)?;
        }
    }
    let mut last = agent(&dir.path().join("last"), &config.public(), feed)?;
    follow(&runtime, &mut last, feed)?;
    follow(&runtime, &mut sometimes, feed)?;
    let texts: Vec<String> = [&always, &sometimes, &last]
        .into_iter()
        .map(|a| text(a, feed))
        .collect::<Fallible<_>>()?;
    assert_eq!(texts[0], texts[1], "now and then");
    assert_eq!(texts[0], texts[2], "at the end");
    let held = subjects(&texts[0]);
    let expected: BTreeSet<String> = replay.expected(feed);
    assert_eq!(held, expected);
    println!(
        "{file}: {} versions, {} leaves, {} lines refused, {} subjects at the end, the same at all three agents",
        versions.len(),
        authority.ledger().size(),
        refused.len(),
        held.len()
    );
    authority.stop();
    Ok(())
}

/// What is in force, as the history goes on.
struct Replay<'a> {
    office: &'a Office,
    /// Canonical line → the decision that holds it.
    held: BTreeMap<String, String>,
    /// Raw line → canonical line, of the version at hand.
    raw: BTreeMap<String, String>,
    next: u32,
}

type Submission = (Body, Vec<Vec<u8>>);

impl Replay<'_> {
    /// The decisions that lead to a version: a list of what came, a revocation of what went.
    fn bodies(
        &mut self,
        version: &Version,
        reader: &Reader,
        refused: &mut BTreeSet<String>,
    ) -> Fallible<Vec<Submission>> {
        let mut bodies = Vec::new();
        let mut gone = BTreeSet::new();
        for raw in &version.del {
            gone.extend(self.raw.remove(raw));
        }
        let read = reader(&version.add);
        refused.extend(
            version
                .add
                .iter()
                .filter(|raw| !read.contains_key(*raw))
                .cloned(),
        );
        self.raw.extend(read.clone());
        let still: BTreeSet<&String> = self.raw.values().collect();
        let gone: Vec<String> = gone
            .into_iter()
            .filter(|line| !still.contains(line))
            .collect();
        let come: BTreeSet<String> = read
            .into_values()
            .filter(|line| !self.held.contains_key(line))
            .collect();
        if !gone.is_empty() {
            bodies.push(self.revocation(&gone)?);
        }
        if !come.is_empty() {
            let id = self.id();
            let lines = come.iter().map(|line| format!("{line}\n")).collect();
            bodies.push(self.office.list(&id, lines)?);
            self.held
                .extend(come.into_iter().map(|line| (line, id.clone())));
        }
        Ok(bodies)
    }

    fn revocation(&mut self, gone: &[String]) -> Fallible<Submission> {
        let mut by_decision: BTreeMap<String, String> = BTreeMap::new();
        for line in gone {
            if let Some(id) = self.held.remove(line) {
                let part = by_decision.entry(id).or_default();
                part.push_str(line);
                part.push('\n');
            }
        }
        let mut parts = Vec::new();
        let mut targets = Vec::new();
        for (id, part) in by_decision {
            targets.push(Target {
                decision: DecisionId::new(id)?,
                parts: Some(vec![PartRef::of(part.as_bytes())]),
            });
            parts.push(part.into_bytes());
        }
        parts.push(b"office".to_vec());
        let body = Body::Revoke(Revoke {
            origin: Origin::new(ORIGIN)?,
            id: DecisionId::new(self.id())?,
            action: Action::Revoke,
            submit_by: self.office.now() + 86_400,
            basis: Basis {
                authority: "office".into(),
                number: "1".into(),
                date: "2026-09-01".into(),
            },
            reasons: TextRef::of("office"),
            targets,
        });
        Ok((body, parts))
    }

    /// The canonical lines that the last version leaves, as a feed writes them.
    fn expected(&self, feed: &FeedName) -> BTreeSet<String> {
        let prefix = format!("{}:", feed.kind());
        let plain = |line: &String| {
            let line = line.strip_prefix(&prefix).unwrap_or(line);
            if line.contains(' ') {
                line.to_owned()
            } else {
                format!("{line} =")
            }
        };
        self.raw.values().map(plain).collect()
    }

    fn id(&mut self) -> String {
        let id = format!("2026-{:06}", self.next);
        self.next += 1;
        id
    }
}

async fn submit(authority: &Authority, office: &Office, (body, parts): Submission) -> Fallible<()> {
    for part in &parts {
        authority.keep_part(part)?;
    }
    let approvals = office.sign(&body)?;
    authority
        .submit(Entrant::Decision {
            body: Box::new(body),
            approvals,
        })
        .await?;
    Ok(())
}

fn agent(state: &Path, public: &Path, feed: &FeedName) -> Fallible<Agent> {
    let mut config = AgentConfig {
        state: state.to_owned(),
        sources: vec![SourceConfig {
            at: public.display().to_string(),
            token_file: None,
        }],
        feeds: BTreeSet::from([feed.clone()]),
        ..AgentConfig::default()
    };
    config.trust.trust_on_first_use = true;
    Ok(Agent::open(config, &prometheus::Registry::new())?)
}

fn follow(runtime: &tokio::runtime::Runtime, agent: &mut Agent, feed: &FeedName) -> Fallible<()> {
    let report = runtime.block_on(agent.once())?;
    if !report.faults.is_empty() || !report.feeds.contains_key(feed) {
        return Err(format!("{:?} {:?}", report.faults, report.alarms).into());
    }
    Ok(())
}

fn text(agent: &Agent, feed: &FeedName) -> Fallible<String> {
    let (serial, set) = agent.verified(feed).ok_or("nothing was verified")?;
    let text = blockfeed::feed::snapshot::encode(&Origin::new(ORIGIN)?, feed, serial, &set);
    Ok(String::from_utf8(text)?)
}

/// Subject and scope of every entry.
fn subjects(text: &str) -> BTreeSet<String> {
    let entries = text.lines().filter_map(|line| line.strip_prefix("E "));
    entries
        .filter_map(|line| line.rsplit_once(' '))
        .map(|(subject, _)| subject.to_owned())
        .collect()
}

fn versions(file: &str, feed: &FeedName) -> Fallible<Vec<Version>> {
    let shared = std::env::var_os("BLOCKFEED_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"),
        PathBuf::from,
    );
    let path = shared.join("data").join(file);
    if !path.is_file() {
        println!("../shared isn't there: a made history instead");
        return Ok(made(feed));
    }
    let text = String::from_utf8(zstd::decode_all(std::fs::File::open(path)?)?)?;
    text.lines()
        .map(|line| Ok(serde_json::from_str(line)?))
        .collect()
}

/// Thirty versions: each brings some lines and takes some of those before away.
fn made(feed: &FeedName) -> Vec<Version> {
    let line = |n: u32| match feed.as_str() {
        "domains" => format!("made{n}.example"),
        _ => format!("198.51.{}.0/24", n % 250),
    };
    (0..30u32)
        .map(|v| Version {
            add: (v * 8..v * 8 + 8).map(line).collect(),
            del: (v.saturating_sub(3) * 8..v.saturating_sub(3) * 8 + v % 3)
                .filter(|_| v > 3)
                .map(line)
                .collect(),
        })
        .collect()
}

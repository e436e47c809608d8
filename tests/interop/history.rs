//! A year of a real list, 118 versions of 161,159 names, while an agent and BIND behind it follow: both end at the set.
//! The history lies in `../shared`; without it a made one of the same shape runs. Eight versions are a step, or each is one
//! with `EVERY_VERSION=1`.

use crate::{
    office::{Fallible, ORIGIN, Office},
    peers,
    program::Program,
    records::{minimal, transferred},
    world::{Asked, blocks},
};
use blockfeed::{
    agent::{self, Agent, SourceConfig},
    canon::{DecisionId, Origin},
    decision::{Action, Basis, Body, PartRef, Parts, Revoke, Target, TextRef},
    entries::FeedName,
    log::{Authority, Config, Entrant, Metrics},
    subject::OwnedLine,
    transfer,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
    time::{Duration, Instant},
};

/// One version: what came and what went.
#[derive(serde::Deserialize)]
struct Version {
    add: Vec<String>,
    del: Vec<String>,
}

/// The log that is written, and what it holds.
struct Replay {
    office: Office,
    authority: Authority,
    /// Canonical line → the decision that holds it.
    held: BTreeMap<String, String>,
    /// How many raw lines stand for a canonical one.
    raw: BTreeMap<String, u32>,
    next: u32,
}

impl Replay {
    fn begin(config: &Config) -> Fallible<Self> {
        let office = Office::new()?;
        office.init(config)?;
        let metrics = Metrics::new(&prometheus::Registry::new())?;
        let guard = Box::new(|_: &_, _: &_, _, _: &dyn Parts| Ok(()));
        let fatal = |e| panic!("{e}");
        let authority = Authority::open(config.clone(), &office.keys(), guard, metrics, fatal)?;
        Ok(Self {
            office,
            authority,
            held: BTreeMap::new(),
            raw: BTreeMap::new(),
            next: 1,
        })
    }

    /// The decisions that lead over some versions: a list of what came, a revocation of what went.
    async fn step(&mut self, versions: &[Version]) -> Fallible<()> {
        let mut moved = BTreeSet::new();
        for version in versions {
            for line in version.add.iter().filter_map(|raw| canonical(raw)) {
                *self.raw.entry(line.clone()).or_default() += 1;
                moved.insert(line);
            }
            for line in version.del.iter().filter_map(|raw| canonical(raw)) {
                let left = self.raw.get_mut(&line).ok_or("what goes was there")?;
                *left -= 1;
                moved.insert(line);
            }
        }
        let is_wanted = |line: &String| self.raw.get(line).is_some_and(|n| *n > 0);
        let is_held = |line: &String| self.held.contains_key(line);
        let (come, gone): (Vec<String>, Vec<String>) = moved
            .into_iter()
            .filter(|line| is_wanted(line) != is_held(line))
            .partition(|line| is_wanted(line));
        if !gone.is_empty() {
            let body = self.revocation(&gone)?;
            self.submit(body).await?;
        }
        if !come.is_empty() {
            let id = self.id();
            let lines = come.iter().map(|line| format!("{line}\n")).collect();
            let body = self.office.list(&id, lines)?;
            self.submit(body).await?;
            self.held
                .extend(come.into_iter().map(|line| (line, id.clone())));
        }
        Ok(())
    }

    fn revocation(&mut self, gone: &[String]) -> Fallible<(Body, Vec<Vec<u8>>)> {
        let mut by_decision: BTreeMap<String, String> = BTreeMap::new();
        for line in gone {
            let id = self.held.remove(line).ok_or("what goes is held")?;
            let part = by_decision.entry(id).or_default();
            *part += &format!("{line}\n");
        }
        let mut parts = vec![b"office".to_vec()];
        let mut targets = Vec::new();
        for (id, part) in by_decision {
            targets.push(Target {
                decision: DecisionId::new(id)?,
                parts: Some(vec![PartRef::of(part.as_bytes())]),
            });
            parts.push(part.into_bytes());
        }
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

    async fn submit(&self, (body, parts): (Body, Vec<Vec<u8>>)) -> Fallible<()> {
        for part in &parts {
            self.authority.keep_part(part)?;
        }
        let entrant = Entrant::Decision {
            approvals: self.office.sign(&body)?,
            body: Box::new(body),
        };
        self.authority.submit(entrant).await?;
        Ok(())
    }

    fn id(&mut self) -> String {
        self.next += 1;
        format!("2026-{:06}", self.next)
    }
}

/// A raw line as a canonical one; nothing where it can't be listed.
fn canonical(raw: &str) -> Option<String> {
    let name = raw.to_lowercase();
    let line = format!("domain:{} +", name.trim_end_matches('.'));
    OwnedLine::parse(&line).is_ok().then_some(line)
}

fn versions() -> Fallible<Vec<Version>> {
    let path =
        peers::shared().map(|dir| dir.join("data/domains/hostsvn-gambling_2024.deltas.jsonl.zst"));
    let Some(path) = path.filter(|path| path.is_file()) else {
        println!("../shared isn't there: a made history instead");
        return Ok(made());
    };
    let text = String::from_utf8(zstd::decode_all(std::fs::File::open(path)?)?)?;
    let read = text.lines().map(|line| Ok(serde_json::from_str(line)?));
    read.collect()
}

/// Forty versions: each brings some names, some below others, and takes some of those before away.
fn made() -> Vec<Version> {
    let line = |n: u32| match n % 5 {
        0 => format!("a.made{}.example", n + 1),
        _ => format!("made{n}.example"),
    };
    let version = |v: u32| Version {
        add: (v * 50..v * 50 + 50).map(line).collect(),
        del: (v.saturating_sub(3) * 50..v.saturating_sub(3) * 50 + v % 7)
            .filter(|_| v > 3)
            .map(line)
            .collect(),
    };
    (0..40).map(version).collect()
}

fn bind(dir: &str, port: u16, zones: u16, upstream: u16) -> String {
    let zone = |name: &str| {
        format!(
            "zone \"{name}.blockfeed\" {{ type secondary; file \"{name}.db\"; masterfile-format raw; \
             primaries {{ 127.0.0.1 port {zones}; }}; allow-query {{ 127.0.0.1; }}; allow-transfer {{ 127.0.0.1; }}; }};\n"
        )
    };
    let zones: String = ["rpz", "block", "allow", "base", "net"].map(zone).concat();
    format!(
        "options {{ directory \"{dir}\"; listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};\n\
         pid-file none; session-keyfile none; recursion yes; dnssec-validation no; forward only;\n\
         forwarders {{ 127.0.0.1 port {upstream}; }}; min-refresh-time 1; min-retry-time 1;\n\
         response-policy {{ zone \"block.blockfeed\" min-update-interval 0 log no; zone \"allow.blockfeed\" min-update-interval 0 log no;\n\
         zone \"base.blockfeed\" log no; zone \"net.blockfeed\"; }} qname-wait-recurse no break-dnssec yes;\n\
         }};\ncontrols {{ }};\n{zones}"
    )
}

/// The agent follows every version; what it serves is taken by BIND meanwhile.
#[test]
fn a_real_year_is_followed_by_the_agent_and_bind() -> Fallible<()> {
    let what = "a real history followed by BIND";
    let (Some(named), Some(dig)) = (peers::tool("named"), peers::tool("dig")) else {
        peers::skip(what, "named or dig");
        return Ok(());
    };
    let runtime = tokio::runtime::Runtime::new()?;
    let dir = tempfile::tempdir()?;
    let config = Config {
        compact_at: 0,
        quiet_hour: None,
        least_between_compactions: 0,
        ..Config::at(&dir.path().join("authority"))
    };
    let mut replay = Replay::begin(&config)?;
    let port = peers::free_port();
    let mut follower = agent::Config {
        state: dir.path().join("agent"),
        sources: vec![SourceConfig {
            at: config.public().display().to_string(),
            token_file: None,
        }],
        transfer: Some(transfer::Config {
            listen: ([127, 0, 0, 1], peers::free_port()).into(),
            notify: vec![([127, 0, 0, 1], port).into()],
            refresh: 1,
            ..transfer::Config::default()
        }),
        least_between_bases: 0,
        ..agent::Config::default()
    };
    follower.trust.trust_on_first_use = true;
    let mut agent = Agent::open(follower, &prometheus::Registry::new())?;
    let zones = runtime.block_on(agent.serve_zones())?.ok_or("no zones")?;
    let upstream = crate::dns::Upstream::start();
    let folder = Program::folder();
    let place = folder.path().display().to_string();
    let text = bind(&place, port, zones.plain.port(), upstream.port);
    let mut program = Some(folder);
    let mut running = None;
    let versions = versions()?;
    let began = Instant::now();
    let each = std::env::var_os("EVERY_VERSION").map_or(8, |_| 1);
    for (n, step) in versions.chunks(each).enumerate() {
        runtime.block_on(replay.step(step))?;
        if n % 5 == 4 {
            runtime.block_on(replay.authority.submit(Entrant::Compaction))?;
        }
        let written = began.elapsed();
        let report = runtime.block_on(agent.once())?;
        println!(
            "{n}: {written:.1?} written, {:.1?} followed",
            began.elapsed()
        );
        assert!(report.faults.is_empty(), "{report}");
        if let Some(folder) = program.take() {
            let file = ("named.conf", text.as_str());
            running = Some(Program::start(
                &named,
                folder,
                file,
                &["-g", "-c", "named.conf"],
                &[],
            ));
        }
    }
    let set = agent
        .verified(&FeedName::domains())
        .ok_or("nothing verified")?
        .1;
    let held: BTreeSet<&str> = replay.held.keys().map(String::as_str).collect();
    assert_eq!(set.entries(), held.len() as u64);
    let wanted = minimal(&set);
    let take = || {
        let mut command = Command::new(&dig);
        command.args([
            "@127.0.0.1",
            "-p",
            &port.to_string(),
            "+tcp",
            "+noidnout",
            "AXFR",
            "rpz.blockfeed",
        ]);
        let said = command.output().unwrap().stdout;
        transferred(&String::from_utf8_lossy(&said), "rpz.blockfeed")
    };
    while take() != wanted {
        assert!(
            began.elapsed() < Duration::from_secs(600),
            "BIND doesn't get there"
        );
        std::thread::sleep(Duration::from_millis(500));
    }
    let resolver = Asked { port, name: "BIND" };
    let last = versions
        .last()
        .and_then(|v| v.add.iter().rev().find_map(|raw| canonical(raw)));
    if let Some(name) = last
        .as_deref()
        .and_then(|line| line.strip_prefix("domain:")?.strip_suffix(" +"))
    {
        resolver.wait(name, true);
    }
    let names = replay.held.keys().step_by(held.len() / 700 + 1);
    for line in names {
        let name = line.trim_start_matches("domain:").trim_end_matches(" +");
        let parent = name.split_once('.').map_or(name, |(_, parent)| parent);
        for name in [
            name.to_owned(),
            format!("x.{name}"),
            format!("x{name}"),
            parent.to_owned(),
        ] {
            if name.contains('.') {
                assert_eq!(resolver.blocks(&name), blocks(&set, &name), "{name}");
            }
        }
    }
    println!(
        "{} versions, {} names, {} records of the zone, the same at the agent and at BIND; {:.0} s",
        versions.len(),
        held.len(),
        wanted.len(),
        began.elapsed().as_secs_f64()
    );
    drop(running);
    replay.authority.stop();
    Ok(())
}

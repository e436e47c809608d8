//! What an agent's folder holds, read without asking anybody.

use super::{
    Error, guard,
    server::{Hold, Lookup},
};
use crate::{
    agent::{self, Agent, SourceConfig},
    canon::DecisionId,
    check,
    config::Config,
    entries::{FeedName, Set},
    subject::{Kind, Line, Scope, cover, feed_of, typed},
};
use ipnet::IpNet;
use std::{collections::BTreeMap, path::Path};

/// Looks a typed subject up in the verified sets of a folder.
pub fn lookup(config: &Config, state: &Path, typed: &str) -> Result<Lookup, Error> {
    let guard = guard::load(config)?;
    let read = typed::read(typed, &guard.lists().platforms)
        .map_err(|unusable| unread(typed, &unusable))?;
    let line = read.line.line();
    let feed = feed_of(&line)
        .parse::<FeedName>()
        .map_err(|e| Error::said(e.to_string()))?;
    let agent = open(config, state, &feed)?;
    let (serial, set) = verified(&agent, state, &feed)?;
    let holds = holds(&feed, &set, &line);
    Ok(Lookup {
        canonical: Some(read.line.subject().to_string()),
        listed: !holds.is_empty(),
        holds,
        stayed: Vec::new(),
        more: BTreeMap::from([(
            "serials".to_owned(),
            serde_json::json!({ feed.as_str(): serial }),
        )]),
    })
}

/// The serial and the `E` lines that are enforced from a folder.
pub fn enforced(
    config: &Config,
    state: &Path,
    feed: &FeedName,
) -> Result<(u64, Vec<String>), Error> {
    let agent = open(config, state, feed)?;
    let (serial, _) = verified(&agent, state, feed)?;
    Ok((serial, agent.enforced(feed).unwrap_or_default()))
}

/// Why a subject can't be read, in both languages.
fn unread(typed: &str, unusable: &typed::Unusable) -> Error {
    let rule = check::explain(unusable.code.as_str());
    let vi = rule.map(|rule| format!("\n{} {}", rule.vi, rule.instead_vi));
    Error::said(format!("{typed:?}: {unusable}{}", vi.unwrap_or_default()))
}

fn open(config: &Config, state: &Path, feed: &FeedName) -> Result<Agent, Error> {
    if !state.is_dir() {
        return Err(Error::said(format!(
            "{} is no folder of an agent",
            state.display()
        )));
    }
    let settings = agent::Config {
        state: state.to_owned(),
        // Nothing is fetched; an agent without a source is no agent.
        sources: vec![SourceConfig {
            at: state.display().to_string(),
            token_file: None,
        }],
        feeds: [feed.clone()].into(),
        outputs: Vec::new(),
        ..config.agent.clone()
    };
    Ok(Agent::open(settings, &prometheus::Registry::new())?)
}

fn verified(agent: &Agent, state: &Path, feed: &FeedName) -> Result<(u64, Set), Error> {
    agent.verified(feed).ok_or_else(|| {
        Error::said(format!(
            "the agent in {} has verified no {feed} feed yet",
            state.display()
        ))
    })
}

fn holds(feed: &FeedName, set: &Set, line: &Line<'_>) -> Vec<Hold> {
    let mut holds = Vec::new();
    for name in names_over(line) {
        for entry in set.entries_of(&name) {
            let reaches =
                line.kind != Kind::Domain || entry.scope == Scope::Subtree || name == line.name;
            let Some(decision) = DecisionId::new(entry.decision).ok().filter(|_| reaches) else {
                continue;
            };
            holds.push(Hold {
                feed: feed.to_string(),
                subject: format!("{}:{}", line.kind.as_str(), entry.name),
                scope: entry.scope.as_char().to_string(),
                own: name == line.name,
                not_after: set.row(entry.decision).map_or(0, |row| row.not_after),
                decision,
                more: BTreeMap::new(),
            });
        }
    }
    holds
}

/// The names under which a subject can be held, the nearest first.
fn names_over(line: &Line<'_>) -> Vec<String> {
    match (line.kind, line.name.parse::<IpNet>()) {
        (Kind::Domain, _) => cover::ancestors(line.name).map(str::to_owned).collect(),
        (Kind::Net, Ok(net)) => (0..=net.prefix_len())
            .rev()
            .filter_map(|length| IpNet::new(net.addr(), length).ok())
            .map(|wide| wide.trunc().to_string())
            .collect(),
        _ => vec![line.name.to_owned()],
    }
}

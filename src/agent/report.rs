//! What a round did, and what one would do: for people and for scripts.

use super::Head;
use crate::entries::FeedName;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt, path::PathBuf};

/// What a round did.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Report {
    /// The log as far as it is verified.
    pub head: Option<Head>,
    /// Unix seconds.
    pub trusted_time: u64,
    pub feeds: BTreeMap<FeedName, FeedReport>,
    pub outputs: Vec<OutputReport>,
    /// What sources offered and wasn't taken.
    pub faults: Vec<FaultReport>,
    pub alarms: Vec<Alarm>,
}

/// Where a feed stands after a round.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FeedReport {
    /// The serial before the round, if there was one.
    pub from: Option<u64>,
    pub serial: u64,
    pub digest: String,
    /// Entries announced and withdrawn in this round. A first snapshot announces all.
    pub added: u64,
    pub removed: u64,
    /// Entries of the verified set, and of the enforced one.
    pub entries: u64,
    pub enforced: u64,
    pub withheld: Withheld,
    /// Seconds since the publisher last vouched for it.
    pub age: u64,
    /// Whether a receipt for this serial was taken.
    pub receipt: bool,
    /// Whether this round verified the feed against a source, changed or not.
    pub current: bool,
}

/// Entries of the verified set that aren't enforced, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Withheld {
    pub expired: u64,
    pub never_block: u64,
    pub brake: u64,
}

/// What became of an output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputReport {
    pub feed: FeedName,
    pub path: PathBuf,
    pub serial: u64,
    pub outcome: OutputOutcome,
    /// Why, where it isn't as it should be.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
}

/// How writing an output ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutputOutcome {
    /// It was right already.
    Unchanged,
    /// Written, and loaded.
    Written,
    /// Written, but its command failed; tried again next time.
    NotLoaded,
    /// It couldn't be written; the old file stands.
    NotWritten,
    /// It would have been empty; the old file stands.
    Refused,
}

/// Something that a source offered and that wasn't taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultReport {
    pub source: String,
    /// `None`: the log itself.
    pub feed: Option<FeedName>,
    /// A stable word.
    pub code: String,
    pub message: String,
}

/// Something that a person should look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alarm {
    pub feed: Option<FeedName>,
    /// A stable word.
    pub code: String,
    pub message: String,
}

/// What a round would do.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Plan {
    /// The source that it was learnt from.
    pub source: Option<String>,
    pub held: Option<Head>,
    pub offered: Option<Head>,
    pub feeds: BTreeMap<FeedName, FeedPlan>,
    /// The outputs that would be written.
    pub outputs: Vec<PathBuf>,
    pub faults: Vec<FaultReport>,
}

/// What a round would do to a feed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FeedPlan {
    pub from: Option<u64>,
    pub to: u64,
    pub added: u64,
    pub removed: u64,
    /// Entries that the set would have.
    pub entries: u64,
    /// Packed bytes of the snapshot and deltas that were read.
    pub bytes: u64,
    pub withheld: Withheld,
}

impl Report {
    /// Whether every feed is verified and current, every output is as it should be, and nobody
    /// needs to look.
    pub fn is_well(&self) -> bool {
        let outputs = |o: &OutputReport| {
            matches!(o.outcome, OutputOutcome::Unchanged | OutputOutcome::Written)
        };
        !self.feeds.is_empty()
            && self.alarms.is_empty()
            && self.feeds.values().all(|f| f.current)
            && self.outputs.iter().all(outputs)
    }

    /// Whether the round should be repeated before long.
    pub fn wants_retry(&self) -> bool {
        let outputs = |o: &OutputReport| {
            matches!(
                o.outcome,
                OutputOutcome::NotLoaded | OutputOutcome::NotWritten
            )
        };
        self.feeds.is_empty()
            || self.feeds.values().any(|f| !f.current)
            || self.outputs.iter().any(outputs)
    }

    /// Whether an alarm of this code was raised.
    pub fn has_alarm(&self, code: &str) -> bool {
        self.alarms.iter().any(|alarm| alarm.code == code)
    }

    /// Whether a fault of this code was met.
    pub fn has_fault(&self, code: &str) -> bool {
        self.faults.iter().any(|fault| fault.code == code)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.head {
            Some(head) => writeln!(f, "log     {} leaves, root {}", head.size, head.root)?,
            None => writeln!(f, "log     nothing is verified yet")?,
        }
        for (feed, r) in &self.feeds {
            let from = r.from.map_or("nothing".into(), |serial| serial.to_string());
            writeln!(
                f,
                "{feed}: serial {from} to {}, +{} -{}; {} entries verified, {} enforced{}{}",
                r.serial,
                r.added,
                r.removed,
                r.entries,
                r.enforced,
                r.withheld,
                if r.current {
                    ""
                } else {
                    "; NOT verified in this round"
                },
            )?;
        }
        for o in &self.outputs {
            writeln!(
                f,
                "output  {} {:?} {}",
                o.path.display(),
                o.outcome,
                o.message
            )?;
        }
        faults(f, &self.faults)?;
        for alarm in &self.alarms {
            writeln!(f, "ALARM   {}: {}", alarm.code, alarm.message)?;
        }
        Ok(())
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = |head: &Option<Head>| head.map_or(0, |head| head.size);
        writeln!(
            f,
            "log     {} leaves are held, {} are offered{}",
            size(&self.held),
            size(&self.offered),
            self.source
                .iter()
                .map(|s| format!(" by {s}"))
                .collect::<String>()
        )?;
        for (feed, p) in &self.feeds {
            let from = p.from.map_or("nothing".into(), |serial| serial.to_string());
            writeln!(
                f,
                "{feed}: would go from serial {from} to {}, +{} -{}, {} entries, {} bytes read{}",
                p.to, p.added, p.removed, p.entries, p.bytes, p.withheld
            )?;
        }
        for path in &self.outputs {
            writeln!(f, "output  would write {}", path.display())?;
        }
        faults(f, &self.faults)
    }
}

impl fmt::Display for Withheld {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (count, why) in [
            (self.expired, "expired by trusted time"),
            (self.never_block, "spared by the never-block list"),
            (self.brake, "held back by the brake"),
        ] {
            if count > 0 {
                write!(f, "; {count} {why}")?;
            }
        }
        Ok(())
    }
}

fn faults(f: &mut fmt::Formatter<'_>, faults: &[FaultReport]) -> fmt::Result {
    for fault in faults {
        let feed = fault.feed.as_ref().map_or("log", |feed| feed.as_str());
        writeln!(
            f,
            "FAULT   {} {feed}: {}: {}",
            fault.source, fault.code, fault.message
        )?;
    }
    Ok(())
}

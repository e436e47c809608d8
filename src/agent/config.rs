//! What an operator sets. Every key has a default that is safe, but for where to read and what
//! to trust.

use super::Error;
use crate::{canon::Origin, entries::FeedName, fetch, transfer};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, path::PathBuf};

/// Resolvers put off a zone's new names for a minute and more, and names that moved must not
/// stand open meanwhile.
const LEAST_BETWEEN_BASES: u64 = 180;

/// The agent's settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Folder of the agent's own: its copy of the log and the sets that it has verified.
    pub state: PathBuf,
    /// Where to read, tried in this order: base URLs or folders.
    #[serde(rename = "source")]
    pub sources: Vec<SourceConfig>,
    /// What to hold against whatever a source says. Needed at the first contact.
    pub trust: TrustConfig,
    /// The feeds to follow, besides those that outputs name.
    pub feeds: BTreeSet<FeedName>,
    /// What a first contact rests on.
    pub verify: Verify,
    /// Files to write and commands to run.
    #[serde(rename = "output")]
    pub outputs: Vec<OutputConfig>,
    /// Policy zones over DNS for resolvers beside the agent, served while it runs; unset: none.
    /// Both `domains` and `networks` are followed then.
    pub transfer: Option<transfer::Config>,
    /// Seconds from one move of the zones' base to the next. No setting: resolvers need them.
    /// Tests don't.
    #[serde(skip)]
    pub least_between_bases: u64,
    /// A file of names and networks that are never enforced here, one a line: `shop.vn` (it and
    /// all below it), `shop.vn =` (the name alone), `203.0.113.0/24`; `#` begins a comment.
    pub never_block: Option<PathBuf>,
    /// Receipts, if the publisher is to learn what was applied.
    pub receipts: Option<ReceiptConfig>,
    /// Lets what the brake held back up to this serial pass.
    pub accept: Option<u64>,
    /// Seconds between looks, and the longest that a long poll waits.
    pub poll_seconds: u64,
    /// Whether servers are asked to answer when something changed.
    pub long_poll: bool,
    pub brake: BrakeConfig,
    pub limits: Limits,
    pub retry: RetryConfig,
    pub fetch: fetch::Config,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            state: PathBuf::from("agent-state"),
            sources: Vec::new(),
            trust: TrustConfig::default(),
            feeds: BTreeSet::new(),
            verify: Verify::Digest,
            outputs: Vec::new(),
            transfer: None,
            least_between_bases: LEAST_BETWEEN_BASES,
            never_block: None,
            receipts: None,
            accept: None,
            poll_seconds: 60,
            long_poll: true,
            brake: BrakeConfig::default(),
            limits: Limits::default(),
            retry: RetryConfig::default(),
            fetch: fetch::Config::default(),
        }
    }
}

/// A place that feeds are read from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceConfig {
    /// `https://host/base`, `http://host:port/base` or a folder.
    pub at: String,
    /// A file that holds the bearer token, if one is needed; its last line end is left off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_file: Option<PathBuf>,
}

/// What the first contact is held against; afterwards the log that was held is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrustConfig {
    /// The log's name.
    pub origin: Option<Origin>,
    /// The hash of the log's first leaf: 64 hex digits, or the session's 16.
    pub genesis: Option<String>,
    /// The root keys of the first trust document.
    pub root: Option<RootPin>,
    /// A verifier key (`name+id+base64`) that must have signed the first checkpoint that is
    /// taken. By itself it trusts whoever holds the log key; with `genesis` or `root` it doesn't.
    pub log_key: Option<String>,
    /// Takes whatever history is met first. Whoever stands between at that moment decides what
    /// is blocked here for ever.
    pub trust_on_first_use: bool,
}

/// The root keys of the first trust document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RootPin {
    pub threshold: usize,
    /// Raw Ed25519 public keys, base64.
    pub keys: BTreeSet<String>,
}

/// What a first contact rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verify {
    /// Every leaf is verified; the lines come from a snapshot, bound by the state leaf's digest.
    #[default]
    Digest,
    /// Every leaf and every part from the first on.
    Full,
}

/// A file that is kept equal to the enforced set, and what to run when it changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutputConfig {
    pub feed: FeedName,
    /// A rendered format: `txt`, `hosts`, `rpz`, `unbound`, `dnsmasq`, `cidr`, `nft`, `bird`,
    /// `csv`, `json`.
    pub format: String,
    pub path: PathBuf,
    /// A command and its arguments, run without a shell; `{path}` stands for the file.
    #[serde(default)]
    pub reload: Vec<String>,
    /// Loads a file of the format `nft` by `nft -f`, in one transaction, and holds what the kernel
    /// has then, and at every round, against the set.
    #[serde(default)]
    pub nft: bool,
    /// Loads a file of the format `bird` by `birdc configure`, reads its answer, and puts the last
    /// file back that BIRD took where it doesn't take this one.
    #[serde(default)]
    pub bird: bool,
    /// BIRD's control socket, where it isn't at its usual place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bird_socket: Option<PathBuf>,
    /// The file's mode in octal digits.
    #[serde(default = "default_mode")]
    pub mode: String,
    /// Seconds that the command may take.
    #[serde(default = "default_reload_seconds")]
    pub reload_seconds: u64,
}

/// Who acknowledges, and with which key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReceiptConfig {
    /// The name that the publisher knows this subscriber by.
    pub subscriber: String,
    /// A PKCS#8 PEM file: encrypted, or readable by its owner alone. Made if it isn't there.
    pub key_file: PathBuf,
    /// A file that holds the passphrase of an encrypted key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passphrase_file: Option<PathBuf>,
}

/// When a step waits for a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BrakeConfig {
    /// Sets below this many entries aren't braked.
    pub from_entries: u64,
    /// A single step that announces more than this, in per cent of the entries before it and
    /// without `bulk` in its decision, is held back.
    pub announce_percent: u64,
    /// A step that withdraws more than this raises an alarm; it is applied all the same.
    pub withdraw_percent: u64,
}

impl Default for BrakeConfig {
    fn default() -> Self {
        Self {
            from_entries: 1000,
            announce_percent: 20,
            withdraw_percent: 5,
        }
    }
}

/// What a source can make the agent spend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Leaves that the log may have.
    pub max_leaves: u64,
    /// Bytes of new leaves in one round.
    pub max_log_bytes: u64,
    /// Bytes of a snapshot or delta, packed and unpacked alike.
    pub max_file_bytes: u64,
    /// Bytes of parts in one round.
    pub max_part_bytes: u64,
    /// Seconds that one source may take for one round.
    pub round_seconds: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_leaves: 4_000_000,
            max_log_bytes: 256 << 20,
            max_file_bytes: 256 << 20,
            max_part_bytes: 1 << 30,
            round_seconds: 300,
        }
    }
}

/// The wait after a failure: doubled each time, and each time another share of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RetryConfig {
    pub least_seconds: u64,
    pub most_seconds: u64,
}

impl Default for RetryConfig {
    fn default() -> Self {
        Self {
            least_seconds: 2,
            most_seconds: 60,
        }
    }
}

impl Config {
    /// The feeds that are followed: those named, those of the outputs and those of the zones.
    pub fn followed(&self) -> BTreeSet<FeedName> {
        let of_outputs = self.outputs.iter().map(|o| o.feed.clone());
        let zones = self.transfer.as_ref().filter(|zones| zones.serve);
        let of_zones = zones.map(|_| [FeedName::domains(), FeedName::networks()]);
        let of_zones = of_zones.into_iter().flatten();
        self.feeds
            .iter()
            .cloned()
            .chain(of_outputs)
            .chain(of_zones)
            .collect()
    }

    /// Refuses what can't work, before anything is opened.
    pub(super) fn check(&self) -> Result<(), Error> {
        let rule = |ok: bool, why: &str| {
            if ok {
                Ok(())
            } else {
                Err(Error::Config(why.into()))
            }
        };
        rule(
            !self.sources.is_empty(),
            "there is no source: add [[source]] with at = a base URL or a folder",
        )?;
        rule(
            !self.followed().is_empty(),
            "nothing is followed: name feeds, or an output",
        )?;
        let paths: BTreeSet<_> = self.outputs.iter().map(|o| &o.path).collect();
        rule(
            paths.len() == self.outputs.len(),
            "two outputs write the same file",
        )?;
        rule(
            self.outputs.iter().all(|o| o.file_mode().is_some()),
            "an output's mode is three or four octal digits, such as 0644",
        )?;
        let ways =
            |o: &OutputConfig| u8::from(o.nft) + u8::from(o.bird) + u8::from(!o.reload.is_empty());
        rule(
            self.outputs.iter().all(|o| ways(o) <= 1),
            "an output has one of nft, bird and a reload command",
        )?;
        rule(
            self.outputs.iter().all(|o| !o.nft || o.format == "nft"),
            "an output with nft = true has the format nft",
        )?;
        rule(
            self.outputs.iter().all(|o| !o.bird || o.format == "bird"),
            "an output with bird = true has the format bird",
        )
    }
}

impl OutputConfig {
    /// The command to run when the file changed; empty if there is none.
    pub(super) fn command(&self) -> Vec<String> {
        let path = self.path.display().to_string();
        if self.nft {
            return vec!["nft".into(), "-f".into(), path];
        }
        if self.bird {
            let socket = self.bird_socket.iter();
            let socket = socket.flat_map(|s| ["-s".to_owned(), s.display().to_string()]);
            let words = std::iter::once("birdc".to_owned()).chain(socket);
            return words.chain(["configure".to_owned()]).collect();
        }
        self.reload
            .iter()
            .map(|argument| argument.replace("{path}", &path))
            .collect()
    }

    pub(super) fn file_mode(&self) -> Option<u32> {
        let octal = (3..=4).contains(&self.mode.len());
        octal
            .then(|| u32::from_str_radix(&self.mode, 8).ok())
            .flatten()
    }
}

fn default_mode() -> String {
    "0644".into()
}

fn default_reload_seconds() -> u64 {
    60
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_with_its_defaults_and_nothing_unknown() {
        let text = r#"
            state = "x"
            [[source]]
            at = "https://blocklist.example"
            [trust]
            genesis = "00b8b3e1b11c426c"
            [[output]]
            feed = "networks"
            format = "nft"
            path = "/etc/nft/blocked.nft"
            nft = true
        "#;
        let config: Config = toml::from_str(text).unwrap();
        assert!(config.check().is_ok());
        assert_eq!(config.limits, Limits::default());
        assert_eq!(
            config.outputs[0].command(),
            ["nft", "-f", "/etc/nft/blocked.nft"]
        );
        assert!(toml::from_str::<Config>("stat = \"x\"").is_err());
        assert!(Config::default().check().is_err());
    }
}

//! The data directory: permissions, keys, and whether what was published is what was committed.

use super::Finding;
use crate::{cli::when, config::Config, entries::FeedName, feed::paths, store::HighWater};
use std::{fs, os::unix::fs::PermissionsExt, path::Path};

/// The clock may lie behind what was signed by this much, seconds.
const CLOCK: u64 = 5;

pub(super) fn look(config: &Config) -> Vec<Finding> {
    let data = &config.log.data;
    if !data.join("db").is_dir() {
        return vec![Finding::note(
            "data",
            format!("there is no log in {}", data.display()),
            "An agent or a mirror needs none. For an authority: `blockfeed init`, or name the directory with --data.",
        )];
    }
    let mut findings = vec![closed("database", &data.join("db"), 0o077, "chmod -R go= ")];
    findings.push(writable(data));
    findings.extend(keys(config));
    findings.push(marks(config));
    findings.extend(manifests(config));
    findings
}

/// What only the owner may read.
fn closed(check: &'static str, path: &Path, forbidden: u32, remedy: &str) -> Finding {
    match fs::metadata(path) {
        Ok(meta) if meta.permissions().mode() & forbidden == 0 => {
            Finding::well(check, format!("{} is closed to others", path.display()))
        }
        Ok(meta) => Finding::wrong(
            check,
            format!(
                "{} is open to other users: mode {:o}",
                path.display(),
                meta.permissions().mode() & 0o777
            ),
            format!("{remedy}{}", path.display()),
        ),
        Err(error) => Finding::wrong(
            check,
            format!("{}: {error}", path.display()),
            "Run as the user of the service, or put the file in its place.",
        ),
    }
}

fn writable(data: &Path) -> Finding {
    use rustix::fs::{Access, access};
    match access(data, Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK) {
        Ok(()) => Finding::well("data", format!("{} can be written", data.display())),
        Err(error) => Finding::wrong(
            "data",
            format!("{} can't be written by this user: {error}", data.display()),
            "Run as the user of the service; else give it the directory: chown -R blockfeed: DIR.",
        ),
    }
}

fn keys(config: &Config) -> Vec<Finding> {
    let (log, feed) = config.keys.paths(&config.log.keys());
    let mut findings = vec![closed("log key", &log, 0o077, "chmod 600 ")];
    findings.push(closed("feed key", &feed, 0o077, "chmod 600 "));
    if let Some(file) = &config.keys.passphrase_file {
        findings.push(closed("passphrase", file, 0o077, "chmod 600 "));
    }
    if let Some(file) = &config.transfer.keys {
        findings.push(closed("TSIG keys", file, 0o077, "chmod 600 "));
    }
    let roots = fs::read_dir(config.log.keys())
        .into_iter()
        .flatten()
        .flatten();
    let roots = roots
        .filter(|e| e.file_name().to_string_lossy().starts_with("root"))
        .count();
    if roots > 0 {
        findings.push(Finding::note(
            "root keys",
            format!("{roots} root keys lie on this machine"),
            "Carry them off: `serve` never reads them, and whoever has enough of them replaces every officer.",
        ));
    }
    findings
}

/// The high-water mark beside the published checkpoint. The database is the running server's.
fn marks(config: &Config) -> Finding {
    let check = "high water";
    let path = config.log.data.join("high-water");
    if !path.exists() {
        return Finding::wrong(
            check,
            format!("{} is missing", path.display()),
            "It tells an old database from the newest one: restore it with the backup that it belongs to.",
        );
    }
    let mark = match HighWater::open(&path).and_then(|mark| mark.read()) {
        Ok(mark) => mark.map_or(0, |head| head.size),
        Err(error) => {
            return Finding::wrong(check, error.to_string(), "Restore the newest backup.");
        }
    };
    let published = fs::read_to_string(config.log.public().join(paths::CHECKPOINT));
    let size = published
        .ok()
        .and_then(|text| text.lines().nth(1)?.parse::<u64>().ok());
    match size {
        Some(size) if size == mark => Finding::well(check, format!("{size} leaves, all published")),
        Some(size) if size < mark => Finding::note(
            check,
            format!("{mark} leaves are written and {size} published"),
            "A start publishes the rest. While the server runs this lasts a moment.",
        ),
        Some(size) => Finding::wrong(
            check,
            format!(
                "{size} leaves are published and the mark says {mark}: this directory is older than what was published"
            ),
            "Don't serve from it. Restore the newest backup, or fetch the published log back.",
        ),
        None => Finding::wrong(
            check,
            "there is no checkpoint in the published folder",
            "A start publishes everything anew from the database.",
        ),
    }
}

/// How old the manifests are, and whether the clock agrees with them.
fn manifests(config: &Config) -> Vec<Finding> {
    let path = config
        .log
        .public()
        .join(paths::manifest(&FeedName::domains()));
    let text = fs::read_to_string(&path).unwrap_or_default();
    let time = text
        .lines()
        .find_map(|line| line.strip_prefix("time ")?.parse::<u64>().ok());
    let (Some(time), now) = (time, when::now()) else {
        return vec![Finding::wrong(
            "manifests",
            format!("{} can't be read", path.display()),
            "A start publishes it anew.",
        )];
    };
    if time > now + CLOCK {
        return vec![Finding::wrong(
            "clock",
            format!(
                "this machine's clock is {} seconds behind what it signed itself",
                time - now
            ),
            "Set the clock (timedatectl, chrony). The log's time never goes back: decisions carry the old time until it has passed.",
        )];
    }
    let age = now - time;
    let clock = Finding::well("clock", "not behind what was signed last");
    let stale = config.serve.stale.max(2 * config.log.heartbeat);
    let manifests = if age <= stale {
        Finding::well("manifests", format!("signed {age} seconds ago"))
    } else {
        Finding::wrong(
            "manifests",
            format!(
                "signed {age} seconds ago; every {} seconds they should be",
                config.log.heartbeat
            ),
            "Is the server running (systemctl status blockfeed)? If it is, its log says why the sequencer stands.",
        )
    };
    vec![clock, manifests]
}

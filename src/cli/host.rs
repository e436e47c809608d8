//! How the machine stands: disk, descriptors, memory, as `doctor` reports them and Prometheus sees
//! them. Read from the system where it says them; a figure that it doesn't say is left out.

use super::Error;
use crate::{log, serve};
use prometheus::{IntGauge, Registry};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::{fs, path::PathBuf, time::Duration};
use tokio::task::JoinHandle;

/// How often the figures are read.
const LOOK: Duration = Duration::from_secs(10);

/// Descriptors that connections leave to the database, files that are served, and the log.
pub const OWN_DESCRIPTORS: u64 = 512;

/// Descriptors of this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Descriptors {
    pub open: u64,
    pub most: u64,
}

/// How many descriptors are open and may be.
pub fn descriptors() -> Option<Descriptors> {
    let open = fs::read_dir("/proc/self/fd").ok()?.count() as u64;
    let most = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    Some(Descriptors { open, most })
}

/// Raises the soft limit of descriptors to the hard one, and gives back how many there may be.
pub fn raise_descriptors() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    let wanted = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    match setrlimit(Resource::Nofile, wanted) {
        Ok(()) => limit.maximum.unwrap_or(u64::MAX),
        Err(_) => limit.current.unwrap_or(u64::MAX),
    }
}

/// How many connections there may be, so that the log and the disk always have descriptors left.
pub fn connections(wanted: usize) -> usize {
    let most = raise_descriptors();
    // Where the limit is tiny, half of it is the log's.
    let left = most.saturating_sub(OWN_DESCRIPTORS).max(most / 2);
    let left = usize::try_from(left).unwrap_or(usize::MAX);
    if left < wanted {
        tracing::warn!(
            descriptors = most,
            connections = left,
            wanted,
            "fewer connections than serve.connections are taken: raise the limit of descriptors (LimitNOFILE, ulimit -n)"
        );
    }
    left.min(wanted)
}

/// Resident memory in bytes.
pub fn resident() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib * 1024)
}

/// Keeps figures of this process fresh; ends with the process.
pub fn watch(disk: PathBuf, registry: &Registry) -> Result<JoinHandle<()>, Error> {
    let gauge = |name: &str, help: &str| {
        let gauge = IntGauge::new(name, help)?;
        registry.register(Box::new(gauge.clone()))?;
        prometheus::Result::Ok(gauge)
    };
    let made = || {
        Ok([
            gauge(
                "blockfeed_disk_free_bytes",
                "Bytes left on the disk of the data directory.",
            )?,
            gauge(
                "blockfeed_process_open_descriptors",
                "Open descriptors of the process.",
            )?,
            gauge(
                "blockfeed_process_max_descriptors",
                "Descriptors that the process may have.",
            )?,
            gauge(
                "blockfeed_process_resident_bytes",
                "Resident memory of the process.",
            )?,
        ])
    };
    let gauges = made().map_err(|e| Error::from(serve::Error::Metrics(e)))?;
    let look = move || {
        let of = descriptors();
        let values = [
            log::free(&disk),
            of.map(|d| d.open),
            of.map(|d| d.most),
            resident(),
        ];
        for (gauge, value) in gauges.iter().zip(values) {
            if let Some(value) = value {
                gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
            }
        }
    };
    look();
    Ok(tokio::spawn(async move {
        loop {
            tokio::time::sleep(LOOK).await;
            look();
        }
    }))
}

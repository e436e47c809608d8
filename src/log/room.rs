//! Whether the disk has room for what comes. Nothing is begun that a full disk would break off:
//! below the reserve new decisions are refused while nothing has failed yet, and what the reserve
//! holds is left to heartbeats, ends, and decisions that unblock.

use super::{Config, Rejected};
use crate::decision::{Action, Body};
use std::path::Path;

/// Bytes that this process may still write on the disk of a path; none where the system doesn't say.
pub fn free(path: &Path) -> Option<u64> {
    let stat = rustix::fs::statvfs(path).ok()?;
    Some(stat.f_bavail.saturating_mul(stat.f_frsize))
}

/// Refuses what the disk has no room for.
pub(super) fn check(config: &Config, body: Option<&Body>) -> Result<(), Rejected> {
    let unblocks = body.is_some_and(|body| matches!(body.action(), Action::Stay | Action::Revoke));
    let wanted = if unblocks {
        config.reserve / UNBLOCKING
    } else {
        config.reserve
    };
    match free(&config.data) {
        Some(free) if free < wanted => Err(Rejected::NoRoom { free, wanted }),
        _ => Ok(()),
    }
}

/// Unblocking is let go on until this part of the reserve is left.
const UNBLOCKING: u64 = 4;

//! The authority's log: it appends decisions, closes each commit, and publishes what follows.
//!
//! Owns the sequencer (one thread that alone writes), the order of a commit, the files that are
//! published, and the current view that readers share. Follows design: The log ("Commit").
//!
//! ```text
//! submit ─▶ judge ─▶ leaf, state leaf, tree and head: ONE synced write ─▶ high-water mark
//!        ─▶ sign ─▶ parts, tiles, bundles, feed files ─▶ checkpoint ─▶ manifests ─▶ acknowledge
//! ```
//!
//! Restart takes the same path: leaves are folded again, and whatever a crash kept from being
//! published is published then. Any write error ends the process: after it nobody knows what
//! the disk holds, and the restart finds out.

mod authority;
mod commit;
mod compaction;
mod config;
mod current;
mod error;
mod metrics;
mod openings;
mod past;
mod publish;
mod sequencer;
mod shelf;
mod state;
mod tail;

pub use authority::{Authority, Keys, init};
pub use compaction::LEAST_BETWEEN;
pub use config::Config;
pub use current::{Current, FeedView};
pub use error::{Error, Rejected};
pub use metrics::Metrics;
pub use sequencer::{Committed, Entrant, GuardHook};
pub use tail::{Caught, catch_up, lost, offered, seal, size_of};

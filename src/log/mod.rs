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
//! published is published then. After any write error nobody knows what the disk holds: nothing
//! is taken in any more (`fault`), reading goes on, and the next start finds out.

mod authority;
mod commit;
mod compaction;
mod config;
mod current;
mod error;
mod fault;
mod metrics;
mod openings;
mod past;
mod publish;
mod room;
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
pub use room::free;
pub use sequencer::{Committed, Entrant, GuardHook};
pub use tail::{Caught, catch_up, lost, offered, seal, size_of};

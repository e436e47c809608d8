//! Facts: the lists that ship with Blockfeed, the public suffix list, data sets of registries, days. What follows from a
//! fact is judged in `check`.
//!
//! Follows design: Checks (*Facts*) and Rooms (what `lists/` holds). All lists are data, replaceable as a directory, and
//! their hash stands in every decision (`guard.lists`). [`gather::Gatherer`] asks every source about a subject.

mod config;
mod day;
pub mod facts;
pub mod gather;
pub mod lists;
pub mod live;
pub mod plan;
pub mod sets;
pub mod suffix;

pub use config::Config;
pub use day::{BadDay, Day, Span};
pub use lists::{Error, Lists};

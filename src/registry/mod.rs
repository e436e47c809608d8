//! Facts: the lists that ship with Blockfeed, the public suffix list, days. What follows from a fact is judged in `check`.
//!
//! Follows design: Checks (*Facts*) and Rooms (what `lists/` holds). All lists are data, replaceable as a directory, and
//! their hash stands in every decision (`guard.lists`).

mod day;
pub mod facts;
pub mod lists;
pub mod plan;
pub mod suffix;

pub use day::{BadDay, Day, Span};
pub use lists::{Error, Lists};

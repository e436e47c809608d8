//! The set in force as plain data: what is listed, how it changes, and its digest.
//!
//! Owns the `D` and `E` lines of a feed, the set of them, the change between two sets, the
//! state digest and the proofs of presence and absence that it gives.
//! Follows design: Feeds ("`D` lines …", "State digest").

mod below;
mod change;
mod feed_name;
mod index;
mod line;
mod page;
mod set;

pub use below::{Below, below};
pub use change::{Change, ChangeBuilder};
pub use feed_name::FeedName;
pub use index::Index;
pub use line::{Entry, FeedLine, LineError, Measure, Row};
pub use set::{BucketProof, Clash, Set, bucket_of};

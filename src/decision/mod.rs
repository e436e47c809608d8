//! Decisions: the leaves of the log, what they say, and the fold from leaves to the set in force.
//!
//! Owns the five types of leaf and their canonical bytes, the parts that hold the subjects, the
//! approvals, and the fold. The fold is pure: the state after leaf N is a function of leaves
//! 0…N and the parts they name, with no clock and no configuration; sequencer, auditor and agent
//! run this same code.
//! Follows design: The log ("Leaves", "Parts", "Approvals", "Other bodies", "Semantics").
//!
//! Handling a leaf may fail and changes nothing (`judge`); absorbing a judged leaf can't fail.
//! [`Ledger`] folds what the leaves alone say; [`Lines`] folds the subjects, for which it reads
//! parts. An agent that starts from a snapshot runs the ledger over all leaves and the lines
//! over those that come after.

mod approval;
mod body;
mod fold;
mod leaf;
mod ledger;
mod lines;
mod moves;
mod opening;
mod part;
mod refusal;
mod rules;
mod status;

pub use approval::{Approval, approval_message};
pub use body::{
    Action, Amend, Basis, Body, Guard, List, MeasureName, Override, Revoke, Stay, Target,
};
pub use fold::{Applied, Fold};
pub use leaf::{
    Continues, DecisionLeaf, Expire, FeedState, Genesis, Leaf, MAX_LEAF, State, TrustLeaf,
};
pub use ledger::{Ledger, ListRecord, StayRecord};
pub use lines::{Interest, Lines};
pub use opening::{Opening, OpeningError, is_commitment, openings_text, read_openings};
pub use part::{MAX_PART, PartError, PartRef, Parts, TextRef, read_part, read_text};
pub use refusal::Refusal;

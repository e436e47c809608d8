//! Clocks that everybody sees: by when a case must be taken up and answered.

use super::{Case, CaseState};
use crate::{casework::Casework, registry::Day};
use serde::Serialize;

/// How long a stay by one officer may last, seconds (design: Semantics).
const STAY: u64 = 72 * 3600;

const DAY: u64 = 86_400;

/// A deadline of a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Clock {
    /// `accept`, `answer`, `confirm`.
    pub step: &'static str,
    /// Unix seconds.
    pub due: u64,
    /// When it was done, Unix seconds.
    pub done: Option<u64>,
    /// The law that sets it.
    pub law: String,
}

impl Clock {
    /// Whether it has passed and isn't done.
    pub fn is_overdue(&self, now: u64) -> bool {
        self.done.is_none() && self.due <= now
    }
}

impl Casework {
    /// The clocks of a case, by the deadlines of the day that it came.
    pub(in crate::casework) fn clocks(&self, case: &Case) -> Vec<Clock> {
        let mut clocks = Vec::new();
        let steps = [
            ("accept", case.accepted.or(case.ended)),
            ("answer", case.ended),
        ];
        let day = Day::in_vietnam(i64::try_from(case.opened).unwrap_or(i64::MAX));
        for (step, done) in steps {
            let guard = self.rules().guard.as_ref();
            let plan = guard.map(|guard| &guard.lists().plan);
            if let Some(row) = plan.and_then(|p| p.deadline(case.kind.as_str(), step, day)) {
                clocks.push(Clock {
                    step,
                    due: case.opened + u64::from(row.days) * DAY,
                    done,
                    law: row.law.clone(),
                });
            }
        }
        if let (CaseState::Stayed, Some(stayed)) = (case.state, case.stayed) {
            clocks.push(Clock {
                step: "confirm",
                due: stayed + STAY,
                done: None,
                law: String::new(),
            });
        }
        clocks
    }
}

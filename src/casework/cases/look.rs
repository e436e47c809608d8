//! Whether the case journal is as it was written: looked at when the desk opens and again when somebody
//! asks who hasn't been told lately; beside, since the walk is as long as the journal.

use super::{JournalState, journal};
use crate::casework::{Casework, Error, lock};

/// Seconds for which what was found is told again.
const FRESH: u64 = 60;

/// What a walk over the whole journal found, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Looked {
    /// Unix seconds.
    pub time: u64,
    pub state: JournalState,
}

#[derive(Default)]
pub(super) struct Look {
    last: Option<Looked>,
    /// Whether somebody walks.
    walks: bool,
}

impl Casework {
    /// Walks the whole journal.
    pub fn check_cases(&self) -> Result<JournalState, Error> {
        let cases = &self.inner.cases;
        journal::walk(self.inner.authority.store(), &cases.keeper, &cases.keys)
    }

    /// What the last walk found; none where none has ended yet. Begins another where that was a while
    /// ago.
    pub fn looked_at_cases(&self) -> Option<Looked> {
        let now = self.inner.authority.now();
        let mut look = lock(&self.inner.cases.look);
        let fresh = look.last.as_ref().is_some_and(|l| l.time + FRESH > now);
        if !fresh && !look.walks {
            look.walks = true;
            let desk = self.clone();
            std::thread::spawn(move || desk.look_at_cases(now));
        }
        look.last.clone()
    }

    fn look_at_cases(&self, time: u64) {
        let found = self.check_cases();
        let mut look = lock(&self.inner.cases.look);
        look.walks = false;
        match found {
            Ok(state) => {
                if let Some(at) = state.broken_at {
                    tracing::error!(
                        at,
                        "the case journal isn't as it was written; see the journal's page"
                    );
                }
                look.last = Some(Looked { time, state });
            }
            Err(error) => tracing::error!(%error, "the case journal can't be walked"),
        }
    }
}

//! Moving the base of the zones at an operator's wish (design: DNS, *Levels*).

use super::{Casework, Error};
use crate::{
    canon::OfficerId,
    log::{Committed, Entrant},
    trust::{Officer, Role},
};

impl Casework {
    /// Moves the base of the zones to the present, in a commit of its own. It changes nothing
    /// that is in force; resolvers rebuild their largest zone.
    pub async fn compact(&self, by: &OfficerId, officer: &Officer) -> Result<Committed, Error> {
        if !officer.roles.contains(&Role::Senior) {
            return Err(Error::Forbidden {
                officer: by.to_string(),
                why: "a senior officer moves the base: every resolver rebuilds its largest zone then",
            });
        }
        let entrant = Entrant::Compaction;
        Ok(self.inner.authority.submit(entrant).await?)
    }
}

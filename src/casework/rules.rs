//! What the desk is told about the guard.

use crate::{
    check::Guard,
    decision::{Body, Ledger, Parts},
    entries::Measure,
    registry::gather::Gatherer,
    subject::{OwnedLine, Platforms},
    tlog::Hash,
};
use std::{collections::BTreeMap, sync::Arc};

/// Runs the refusals over a body: gives back the sentence of the first one.
pub type Judge = Arc<dyn Fn(&Body, &Ledger, u64, &dyn Parts) -> Result<(), String> + Send + Sync>;

/// The guard in force, and what typed texts are read by.
#[derive(Clone)]
pub struct Rules {
    /// `guard.version` of a decision.
    pub version: u64,
    /// `guard.lists` of a decision.
    pub lists: Hash,
    pub platforms: Arc<Platforms>,
    /// Hours to respond, by measure.
    pub respond_hours: BTreeMap<String, u64>,
    /// Subjects set aside for tests: what a sandbox holds, beside made ones.
    pub test_subjects: Vec<OwnedLine>,
    /// Run when a proposal is opened, so that its officer hears of a refusal before the second
    /// one is asked; the sequencer runs its own again.
    pub judge: Judge,
    /// What typed texts are checked by, when somebody asks what would become of them.
    pub guard: Option<Arc<Guard>>,
    /// Who knows something of what is checked. Data sets alone are asked, and nobody over the network.
    pub gatherer: Option<Arc<Gatherer>>,
}

impl Rules {
    /// Rules that let everything pass, for a log whose sequencer has a guard of its own, and for
    /// tests.
    pub fn permissive(platforms: Platforms) -> Self {
        Self {
            version: 1,
            lists: Hash::of(b""),
            platforms: Arc::new(platforms),
            respond_hours: Measure::ALL.map(|m| (m.as_str().to_owned(), 24)).into(),
            test_subjects: Vec::new(),
            judge: Arc::new(|_, _, _, _| Ok(())),
            guard: None,
            gatherer: None,
        }
    }

    /// The same judge as the hook that the sequencer calls.
    pub fn hook(&self) -> crate::log::GuardHook {
        let judge = self.judge.clone();
        Box::new(move |body, ledger, time, parts| judge(body, ledger, time, parts))
    }
}

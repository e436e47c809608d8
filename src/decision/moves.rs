//! What a leaf does to the lines: judged against them, changed only afterwards.

use super::{
    Body, DecisionLeaf, Interest, Leaf, Ledger, Lines, List, PartRef, Parts, Refusal, State,
    StayRecord, Target,
    part::{is_in_clear, read_lines},
    status::{Home, Overlay, Status},
};
use crate::{
    canon::DecisionId,
    entries::{Entry, FeedLine, FeedName, Measure, Row},
    subject::{Line, feed_of},
};
use std::collections::{BTreeMap, BTreeSet};

/// What a judged leaf changes.
#[derive(Default)]
pub(super) struct Moves {
    /// Per feed: lines taken away, lines added.
    pub(super) feeds: BTreeMap<FeedName, (Vec<String>, Vec<String>)>,
    pub(super) silent: Vec<(String, bool)>,
    pub(super) stayed: Vec<(Home, String, Option<u32>)>,
    pub(super) held: BTreeMap<(FeedName, String), i64>,
}

/// The feed that a line of this decision stands in, if a measure carries it there.
pub(super) fn home(list: &List, line: &Line<'_>) -> Home {
    let carried = list.measures.iter().any(|m| m.feeds(line.kind));
    carried
        .then(|| FeedName::parse(&feed_of(line)).ok())
        .flatten()
}

/// The `E` line of a subject; with its kind where it stands in no feed.
pub(super) fn entry_line(home: &Home, line: &Line<'_>, id: &DecisionId) -> String {
    let entry = Entry {
        name: line.name,
        scope: line.scope,
        decision: id.as_str(),
    };
    match home {
        Some(_) => FeedLine::Entry(entry).to_string(),
        None => format!(
            "E {}:{} {} {id}",
            line.kind.as_str(),
            line.name,
            line.scope.as_char()
        ),
    }
}

impl Lines {
    /// Whether a leaf fits the lines, and what it would change.
    pub(super) fn judge(
        &self,
        leaf: &Leaf,
        ledger: &Ledger,
        parts: &dyn Parts,
    ) -> Result<Moves, Refusal> {
        match leaf {
            Leaf::Decision(leaf) => self.judge_decision(leaf, ledger, parts),
            Leaf::Expire(leaf) => {
                let mut overlay = Overlay::new(self);
                for id in &leaf.decisions {
                    let whole = Target {
                        decision: id.clone(),
                        parts: None,
                    };
                    self.over_target(&whole, ledger, parts, |home, line, named| {
                        overlay.end(home, line, named)
                    })?;
                }
                for id in &leaf.stays {
                    self.end_stay(&mut overlay, ledger, id, parts)?;
                }
                Ok(self.moves(overlay, ledger))
            }
            Leaf::State(state) => self.judge_state(state, ledger).map(|()| Moves::default()),
            Leaf::Genesis(_) | Leaf::Trust(_) => Ok(Moves::default()),
        }
    }

    /// Whether a decision can have lines in a feed that is followed.
    pub(super) fn touches(&self, list: &List) -> bool {
        match &self.interest {
            Interest::All => true,
            Interest::Feeds(feeds) => feeds
                .iter()
                .any(|feed| list.measures.iter().any(|m| m.feeds(feed.kind()))),
        }
    }

    /// The parts that ending a stay will read.
    pub(super) fn of_stay(&self, stay: &StayRecord, ledger: &Ledger) -> Vec<PartRef> {
        let of_target = |target: &Target| match ledger.lists.get(&target.decision) {
            Some(record) if self.touches(&record.body) => target
                .parts
                .clone()
                .unwrap_or_else(|| record.body.parts.clone()),
            _ => Vec::new(),
        };
        stay.targets.iter().flat_map(of_target).collect()
    }

    /// Counts the lines of an open stay that its end will bring back.
    pub(super) fn resume_stay(
        &mut self,
        ledger: &Ledger,
        target: &Target,
        parts: &dyn Parts,
    ) -> Result<(), Refusal> {
        let Some(record) = ledger
            .lists
            .get(&target.decision)
            .filter(|r| r.open > 0 && self.touches(&r.body))
        else {
            return Ok(());
        };
        let mut ended = BTreeSet::new();
        for part in &record.ended_parts {
            read_lines(std::slice::from_ref(part), parts, |line| {
                ended.insert(line.to_string());
                Ok(())
            })?;
        }
        let mut stayed = Vec::new();
        let named = target.parts.as_ref().unwrap_or(&record.body.parts);
        read_lines(named, parts, |line| {
            let home = home(&record.body, line);
            if self.follows(&home) && !ended.contains(&line.to_string()) {
                stayed.push((home.clone(), entry_line(&home, line, &record.body.id)));
            }
            Ok(())
        })?;
        for key in stayed {
            *self.stayed.entry(key).or_default() += 1;
        }
        Ok(())
    }

    fn judge_decision(
        &self,
        leaf: &DecisionLeaf,
        ledger: &Ledger,
        parts: &dyn Parts,
    ) -> Result<Moves, Refusal> {
        let mut overlay = Overlay::new(self);
        match &leaf.body {
            Body::List(list) => return self.judge_list(list, parts),
            Body::Amend(amend) => {
                return Ok(self.judge_amend(&amend.target, amend.not_after, ledger));
            }
            Body::Revoke(revoke) => {
                for target in &revoke.targets {
                    if ledger.stays.contains_key(&target.decision) {
                        self.end_stay(&mut overlay, ledger, &target.decision, parts)?;
                    } else {
                        self.over_target(target, ledger, parts, |home, line, named| {
                            overlay.end(home, line, named)
                        })?;
                    }
                }
            }
            Body::Stay(stay) => {
                for target in &stay.targets {
                    self.over_target(target, ledger, parts, |home, line, named| {
                        overlay.begin_stay(home, line, named)
                    })?;
                }
            }
        }
        Ok(self.moves(overlay, ledger))
    }

    fn judge_list(&self, list: &List, parts: &dyn Parts) -> Result<Moves, Refusal> {
        let mut moves = Moves::default();
        if !self.touches(list) {
            return Ok(moves);
        }
        read_lines(&list.parts, parts, |line| {
            if is_in_clear(line) {
                return Err(Refusal::InClear(line.kind.as_str().into()));
            }
            if !list.measures.iter().any(|m| m.applies_to(line.kind)) {
                return Err(Refusal::NoMeasure(line.to_string()));
            }
            let home = home(list, line);
            if !self.follows(&home) {
                return Ok(());
            }
            let text = entry_line(&home, line, &list.id);
            match home {
                Some(name) => moves.feeds.entry(name).or_default().1.push(text),
                None => moves.silent.push((text, true)),
            }
            Ok(())
        })?;
        for (name, (_, added)) in &mut moves.feeds {
            moves
                .held
                .insert((name.clone(), list.id.to_string()), added.len() as i64);
            added.push(row(name, list.id.as_str(), list.not_after));
        }
        Ok(moves)
    }

    fn judge_amend(&self, target: &DecisionId, not_after: u64, ledger: &Ledger) -> Moves {
        let mut moves = Moves::default();
        let before = ledger.lists.get(target).map_or(0, |r| r.not_after);
        if before == not_after {
            return moves;
        }
        for name in self.sets.keys() {
            if self.held.contains_key(&(name.clone(), target.to_string())) {
                let rows = (
                    vec![row(name, target.as_str(), before)],
                    vec![row(name, target.as_str(), not_after)],
                );
                moves.feeds.insert(name.clone(), rows);
            }
        }
        moves
    }

    fn judge_state(&self, state: &State, ledger: &Ledger) -> Result<(), Refusal> {
        let folded = self.close(ledger, ledger.size + 1);
        for (name, folded) in folded
            .iter()
            .filter(|(name, _)| self.follows(&Some((*name).clone())))
        {
            let refuse = |why| Refusal::Feed {
                feed: name.to_string(),
                why,
            };
            let stated = state
                .feeds
                .get(name)
                .ok_or_else(|| refuse("it is missing"))?;
            if stated.digest != folded.digest {
                return Err(Refusal::Digest {
                    feed: name.to_string(),
                    stated: stated.digest.to_string(),
                    folded: folded.digest.to_string(),
                });
            }
            if stated.entries != folded.entries {
                return Err(refuse("it counts other entries than the decisions give"));
            }
            if stated.serial != folded.serial {
                return Err(refuse("it has another serial than the decisions give"));
            }
        }
        let unknown =
            |name: &&FeedName| self.follows(&Some((*name).clone())) && !folded.contains_key(*name);
        match state.feeds.keys().find(unknown) {
            Some(name) => Err(Refusal::Feed {
                feed: name.to_string(),
                why: "no decision gives it an entry",
            }),
            None => Ok(()),
        }
    }

    fn end_stay(
        &self,
        overlay: &mut Overlay<'_>,
        ledger: &Ledger,
        id: &DecisionId,
        parts: &dyn Parts,
    ) -> Result<(), Refusal> {
        let targets = ledger
            .stays
            .get(id)
            .map(|s| s.targets.as_slice())
            .unwrap_or_default();
        for target in targets {
            let open = ledger
                .lists
                .get(&target.decision)
                .is_some_and(|r| r.open > 0);
            if open {
                self.over_target(target, ledger, parts, |home, line, _| {
                    overlay.end_stay(home, line)
                })?;
            }
        }
        Ok(())
    }

    /// Hands each line of a target to `each`: its home, its `E` line, and whether it was named
    /// by itself.
    fn over_target(
        &self,
        target: &Target,
        ledger: &Ledger,
        parts: &dyn Parts,
        mut each: impl FnMut(Home, String, bool) -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        let Some(record) = ledger
            .lists
            .get(&target.decision)
            .filter(|r| self.touches(&r.body))
        else {
            return Ok(());
        };
        let named = target.parts.is_some();
        read_lines(
            target.parts.as_ref().unwrap_or(&record.body.parts),
            parts,
            |line| {
                let home = home(&record.body, line);
                let text = entry_line(&home, line, &record.body.id);
                each(home, text, named)
            },
        )
    }

    /// Turns changed statuses into moves, with the `D` lines that come and go.
    fn moves(&self, overlay: Overlay<'_>, ledger: &Ledger) -> Moves {
        let mut moves = Moves::default();
        for (home, line, before, now) in overlay.finish() {
            if let Status::Stayed(n) = now {
                moves.stayed.push((home.clone(), line.clone(), Some(n)));
            } else if let Status::Stayed(_) = before {
                moves.stayed.push((home.clone(), line.clone(), None));
            }
            let change = i64::from(now == Status::InForce) - i64::from(before == Status::InForce);
            match (home, change) {
                (_, 0) => {}
                (None, change) => moves.silent.push((line, change > 0)),
                (Some(name), change) => {
                    let id = line.rsplit(' ').next().unwrap_or_default().to_owned();
                    *moves.held.entry((name.clone(), id)).or_default() += change;
                    let (removed, added) = moves.feeds.entry(name).or_default();
                    if change > 0 {
                        added.push(line)
                    } else {
                        removed.push(line)
                    }
                }
            }
        }
        for ((name, id), change) in &moves.held {
            let before = self
                .held
                .get(&(name.clone(), id.clone()))
                .copied()
                .unwrap_or_default();
            let now = before.saturating_add_signed(*change);
            let Some(record) = DecisionId::new(id.clone())
                .ok()
                .and_then(|id| ledger.lists.get(&id))
            else {
                continue;
            };
            let row = row(name, id, record.not_after);
            let (removed, added) = moves.feeds.entry(name.clone()).or_default();
            match (before, now) {
                (0, 1..) => added.push(row),
                (1.., 0) => removed.push(row),
                _ => {}
            }
        }
        moves
    }
}

fn row(feed: &FeedName, id: &str, not_after: u64) -> String {
    FeedLine::Row(Row {
        decision: id,
        measure: Measure::of(feed.kind()),
        not_after,
    })
    .to_string()
}

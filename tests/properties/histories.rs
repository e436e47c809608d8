//! Random histories, played into a log and into the model side by side.

use super::{
    forge::{
        self, Log,
        keys::{approver, document, proposer, root},
        target,
    },
    model::{Aim, Listed, Model, chosen},
};
use blockfeed::decision::{Body, MeasureName, Target};
use proptest::prelude::*;

/// One move of a history. Numbers pick among what is there.
#[derive(Debug, Clone)]
pub enum Move {
    List {
        mask: u16,
        measures: u8,
        hours: u64,
    },
    Amend {
        pick: usize,
        hours: u64,
    },
    Revoke {
        aims: Vec<(usize, Option<u16>)>,
    },
    Stay {
        aims: Vec<(usize, Option<u16>)>,
        hours: u64,
        two: bool,
    },
    EndStay {
        pick: usize,
        with: Option<usize>,
    },
    Wait {
        minutes: u64,
    },
    Close,
    Compact,
}

/// A history in the making.
pub struct Play {
    pub log: Log,
    pub model: Model,
    pub now: u64,
    /// Decisions that the model and the fold refused.
    pub refused: usize,
    next: usize,
}

pub fn moves() -> impl Strategy<Value = Vec<Move>> {
    let aims = || prop::collection::vec((any::<usize>(), prop::option::of(any::<u16>())), 1..3);
    let one = prop_oneof![
        4 => (1..1_u16 << 14, any::<u8>(), 1..100_u64)
            .prop_map(|(mask, measures, hours)| Move::List { mask, measures, hours }),
        1 => (any::<usize>(), 0..100_u64).prop_map(|(pick, hours)| Move::Amend { pick, hours }),
        3 => aims().prop_map(|aims| Move::Revoke { aims }),
        3 => (aims(), 0..80_u64, any::<bool>())
            .prop_map(|(aims, hours, two)| Move::Stay { aims, hours, two }),
        1 => (any::<usize>(), prop::option::of(any::<usize>()))
            .prop_map(|(pick, with)| Move::EndStay { pick, with }),
        2 => (0..3_000_u64).prop_map(|minutes| Move::Wait { minutes }),
        5 => Just(Move::Close),
        1 => Just(Move::Compact),
    ];
    prop::collection::vec(one, 1..40)
}

impl Play {
    /// Plays a history and closes its last commit.
    pub fn new(moves: &[Move]) -> Self {
        let now = forge::vectors::BEGIN;
        let mut play = Self {
            log: Log::begin(now, &document(1), &[root(1), root(3)]),
            model: Model::default(),
            now,
            refused: 0,
            next: 1,
        };
        play.log.close(now);
        for one in moves {
            play.step(one);
        }
        play.close();
        play
    }

    fn step(&mut self, one: &Move) {
        match one {
            Move::List {
                mask,
                measures,
                hours,
            } => self.list(*mask, *measures, *hours),
            Move::Amend { pick, hours } => self.amend(*pick, *hours),
            Move::Revoke { aims } => self.revoke(aims),
            Move::Stay { aims, hours, two } => self.stay(aims, *hours, *two),
            Move::EndStay { pick, with } => self.end_stay(*pick, *with),
            Move::Wait { minutes } => self.now += 60 * minutes,
            Move::Close => self.close(),
            Move::Compact => {
                self.close();
                self.log.compact(self.now);
            }
        }
    }

    fn list(&mut self, mask: u16, measures: u8, hours: u64) {
        use MeasureName::{BlockDomain, BlockIp, DelistSeller, Refer, RemoveAccount};
        // Work orders apply to everything; the feeds' measures come and go.
        let all = [BlockDomain, BlockIp, DelistSeller, Refer, RemoveAccount];
        let measures: Vec<_> = (0..5)
            .filter(|n| *n == 3 || measures >> n & 1 == 1)
            .map(|n| all[n])
            .collect();
        let lines = chosen(mask);
        // Two parts where there are enough lines, ascending across them.
        let (left, right) = lines.split_at(lines.len() / 2);
        let parts = [left, right]
            .into_iter()
            .filter(|lines| !lines.is_empty())
            .map(|lines| self.log.parts.lines(lines))
            .collect();
        let (id, not_after) = (self.allot(), self.now + 3600 * hours);
        let body = forge::list(
            &id,
            self.now,
            not_after,
            &measures,
            &mut self.log.parts,
            parts,
        );
        if self.decide(Body::List(body), true, true) {
            let lines = lines.into_iter().map(|line| (line, false)).collect();
            self.model.lists.push(Listed {
                id,
                measures,
                lines,
                not_after,
            });
        }
    }

    fn amend(&mut self, pick: usize, hours: u64) {
        let Some(n) = pick.checked_rem(self.model.lists.len()) else {
            return;
        };
        let list = &self.model.lists[n];
        let not_after = self.now + 3600 * hours;
        let may = list.is_open() && hours > 0;
        let target = list.id.clone();
        let id = self.allot();
        let body = forge::amend(&id, self.now, &target, not_after, &mut self.log.parts);
        if self.decide(Body::Amend(body), true, may) {
            self.model.lists[n].not_after = not_after;
        }
    }

    fn revoke(&mut self, aims: &[(usize, Option<u16>)]) {
        let aims = self.aims(aims);
        if aims.is_empty() {
            return;
        }
        let (id, targets) = (self.allot(), self.targets(&aims));
        let body = forge::revoke(&id, self.now, targets, &mut self.log.parts);
        if self.decide(Body::Revoke(body), true, self.model.may_aim(&aims)) {
            self.model.revoke(&aims);
        }
    }

    fn stay(&mut self, aims: &[(usize, Option<u16>)], hours: u64, two: bool) {
        let aims = self.aims(aims);
        if aims.is_empty() {
            return;
        }
        let (id, targets) = (self.allot(), self.targets(&aims));
        let until = self.now + 3600 * hours;
        let body = forge::stay(&id, self.now, targets, until, &mut self.log.parts);
        let may = self.model.may_aim(&aims) && hours > 0 && (two || hours <= 72);
        if self.decide(Body::Stay(body), two, may) {
            self.model.stay(&id, &aims, until);
        }
    }

    /// Revokes a stay, alone or beside a decision.
    fn end_stay(&mut self, pick: usize, with: Option<usize>) {
        let Some(n) = pick.checked_rem(self.model.stays.len()) else {
            return;
        };
        let beside: Vec<Aim> = with
            .and_then(|pick| pick.checked_rem(self.model.lists.len()))
            .map(|n| (n, None))
            .into_iter()
            .collect();
        let mut targets = vec![target(&self.model.stays[n].id, None)];
        targets.extend(self.targets(&beside));
        let may = self.model.stays[n].open && self.model.may_aim(&beside);
        let id = self.allot();
        let body = forge::revoke(&id, self.now, targets, &mut self.log.parts);
        if self.decide(Body::Revoke(body), true, may) {
            self.model.stays[n].open = false;
            self.model.revoke(&beside);
        }
    }

    fn close(&mut self) {
        self.log.expire(self.now);
        self.model.expire(self.now);
        if !self.log.fold.ledger.is_closed() {
            self.log.close(self.now);
            self.check();
        }
    }

    /// Signs a decision and gives it to the log, which must judge it as the model does, and must
    /// be as it was if it refuses.
    fn decide(&mut self, body: Body, two: bool, may: bool) -> bool {
        let (first, second) = (proposer(), approver(1));
        let signers = if two {
            vec![&first, &second]
        } else {
            vec![&first]
        };
        let before = self.digests();
        let judged = self.log.try_decide(self.now, &body, &signers);
        assert_eq!(judged.is_ok(), may, "{judged:?}\n{body:#?}");
        if judged.is_err() {
            self.refused += 1;
            assert_eq!(self.digests(), before);
        }
        may
    }

    /// The fold's sets are the model's.
    fn check(&self) {
        let feeds = self.model.feeds();
        for (name, set) in self.log.fold.lines.sets() {
            let mut lines: Vec<&str> = set.lines().collect();
            lines.sort_unstable();
            let expected = feeds.get(name.as_str()).into_iter().flatten();
            assert_eq!(
                lines,
                expected.map(String::as_str).collect::<Vec<_>>(),
                "{name}"
            );
        }
        for name in feeds.keys() {
            let states = self.log.fold.ledger.feeds();
            assert!(states.keys().any(|known| known.as_str() == name), "{name}");
        }
    }

    fn digests(&self) -> Vec<String> {
        let ledger = &self.log.fold.ledger;
        let closing = self.log.fold.lines.close(ledger, ledger.size() + 1);
        let mut all: Vec<String> = closing.values().map(|s| s.digest.to_string()).collect();
        all.push(format!("{:?} {:?}", ledger.size(), ledger.next_due()));
        all
    }

    fn allot(&mut self) -> String {
        self.next += 1;
        format!("2026-{:06}", self.next)
    }

    /// Picks lists, whole or those of their lines that are in a mask; none where no line is left.
    fn aims(&self, picks: &[(usize, Option<u16>)]) -> Vec<Aim> {
        let aim = |(pick, mask): &(usize, Option<u16>)| {
            let n = pick.checked_rem(self.model.lists.len())?;
            let Some(mask) = mask else {
                return Some((n, None));
            };
            let list = &self.model.lists[n];
            // Every second time only lines that can be named; else whatever the mask says.
            let lenient = mask >> 15 == 1;
            let lines: Vec<String> = chosen(*mask)
                .into_iter()
                .filter(|line| !lenient || list.lines.get(line) == Some(&false))
                .collect();
            (!lines.is_empty()).then_some((n, Some(lines)))
        };
        picks.iter().filter_map(aim).collect()
    }

    fn targets(&mut self, aims: &[Aim]) -> Vec<Target> {
        let mut targets = Vec::new();
        for (n, named) in aims {
            let parts = named
                .as_ref()
                .map(|lines| vec![self.log.parts.lines(lines)]);
            targets.push(target(&self.model.lists[*n].id, parts));
        }
        targets
    }
}

//! From what is in force to zones: at the start from the disk and the whole set, then by what moved.

use super::{
    Error, Moment, Source,
    disk::{Disk, Kept},
    levels::{Level, Listing},
    names::{Move, Names},
    reading::{Reading, triggers},
    wire::Form,
    zone::{Zone, next_serial},
};
use std::{collections::VecDeque, sync::Arc};

/// The zones in the order of their levels; none where nothing was ever known of what is in force.
pub(super) type Zones = [Option<Arc<Zone>>; LEVELS];
/// What the zones' records look like, in the same order.
pub(super) type Forms = [Arc<Form>; LEVELS];

/// Makes the zones, and keeps them on disk. One thread owns it.
pub(super) struct Maker {
    source: Arc<dyn Source>,
    disk: Disk,
    forms: Forms,
    /// The history of the log; not known before the first moment is.
    session: Option<String>,
    zones: Zones,
    /// The history that each zone was kept of.
    kept_of: [String; LEVELS],
    /// The last serials of zones that can't go on as they were.
    serials: [Option<u32>; LEVELS],
    /// What the zones were made of last.
    made: Option<Made>,
    /// The base before the present one, as it is on the disk, by its size of the log.
    before: Option<(u64, Names)>,
    /// The history that this one was kept of.
    before_of: String,
    /// Whether a write failed: what the files hold isn't known, so they are written whole.
    doubtful: bool,
}

/// What zones were made of.
struct Made {
    moment: Moment,
    reading: Reading,
    listing: Listing,
    networks: Names,
    /// The size of the log that the base before the present one stood at.
    before_size: u64,
}

impl Maker {
    /// Begins with what is on the disk, which is served whatever history it is of: it was the last
    /// that was.
    pub(super) fn open(source: Arc<dyn Source>, disk: Disk, forms: Forms) -> Self {
        let (kept, before) = std::thread::scope(|scope| {
            let read = |level: Level| {
                let (disk, form) = (&disk, &forms[level as usize]);
                scope.spawn(move || disk.zone(level, form))
            };
            let zones = Level::ALL.map(read);
            let before = disk.image(BEFORE, &forms[Level::Base as usize]);
            let kept = zones.map(|thread| thread.join().unwrap_or(Kept::Nothing));
            (kept, before.filter(|image| image.is_of_form))
        });
        let mut zones = Zones::default();
        let mut kept_of: [String; LEVELS] = Default::default();
        let mut serials = [None; LEVELS];
        for (level, kept) in kept.into_iter().enumerate() {
            match kept {
                Kept::Zone(kept, of) => {
                    (zones[level], kept_of[level]) = (Some(Arc::new(kept)), of);
                }
                Kept::Serial(last) => serials[level] = Some(last),
                Kept::Nothing => {}
            }
        }
        let (before, before_of) = before.map_or((None, String::new()), |image| {
            (Some((image.feed, image.names)), image.session)
        });
        Self {
            source,
            before,
            before_of,
            disk,
            forms,
            session: None,
            zones,
            kept_of,
            serials,
            made: None,
            doubtful: false,
        }
    }

    /// Lets go of what was kept of another history: the serials go on, no difference leads across.
    fn learn(&mut self, session: String) -> Result<(), Error> {
        for level in Level::ALL {
            // What isn't cut off would hide the next step.
            self.disk.mend(level)?;
        }
        let kept = self.zones.iter_mut().zip(&self.kept_of);
        for ((zone, of), serial) in kept.zip(&mut self.serials) {
            if *of != session
                && let Some(zone) = zone.take()
            {
                *serial = Some(zone.serial);
            }
        }
        if self.before_of != session {
            self.before = None;
        }
        self.session = Some(session);
        Ok(())
    }

    /// The zones as they were made last, or kept.
    pub(super) fn zones(&self) -> &Zones {
        &self.zones
    }

    /// How many names stand in no zone since they don't fit.
    pub(super) fn left_out(&self) -> usize {
        self.made.as_ref().map_or(0, |made| made.reading.left_out())
    }

    /// Makes the zones anew from what is in force now, keeps them, and says which changed. Nothing
    /// changes where the disk fails. `now`: Unix seconds.
    pub(super) fn update(&mut self, now: u64) -> Result<Vec<Level>, Error> {
        let Some(moment) = self.source.now() else {
            return Ok(Vec::new());
        };
        if self.session.is_none() {
            self.learn(self.source.session())?;
        }
        let (made, moves, afresh) = match self.made.take() {
            None => {
                let (made, moves) = self.first(moment);
                (made, moves, true)
            }
            Some(old) => self.next(old, moment),
        };
        let mut zones = self.zones.clone();
        let mut changed = Vec::new();
        for ((level, zone), moves) in Level::ALL.into_iter().zip(&mut zones).zip(moves) {
            let feed = feed_of(level, &made.moment);
            let (next, step) = match zone {
                Some(there) if moves.is_empty() => {
                    if there.feed != feed {
                        Arc::make_mut(there).feed = feed;
                    }
                    continue;
                }
                Some(there) => {
                    let (next, step) = there.stepped(moves, feed, now);
                    (next, Some(step))
                }
                None => {
                    let names = whole(&made.listing, &made.networks, level);
                    (self.begin(level, names, feed, now), None)
                }
            };
            let next = Arc::new(next);
            changed.push((next.clone(), step));
            *zone = Some(next);
        }
        let kept = self.keep_before(&made);
        let kept = kept.and_then(|()| self.disk.keep(&changed, self.session(), self.doubtful));
        if let Err(error) = kept {
            // Nothing of this was told to anybody. The next time begins with the zones as they are.
            self.doubtful = true;
            return Err(error);
        }
        let changed = changed.into_iter().map(|(zone, _)| zone.level).collect();
        self.doubtful = false;
        if afresh {
            share(&mut zones, &made);
        }
        self.before = Some((made.before_size, made.listing.before.clone()));
        (self.zones, self.made) = (zones, Some(made));
        Ok(changed)
    }

    /// What the zones are made of at the start, and what moves in each since it was kept.
    fn first(&self, moment: Moment) -> (Made, [Vec<Move>; LEVELS]) {
        let mut reading = Reading::new(&self.forms);
        let all = reading.whole(&moment.domains.set);
        let networks = triggers(&moment.networks.set);
        let [base, before] = moment.bases;
        let served = self.zone(Level::Base).map(|zone| (zone.feed, &zone.names));
        let base = self.generation(&moment, &reading, &all, base, served);
        let (before_size, before) = match (served, &self.before) {
            // Secondaries may hold what was served last, however many generations ago that was.
            (Some((size, names)), _) if size != moment.bases[0] => (size, names.clone()),
            (Some(_), Some((size, names))) => (*size, names.clone()),
            _ if before == moment.bases[0] => (before, base.clone()),
            _ => (
                before,
                self.generation(&moment, &reading, &all, before, None),
            ),
        };
        let minimal = all.to_minimal();
        let [base, before] = [base, before].map(|names| near(&minimal, names));
        let listing = Listing { all, base, before };
        let moves = Level::ALL.map(|level| {
            let wanted = whole(&listing, &networks, level);
            let there = self.zone(level);
            there.map_or(Vec::new(), |zone| zone.names.moves_to(&wanted))
        });
        let made = Made {
            moment,
            reading,
            listing,
            networks,
            before_size,
        };
        (made, moves)
    }

    /// The same from what they were made of last. Costs what moved, but for a new base. Says also
    /// whether so much moved that the zones had better share memory anew.
    fn next(&self, old: Made, moment: Moment) -> (Made, [Vec<Move>; LEVELS], bool) {
        let mut reading = old.reading;
        let moved = reading.moved(
            &old.moment.domains.set,
            &moment.domains.set,
            &old.listing.all,
        );
        let (came, went) = moment.networks.set.moved_since(&old.moment.networks.set);
        let networks = match came.is_empty() && went.is_empty() {
            true => old.networks.clone(),
            false => triggers(&moment.networks.set),
        };
        let triggers = old.networks.moves_to(&networks);
        let mut listing = old.listing.clone();
        listing.all = listing.all.with(&moved);
        let rebased = moment.bases[0] != old.moment.bases[0];
        let mut before_size = old.before_size;
        if rebased {
            let base = moment.bases[0];
            listing.base = self.generation(&moment, &reading, &listing.all, base, None);
            listing.before = old.listing.base.clone();
            before_size = old.moment.bases[0];
        }
        let moves = Level::ALL.map(|level| match level {
            Level::Net => triggers.clone(),
            Level::Rpz => {
                let mut moves = listing.moves(&old.listing, level, &moved);
                moves.extend(triggers.iter().cloned());
                moves.sort_unstable_by(|a, b| a.key.cmp(&b.key));
                moves
            }
            _ if rebased => old.listing.zone(level).moves_to(&listing.zone(level)),
            _ => listing.moves(&old.listing, level, &moved),
        });
        let afresh = rebased || moved.len() > listing.all.len() / 4;
        let made = Made {
            moment,
            reading,
            listing,
            networks,
            before_size,
        };
        (made, moves, afresh)
    }

    /// The base zone at a generation: the present, what was kept, or what the source still has.
    /// Where nobody has it any more, whatever was kept, or the present: any base is right, since
    /// the levels above it follow from it.
    fn generation(
        &self,
        moment: &Moment,
        reading: &Reading,
        all: &Names,
        size: u64,
        kept: Option<(u64, &Names)>,
    ) -> Names {
        if let Some((_, names)) = kept.filter(|(at, _)| *at == size) {
            return names.clone();
        }
        if size >= moment.domains.serial {
            return all.to_minimal();
        }
        match (self.source.domains_at(size), kept) {
            (Some(set), _) => reading.clone().whole(&set).to_minimal(),
            (None, Some((_, names))) => names.clone(),
            (None, None) => all.to_minimal(),
        }
    }

    /// Keeps the base before the present one, where another is on the disk.
    fn keep_before(&self, made: &Made) -> Result<(), Error> {
        let size = made.before_size;
        if self.before.as_ref().is_some_and(|(kept, _)| *kept == size) && !self.doubtful {
            return Ok(());
        }
        let form = &self.forms[Level::Base as usize];
        let names = &made.listing.before;
        self.disk
            .write_image(BEFORE, form, self.session(), (0, size), names)
    }

    /// A zone that was never there, or can't go on.
    fn begin(&self, level: Level, names: Names, feed: u64, now: u64) -> Zone {
        Zone {
            level,
            form: self.forms[level as usize].clone(),
            serial: next_serial(self.serials[level as usize], now),
            feed,
            names,
            shelf: self.disk.shelf(level),
            history: VecDeque::new(),
        }
    }

    /// The history of the log; zones are made of no other.
    fn session(&self) -> &str {
        self.session.as_deref().unwrap_or_default()
    }

    fn zone(&self, level: Level) -> Option<&Zone> {
        self.zones[level as usize].as_deref()
    }
}

/// A whole zone.
fn whole(listing: &Listing, networks: &Names, level: Level) -> Names {
    match level {
        Level::Net => networks.clone(),
        // No name stands where a trigger does.
        Level::Rpz => listing
            .zone(level)
            .with(&Names::default().moves_to(networks)),
        _ => listing.zone(level),
    }
}

/// The names, as a change of others that they hardly differ from: so they share memory.
fn near(others: &Names, names: Names) -> Names {
    let moves = others.moves_to(&names);
    match moves.len() < others.len() / 4 {
        true => others.with(&moves),
        false => names,
    }
}

/// Puts pieces into the zones that share their text with what is listed: the same names, which
/// otherwise lie in memory for each zone.
fn share(zones: &mut Zones, made: &Made) {
    for (level, zone) in Level::ALL.into_iter().zip(zones) {
        if let Some(zone) = zone {
            let names = whole(&made.listing, &made.networks, level);
            Arc::make_mut(zone).replace(names.shared());
        }
    }
}

/// The serial that a zone stands for.
fn feed_of(level: Level, moment: &Moment) -> u64 {
    match level {
        Level::Net => moment.networks.serial,
        Level::Base => moment.bases[0],
        _ => moment.domains.serial,
    }
}

const LEVELS: usize = Level::ALL.len();
/// The file of the base before the present one.
const BEFORE: &str = "before";

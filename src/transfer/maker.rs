//! From what is in force to zones: at the start from the disk and the whole set, then by what moved.

use super::{
    Error, Moment, Source,
    disk::{Disk, Kept},
    levels::{Level, Listing},
    names::{Move, Names, merged},
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
    session: String,
    zones: Zones,
    /// The last serials of zones that can't go on as they were.
    serials: [Option<u32>; LEVELS],
    /// What the zones were made of last.
    made: Option<Made>,
    /// The base before the present one, as it is on the disk, by its size of the log.
    before: Option<(u64, Names)>,
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
    /// Begins with what is on the disk.
    pub(super) fn open(source: Arc<dyn Source>, disk: Disk, forms: Forms) -> Self {
        let session = source.session();
        let mut zones = Zones::default();
        let mut serials = [None; LEVELS];
        for (((level, form), zone), serial) in Level::ALL
            .into_iter()
            .zip(&forms)
            .zip(&mut zones)
            .zip(&mut serials)
        {
            match disk.zone(level, form, &session) {
                Kept::Zone(kept) => *zone = Some(Arc::new(kept)),
                Kept::Serial(last) => *serial = Some(last),
                Kept::Nothing => {}
            }
        }
        let base = &forms[Level::Base as usize];
        let before = disk.image(BEFORE, base, &session).filter(|i| i.is_ours);
        Self {
            source,
            before: before.map(|image| (image.feed, image.names)),
            disk,
            forms,
            session,
            zones,
            serials,
            made: None,
            doubtful: false,
        }
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
        let (made, moves) = match self.made.take() {
            None => self.first(moment),
            Some(old) => self.next(old, moment),
        };
        let mut zones = self.zones.clone();
        let mut changed = Vec::new();
        let mut kept = self.keep_before(&made);
        for ((level, zone), moves) in Level::ALL.into_iter().zip(&mut zones).zip(moves) {
            let feed = feed_of(level, &made.moment);
            match zone {
                Some(there) if moves.is_empty() => {
                    if there.feed != feed {
                        Arc::make_mut(there).feed = feed;
                    }
                    continue;
                }
                Some(there) => {
                    let (next, step) = there.stepped(moves, feed, now);
                    if kept.is_ok() {
                        kept = self.keep(&next, || self.disk.append(level, &step, feed));
                    }
                    *zone = Some(Arc::new(next));
                }
                None => {
                    let next = self.begin(level, &moves, feed, now);
                    if kept.is_ok() {
                        kept = self.disk.write(&next, &self.session);
                    }
                    *zone = Some(Arc::new(next));
                }
            }
            changed.push(level);
        }
        if let Err(error) = kept {
            // Nothing of this was told to anybody. The next time begins with the zones as they are.
            self.doubtful = true;
            return Err(error);
        }
        self.doubtful = false;
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
            (Some((size, names)), _) if size != moment.bases[0] => (size, fresh(names)),
            (Some(_), Some((size, names))) => (*size, fresh(names)),
            _ if before == moment.bases[0] => (before, fresh(&base)),
            _ => (
                before,
                self.generation(&moment, &reading, &all, before, None),
            ),
        };
        let listing = Listing { all, base, before };
        let moves = Level::ALL.map(|level| {
            let wanted = whole(&listing, &networks, level);
            let there = self.zone(level);
            there.map_or(Names::default().moves_to(&wanted), |zone| {
                zone.names.moves_to(&wanted)
            })
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

    /// The same from what they were made of last. Costs what moved, but for a new base.
    fn next(&self, old: Made, moment: Moment) -> (Made, [Vec<Move>; LEVELS]) {
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
            listing.before = fresh(&old.listing.base);
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
        let made = Made {
            moment,
            reading,
            listing,
            networks,
            before_size,
        };
        (made, moves)
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
            return fresh(names);
        }
        if size >= moment.domains.serial {
            return Names::of_sorted(all.iter_minimal());
        }
        match (self.source.domains_at(size), kept) {
            (Some(set), _) => Names::of_sorted(reading.clone().whole(&set).iter_minimal()),
            (None, Some((_, names))) => fresh(names),
            (None, None) => Names::of_sorted(all.iter_minimal()),
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
            .write_image(BEFORE, form, &self.session, (0, size), names)
    }

    /// A zone that was never there, or can't go on.
    fn begin(&self, level: Level, moves: &[Move], feed: u64, now: u64) -> Zone {
        Zone {
            level,
            form: self.forms[level as usize].clone(),
            serial: next_serial(self.serials[level as usize], now),
            feed,
            names: Names::default().with(moves),
            history: VecDeque::new(),
        }
    }

    /// Appends to a zone's journal, or writes the zone whole where that is shorter or in doubt.
    fn keep(&self, zone: &Zone, append: impl FnOnce() -> Result<(), Error>) -> Result<(), Error> {
        let moves: usize = zone.history.iter().map(|step| step.moves.len()).sum();
        let long = JOURNAL + 128 * moves as u64;
        if self.doubtful || self.disk.journal_bytes(zone.level) > long {
            self.disk.write(zone, &self.session)
        } else {
            append()
        }
    }

    fn zone(&self, level: Level) -> Option<&Zone> {
        self.zones[level as usize].as_deref()
    }
}

/// A whole zone.
fn whole(listing: &Listing, networks: &Names, level: Level) -> Names {
    match level {
        Level::Net => networks.clone(),
        Level::Rpz => {
            let both = merged(listing.all.iter_minimal(), networks.iter());
            Names::of_sorted(both.map(|(key, name, trigger)| (key, name.and(trigger))))
        }
        _ => listing.zone(level),
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

/// A copy of its own, without the records that were made of the other for another zone.
fn fresh(names: &Names) -> Names {
    Names::of_sorted(names.iter())
}

const LEVELS: usize = Level::ALL.len();
/// The file of the base before the present one.
const BEFORE: &str = "before";
/// The bytes that a journal may have beside its history before the zone is written whole.
const JOURNAL: u64 = 1 << 20;

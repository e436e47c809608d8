//! Messages as they leave: header, question, records with compressed names.

use super::{
    name::{Name, Profile},
    names::Mark,
    piece::Piece,
};

/// What all records of a zone share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Form {
    pub(super) apex: Name,
    pub(super) profile: Profile,
    /// Seconds, all of them.
    pub(super) ttl: u32,
    pub(super) refresh: u32,
    pub(super) retry: u32,
    pub(super) expire: u32,
}

/// A message being written.
pub(super) struct Message {
    bytes: Vec<u8>,
    /// How many records the sections hold: answer, authority, additional.
    counts: [u16; 3],
    /// Where the zone's name and the target stand, to point there.
    apex: Option<u16>,
    target: Option<u16>,
    /// Where the names of the first SOA stand.
    source: Option<u16>,
    /// The key that was written last, and where each of the names above it stands: the length of
    /// its part of the key, and its place.
    last: Vec<u8>,
    places: Vec<(usize, u16)>,
    /// Room for the places of one name.
    fresh: Vec<(usize, u16)>,
}

/// The head of an answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head {
    pub(super) id: u16,
    /// The second sixteen bits of the header.
    pub(super) flags: u16,
}

impl Message {
    /// A message with nothing in it, written into the room of an earlier one.
    pub(super) fn new(head: Head, room: Vec<u8>) -> Self {
        let mut bytes = room;
        bytes.clear();
        bytes.extend_from_slice(&head.id.to_be_bytes());
        bytes.extend_from_slice(&head.flags.to_be_bytes());
        bytes.extend_from_slice(&[0; 8]);
        Self {
            bytes,
            counts: [0; 3],
            apex: None,
            target: None,
            source: None,
            last: Vec::new(),
            places: Vec::new(),
            fresh: Vec::new(),
        }
    }

    /// Adds the question, as it was asked. Stands first.
    pub(super) fn question(&mut self, question: &[u8]) {
        self.bytes.extend_from_slice(question);
        self.write(4, &1_u16.to_be_bytes());
    }

    /// How many octets it has.
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Adds the zone's SOA to the answer.
    pub(super) fn soa(&mut self, form: &Form, serial: u32) {
        let times = [serial, form.refresh, form.retry, form.expire, form.ttl];
        let mut data = Vec::with_capacity(SERVER.len() + PERSON.len() + 20);
        match self.source {
            // A difference has four of them or more.
            Some(place) => {
                put_pointer(&mut data, place);
                put_pointer(&mut data, place + PERSON_AT);
            }
            None => {
                data.extend_from_slice(SERVER);
                data.extend_from_slice(PERSON);
            }
        }
        times
            .iter()
            .for_each(|n| data.extend_from_slice(&n.to_be_bytes()));
        self.at_apex(form, SOA, &data);
        if self.source.is_none() {
            let begin = self.bytes.len().checked_sub(data.len());
            let place = begin.and_then(|at| u16::try_from(at).ok());
            self.source = place.filter(|at| *at <= FARTHEST - PERSON_AT);
        }
    }

    /// Adds the zone's NS to the answer.
    pub(super) fn ns(&mut self, form: &Form) {
        self.at_apex(form, NS, SERVER);
    }

    /// Adds an empty OPT record: the server speaks EDNS.
    pub(super) fn opt(&mut self, rcode_high: u8) {
        self.bytes.push(0);
        self.bytes.extend_from_slice(&OPT.to_be_bytes());
        self.bytes.extend_from_slice(&UDP_SIZE.to_be_bytes());
        self.bytes.extend_from_slice(&[rcode_high, 0, 0, 0, 0, 0]);
        self.counts[2] += 1;
    }

    /// Adds the records of a name by its mark: itself, and what is below it.
    pub(super) fn name(&mut self, form: &Form, key: &[u8], mark: Mark) {
        if !mark.is_none() {
            self.rule(form, key, false);
        }
        if mark.has_subtree() {
            self.rule(form, key, true);
        }
    }

    /// Adds one record of a name: its own, or the wildcard's below it.
    pub(super) fn rule(&mut self, form: &Form, key: &[u8], wildcard: bool) {
        if wildcard {
            self.bytes.extend_from_slice(b"\x01*");
        }
        self.owner(form, key);
        let target = form.profile.target();
        self.fixed(CNAME, form.ttl);
        match self.target {
            Some(place) if target.len() > 2 => {
                self.bytes.extend_from_slice(&2_u16.to_be_bytes());
                self.point(place);
            }
            _ => {
                let length = u16::try_from(target.len()).unwrap_or(u16::MAX);
                self.bytes.extend_from_slice(&length.to_be_bytes());
                self.target = self.here();
                self.bytes.extend_from_slice(target);
            }
        }
        self.counts[0] = self.counts[0].saturating_add(1);
    }

    /// Adds what a piece was packed to, as `put` writes it. Only where nothing but the header
    /// stands before.
    pub(super) fn packed<E>(
        &mut self,
        records: u16,
        put: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<(), E> {
        put(&mut self.bytes)?;
        self.counts[0] = records;
        Ok(())
    }

    /// The message.
    pub(super) fn finish(mut self) -> Vec<u8> {
        for (at, count) in [6, 8, 10].into_iter().zip(self.counts) {
            self.write(at, &count.to_be_bytes());
        }
        self.bytes
    }

    fn at_apex(&mut self, form: &Form, kind: u16, data: &[u8]) {
        self.apex(form);
        self.fixed(kind, form.ttl);
        let length = u16::try_from(data.len()).unwrap_or(u16::MAX);
        self.bytes.extend_from_slice(&length.to_be_bytes());
        self.bytes.extend_from_slice(data);
        self.counts[0] = self.counts[0].saturating_add(1);
    }

    fn fixed(&mut self, kind: u16, ttl: u32) {
        self.bytes.extend_from_slice(&kind.to_be_bytes());
        self.bytes.extend_from_slice(&1_u16.to_be_bytes());
        self.bytes.extend_from_slice(&ttl.to_be_bytes());
    }

    fn apex(&mut self, form: &Form) {
        match self.apex {
            Some(place) => self.point(place),
            None => {
                self.apex = self.here();
                self.bytes.extend_from_slice(form.apex.wire());
            }
        }
    }

    /// Writes the labels that the name before didn't have, then points to those that it had.
    fn owner(&mut self, form: &Form, key: &[u8]) {
        while let Some((length, _)) = self.places.last()
            && !(self.last.get(..*length) == key.get(..*length)
                && matches!(key.get(*length), None | Some(0)))
        {
            self.places.pop();
        }
        let known = self.places.last().copied();
        // The labels behind the known part, the last one first, as they stand on the wire.
        let floor = known.map_or(0, |(length, _)| length + 1);
        let mut rest = key.get(floor..);
        while let Some(labels) = rest {
            let begin = memchr::memrchr(0, labels).map_or(0, |zero| zero + 1);
            let label = labels.get(begin..).unwrap_or_default();
            if let Some(place) = self.here() {
                self.fresh.push((floor + labels.len(), place));
            }
            let length = u8::try_from(label.len()).unwrap_or_default();
            self.bytes.push(length);
            self.bytes.extend_from_slice(label);
            rest = begin.checked_sub(1).and_then(|end| labels.get(..end));
        }
        match known {
            Some((_, place)) => self.point(place),
            None => self.apex(form),
        }
        self.places.extend(self.fresh.drain(..).rev());
        self.last.clear();
        self.last.extend_from_slice(key);
    }

    /// The place of what comes next, if a pointer reaches it.
    fn here(&self) -> Option<u16> {
        let at = u16::try_from(self.bytes.len()).ok()?;
        (at <= FARTHEST).then_some(at)
    }

    fn point(&mut self, place: u16) {
        put_pointer(&mut self.bytes, place);
    }

    fn write(&mut self, at: usize, two: &[u8; 2]) {
        if let Some(place) = self.bytes.get_mut(at..at + 2) {
            place.copy_from_slice(two);
        }
    }
}

fn put_pointer(bytes: &mut Vec<u8>, place: u16) {
    bytes.extend_from_slice(&(0xC000 | place).to_be_bytes());
}

/// The records of a piece, as they stand behind a message's header, and how many they are.
pub(super) fn pack(form: &Form, piece: &Piece) -> (u16, Vec<u8>) {
    let head = Head { id: 0, flags: 0 };
    let mut message = Message::new(head, Vec::with_capacity(16 << 10));
    for (key, mark) in piece.iter() {
        message.name(form, key, mark);
    }
    let records = message.counts[0];
    let mut bytes = message.finish();
    bytes.drain(..HEADER.min(bytes.len()));
    (records, bytes)
}

/// Octets of a header.
pub(super) const HEADER: usize = 12;
/// The types that are answered or asked for.
pub(super) const NS: u16 = 2;
pub(super) const CNAME: u16 = 5;
pub(super) const SOA: u16 = 6;
pub(super) const OPT: u16 = 41;
pub(super) const TSIG: u16 = 250;
pub(super) const IXFR: u16 = 251;
pub(super) const AXFR: u16 = 252;
/// A size of UDP answers that every path carries; none of ours is longer.
const UDP_SIZE: u16 = 1232;
/// The farthest place that a pointer reaches.
const FARTHEST: u16 = 0x3FFF;
/// `localhost.` and `nobody.invalid.`: nobody asks the primary of a policy zone.
const SERVER: &[u8] = b"\x09localhost\0";
const PERSON: &[u8] = b"\x06nobody\x07invalid\0";
/// Where the second stands behind the first.
const PERSON_AT: u16 = SERVER.len() as u16;

//! Reading a query: strictly, within its bytes, and nothing more than a primary needs.

use super::{
    name::{MAX_WIRE, Name},
    wire::{AXFR, HEADER, IXFR, OPT, SOA, TSIG},
};

/// A query that could be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Query {
    pub(super) id: u16,
    /// The second sixteen bits of the header.
    pub(super) flags: u16,
    /// The question as it was asked: name, type, class.
    pub(super) question: Vec<u8>,
    /// The question's name in lower case.
    pub(super) name: Name,
    pub(super) kind: u16,
    pub(super) class: u16,
    /// The version of EDNS, if the query speaks it.
    pub(super) edns: Option<u8>,
    /// The serial that an IXFR query says it has.
    pub(super) serial: Option<u32>,
    pub(super) tsig: Option<Tsig>,
}

/// A TSIG record (RFC 8945), and where it began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tsig {
    pub(super) start: usize,
    pub(super) key: Name,
    pub(super) algorithm: Name,
    /// Unix seconds; 48 bits.
    pub(super) time: u64,
    /// Seconds.
    pub(super) fudge: u16,
    pub(super) mac: Vec<u8>,
    pub(super) original_id: u16,
    pub(super) error: u16,
    pub(super) other: Vec<u8>,
}

/// What can't be read as a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unread {
    /// Too short to answer, or an answer itself: no reply.
    Silent,
    /// To be answered with this code.
    Refused { id: u16, flags: u16, rcode: u8 },
}

/// Codes of answers.
pub(super) const FORMERR: u8 = 1;
pub(super) const NOTIMP: u8 = 4;

impl Query {
    /// Whether it asks for a zone or for what changed in it.
    pub(super) fn is_transfer(&self) -> bool {
        matches!(self.kind, AXFR | IXFR)
    }

    /// Reads a message.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, Unread> {
        let mut at = Reader { bytes, at: 0 };
        let mut head = [0_u16; 6];
        for field in &mut head {
            *field = at.u16().ok_or(Unread::Silent)?;
        }
        let [id, flags, questions, answers, authority, additional] = head;
        if flags & RESPONSE != 0 {
            return Err(Unread::Silent);
        }
        let refuse = |rcode| Unread::Refused { id, flags, rcode };
        if flags & OPCODE != 0 {
            return Err(refuse(NOTIMP));
        }
        if questions != 1 {
            return Err(refuse(FORMERR));
        }
        let mut query = at.question(id, flags).ok_or(refuse(FORMERR))?;
        let records = [(1, answers), (2, authority), (3, additional)];
        for (section, count) in records {
            for left in (0..count).rev() {
                let last = section == 3 && left == 0;
                at.record(&mut query, section, last)
                    .ok_or(refuse(FORMERR))?;
            }
        }
        if at.at != bytes.len() {
            return Err(refuse(FORMERR));
        }
        Ok(query)
    }
}

/// The bytes of a message that are still to be read.
struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let end = self.at.checked_add(count)?;
        let taken = self.bytes.get(self.at..end)?;
        self.at = end;
        Some(taken)
    }

    fn u16(&mut self) -> Option<u16> {
        let two: [u8; 2] = self.take(2)?.try_into().ok()?;
        Some(u16::from_be_bytes(two))
    }

    fn u32(&mut self) -> Option<u32> {
        let four: [u8; 4] = self.take(4)?.try_into().ok()?;
        Some(u32::from_be_bytes(four))
    }

    /// A name in lower case. Pointers lead only backwards, so that none can go round.
    fn name(&mut self) -> Option<Name> {
        let mut wire = Vec::new();
        // Where the next label is read, and where the name as it stands here ends.
        let (mut at, mut end, mut bound) = (self.at, None, self.at);
        loop {
            let length = *self.bytes.get(at)?;
            match length {
                0 => {
                    wire.push(0);
                    self.at = end.unwrap_or(at + 1);
                    return (wire.len() <= MAX_WIRE).then(|| Name::of_wire(wire));
                }
                1..=63 => {
                    let label = self.bytes.get(at + 1..at + 1 + usize::from(length))?;
                    wire.push(length);
                    wire.extend(label.iter().map(u8::to_ascii_lowercase));
                    if wire.len() >= MAX_WIRE {
                        return None;
                    }
                    at += 1 + usize::from(length);
                }
                0xC0.. => {
                    let low = *self.bytes.get(at + 1)?;
                    let to = usize::from(u16::from_be_bytes([length & 0x3F, low]));
                    if to >= bound {
                        return None;
                    }
                    end = end.or(Some(at + 2));
                    (at, bound) = (to, to);
                }
                _ => return None,
            }
        }
    }

    fn question(&mut self, id: u16, flags: u16) -> Option<Query> {
        let start = self.at;
        let name = self.name()?;
        let (kind, class) = (self.u16()?, self.u16()?);
        let question = self.bytes.get(start..self.at)?.to_vec();
        Some(Query {
            id,
            flags,
            question,
            name,
            kind,
            class,
            edns: None,
            serial: None,
            tsig: None,
        })
    }

    /// Reads a record and takes from it what matters. `None`: the message is malformed.
    fn record(&mut self, query: &mut Query, section: u8, last: bool) -> Option<()> {
        let start = self.at;
        let owner = self.name()?;
        let (kind, class) = (self.u16()?, self.u16()?);
        let ttl = self.u32()?;
        let length = usize::from(self.u16()?);
        let end = self.at.checked_add(length)?;
        self.bytes.get(self.at..end)?;
        match (section, kind) {
            (3, OPT) if query.edns.is_none() && owner.wire() == [0] => {
                query.edns = Some(ttl.to_be_bytes()[1]);
            }
            // Two of them, or one elsewhere, or one that isn't the last (RFC 6891, RFC 8945).
            (_, OPT) => return None,
            (3, TSIG) if last && class == 255 && ttl == 0 => {
                query.tsig = Some(self.tsig(start, owner, end)?);
            }
            (_, TSIG) => return None,
            (2, SOA) if query.kind == IXFR && owner == query.name => {
                query.serial = Some(self.serial()?);
            }
            _ => {}
        }
        self.at = end;
        Some(())
    }

    /// The serial of an SOA's data.
    fn serial(&mut self) -> Option<u32> {
        self.name()?;
        self.name()?;
        self.u32()
    }

    fn tsig(&mut self, start: usize, key: Name, end: usize) -> Option<Tsig> {
        let algorithm = self.name()?;
        let (high, low) = (self.u16()?, self.u32()?);
        let fudge = self.u16()?;
        let length = usize::from(self.u16()?);
        let mac = self.take(length)?.to_vec();
        let (original_id, error) = (self.u16()?, self.u16()?);
        let length = usize::from(self.u16()?);
        let other = self.take(length)?.to_vec();
        (self.at == end && start >= HEADER).then_some(Tsig {
            start,
            key,
            algorithm,
            time: u64::from(high) << 32 | u64::from(low),
            fudge,
            mac,
            original_id,
            error,
            other,
        })
    }
}

/// The bits of a header's second half: it is an answer; what is to be done.
pub(super) const RESPONSE: u16 = 0x8000;
pub(super) const OPCODE: u16 = 0x7800;

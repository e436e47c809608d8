//! A transfer as a run of messages, each made when the reader has taken the one before.
//!
//! ```text
//! whole        SOA NS │ a message for each piece of the zone │ SOA
//! steps        SOA, and for each step: SOA of before, what goes, SOA of after, what comes; SOA
//! nothing new  SOA
//! ```

use super::{
    piece::Piece,
    tsig::Signer,
    wire::{self, Head, Message},
    zone::{Since, Step, Zone},
};
use std::{iter, sync::Arc};

/// What is left to send. Holds the zone as it was when the query came.
pub(super) struct Transfer {
    zone: Arc<Zone>,
    head: Head,
    /// The question, until it was sent.
    question: Option<Vec<u8>>,
    /// Whether the first answer says that EDNS is spoken.
    edns: bool,
    signer: Option<Signer>,
    rest: Rest,
}

enum Rest {
    Soa,
    /// The first message, then the pieces from this one on, then the SOA again.
    Whole(Option<usize>),
    Steps(iter::Peekable<Records>),
    Done,
}

type Records = Box<dyn Iterator<Item = Record> + Send>;

/// A record of a difference.
enum Record {
    Soa(u32),
    Rule {
        step: Arc<Step>,
        at: usize,
        wildcard: bool,
    },
}

impl Transfer {
    /// `asked`: the answer's head, the question, and whether it speaks EDNS.
    pub(super) fn new(
        zone: Arc<Zone>,
        (head, question, edns): (Head, Vec<u8>, bool),
        signer: Option<Signer>,
        since: Since,
    ) -> Self {
        let rest = match since {
            Since::Nothing => Rest::Soa,
            Since::Whole => Rest::Whole(None),
            Since::Steps(steps) => Rest::Steps(records(steps, zone.serial).peekable()),
        };
        Self {
            zone,
            head,
            question: Some(question),
            edns,
            signer,
            rest,
        }
    }

    /// The next message, written into the room of one that was sent. `now`: Unix seconds.
    pub(super) fn next(&mut self, room: Vec<u8>, now: u64) -> Option<Vec<u8>> {
        if matches!(self.rest, Rest::Done) {
            return None;
        }
        let mut message = Message::new(self.head, room);
        let is_first = self.question.is_some();
        if let Some(question) = self.question.take() {
            message.question(&question);
        }
        let zone = &self.zone;
        let more = match &mut self.rest {
            Rest::Done => false,
            Rest::Soa => {
                message.soa(&zone.form, zone.serial);
                false
            }
            Rest::Whole(at) => whole(zone, at, &mut message),
            Rest::Steps(records) => {
                some(zone, records, &mut message);
                records.peek().is_some()
            }
        };
        if !more {
            self.rest = Rest::Done;
        }
        if is_first && self.edns {
            message.opt(0);
        }
        let mut bytes = message.finish();
        if let Some(signer) = &mut self.signer {
            signer.sign(&mut bytes, now);
        }
        Some(bytes)
    }
}

/// Writes the next message of a whole zone, and says whether there are more.
fn whole(zone: &Zone, at: &mut Option<usize>, message: &mut Message) -> bool {
    let Some(next) = *at else {
        message.soa(&zone.form, zone.serial);
        message.ns(&zone.form);
        *at = Some(0);
        return true;
    };
    match zone.names.pieces().get(next) {
        Some(piece) => {
            let pack = |piece: &Piece| wire::pack(&zone.form, piece);
            let packed = piece.packed(|piece| zone.shelf.keep(pack(piece)));
            let put = |bytes: &mut Vec<u8>| zone.shelf.put(packed, bytes);
            if let Err(error) = message.packed(packed.records(), put) {
                // They are made anew: slower, and as good.
                tracing::warn!(%error, zone = %zone.form.apex, "packed records can't be read");
                let (records, made) = pack(piece);
                let put = |bytes: &mut Vec<u8>| {
                    bytes.extend_from_slice(&made);
                    Ok::<(), std::convert::Infallible>(())
                };
                let Ok(()) = message.packed(records, put);
            }
            *at = Some(next + 1);
            true
        }
        None => {
            message.soa(&zone.form, zone.serial);
            false
        }
    }
}

/// Fills a message with records of a difference.
fn some(zone: &Zone, records: &mut iter::Peekable<Records>, message: &mut Message) {
    while message.len() < FULL
        && let Some(record) = records.next()
    {
        match record {
            Record::Soa(serial) => message.soa(&zone.form, serial),
            Record::Rule { step, at, wildcard } => {
                if let Some(moved) = step.moves.get(at) {
                    message.rule(&zone.form, &moved.key, wildcard);
                }
            }
        }
    }
}

/// All records of a difference in the order of RFC 1995.
fn records(steps: Vec<Arc<Step>>, serial: u32) -> Records {
    let of_steps = steps.into_iter().flat_map(|step| {
        let gone = iter::once(Record::Soa(step.from)).chain(parts(step.clone(), false));
        let come = iter::once(Record::Soa(step.to)).chain(parts(step, true));
        gone.chain(come)
    });
    let soa = || iter::once(Record::Soa(serial));
    Box::new(soa().chain(of_steps).chain(soa()))
}

/// What goes in a step, or what comes.
fn parts(step: Arc<Step>, comes: bool) -> impl Iterator<Item = Record> + Send {
    (0..step.moves.len()).flat_map(move |at| {
        let wildcards: Vec<bool> = match step.moves.get(at) {
            Some(moved) => moved.parts(comes).collect(),
            None => Vec::new(),
        };
        let step = step.clone();
        wildcards.into_iter().map(move |wildcard| Record::Rule {
            step: step.clone(),
            at,
            wildcard,
        })
    })
}

/// Octets from which on a message of a difference is full: the longest name and a signature still
/// fit below the 16 KiB that pointers reach.
const FULL: usize = (16 << 10) - 1024;

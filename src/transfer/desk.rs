//! From a query to its answer: who asks, for what, and what that is told (RFC 5936, 1995, 8945).

use super::{
    Held, Metrics, Source,
    keys::Keys,
    levels::Level,
    maker::Zones,
    places::Place,
    query::{FORMERR, OPCODE, Query, RESPONSE, Tsig, Unread},
    repeats::{Bearer, Seen},
    stream::Transfer,
    tsig::{self, Fault, Signer},
    wire::{AXFR, Head, IXFR, Message, NS, SOA},
    zone::{Since, Zone},
};
use crate::entries::FeedName;
use arc_swap::ArcSwap;
use ipnet::IpNet;
use std::{net::IpAddr, sync::Arc};

/// What answers are made of. Shared by all connections.
pub(super) struct Desk {
    pub(super) zones: ArcSwap<Zones>,
    pub(super) keys: ArcSwap<Keys>,
    /// Addresses that need no key.
    pub(super) allow: Vec<IpNet>,
    pub(super) source: Arc<dyn Source>,
    pub(super) metrics: Metrics,
}

/// How a query came.
#[derive(Clone, Copy)]
pub(super) enum Way<'a> {
    Datagram,
    /// By the connection that has this place.
    Stream(&'a Place),
}

/// What goes back.
pub(super) enum Reply {
    Nothing,
    One(Vec<u8>),
    Many(Box<Transfer>),
}

/// An answer being made: to whom, and signed by what.
struct Answer<'a> {
    query: &'a Query,
    signer: Option<Signer>,
    /// Whether the query came before.
    again: bool,
    now: u64,
}

impl Desk {
    /// Answers a message. `now`: Unix seconds.
    pub(super) fn answer(&self, bytes: &[u8], from: IpAddr, way: Way<'_>, now: u64) -> Reply {
        let query = match Query::read(bytes) {
            Ok(query) => query,
            Err(Unread::Silent) => return self.told("silent", Reply::Nothing),
            Err(Unread::Refused { id, flags, rcode }) => {
                let flags = RESPONSE | flags & (OPCODE | RD) | u16::from(rcode);
                let message = Message::new(Head { id, flags }, Vec::new());
                return self.told("malformed", Reply::One(message.finish()));
            }
        };
        let mut answer = Answer {
            query: &query,
            signer: None,
            again: false,
            now,
        };
        if query.edns.is_some_and(|version| version > 0) {
            return self.told("badvers", answer.bad_version());
        }
        if let Some(tsig) = &query.tsig {
            match tsig::verify(&self.keys.load().keys, bytes, tsig, now) {
                Ok(signer) => {
                    let seen = shown(&signer, tsig, from, way, now);
                    let is_replay = seen == Seen::Elsewhere && query.is_transfer();
                    if is_replay && matches!(way, Way::Stream(_)) {
                        return self.bad_time(&answer, signer, tsig.time);
                    }
                    answer.again = seen != Seen::Never;
                    answer.signer = Some(signer);
                }
                Err(Fault::Form) => return self.told("malformed", answer.code(FORMERR)),
                Err(Fault::Unsigned(error)) => {
                    let mut message = answer.message(NOTAUTH);
                    tsig::append_fault(&mut message, tsig, error);
                    return self.told("badkey", Reply::One(message));
                }
                Err(Fault::Time(signer)) => return self.bad_time(&answer, signer, tsig.time),
            }
        }
        if answer.signer.is_none() && !self.is_allowed(from) {
            return self.told("refused", answer.code(REFUSED));
        }
        self.served(answer, way)
    }

    /// "Sign it anew." `time`: the query's.
    fn bad_time(&self, answer: &Answer<'_>, mut signer: Signer, time: u64) -> Reply {
        let mut message = answer.message(NOTAUTH);
        signer.sign_bad_time(&mut message, time, answer.now);
        self.told("badtime", Reply::One(message))
    }

    /// Answers whoever may ask.
    fn served(&self, answer: Answer<'_>, way: Way<'_>) -> Reply {
        let query = answer.query;
        let zones = self.zones.load();
        let is_asked = |zone: &&Arc<Zone>| zone.form.apex == query.name;
        if query.class != IN {
            return self.told("refused", answer.code(REFUSED));
        }
        let Some(zone) = zones.iter().flatten().find(is_asked) else {
            // Before anything was known of what is in force there are no zones at all.
            let code = if zones.iter().all(Option::is_none) {
                SERVFAIL
            } else {
                NOTAUTH
            };
            return self.told("notauth", answer.code(code));
        };
        match (query.kind, way) {
            (SOA, _) => self.told("soa", answer.with(|m| m.soa(&zone.form, zone.serial))),
            (NS, _) => self.told("ns", answer.with(|m| m.ns(&zone.form))),
            (AXFR | IXFR, Way::Datagram) => self.told("truncated", answer.truncated()),
            (AXFR, Way::Stream(_)) => self.told("axfr", answer.transfer(zone, Since::Whole)),
            (IXFR, Way::Stream(_)) => match query.serial {
                None => self.told("malformed", answer.code(FORMERR)),
                Some(serial) => {
                    if !answer.again {
                        self.note(zone, serial, answer.signer.as_ref());
                    }
                    let since = zone.since(serial);
                    let what = match since {
                        Since::Nothing => "nothing",
                        Since::Steps(_) => "ixfr",
                        Since::Whole => "whole",
                    };
                    self.told(what, answer.transfer(zone, since))
                }
            },
            _ => self.told("refused", answer.code(REFUSED)),
        }
    }

    /// A signed IXFR query says what its sender holds.
    fn note(&self, zone: &Zone, serial: u32, signer: Option<&Signer>) {
        let feed = match zone.level {
            Level::Rpz | Level::Block => FeedName::domains(),
            Level::Net => FeedName::networks(),
            // They say what the base was, not what is held of the feed.
            Level::Allow | Level::Base => return,
        };
        if let (Some(signer), Some(serial)) = (signer, zone.feed_at(serial)) {
            let subscriber = signer.subscriber().to_owned();
            self.source.held(Held {
                subscriber,
                feed,
                serial,
            });
        }
    }

    /// Whether an address needs no key.
    pub(super) fn is_allowed(&self, from: IpAddr) -> bool {
        let from = from.to_canonical();
        self.allow.iter().any(|net| net.contains(&from))
    }

    fn told(&self, what: &str, reply: Reply) -> Reply {
        self.metrics.queries.with_label_values(&[what]).inc();
        reply
    }
}

/// Whether a signed query came before. Who brings it first has shown a key.
fn shown(signer: &Signer, tsig: &Tsig, from: IpAddr, way: Way<'_>, now: u64) -> Seen {
    let from = from.to_canonical();
    match way {
        Way::Datagram => signer.seen(tsig, Bearer::Datagram(from), now),
        Way::Stream(place) => {
            let seen = signer.seen(tsig, Bearer::Stream(from, place.number()), now);
            if seen == Seen::Never {
                place.show();
            }
            seen
        }
    }
}

impl Answer<'_> {
    /// An answer without records.
    fn code(self, rcode: u8) -> Reply {
        let message = self.message(rcode);
        self.signed(message)
    }

    /// An answer with some records.
    fn with(self, records: impl FnOnce(&mut Message)) -> Reply {
        let mut message = self.begin(AA);
        records(&mut message);
        if self.query.edns.is_some() {
            message.opt(0);
        }
        let message = message.finish();
        self.signed(message)
    }

    /// "Ask again by TCP."
    fn truncated(self) -> Reply {
        let mut message = self.begin(AA | TC);
        if self.query.edns.is_some() {
            message.opt(0);
        }
        let message = message.finish();
        self.signed(message)
    }

    fn bad_version(self) -> Reply {
        let mut message = self.begin(0);
        message.opt(1);
        let message = message.finish();
        self.signed(message)
    }

    fn transfer(self, zone: &Arc<Zone>, since: Since) -> Reply {
        let query = self.query;
        let mut head = self.head(AA);
        head.flags &= !RD;
        let asked = (head, query.question.clone(), query.edns.is_some());
        Reply::Many(Box::new(Transfer::new(
            zone.clone(),
            asked,
            self.signer,
            since,
        )))
    }

    /// An answer of a code, unsigned.
    fn message(&self, rcode: u8) -> Vec<u8> {
        let mut message = self.begin(u16::from(rcode));
        if self.query.edns.is_some() {
            message.opt(0);
        }
        message.finish()
    }

    fn begin(&self, flags: u16) -> Message {
        let mut message = Message::new(self.head(flags), Vec::new());
        message.question(&self.query.question);
        message
    }

    fn head(&self, flags: u16) -> Head {
        Head {
            id: self.query.id,
            flags: RESPONSE | flags | self.query.flags & RD,
        }
    }

    fn signed(mut self, mut message: Vec<u8>) -> Reply {
        if let Some(signer) = &mut self.signer {
            signer.sign(&mut message, self.now);
        }
        Reply::One(message)
    }
}

const IN: u16 = 1;
/// Codes of answers.
const SERVFAIL: u8 = 2;
const REFUSED: u8 = 5;
const NOTAUTH: u8 = 9;
/// Bits of a header's second half: authoritative, truncated, recursion desired.
const AA: u16 = 0x0400;
const TC: u16 = 0x0200;
const RD: u16 = 0x0100;

#[cfg(test)]
mod tests {
    use super::{
        super::{
            Moment,
            name::{Name, Profile, key_of},
            names::{Mark, Names},
            places::Places,
            repeats::Repeats,
            shelf::Shelf,
            tsig::{Algorithm, Key},
            wire::Form,
        },
        *,
    };
    use prometheus::Registry;
    use ring::hmac;
    use tokio::sync::watch;

    struct Nobody;

    impl Source for Nobody {
        fn session(&self) -> String {
            "00".into()
        }
        fn now(&self) -> Option<Moment> {
            None
        }
        fn domains_at(&self, _: u64) -> Option<crate::entries::Set> {
            None
        }
        fn changed(&self) -> watch::Receiver<u64> {
            watch::channel(0).1
        }
        fn held(&self, _: Held) {}
    }

    fn key() -> Arc<Key> {
        Arc::new(Key {
            name: Name::parse("isp1").unwrap(),
            algorithm: Algorithm::Sha256,
            subscriber: "isp1".into(),
            secret: hmac::Key::new(hmac::HMAC_SHA256, &[7; 32]),
            mark: Vec::new(),
            repeats: Repeats::default(),
        })
    }

    fn desk() -> Desk {
        let form = Form {
            apex: Name::parse("rpz.blockfeed").unwrap(),
            profile: Profile::NxDomain,
            ttl: 60,
            refresh: 60,
            retry: 60,
            expire: 60,
        };
        let names = ["a.example", "b.example"].map(key_of);
        let zone = Zone {
            level: Level::Rpz,
            form: Arc::new(form),
            serial: 7,
            feed: 3,
            names: Names::of_sorted(names.iter().map(|key| (&**key, Mark::SUBTREE))),
            shelf: Arc::new(Shelf::new(
                &std::env::temp_dir().join(format!("shelf{}", std::process::id())),
            )),
            history: std::collections::VecDeque::new(),
        };
        let mut zones = Zones::default();
        zones[0] = Some(Arc::new(zone));
        Desk {
            zones: ArcSwap::from_pointee(zones),
            keys: ArcSwap::from_pointee(Keys {
                keys: vec![key()],
                notify: Vec::new(),
            }),
            allow: vec!["127.0.0.0/8".parse().unwrap()],
            source: Arc::new(Nobody),
            metrics: Metrics::new(&Registry::new()).unwrap(),
        }
    }

    /// A good query: signed or not, with EDNS or not.
    fn query(kind: u16, edns: bool, signed: bool) -> Vec<u8> {
        let mut message = Message::new(Head { id: 9, flags: RD }, Vec::new());
        let mut question = b"\x03rpz\x09blockfeed\0".to_vec();
        question.extend_from_slice(&kind.to_be_bytes());
        question.extend_from_slice(&[0, 1]);
        message.question(&question);
        if edns {
            message.opt(0);
        }
        let mut message = message.finish();
        if kind == IXFR {
            message[9] = 1;
            let soa =
                b"\xc0\x0c\0\x06\0\x01\0\0\0\0\0\x16\0\0\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
            let at = 12 + question.len();
            message.splice(at..at, soa.iter().copied());
        }
        if signed {
            Signer::of(key()).sign(&mut message, NOW);
        }
        message
    }

    fn place() -> Place {
        let metrics = Metrics::new(&Registry::new()).unwrap();
        let places = Places::new(9, 9, metrics);
        places.take([192, 0, 2, 1].into(), false).unwrap().0
    }

    const NOW: u64 = 1_790_000_000;

    #[test]
    fn good_queries_are_answered() {
        let (desk, place) = (desk(), place());
        let from: IpAddr = "192.0.2.1".parse().unwrap();
        for kind in [SOA, NS, AXFR, IXFR] {
            for edns in [false, true] {
                let refused =
                    desk.answer(&query(kind, edns, false), from, Way::Stream(&place), NOW);
                assert!(matches!(refused, Reply::One(m) if m[3] & 15 == REFUSED));
                let answered =
                    desk.answer(&query(kind, edns, true), from, Way::Stream(&place), NOW);
                match answered {
                    Reply::One(m) => assert_eq!((m[3] & 15, m[11]), (0, 1 + u8::from(edns))),
                    Reply::Many(mut transfer) => {
                        let mut count = 0;
                        while transfer.next(Vec::new(), NOW).is_some() {
                            count += 1;
                        }
                        assert_eq!(count, 3);
                    }
                    Reply::Nothing => panic!("nothing"),
                }
                // The same signature again, a while later.
                let late = desk.answer(
                    &query(kind, edns, true),
                    from,
                    Way::Stream(&place),
                    NOW + 301,
                );
                assert!(matches!(late, Reply::One(m) if m[3] & 15 == NOTAUTH));
            }
        }
    }

    /// Good queries with some bytes changed, cut off or put in, and bytes that are none at all:
    /// `QUERIES=1000000 cargo test --lib transfer::desk`.
    #[test]
    fn whatever_comes_is_answered_or_passed_over() {
        let count = std::env::var("QUERIES").map_or(20_000, |n| n.parse().unwrap());
        let (desk, place) = (desk(), place());
        let mut seed = 1_u64;
        let mut number = move |below: usize| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (seed >> 33) as usize % below
        };
        let mut outcomes = [0; 3];
        for _ in 0..count {
            let kind = [SOA, NS, AXFR, IXFR, 1, 250][number(6)];
            let mut bytes = query(kind, number(2) == 0, number(3) > 0);
            for _ in 0..number(4) {
                let at = number(bytes.len());
                match number(6) {
                    0 => bytes.truncate(at.max(1)),
                    1 => bytes.insert(at, number(256) as u8),
                    2 => drop(bytes.remove(at)),
                    3 => bytes[at] = [0, 0xC0, 0xFF, 63, 64, 12][number(6)],
                    4 => bytes.extend_from_within(at..),
                    _ => bytes[at] = number(256) as u8,
                }
                if bytes.is_empty() {
                    bytes.push(0);
                }
            }
            if number(50) == 0 {
                bytes = (0..number(300)).map(|_| number(256) as u8).collect();
            }
            let way = [Way::Datagram, Way::Stream(&place)][number(2)];
            let from = ["127.0.0.1", "192.0.2.1"][number(2)].parse().unwrap();
            match desk.answer(&bytes, from, way, NOW) {
                Reply::Nothing => outcomes[0] += 1,
                Reply::One(answer) => {
                    outcomes[1] += 1;
                    assert!(answer.len() <= 1232 && answer[..2] == bytes[..2]);
                    assert!(answer[2] & 0x80 != 0);
                }
                Reply::Many(mut transfer) => {
                    outcomes[2] += 1;
                    assert!(matches!(way, Way::Stream(_)));
                    while let Some(message) = transfer.next(Vec::new(), NOW) {
                        assert_eq!(message[..2], bytes[..2]);
                    }
                }
            }
        }
        assert!(outcomes.iter().all(|n| *n > 0), "{outcomes:?}");
    }
}

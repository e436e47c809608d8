//! Signed messages (RFC 8945): HMAC-SHA256, -384 and -512, in whole length only.
//!
//! Written here and not taken from a library: the one at hand answers a wrong MAC with FORMERR in
//! place of BADSIG, and signs BADTIME over eight octets of time where six stand in the record.

use super::{
    name::Name,
    query::Tsig,
    repeats::{Bearer, Repeats, Seen},
    wire::HEADER,
};
use ring::hmac;
use std::sync::Arc;

/// A key that a subscriber signs with.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) name: Name,
    pub(super) algorithm: Algorithm,
    pub(super) subscriber: String,
    pub(super) secret: hmac::Key,
    /// Differs where the secret does.
    pub(super) mark: Vec<u8>,
    /// What was signed with it of late.
    pub(super) repeats: Repeats,
}

/// How a key signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Algorithm {
    Sha256,
    Sha384,
    Sha512,
}

/// Signs one message after the other, each over the one before.
#[derive(Debug, Clone)]
pub(super) struct Signer {
    key: Arc<Key>,
    /// The MAC of the message before; the request's at first.
    before: Vec<u8>,
    /// Whether the answer's first message is still to come.
    first: bool,
}

/// Why a signed query isn't taken, and how that is said.
#[derive(Debug)]
pub(super) enum Fault {
    /// The MAC has a length that no message can have: FORMERR.
    Form,
    /// Said in an unsigned TSIG: BADSIG, BADKEY or BADTRUNC.
    Unsigned(u16),
    /// The signature holds and the time doesn't: BADTIME, signed, with our time.
    Time(Signer),
}

impl Key {
    /// Whether another is this one.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        let of = |key: &Self| (key.algorithm, key.subscriber.clone(), key.mark.clone());
        self.name == other.name && of(self) == of(other)
    }
}

impl Algorithm {
    pub(super) const ALL: [Self; 3] = [Self::Sha256, Self::Sha384, Self::Sha512];

    /// The name as it is written.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Sha256 => "hmac-sha256",
            Self::Sha384 => "hmac-sha384",
            Self::Sha512 => "hmac-sha512",
        }
    }

    pub(super) fn of_ring(self) -> hmac::Algorithm {
        match self {
            Self::Sha256 => hmac::HMAC_SHA256,
            Self::Sha384 => hmac::HMAC_SHA384,
            Self::Sha512 => hmac::HMAC_SHA512,
        }
    }

    fn wire(self) -> &'static [u8] {
        match self {
            Self::Sha256 => b"\x0bhmac-sha256\0",
            Self::Sha384 => b"\x0bhmac-sha384\0",
            Self::Sha512 => b"\x0bhmac-sha512\0",
        }
    }
}

/// Holds a query's TSIG against the keys. `now`: Unix seconds.
pub(super) fn verify(
    keys: &[Arc<Key>],
    message: &[u8],
    tsig: &Tsig,
    now: u64,
) -> Result<Signer, Fault> {
    let is_named =
        |key: &&Arc<Key>| key.name == tsig.key && key.algorithm.wire() == tsig.algorithm.wire();
    let key = keys.iter().find(is_named).ok_or(Fault::Unsigned(BADKEY))?;
    let whole = key.algorithm.of_ring().digest_algorithm().output_len();
    if tsig.mac.len() > whole || tsig.mac.len() < (whole / 2).max(10) {
        return Err(Fault::Form);
    }
    if tsig.mac.len() < whole {
        return Err(Fault::Unsigned(BADTRUNC));
    }
    let mut signed = message.get(..tsig.start).unwrap_or_default().to_vec();
    let additional = message.get(10..HEADER).unwrap_or_default();
    let additional = u16::from_be_bytes(additional.try_into().unwrap_or_default());
    put(&mut signed, 0, tsig.original_id);
    put(&mut signed, 10, additional.saturating_sub(1));
    let told = Told {
        time: tsig.time,
        fudge: tsig.fudge,
        error: tsig.error,
        other: &tsig.other,
    };
    told.variables(key, &mut signed);
    // Compared in constant time.
    hmac::verify(&key.secret, &signed, &tsig.mac).map_err(|_| Fault::Unsigned(BADSIG))?;
    let signer = Signer {
        key: key.clone(),
        before: tsig.mac.clone(),
        first: true,
    };
    // After the MAC (RFC 8945, 5.2.3): only who has the key learns our time.
    // A signature holds no longer than ours do, whatever the query asks for.
    if tsig.time.abs_diff(now) > u64::from(tsig.fudge.min(FUDGE)) {
        return Err(Fault::Time(signer));
    }
    Ok(signer)
}

impl Signer {
    /// One that signs a message of our own, which answers none.
    pub(super) fn of(key: Arc<Key>) -> Self {
        Self {
            key,
            before: Vec::new(),
            first: true,
        }
    }

    /// Of whom the key is.
    pub(super) fn subscriber(&self) -> &str {
        &self.key.subscriber
    }

    /// Whether the query that it was made for has come before.
    pub(super) fn seen(&self, tsig: &Tsig, bearer: Bearer, now: u64) -> Seen {
        let signed = (tsig.time, tsig.mac.as_slice());
        self.key.repeats.look(signed, bearer, FUDGE.into(), now)
    }

    /// Signs the next message.
    pub(super) fn sign(&mut self, message: &mut Vec<u8>, now: u64) {
        self.sign_told(message, now, 0, &[]);
    }

    /// Signs the answer to a query whose time is wrong: the time is the query's, ours stands beside.
    pub(super) fn sign_bad_time(&mut self, message: &mut Vec<u8>, time: u64, now: u64) {
        let ours = now.to_be_bytes();
        self.sign_told(message, time, BADTIME, ours.get(2..).unwrap_or_default());
    }

    fn sign_told(&mut self, message: &mut Vec<u8>, time: u64, error: u16, other: &[u8]) {
        let told = Told {
            time,
            fudge: FUDGE,
            error,
            other,
        };
        let mut context = hmac::Context::with_key(&self.key.secret);
        if !self.before.is_empty() {
            let length = u16::try_from(self.before.len()).unwrap_or_default();
            context.update(&length.to_be_bytes());
            context.update(&self.before);
        }
        context.update(message);
        let mut end = Vec::new();
        match self.first {
            true => told.variables(&self.key, &mut end),
            false => told.timers(&mut end),
        }
        context.update(&end);
        let tag = context.sign();
        self.first = false;
        self.before = tag.as_ref().to_vec();
        told.append(
            self.key.name.wire(),
            self.key.algorithm.wire(),
            tag.as_ref(),
            None,
            message,
        );
    }
}

/// Appends the unsigned TSIG that says what was wrong with a query's.
pub(super) fn append_fault(message: &mut Vec<u8>, asked: &Tsig, error: u16) {
    let told = Told {
        time: asked.time,
        fudge: asked.fudge,
        error,
        other: &[],
    };
    let id = Some(asked.original_id);
    told.append(asked.key.wire(), asked.algorithm.wire(), &[], id, message);
}

/// What a TSIG record says beside the MAC.
struct Told<'a> {
    time: u64,
    fudge: u16,
    error: u16,
    other: &'a [u8],
}

impl Told<'_> {
    /// The variables that are signed with a first message (RFC 8945, 4.3.3).
    fn variables(&self, key: &Key, out: &mut Vec<u8>) {
        out.extend_from_slice(key.name.wire());
        out.extend_from_slice(&ANY);
        out.extend_from_slice(key.algorithm.wire());
        self.timers(out);
        out.extend_from_slice(&self.error.to_be_bytes());
        self.other(out);
    }

    fn timers(&self, out: &mut Vec<u8>) {
        let time = self.time.to_be_bytes();
        out.extend_from_slice(time.get(2..).unwrap_or_default());
        out.extend_from_slice(&self.fudge.to_be_bytes());
    }

    fn other(&self, out: &mut Vec<u8>) {
        let length = u16::try_from(self.other.len()).unwrap_or_default();
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(self.other);
    }

    /// Appends the record and counts it.
    fn append(
        &self,
        key: &[u8],
        algorithm: &[u8],
        mac: &[u8],
        id: Option<u16>,
        message: &mut Vec<u8>,
    ) {
        let mut data = algorithm.to_vec();
        self.timers(&mut data);
        let length = u16::try_from(mac.len()).unwrap_or_default();
        data.extend_from_slice(&length.to_be_bytes());
        data.extend_from_slice(mac);
        let own = message.get(..2).unwrap_or_default();
        let own = u16::from_be_bytes(own.try_into().unwrap_or_default());
        data.extend_from_slice(&id.unwrap_or(own).to_be_bytes());
        data.extend_from_slice(&self.error.to_be_bytes());
        self.other(&mut data);
        message.extend_from_slice(key);
        message.extend_from_slice(&super::wire::TSIG.to_be_bytes());
        message.extend_from_slice(&ANY);
        let length = u16::try_from(data.len()).unwrap_or_default();
        message.extend_from_slice(&length.to_be_bytes());
        message.extend_from_slice(&data);
        let additional = message.get(10..HEADER).unwrap_or_default();
        let additional = u16::from_be_bytes(additional.try_into().unwrap_or_default());
        put(message, 10, additional.saturating_add(1));
    }
}

fn put(bytes: &mut [u8], at: usize, value: u16) {
    if let Some(place) = bytes.get_mut(at..at + 2) {
        place.copy_from_slice(&value.to_be_bytes());
    }
}

/// Class ANY and a TTL of zero.
const ANY: [u8; 6] = [0, 255, 0, 0, 0, 0];
/// Seconds that clocks may differ.
const FUDGE: u16 = 300;
pub(super) const BADSIG: u16 = 16;
pub(super) const BADKEY: u16 = 17;
pub(super) const BADTIME: u16 = 18;
pub(super) const BADTRUNC: u16 = 22;

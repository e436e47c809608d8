//! Domain names as zones need them: on the wire, and turned round as keys to sort by.
//!
//! A key holds the labels from the right, divided by zeros: `shop.example.vn` is `vn␀example␀shop`.
//! Compared bytewise, keys stand in the order of labels from the right, a parent before what is
//! below it, and whatever is below a name begins with its key and a zero.

use std::fmt;

/// A name on the wire: lower case, uncompressed, ended by the root, at most 255 octets.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Name(Box<[u8]>);

/// What a triggered query is answered with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Profile {
    NxDomain,
    NoData,
    Drop,
    Pass,
    Redirect(Name),
}

impl Name {
    /// Reads a host's name, with or without its last dot, in letters, digits, `-` and `_`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.strip_suffix('.').unwrap_or(text);
        let mut wire = Vec::with_capacity(text.len() + 2);
        for label in text.split('.') {
            let length = u8::try_from(label.len()).ok()?;
            let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
            if !(1..=63).contains(&length) || !label.bytes().all(plain) {
                return None;
            }
            wire.push(length);
            wire.extend(label.bytes().map(|b| b.to_ascii_lowercase()));
        }
        wire.push(0);
        (wire.len() <= MAX_WIRE).then(|| Self(wire.into()))
    }

    /// Takes octets that were read as a name in lower case.
    pub(super) fn of_wire(wire: Vec<u8>) -> Self {
        Self(wire.into())
    }

    /// The octets, the root's with them.
    pub(super) fn wire(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.wire();
        while let Some((length, after)) = rest.split_first()
            && *length > 0
        {
            let Some((label, after)) = after.split_at_checked(usize::from(*length)) else {
                break;
            };
            write!(f, "{}.", String::from_utf8_lossy(label).escape_debug())?;
            rest = after;
        }
        Ok(())
    }
}

impl Profile {
    /// The target of the CNAME.
    pub(super) fn target(&self) -> &[u8] {
        match self {
            Self::NxDomain => b"\0",
            Self::NoData => b"\x01*\0",
            Self::Drop => b"\x08rpz-drop\0",
            Self::Pass => b"\x0crpz-passthru\0",
            Self::Redirect(host) => host.wire(),
        }
    }
}

/// The key of a name in text.
pub(super) fn key_of(name: &str) -> Box<[u8]> {
    let mut key = Vec::with_capacity(name.len());
    put_key(&mut key, name);
    key.into()
}

/// Adds the key of a name in text.
pub(super) fn put_key(out: &mut Vec<u8>, name: &str) {
    for (at, label) in name.rsplit('.').enumerate() {
        if at > 0 {
            out.push(0);
        }
        out.extend_from_slice(label.as_bytes());
    }
}

/// The keys of the names above a key, the outermost first.
pub(super) fn above(key: &[u8]) -> impl Iterator<Item = &[u8]> {
    let cuts = key.iter().enumerate().filter(|(_, b)| **b == 0);
    cuts.filter_map(|(at, _)| key.get(..at))
}

/// Whether a key stands below another.
pub(super) fn is_below(key: &[u8], parent: &[u8]) -> bool {
    key.strip_prefix(parent)
        .is_some_and(|rest| rest.first() == Some(&0))
}

/// Octets of a name on the wire (RFC 1035).
pub(super) const MAX_WIRE: usize = 255;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_and_shown() {
        let name = Name::parse("Block.Blockfeed.").unwrap();
        assert_eq!(name.wire(), b"\x05block\x09blockfeed\0");
        assert_eq!(name.to_string(), "block.blockfeed.");
        for bad in ["", ".", "a..b", "a b.c", &"x".repeat(64)] {
            assert_eq!(Name::parse(bad), None, "{bad}");
        }
        let long = vec!["x".repeat(63); 4].join(".");
        assert_eq!(Name::parse(&long), None);
    }

    #[test]
    fn keys_stand_in_the_order_of_labels() {
        let mut keys = ["b.vn", "a.b.vn", "b-a.vn", "vn", "c.a.b.vn"].map(key_of);
        keys.sort();
        let want = ["vn", "b.vn", "a.b.vn", "c.a.b.vn", "b-a.vn"].map(key_of);
        assert_eq!(keys, want);
        let key = key_of("c.a.b.vn");
        assert_eq!(above(&key).count(), 3);
        assert!(is_below(&key, &key_of("b.vn")));
        assert!(!is_below(&key_of("b-a.vn"), &key_of("b.vn")));
    }
}

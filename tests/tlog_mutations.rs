//! A hundred thousand seeded changes to notes, checkpoints, bundles, tiles and keys: none panics, none verifies.

use std::error::Error;

use blockfeed::tlog::{
    Checkpoint, CosignerKey, Hash, Level, Note, SignerKey, TileId, Tree, VerifierKey, cosign,
    decode_bundle, decode_tile, encode_bundle, leaf_hash, open_checkpoint, sign_checkpoint,
    sign_note,
};
use ed25519_dalek::SigningKey;

type Outcome = Result<(), Box<dyn Error>>;

const ORIGIN: &str = "blocklist.example/399/v1";

#[test]
fn no_changed_checkpoint_opens_with_other_contents() -> Outcome {
    let log = SignerKey::new(ORIGIN, secret(1))?;
    let size = 70_000;
    let root = Hash::of(b"some root");
    let origin = ORIGIN.to_owned();
    let mut note = sign_checkpoint(&Checkpoint { origin, size, root }, &[&log]);
    let mut witnesses = Vec::new();
    for i in 0..2 {
        let witness = CosignerKey::new(&format!("witness.example/w{i}"), secret(10 + i))?;
        note = cosign(&note, &witness, 1_790_000_000 + u64::from(i))?;
        witnesses.push(witness.verifier().clone());
    }
    let open = |bytes: &[u8]| {
        let key = log.verifier().public;
        open_checkpoint(bytes, ORIGIN, &[key], &witnesses, 2)
    };
    let good = open(&note)?;
    let text = good.checkpoint.encode();
    changed(30_000, &note, |repeated, bytes| match open(bytes) {
        // Saying a signature twice says nothing new; no other change is let through.
        Ok(opened) => {
            assert!(repeated && opened == good, "{bytes:?}");
            assert!(bytes.starts_with(text.as_bytes()));
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    });
    Ok(())
}

#[test]
fn no_changed_note_carries_the_signature_of_its_text() -> Outcome {
    let key = SignerKey::new("feed.example/feed", secret(2))?;
    let text = "blockfeed/manifest/v1\nfeed domains\n\nserial 18\n";
    let bytes = sign_note(text, &[&key]);
    let known = [key.verifier().clone()];
    changed(20_000, &bytes, |_, bytes| {
        let note = Note::parse(bytes, 64 * 1024);
        let verified = note.and_then(|note| Ok((note.verified_by(&known)?, note.text)));
        if let Ok((verified, said)) = verified {
            assert!(verified.is_empty() || said == text, "{bytes:?}");
        }
    });
    Ok(())
}

#[test]
fn no_changed_bundle_makes_the_root() -> Outcome {
    let entries: Vec<Vec<u8>> = (0..40_u8).map(|i| vec![i; usize::from(i) * 3]).collect();
    let root = root_of(&entries);
    let bundle = encode_bundle(&entries)?;
    changed(20_000, &bundle, |_, bytes| {
        if let Ok(entries) = decode_bundle(bytes, 40) {
            assert_ne!(root_of(&entries), root);
        }
    });
    Ok(())
}

#[test]
fn no_changed_tile_makes_the_root() -> Outcome {
    let tree: Tree = (0..40_u8).map(|i| leaf_hash(&[i])).collect();
    let id = TileId {
        level: Level::Hashes(0),
        index: 0,
        width: 40,
    };
    let tile = tree.tile(&id).ok_or("no tile")?;
    changed(20_000, &tile, |_, bytes| {
        if let Ok(hashes) = decode_tile(bytes, 40) {
            assert_ne!(hashes.into_iter().collect::<Tree>().root(), tree.root());
        }
    });
    Ok(())
}

#[test]
fn no_changed_key_or_path_is_read_as_another() -> Outcome {
    let key = SignerKey::new(ORIGIN, secret(3))?.verifier().to_string();
    changed(5_000, key.as_bytes(), |_, bytes| {
        let read = std::str::from_utf8(bytes).map(str::parse::<VerifierKey>);
        assert!(!matches!(read, Ok(Ok(_))), "{bytes:?}");
    });
    changed(5_000, b"tile/entries/x001/x234/067.p/18", |_, bytes| {
        if let Ok(path) = std::str::from_utf8(bytes)
            && let Ok(id) = TileId::parse(path)
        {
            assert_eq!(id.path(), path);
        }
    });
    Ok(())
}

/// Calls `check` with `count` changed versions of `bytes`, none of them equal to it, and whether a line was repeated.
fn changed(count: u32, bytes: &[u8], mut check: impl FnMut(bool, &[u8])) {
    let mut random = Random(0x399);
    let mut made = 0;
    while made < count {
        let mut copy = bytes.to_vec();
        let mut repeated = false;
        // Mostly one change; sometimes several on top of each other.
        for _ in 0..=random.below(8).saturating_sub(5) {
            repeated |= random.change(&mut copy);
        }
        if copy != bytes {
            check(repeated, &copy);
            made += 1;
        }
    }
}

/// SplitMix64: the same changes on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    /// One change; true where it repeated a line.
    fn change(&mut self, bytes: &mut Vec<u8>) -> bool {
        if bytes.is_empty() {
            bytes.push(0);
        }
        let at = self.below(bytes.len());
        match self.below(7) {
            0 => bytes[at] ^= 1 << self.below(8),
            1 => bytes[at] = self.next() as u8,
            2 => {
                let telling = [b'\n', b' ', b'0', b'+', b'=', 0, 0x80, 0xff];
                bytes.insert(at, telling[self.below(telling.len())]);
            }
            3 => {
                bytes.remove(at);
            }
            4 => bytes.truncate(at),
            5 => {
                let other = self.below(bytes.len());
                bytes.swap(at, other);
            }
            _ => {
                self.repeat_line(bytes);
                return true;
            }
        }
        false
    }

    /// Puts one line in front of another: a signature twice, a size in the place of an origin.
    fn repeat_line(&mut self, bytes: &mut Vec<u8>) {
        let lines: Vec<&[u8]> = bytes.split_inclusive(|b| *b == b'\n').collect();
        let line = lines[self.below(lines.len())];
        let before = self.below(lines.len());
        *bytes = [&lines[..before], &[line], &lines[before..]]
            .concat()
            .concat();
    }
}

fn secret(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn root_of(entries: &[Vec<u8>]) -> Hash {
    let tree: Tree = entries.iter().map(|entry| leaf_hash(entry)).collect();
    tree.root()
}

//! The log's formats against figures from elsewhere, and against every change to what they protect.

use std::error::Error;
use std::path::PathBuf;

use blockfeed::tlog::{
    Checkpoint, CosignerKey, Hash, Note, ProofError, SignerKey, TileId, Tree, all_tiles,
    decode_bundle, decode_tile, empty_root, encode_bundle, leaf_hash, open_checkpoint,
    sign_checkpoint, sign_note, verify_consistency, verify_inclusion,
};
use ed25519_dalek::SigningKey;
use proptest::prelude::*;

type Outcome = Result<(), Box<dyn Error>>;

const ORIGIN: &str = "blocklist.example/399/v1";

fn decisions(size: u64) -> Tree {
    (0..size)
        .map(|i| leaf_hash(format!("decision {i}").as_bytes()))
        .collect()
}

/// The Ed25519 seed of the vectors: bytes counting up from `first`.
fn seed(first: u8) -> SigningKey {
    SigningKey::from_bytes(&std::array::from_fn(|i| first + i as u8))
}

#[test]
fn roots_that_three_other_programs_agree_on() -> Outcome {
    let tree = decisions(70_000);
    for (size, root) in [
        (
            1,
            "32c30fc084a0ed6d15e0cad5f391836d2be3ab397c5598fc96785d8ca8ab26e3",
        ),
        (
            3,
            "a6446d8f3326d499e12fcb9fdd1182445aed39639de5473b97c5176e9eb0e647",
        ),
        (
            256,
            "866ce236ade72edcf0a2f43e30dc09beeda14edd6f874608e69b4e3c1e99029b",
        ),
    ] {
        assert_eq!(tree.root_at(size), Some(Hash::from_hex(root)?));
    }
    let root = Hash::from_base64("xOp0U0QjNeGbAde+8oOZ7gHDqvZigb2LXfLSM3owmlM=")?;
    assert_eq!(tree.root(), root);
    Ok(())
}

#[test]
fn keys_and_signature_of_the_size_70000_checkpoint() -> Outcome {
    let log = SignerKey::new(ORIGIN, seed(0x00))?;
    let witness = CosignerKey::new("witness.example/w1", seed(0x20))?;
    assert_eq!(
        log.verifier().to_string(),
        "blocklist.example/399/v1+1099a66b+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"
    );
    assert_eq!(
        witness.verifier().to_string(),
        "witness.example/w1+20324abe+BCmsuuFBvMrwsi4alNNNC8c2HlJtC/4SyJeUvJMilm3X"
    );
    let checkpoint = Checkpoint {
        origin: ORIGIN.to_owned(),
        size: 70_000,
        root: decisions(70_000).root(),
    };
    let note = String::from_utf8(sign_checkpoint(&checkpoint, &[&log]))?;
    assert!(note.ends_with(
        "\n\u{2014} blocklist.example/399/v1 EJmmaz8zUk348rYrxyRu/mnQgBwWoYJty4Z2Cv8yjKAFPkJ6CHEFRfAUJhGNxYGNb80eEGSMaiJV2MS5g6jRhE+t/A8=\n"
    ));
    Ok(())
}

fn shared_vectors() -> Option<PathBuf> {
    let shared = std::env::var_os("BLOCKFEED_SHARED").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared"),
        PathBuf::from,
    );
    Some(shared.join("vectors")).filter(|path| path.is_dir())
}

#[test]
fn the_shared_log_opens_and_its_tiles_rebuild_it() -> Outcome {
    let Some(vectors) = shared_vectors() else {
        println!("SKIPPED the shared vectors: no ../shared here");
        return Ok(());
    };
    let log = vectors.join("log");
    let key = seed(0).verifying_key().to_bytes();
    let note = std::fs::read(log.join("checkpoint"))?;
    let head = open_checkpoint(&note, ORIGIN, &[key], &[], 0)?.checkpoint;
    assert_eq!(
        (head.size, head.root.to_base64().as_str()),
        (18, "N0A6Cj1Zmt4jhAtSzUoYe0i+aiXYjMlfs58KXjamo2Y=")
    );
    let bundle = std::fs::read(log.join("tile/entries/000.p/18"))?;
    let entries = decode_bundle(&bundle, 18)?;
    assert_eq!(encode_bundle(&entries)?, bundle);
    let tree: Tree = entries.iter().map(|entry| leaf_hash(entry)).collect();
    assert_eq!(tree.root(), head.root);
    let mut files = 0;
    for id in all_tiles(head.size) {
        let published = std::fs::read(log.join(id.path()))?;
        files += 1;
        if let Some(tile) = tree.tile(&id) {
            assert_eq!(tile, published, "{}", id.path());
        }
    }
    assert_eq!(files, 2);
    // Signed by the same key and by the same rules, the same head is the same bytes.
    let again = sign_checkpoint(&head, &[&SignerKey::new(ORIGIN, seed(0))?]);
    assert_eq!(again, note);
    Ok(())
}

fn grown() -> &'static Tree {
    static TREE: std::sync::LazyLock<Tree> = std::sync::LazyLock::new(|| decisions(70_000));
    &TREE
}

/// A tree size, small ones as often as large.
fn sizes() -> impl Strategy<Value = u64> {
    prop_oneof![1..=20_u64, 1..=1_000_u64, 1..=70_000_u64]
}

fn flip(hash: &mut Hash, bit: u8) {
    hash.0[usize::from(bit / 8)] ^= 1 << (bit % 8);
}

proptest! {
    #[test]
    fn an_inclusion_proof_proves_its_leaf_place_and_root_only(
        size in sizes(), at in any::<u64>(), other in any::<u64>(), bit in any::<u8>(), which in any::<usize>()
    ) {
        let tree = grown();
        let (index, other) = (at % size, other % size);
        let (leaf, root) = (tree.leaf(index).unwrap(), tree.root_at(size).unwrap());
        let proof = tree.inclusion(index, size).unwrap();
        prop_assert_eq!(verify_inclusion(&leaf, index, size, &proof, &root), Ok(()));
        if other != index {
            prop_assert!(verify_inclusion(&leaf, other, size, &proof, &root).is_err());
        }
        let mut twisted = [leaf, root];
        flip(&mut twisted[which % 2], bit);
        prop_assert_eq!(
            verify_inclusion(&twisted[0], index, size, &proof, &twisted[1]), Err(ProofError::Root));
        if !proof.is_empty() {
            let mut bent = proof.clone();
            flip(&mut bent[which % proof.len()], bit);
            prop_assert_eq!(verify_inclusion(&leaf, index, size, &bent, &root), Err(ProofError::Root));
            prop_assert!(verify_inclusion(&leaf, index, size, &proof[1..], &root).is_err());
        }
        prop_assert!(tree.inclusion(size, size).is_none());
    }

    #[test]
    fn a_consistency_proof_proves_its_two_sizes_and_roots_only(
        new in sizes(), at in any::<u64>(), bit in any::<u8>(), which in any::<usize>()
    ) {
        let tree = grown();
        let old = 1 + at % new;
        let (was, is) = (tree.root_at(old).unwrap(), tree.root_at(new).unwrap());
        let proof = tree.consistency(old, new).unwrap();
        prop_assert_eq!(verify_consistency(old, &was, new, &is, &proof), Ok(()));
        let (mut bent_was, mut bent_is) = (was, is);
        flip(&mut bent_was, bit);
        flip(&mut bent_is, bit);
        prop_assert!(verify_consistency(old, &bent_was, new, &is, &proof).is_err());
        prop_assert!(verify_consistency(old, &was, new, &bent_is, &proof).is_err());
        prop_assert!(verify_consistency(old + 1, &was, new, &is, &proof).is_err());
        if !proof.is_empty() {
            let mut bent = proof.clone();
            flip(&mut bent[which % proof.len()], bit);
            prop_assert!(verify_consistency(old, &was, new, &is, &bent).is_err());
        }
        prop_assert_eq!(tree.consistency(new + 1, new), None);
        prop_assert_eq!(verify_consistency(0, &empty_root(), new, &is, &[]), Ok(()));
    }

    #[test]
    fn tiles_of_any_size_rebuild_the_root(old in sizes(), new in sizes()) {
        let (old, new) = (old.min(new), old.max(new));
        let tree = grown();
        let ids = all_tiles(new);
        let leaves = ids.iter().filter(|id| id.path().starts_with("tile/0/"));
        let mut rebuilt = Tree::new();
        for id in leaves {
            let hashes = decode_tile(&tree.tile(id).unwrap(), id.width).unwrap();
            hashes.into_iter().for_each(|hash| rebuilt.push(hash));
        }
        prop_assert_eq!(rebuilt.size(), new);
        prop_assert_eq!(rebuilt.root(), tree.root_at(new).unwrap());
        for id in &ids {
            prop_assert_eq!(rebuilt.tile(id), tree.tile(id));
            prop_assert_eq!(TileId::parse(&id.path()), Ok(*id));
        }
        // What is published at `new` is what was at `old`, and what growing adds: no file lacks, full ones stay.
        let mut published: std::collections::BTreeSet<_> = all_tiles(old).into_iter().collect();
        let added = blockfeed::tlog::tiles_between(old, new);
        prop_assert!(added.iter().all(|id| !published.contains(id)));
        published.extend(added);
        prop_assert!(ids.iter().all(|id| published.contains(id)));
        rebuilt.truncate(old);
        prop_assert_eq!(rebuilt.root(), tree.root_at(old).unwrap());
    }

    #[test]
    fn a_bundle_comes_back_as_its_entries(
        entries in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 1..=256)
    ) {
        let bundle = encode_bundle(&entries).unwrap();
        prop_assert_eq!(decode_bundle(&bundle, entries.len()).unwrap(), entries.clone());
        prop_assert!(decode_bundle(&bundle[..bundle.len() - 1], entries.len()).is_err());
        prop_assert!(decode_bundle(&bundle, entries.len() - 1).is_err());
        prop_assert!(decode_bundle(&bundle, entries.len() + 1).is_err());
    }

    #[test]
    fn a_note_comes_back_as_its_text(text in "[ -~\u{a1}-\u{2fff}\n]{0,200}\n", signers in 1..8_u8) {
        let keys: Vec<_> = (0..signers)
            .map(|i| SignerKey::new(&format!("signer{i}.example"), seed(i)).unwrap())
            .collect();
        let bytes = sign_note(&text, &keys.iter().collect::<Vec<_>>());
        let note = Note::parse(&bytes, bytes.len()).unwrap();
        let known: Vec<_> = keys.iter().map(|key| key.verifier().clone()).collect();
        let verified = note.verified_by(&known).unwrap();
        prop_assert_eq!(&note.text, &text);
        prop_assert!(verified.iter().map(|v| &v.key).eq(&known));
    }

    #[test]
    fn whatever_bytes_come_nothing_panics(bytes in prop::collection::vec(any::<u8>(), 0..600), count in 0..300_usize) {
        let key = seed(0).verifying_key().to_bytes();
        prop_assert!(open_checkpoint(&bytes, ORIGIN, &[key], &[], 0).is_err());
        let _ = decode_bundle(&bytes, count);
        let _ = decode_tile(&bytes, count as u16);
        let text = String::from_utf8_lossy(&bytes);
        let _ = TileId::parse(&text);
        prop_assert!(text.parse::<blockfeed::tlog::VerifierKey>().is_err());
    }
}

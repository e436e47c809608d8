//! The transparency log's formats: Merkle tree, proofs, tiles, bundles, notes, checkpoints, cosignatures.
//!
//! Follows the public C2SP specifications signed-note, tlog-checkpoint, tlog-tiles and tlog-cosignature, and RFC 6962
//! §2.1 for the tree, so that anybody's verifier can check what is published here. Everything is pure: bytes in, bytes
//! or verdicts out. Nothing here knows what a leaf means, reads a clock, a file or a socket.
//!
//! | file | owns |
//! |---|---|
//! | `hash` | [`Hash`], [`leaf_hash`], [`node_hash`] |
//! | `tree` | [`Tree`]: the tree in memory, its roots, proofs and hash tiles |
//! | `proof` | [`verify_inclusion`], [`verify_consistency`] |
//! | `tile` | [`TileId`]: which files a tree of a size consists of |
//! | `bundle` | [`encode_bundle`], [`decode_bundle`]: the entries themselves |
//! | `key` | [`VerifierKey`], [`SignerKey`], [`CosignerKey`] |
//! | `note` | [`Note`]: signed text |
//! | `checkpoint` | [`Checkpoint`], [`open_checkpoint`], [`cosign`]: a signed tree head and who has seen it |

mod bundle;
mod checkpoint;
mod error;
mod hash;
mod key;
mod note;
mod proof;
mod tile;
mod tree;

pub use bundle::{MAX_BUNDLE, MAX_ENTRY, decode_bundle, encode_bundle};
pub use checkpoint::{
    Checkpoint, MAX_CHECKPOINT, Opened, cosign, open_checkpoint, sign_checkpoint,
};
pub use error::{Error, ProofError};
pub use hash::{Hash, empty_root, leaf_hash, node_hash};
pub use key::{CosignerKey, KeyKind, SignerKey, VerifierKey};
pub use note::{MAX_SIGNATURES, Note, NoteSignature, Verified, sign_note};
pub use proof::{verify_consistency, verify_inclusion};
pub use tile::{Level, TILE_WIDTH, TileId, all_tiles, decode_tile, tiles_between};
pub use tree::Tree;

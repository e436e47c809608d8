//! Verifying Merkle proofs, as RFC 9162 §2.1.3.2 and §2.1.4.2 spell the algorithms out for the tree of RFC 6962.

use super::error::ProofError;
use super::hash::{Hash, empty_root, node_hash};

/// Verifies that the leaf with hash `leaf` stands at `index` (from 0) in the tree of `size` leaves with `root`.
pub fn verify_inclusion(
    leaf: &Hash,
    index: u64,
    size: u64,
    proof: &[Hash],
    root: &Hash,
) -> Result<(), ProofError> {
    if index >= size {
        return Err(ProofError::IndexOutOfRange { index, size });
    }
    let mut position = index;
    let mut last = size - 1;
    let mut node = *leaf;
    for sibling in proof {
        if last == 0 {
            return Err(ProofError::Length { have: proof.len() });
        }
        if position & 1 == 1 || position == last {
            node = node_hash(sibling, &node);
            climb_to_right_child(&mut position, &mut last);
        } else {
            node = node_hash(&node, sibling);
        }
        position >>= 1;
        last >>= 1;
    }
    if last != 0 {
        return Err(ProofError::Length { have: proof.len() });
    }
    if node != *root {
        return Err(ProofError::Root);
    }
    Ok(())
}

/// Verifies that the tree of `old` leaves with `old_root` is the beginning of the one of `new` leaves with `new_root`.
///
/// Equal sizes and an `old` of 0 take an empty proof, and the roots must be equal, or the empty tree's.
pub fn verify_consistency(
    old: u64,
    old_root: &Hash,
    new: u64,
    new_root: &Hash,
    proof: &[Hash],
) -> Result<(), ProofError> {
    if old > new {
        return Err(ProofError::Shrunk { old, new });
    }
    let length = ProofError::Length { have: proof.len() };
    if old == 0 || old == new {
        let known = if old == 0 { empty_root() } else { *new_root };
        // Two empty trees are of equal size too: both roots are then the empty one.
        let empty_grew = new == 0 && *new_root != empty_root();
        return match proof {
            [] if *old_root == known && !empty_grew => Ok(()),
            [] => Err(ProofError::Root),
            _ => Err(length),
        };
    }
    // A complete old tree is itself the first node of the path, and left out of the proof.
    let (first, rest) = match proof {
        [] => return Err(length),
        _ if old.is_power_of_two() => (old_root, proof),
        [first, rest @ ..] => (first, rest),
    };
    let shared = (old - 1).trailing_ones();
    let mut position = (old - 1) >> shared;
    let mut last = (new - 1) >> shared;
    let (mut old_node, mut new_node) = (*first, *first);
    for sibling in rest {
        if last == 0 {
            return Err(length);
        }
        if position & 1 == 1 || position == last {
            old_node = node_hash(sibling, &old_node);
            new_node = node_hash(sibling, &new_node);
            climb_to_right_child(&mut position, &mut last);
        } else {
            new_node = node_hash(&new_node, sibling);
        }
        position >>= 1;
        last >>= 1;
    }
    if last != 0 {
        return Err(length);
    }
    if old_node != *old_root || new_node != *new_root {
        return Err(ProofError::Root);
    }
    Ok(())
}

/// On the right edge, skips the heights at which the node has no sibling.
fn climb_to_right_child(position: &mut u64, last: &mut u64) {
    while *position & 1 == 0 && *position != 0 {
        *position >>= 1;
        *last >>= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Tree, leaf_hash};
    use super::*;

    #[test]
    fn every_proof_of_small_trees_verifies_and_no_other() {
        let tree: Tree = (0..40_u8).map(|i| leaf_hash(&[i])).collect();
        for new in 0..=40 {
            let root = tree.root_at(new).unwrap_or_else(empty_root);
            for index in 0..new {
                let proof = tree.inclusion(index, new).unwrap_or_default();
                let leaf = leaf_hash(&[index as u8]);
                assert_eq!(verify_inclusion(&leaf, index, new, &proof, &root), Ok(()));
                assert!(verify_inclusion(&leaf, index ^ 1, new, &proof, &root).is_err());
            }
            for old in 0..=new {
                let old_root = tree.root_at(old).unwrap_or_else(empty_root);
                let proof = tree.consistency(old, new).unwrap_or_default();
                let verdict = verify_consistency(old, &old_root, new, &root, &proof);
                assert_eq!(verdict, Ok(()), "{old} to {new}");
                let longer = [proof.as_slice(), &[root]].concat();
                assert!(verify_consistency(old, &old_root, new, &root, &longer).is_err());
                assert!(verify_consistency(old, &leaf_hash(b""), new, &root, &proof).is_err());
            }
        }
        let huge = verify_inclusion(&empty_root(), u64::MAX - 1, u64::MAX, &[], &empty_root());
        assert!(huge.is_err());
    }
}

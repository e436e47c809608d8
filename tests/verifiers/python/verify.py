"""Verifies everything that a published folder says, by rules written from the design page alone.

    python3 verify.py FOLDER [--vkey KEY] [--expected FILE] [--proof FILE]…
    python3 verify.py FOLDER --log-only --vkey KEY

FOLDER holds log/checkpoint, log/tile/…, part/… and feeds/… as published. The program rebuilds the tree from the entry
bundles, checks every trust document and approval, recomputes each feed along the whole history against the state
leaves, and checks every manifest, snapshot and delta; with --log-only it checks the tree alone, whatever the leaves
are. Exit code 0 and one line of figures only where all of it holds;
1 where something is wrong, 2 for wrong use. Needs Python's `cryptography` and the command `zstd`.
"""

import argparse
import json
import sys
from pathlib import Path

sys.dont_write_bytecode = True  # this folder is kept in the project: leave nothing beside the sources

import published
from formats import (Bad, Note, Tree, base64, canonical, leaf_hash, need, parse_checkpoint, read_bundle, sha256,
                     tile_path, unbase64, verifier_key)
from history import History, Parts


def read_log(folder):
    """The checkpoint's note and all entries, their tree held against its root and against the hash tiles."""
    log = folder / "log"
    note = Note((log / "checkpoint").read_bytes(), "checkpoint", 64 * 1024)
    _, size, root = parse_checkpoint(note.text, "checkpoint")
    entries = []
    for first in range(0, size, 256):
        width = min(256, size - first)
        path = tile_path("entries", first // 256, width)
        entries += read_bundle((log / path).read_bytes(), width, path)
    leaves = [leaf_hash(entry) for entry in entries]
    tree = Tree(leaves)
    need(tree.root(size) == root, "the entries do not make the checkpoint's root")
    check_tiles(log, leaves)
    return note, entries, tree


def check_tiles(log, hashes):
    level = 0
    while hashes:
        for first in range(0, len(hashes), 256):
            tile = hashes[first : first + 256]
            path = tile_path(level, first // 256, len(tile))
            need((log / path).read_bytes() == b"".join(tile), path, "not the hashes of the entries")
        full = len(hashes) - len(hashes) % 256
        hashes = [Tree(hashes[i : i + 256]).root(256) for i in range(0, full, 256)]
        level += 1


def check_openings(expected):
    """The opening of a committed seller leads to its commitment."""
    opening = expected.get("opening")
    if opening:
        salt = bytes.fromhex(opening["salt"])
        commitment = sha256(b"blockfeed/commitment/v1\0", salt, canonical(opening["record"])).hex()
        need(commitment == opening["commitment"], "expected: the opening does not lead to its commitment")


def manifests(folder):
    feeds = folder / "feeds"
    return sorted(str(path.parent.relative_to(feeds)) for path in feeds.glob("**/manifest"))


def verify_log(vkey, note, entries):
    """The tree alone: the given key signed the checkpoint."""
    need(vkey, "--log-only needs --vkey")
    name, _, key = vkey.split("+", 2)
    origin, size, _ = parse_checkpoint(note.text, "checkpoint")
    public = unbase64(key, "verifier key")[1:]
    need(vkey == verifier_key(origin, 1, public), "the verifier key is not one of", origin, "but of", name)
    need(note.signed_by(origin, public), "checkpoint: no signature by the key given")
    return f"python: size {size} entry-bytes {sum(map(len, entries))} (log only)"


def verify_folder(options):
    folder = options.folder
    note, entries, tree = read_log(folder)
    if options.log_only:
        return verify_log(options.vkey, note, entries)
    history = History(Parts(folder))
    for entry in entries:
        history.add(entry)
    size = len(entries)
    need(size in history.states, "the checkpoint does not stand at a state leaf")
    trust = history.trust.document
    size, root = published.opened_checkpoint(note, trust, "checkpoint")
    keys = [verifier_key(history.origin, 1, unbase64(key["public"], "log key")) for key in trust["log"]]
    need(options.vkey is None or options.vkey in keys, "the verifier key given is none of the log's:", keys)
    feeds = manifests(folder)
    need(set(feeds) == set(history.feeds), "manifests of", feeds, "but feeds", sorted(history.feeds))
    deltas = sum(published.Manifest(folder, feed, history, tree).check()[1] for feed in feeds)
    for path in options.proof:
        print("proof:", published.check_proof(path.read_text(), history))
    compared = 0
    if options.expected:
        expected = json.loads(options.expected.read_text())
        feed_key = unbase64(trust["feed"][-1]["public"], "feed key")
        vkeys = (keys[-1], verifier_key(history.origin + "/feed", 1, feed_key))
        root64 = base64.b64encode(root).decode()
        compared = published.check_expected(expected, history, size, root64, vkeys)
        check_openings(expected)
    count = history.counts
    sets = sum(len(past) for past in history.past.values())
    return (f"python: size {size} decisions {count.get('decision', 0)} approvals {history.approvals} "
            f"trust {trust['version']} states {count.get('state', 0)} sets {sets} manifests {len(feeds)} "
            f"deltas {deltas} expected {compared} proofs {len(options.proof)}")


def main():
    parser = argparse.ArgumentParser(description="verify a published folder")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--vkey", help="the log's verifier key, if it is known from elsewhere")
    parser.add_argument("--log-only", action="store_true", help="check the tree, not what its leaves say")
    parser.add_argument("--expected", type=Path, help="expected.json of the shared vectors")
    parser.add_argument("--proof", type=Path, action="append", default=[], help="JSON of GET /feeds/<feed>/proof")
    try:
        print(verify_folder(parser.parse_args()))
    except (Bad, OSError, KeyError, TypeError, IndexError, AttributeError, ValueError, RecursionError) as error:
        print(f"FAILED: {type(error).__name__}: {error}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()

"""What stands beside the log: manifests, snapshots, deltas, and proofs that a name is or is not listed."""

import json
import re

from digest import bucket_hash, bucket_of, digest_over
from formats import (Note, leaf_hash, need, node_hash, parse_checkpoint, root_from_inclusion, sha256, unbase64, unzstd,
                     verifier_key)

HEX = "[0-9a-f]{64}"
MANIFEST = re.compile(
    r"blockfeed/manifest/v1\n"
    r"origin (?P<origin>\S+)\nfeed (?P<feed>\S+)\nsession (?P<session>[0-9a-f]{16})\nserial (?P<serial>[1-9][0-9]*)\n"
    rf"time (?P<time>[0-9]+)\ndigest (?P<digest>{HEX})\npoll (?P<poll>[1-9][0-9]*)\n"
    rf"snapshot (?P<snapshot>[1-9][0-9]* [0-9]+ {HEX} [0-9]+ {HEX})\n"
    rf"(?P<deltas>(?:delta [1-9][0-9]* [1-9][0-9]* \+[0-9]+ -[0-9]+ [0-9]+ {HEX} [0-9]+ {HEX}\n)*)"
    r"state (?P<state>\S+)\n(?P<proofs>(?:proof \S+\n)*)checkpoint (?P<checkpoint>\S+)\n")


def opened_checkpoint(note, trust, what):
    """(size, root) where a log key and the quorum of witnesses signed."""
    origin, size, root = parse_checkpoint(note.text, what)
    need(origin == trust["origin"], what, "another log:", origin)
    log = {unbase64(key["public"], "log key") for key in trust["log"]}
    need(any([note.signed_by(origin, key) for key in log]), what, "no signature by a key of the log")
    seen = set()
    for witness in trust["witnesses"]["keys"]:
        name, public = witness_key(witness)
        if public not in log and note.cosigned_by(name, public) is not None:
            seen.add(public)
    need(len(seen) >= trust["witnesses"]["quorum"], what, "cosigned by", len(seen))
    return size, root


def witness_key(text):
    """Name and public key of a witness, from its written verifier key (type 4)."""
    name, _, key = text.split("+", 2)
    public = unbase64(key, "witness")[1:]
    need(text == verifier_key(name, 4, public), "not a cosigner's verifier key:", text)
    return name, public


def file_of(folder, kind, suffix, length, digest, zlength, zdigest, what):
    """Text of a snapshot or delta, after its lengths and hashes."""
    need(int(length) < 1 << 31 and int(zlength) < 1 << 31, what, "length")
    path = folder / kind / f"{zdigest}{suffix}"
    need(path.exists(), what, "missing:", path)
    packed = path.read_bytes()
    need(len(packed) == int(zlength) and sha256(packed).hex() == zdigest, what, "compressed length or hash")
    data = unzstd(packed, what)
    need(len(data) == int(length) and sha256(data).hex() == digest, what, "length or hash")
    return data.decode()


def delta_lines(before, after, header):
    old, new = set(before), set(after)
    return ([header] + ["-" + line for line in before if line not in new]
            + ["+" + line for line in after if line not in old])


def as_text(lines):
    return "".join(line + "\n" for line in lines)


class Manifest:
    """One feed's manifest held against the log and its history."""

    def __init__(self, folder, feed, history, tree):
        self.what = f"manifest of {feed}"
        self.folder, self.feed, self.history, self.tree = folder / "feeds" / feed, feed, history, tree
        note = Note((self.folder / "manifest").read_bytes(), self.what, 256 * 1024)
        trust = history.trust.document
        keys = [unbase64(key["public"], "feed key") for key in trust["feed"]]
        signed = [note.signed_by(history.origin + "/feed", key) for key in keys]
        need(any(signed), self.what, "no signature by a feed key")
        match = MANIFEST.fullmatch(note.text)
        need(match, self.what, "a line is unknown, missing or in another place")
        self.said = match.groupdict()
        self.serial = int(self.said["serial"])

    def check(self):
        said, what, history = self.said, self.what, self.history
        need((said["origin"], said["feed"], said["session"]) == (history.origin, self.feed, history.session), what,
             "origin, feed or session")
        note = Note(unbase64(said["checkpoint"], what), what, 64 * 1024)
        size, root = opened_checkpoint(note, history.trust.document, what)
        need(size <= history.size and root == self.tree.root(size), what, "its checkpoint is no beginning of the log")
        state = unbase64(said["state"], what)
        need(history.states.get(size) == state, what, "its state leaf is not the last leaf of its checkpoint")
        proof = [unbase64(line[6:], what) for line in said["proofs"].splitlines()]
        need(root_from_inclusion(leaf_hash(state), size - 1, size, proof) == root, what, "inclusion proof")
        in_leaf = json.loads(state)["feeds"][self.feed]
        need((in_leaf["serial"], in_leaf["digest"]) == (self.serial, said["digest"]), what, "serial or digest")
        return self.check_snapshot(), self.check_deltas()

    def lines_at(self, serial):
        need(serial in self.history.past[self.feed], self.what, "no serial", serial)
        return self.history.past[self.feed][serial][1]

    def check_snapshot(self):
        serial, *file = self.said["snapshot"].split(" ")
        text = file_of(self.folder, "snapshot", ".zst", *file, f"{self.what}: snapshot {serial}")
        header = f"blockfeed/snapshot/v1 {self.history.origin} {self.feed} {serial}"
        need(text == as_text([header] + self.lines_at(int(serial))), self.what, "snapshot", serial, "text")
        return int(serial)

    def check_deltas(self):
        steps = {}
        lines = self.said["deltas"].splitlines()
        need(len(lines) <= 128, self.what, "more than 128 deltas")
        for line in lines:
            _, start, end, plus, minus, *file = line.split(" ")
            what = f"{self.what}: delta {start} {end}"
            need(int(start) < int(end), what, "runs backwards")
            text = file_of(self.folder, "delta", ".zst", *file, what)
            header = f"blockfeed/delta/v1 {self.history.origin} {self.feed} {start} {end}"
            expected = delta_lines(self.lines_at(int(start)), self.lines_at(int(end)), header)
            need(text == as_text(expected), what, "text")
            announced = sum(line.startswith("+E ") for line in expected)
            withdrawn = sum(line.startswith("-E ") for line in expected)
            need((plus, minus) == (f"+{announced}", f"-{withdrawn}"), what, "counts")
            steps.setdefault(int(start), set()).add(int(end))
        reached, todo = set(), [int(self.said["snapshot"].split(" ")[0])]
        while todo:
            at = todo.pop()
            if at not in reached:
                reached.add(at)
                todo.extend(steps.get(at, ()))
        need(self.serial in reached, self.what, "no chain of deltas from the snapshot to", self.serial)
        return len(lines)


# --- proof that a name is or is not listed ----------------------------------------------------------------------------


def check_proof(data, history):
    """Checks the JSON of GET /feeds/<feed>/proof?name= and says what it proves."""
    proof = json.loads(data)
    feed, serial, entries = proof["feed"], proof["serial"], proof["entries"]
    known = history.past.get(feed, {}).get(serial)
    need(known and known[0] == proof["digest"], "proof: no state leaf has this feed, serial and digest")
    name, held = proof["proofs"][0]["name"], []
    for step, one in enumerate(proof["proofs"]):
        what = f"proof for {one['name']}"
        if step and feed == "domains":
            need(proof["proofs"][step - 1]["name"].split(".", 1)[1:] == [one["name"]], what, "not the next ancestor")
        need(one["bucket"] == bucket_of(one["name"]), what, "bucket")
        lines, path = one["lines"], [bytes.fromhex(h) for h in one["path"]]
        need(lines == sorted(set(lines), key=str.encode) and len(path) == 16, what, "lines or path")
        need(all(bucket_of(line.split(" ")[1]) == one["bucket"] for line in lines), what, "a line of another bucket")
        node, at = bucket_hash(lines), one["bucket"]
        for sibling in path:
            need(len(sibling) == 32, what, "path")
            node = node_hash(sibling, node) if at & 1 else node_hash(node, sibling)
            at >>= 1
        need(digest_over(history.origin, feed, entries, node).hex() == proof["digest"], what, "does not lead to digest")
        for line in lines:
            kind, subject, *rest = line.split(" ")
            if kind == "E" and subject == one["name"] and (step == 0 or rest[0] == "+" or feed == "networks"):
                held.append(f"{rest[1]} ({subject} {rest[0]})")
    if feed == "domains":
        need("." not in proof["proofs"][-1]["name"] or len(proof["proofs"]) >= name.count("."), name, "ancestors missing")
    return f"{name} {'listed by ' + ', '.join(held) if held else 'not listed'} in {feed} at {serial}"


def check_expected(expected, history, size, root, vkeys):
    """Every figure of expected.json against what was computed; returns how many sets were compared."""
    need(expected["origin"] == history.origin and expected["size"] == size, "expected: origin or size")
    need(expected["root"] == root and expected["session"] == history.session, "expected: root or session")
    need((expected["log_vkey"], expected["feed_vkey"]) == vkeys, "expected: verifier keys")
    compared = 0
    need(set(expected["history"]) == set(history.past), "expected: feeds", sorted(history.past))
    for feed, states in expected["history"].items():
        mine = [{"serial": s, "digest": d, "lines": lines} for s, (d, lines) in sorted(history.past[feed].items())]
        need(mine == states, "expected: history of", feed, "is", mine)
        compared += len(states)
    for feed, now in expected["feeds"].items():
        serial, digest, lines = history.feeds[feed]
        need((now["serial"], now["digest"], now["lines"]) == (serial, digest, lines), "expected:", feed)
        compared += 1
    return compared

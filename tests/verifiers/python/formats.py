"""Bytes of a published log: canonical JSON, signed notes, the Merkle tree, zstd. Written from the design page and the
C2SP specifications alone; the only foreign code is Python's `cryptography` (signatures)."""

import base64
import hashlib
import json
import re
import shutil
import subprocess
import unicodedata

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519


class Bad(Exception):
    """What was published breaks a rule."""


def need(condition, *why):
    if not condition:
        raise Bad(" ".join(str(w) for w in why))


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def unbase64(text, what):
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise Bad(f"{what}: not base64: {error}") from error
    need(base64.b64encode(data).decode() == text, what, "not padded standard base64")
    return data


# --- canonical JSON -------------------------------------------------------------------------------------------------

FORBIDDEN = re.compile("[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def check_value(value, what):
    if isinstance(value, bool):
        return
    if isinstance(value, int):
        need(0 <= value < 2**53, what, "number out of range", value)
    elif isinstance(value, str):
        need(not FORBIDDEN.search(value), what, "control or bidirectional character in", repr(value))
        need(unicodedata.is_normalized("NFC", value), what, "text not in NFC", repr(value))
    elif isinstance(value, list):
        for item in value:
            check_value(item, what)
    elif isinstance(value, dict):
        for key, item in value.items():
            need(key.isascii() and not FORBIDDEN.search(key), what, "key", repr(key))
            check_value(item, what)
    else:
        raise Bad(f"{what}: {value!r} is neither text, integer, boolean, list nor object")


def canonical(value):
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def parse_canonical(data, what):
    try:
        value = json.loads(data.decode())
    except ValueError as error:
        raise Bad(f"{what}: not JSON: {error}") from error
    check_value(value, what)
    need(canonical(value) == data, what, "not canonical JSON")
    return value


def fields(value, what, required, optional=""):
    """The object has exactly these fields."""
    need(isinstance(value, dict), what, "not an object")
    missing = set(required.split()) - set(value)
    unknown = set(value) - set(required.split()) - set(optional.split())
    need(not missing and not unknown, what, "missing", sorted(missing), "unknown", sorted(unknown))


def whole(value, what):
    need(isinstance(value, int) and not isinstance(value, bool), what, "not an integer:", value)
    return value


# --- signatures -----------------------------------------------------------------------------------------------------


def verify(alg, public, message, signature):
    """True where `signature` over `message` is that of the raw public key."""
    try:
        if alg == "ed25519":
            ed25519.Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
        elif alg == "es256":
            need(len(public) == 65 and public[0] == 4, "a P-256 key is an uncompressed point")
            key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), public)
            key.verify(signature, message, ec.ECDSA(hashes.SHA256()))
        else:
            raise Bad(f"unknown algorithm {alg!r}")
        return True
    except (InvalidSignature, ValueError):
        return False


def key_id(name, kind, public):
    return sha256(name.encode(), b"\n", bytes([kind]), public)[:4]


def verifier_key(name, kind, public):
    return f"{name}+{key_id(name, kind, public).hex()}+{base64.b64encode(bytes([kind]) + public).decode()}"


class Note:
    """text, an empty line, lines `— name base64(key id, signature)`."""

    def __init__(self, data, what, cap):
        self.what = what
        need(len(data) <= cap, what, "longer than", cap)
        try:
            whole_text = data.decode()
        except ValueError as error:
            raise Bad(f"{what}: not UTF-8") from error
        need(not re.search("[\u0000-\u0009\u000b-\u001f]", whole_text), what, "control character")
        cut = whole_text.rfind("\n\n")
        need(cut >= 0 and whole_text.endswith("\n"), what, "not a signed note")
        self.text, tail = whole_text[: cut + 1], whole_text[cut + 2 : -1]
        self.signatures = []
        for line in tail.split("\n"):
            match = re.fullmatch(r"\u2014 ([^\s+]+) (\S+)", line)
            need(match, what, "signature line", repr(line))
            blob = unbase64(match[2], what)
            need(len(blob) > 4, what, "signature too short")
            self.signatures.append((match[1], blob[:4], blob[4:]))

    def signed_by(self, name, public):
        """True where a key signed; a failing signature of a known key is an error."""
        return any(self._good(name, 1, public, payload) for payload in self._payloads(name, 1, public))

    def cosigned_by(self, name, public):
        """The latest time at which the witness cosigned, or None."""
        times = [int.from_bytes(payload[:8], "big") for payload in self._payloads(name, 4, public)
                 if self._good(name, 4, public, payload)]
        return max(times, default=None)

    def _payloads(self, name, kind, public):
        wanted = key_id(name, kind, public)
        return [payload for signer, key, payload in self.signatures if signer == name and key == wanted]

    def _good(self, name, kind, public, payload):
        message = self.text.encode()
        if kind == 4:
            need(len(payload) == 72, self.what, "a cosignature has 72 bytes")
            time, payload = int.from_bytes(payload[:8], "big"), payload[8:]
            message = f"cosignature/v1\ntime {time}\n".encode() + message
        need(verify("ed25519", public, message, payload), self.what, "the signature of", name, "does not verify")
        return True


def parse_checkpoint(text, what):
    match = re.fullmatch(r"([^\s+]+)\n(0|[1-9][0-9]*)\n(\S+)\n", text)
    need(match, what, "not origin, size, root:", repr(text))
    root = unbase64(match[3], what)
    need(len(root) == 32, what, "root of", len(root), "bytes")
    return match[1], int(match[2]), root


# --- Merkle tree, straight from RFC 6962 ------------------------------------------------------------------------------


def leaf_hash(entry):
    return sha256(b"\0", entry)


def node_hash(left, right):
    return sha256(b"\1", left, right)


class Tree:
    """Roots by the recursion of RFC 6962 §2.1, full subtrees remembered."""

    def __init__(self, leaves):
        self.leaves = leaves
        self.known = {}

    def root(self, size):
        return self._range(0, size) if size else sha256(b"")

    def _range(self, low, high):
        if high - low == 1:
            return self.leaves[low]
        if (low, high) not in self.known:
            half = 1 << ((high - low - 1).bit_length() - 1)
            self.known[low, high] = node_hash(self._range(low, low + half), self._range(low + half, high))
        return self.known[low, high]


def root_from_inclusion(leaf, index, size, proof):
    """The recursion of RFC 6962 §2.1.1 read backwards: what root does the proof lead to?"""
    if size == 1:
        need(index == 0 and not proof, "inclusion proof of a wrong length")
        return leaf
    need(proof, "inclusion proof too short")
    half = 1 << ((size - 1).bit_length() - 1)
    if index < half:
        return node_hash(root_from_inclusion(leaf, index, half, proof[:-1]), proof[-1])
    return node_hash(proof[-1], root_from_inclusion(leaf, index - half, size - half, proof[:-1]))


def tile_path(level, number, width):
    groups = [f"{number % 1000:03}"]
    while number >= 1000:
        number //= 1000
        groups.insert(0, f"x{number % 1000:03}")
    return f"tile/{level}/" + "/".join(groups) + ("" if width == 256 else f".p/{width}")


def read_bundle(data, count, what):
    entries, at = [], 0
    for _ in range(count):
        length = int.from_bytes(data[at : at + 2], "big")
        need(at + 2 + length <= len(data), what, "cut short")
        entries.append(data[at + 2 : at + 2 + length])
        at += 2 + length
    need(at == len(data), what, "bytes after the last entry")
    return entries


# --- zstd -----------------------------------------------------------------------------------------------------------


def unzstd(data, what):
    """By Python 3.14's own module where there is one, else by the zstd command."""
    try:
        from compression import zstd  # pylint: disable=import-outside-toplevel
        return zstd.decompress(data)
    except ImportError:
        pass
    command = shutil.which("zstd")
    if not command:
        raise SystemExit("MISSING: the command zstd (Debian: zstd) is needed to read snapshots and deltas")
    done = subprocess.run([command, "-dcq"], input=data, capture_output=True, check=False)
    need(done.returncode == 0, what, "not zstd:", done.stderr.decode(errors="replace").strip())
    return done.stdout

"""What a log's leaves say: trust documents, approvals, and the fold of decisions to feeds. From the design page alone."""

import base64
import ipaddress
import json
import re

from digest import in_order, state_digest
from formats import Bad, canonical, fields, leaf_hash, need, parse_canonical, sha256, unbase64, verify, whole

FEED_MEASURE = {"domain": "block_domain", "net": "block_ip", "seller": "delist_seller", "account": "remove_account"}
HOURS_72 = 72 * 3600


# --- parts ----------------------------------------------------------------------------------------------------------

LABEL = "[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
DOMAIN = re.compile(rf"domain:((?:{LABEL}\.)+{LABEL}) ([+=])")
COMMITTED = re.compile(r"(seller|account):(([a-z0-9.-]{1,63})/#[0-9a-f]{64})")


def read_line(line):
    """(kind, name, scope, feed) of a canonical line of a part."""
    if match := DOMAIN.fullmatch(line):
        need(len(match[1]) <= 253 and not match[1].rsplit(".", 1)[-1].isdigit(), "not a domain:", line)
        return "domain", match[1], match[2], "domains"
    if line.startswith("net:"):
        network = ipaddress.ip_network(line[4:], strict=True)
        need(str(network) == line[4:], "not a canonical network:", line)
        return "net", line[4:], "=", "networks"
    if match := COMMITTED.fullmatch(line):
        feed = ("sellers/" if match[1] == "seller" else "accounts/") + match[3]
        return match[1], match[2], "=", feed
    raise Bad(f"not a canonical line: {line!r}")


class Parts:
    """Content-addressed files below /part."""

    def __init__(self, folder):
        self.folder = folder

    def read(self, reference, what, extra=""):
        fields(reference, what, "sha256 length " + extra)
        path = self.folder / "part" / reference["sha256"]
        need(re.fullmatch("[0-9a-f]{64}", reference["sha256"]), what, "hash")
        if not path.exists():
            return None
        data = path.read_bytes()
        need(sha256(data).hex() == reference["sha256"], what, "other bytes than its hash")
        need(len(data) == whole(reference["length"], what), what, "length")
        return data

    def reason(self, reference, what):
        """Free text may be erased (410 Gone); where it stands, it is what was signed."""
        self.read(reference, what)

    def lines(self, references, what):
        need(isinstance(references, list) and references, what, "no parts")
        found = []
        for reference in references:
            data = self.read(reference, what, "count")
            need(data is not None, what, "part missing:", reference["sha256"])
            need(len(data) <= 1 << 20 and data.endswith(b"\n"), what, "part size or last newline")
            lines = data.decode().split("\n")[:-1]
            need(len(lines) == whole(reference["count"], what), what, "count of", reference["sha256"])
            found.extend(lines)
        for before, after in zip(found, found[1:]):
            need(before.encode() < after.encode(), what, "lines not ascending:", repr(after))
        return found


# --- trust ----------------------------------------------------------------------------------------------------------


def signers(document, message, signatures):
    """Distinct public keys of the document's root that signed."""
    found = set()
    for signature in signatures:
        key = document["root"]["keys"].get(signature["key"])
        if key is None:
            continue
        need(key["alg"] == "ed25519", "root key algorithm", key["alg"])
        public = unbase64(key["public"], "root key")
        if verify("ed25519", public, message, unbase64(signature["sig"], "root signature")):
            found.add(public)
    return found


class Trust:
    """The chain of trust documents."""

    def __init__(self, parts):
        self.parts = parts
        self.document = None

    def step(self, origin, version, digest, signatures):
        path = self.parts.folder / "part" / digest
        need(path.exists(), "trust document missing:", digest)
        data = path.read_bytes()
        need(sha256(data).hex() == digest, "trust document: other bytes than its hash")
        document = parse_canonical(data, f"trust document {version}")
        fields(document, "trust document", "v type version origin root log feed witnesses webauthn officers expires")
        need((document["v"], document["type"]) == (1, "trust"), "trust document: v or type")
        need((document["version"], document["origin"]) == (version, origin), "trust document: version or origin")
        message = f"blockfeed/trust/v1\n{origin}\n{version}\n{digest}\n".encode()
        for signature in signatures:
            fields(signature, "trust signature", "key sig")
        for judge in (self.document, document):
            if judge is not None:
                have = len(signers(judge, message, signatures))
                need(1 <= judge["root"]["threshold"] <= have, "trust document", version, "has", have,
                     "root signatures of", judge["root"]["threshold"], "that version", judge["version"], "asks")
        need(version == (self.document["version"] + 1 if self.document else 1), "trust versions skip")
        self.document = document


# --- approvals ------------------------------------------------------------------------------------------------------


def challenge(body, approval):
    digest = sha256(canonical(body)).hex()
    return (f"blockfeed/approval/v1\n{body['origin']}\n{body['id']}\n{approval['role']}\n{approval['officer']}\n"
            f"{approval['key']}\n{digest}\n").encode()


def check_webauthn(approval, message, public, alg, webauthn):
    client, auth = (unbase64(approval[f], f) for f in ("client_data", "auth_data"))
    pairs = json.loads(client.decode(), object_pairs_hook=list)
    data = dict(pairs)
    need(len(data) == len(pairs), "client data: a key twice")
    expected = base64.urlsafe_b64encode(sha256(message)).rstrip(b"=").decode()
    need(data.get("type") == "webauthn.get", "client data: type", data.get("type"))
    need(data.get("challenge") == expected, "client data: another challenge")
    need(data.get("origin") in webauthn["origins"], "client data: origin", data.get("origin"))
    need(data.get("crossOrigin", False) is False and "topOrigin" not in data, "client data: cross-origin")
    need(len(auth) >= 37 and auth[:32] == sha256(webauthn["rp_id"].encode()), "auth data: rpIdHash")
    need(auth[32] & 0x01 and auth[32] & 0x04, "auth data: user not present or not verified")
    need(len(auth) == 37 or auth[32] & 0xC0, "auth data: bytes that no flag announces")
    return verify(alg, public, auth + sha256(client), unbase64(approval["sig"], "signature"))


def check_approval(trust, body, approval):
    alg = approval.get("alg")
    extra = "" if alg == "ed25519" else " auth_data client_data"
    fields(approval, "approval", "officer key role alg sig" + extra)
    officer = trust["officers"].get(approval["officer"])
    need(officer is not None, "unknown officer", approval["officer"])
    need(approval["role"] in officer["roles"], approval["officer"], "may not", approval["role"])
    key = officer["keys"].get(approval["key"])
    need(key is not None and key["alg"] == alg, "unknown key", approval["officer"], approval["key"], alg)
    message, public = challenge(body, approval), unbase64(key["public"], "officer's key")
    if alg == "ed25519":
        good = verify("ed25519", public, message, unbase64(approval["sig"], "signature"))
    elif alg in ("webauthn-es256", "webauthn-eddsa"):
        raw = "es256" if alg == "webauthn-es256" else "ed25519"
        good = check_webauthn(approval, message, public, raw, trust["webauthn"])
    else:
        raise Bad(f"unknown algorithm {alg!r}")
    need(good, "the signature of", approval["officer"], "does not verify")


def check_approvals(trust, leaf, what):
    body, approvals = leaf["body"], leaf["approvals"]
    need(isinstance(approvals, list) and 1 <= len(approvals) <= 2, what, "approvals")
    for approval in approvals:
        check_approval(trust, body, approval)
    roles = sorted(a["role"] for a in approvals)
    need(len({a["officer"] for a in approvals}) == len(approvals), what, "one officer twice")
    heavy = body["action"] == "list" and (body["bulk"] or body["guard"]["overrides"])
    if body["action"] == "stay" and roles == ["propose"]:
        need(body["until"] <= leaf["time"] + HOURS_72, what, "a stay by one officer lasts 72 hours at most")
        return
    need(roles == (["propose", "senior"] if heavy else ["approve", "propose"]), what, "roles", roles)
    need(not heavy or any(a["alg"] == "ed25519" for a in approvals), what, "needs an approval by the command line")


# --- the fold -------------------------------------------------------------------------------------------------------


class Listing:
    """A `list` decision: its lines, and which of them have ended."""

    def __init__(self, body, lines):
        self.not_after = body["not_after"]
        self.lines = lines
        self.entries = {}  # line → (feed, its measure, its E line), of the lines that enter a feed
        for line in lines:
            kind, name, scope, feed = read_line(line)
            if FEED_MEASURE[kind] in body["measures"]:
                self.entries[line] = (feed, FEED_MEASURE[kind], f"E {name} {scope} {body['id']}")
        self.ended = set()
        self.expired = False

    def live(self):
        return [] if self.expired else [line for line in self.lines if line not in self.ended]


class Stay:
    def __init__(self, until, held):
        self.until = until
        self.held = held
        self.over = False


class History:
    """State after leaf N as a function of the leaves 0…N."""

    def __init__(self, parts):
        self.parts = parts
        self.trust = Trust(parts)
        self.origin = self.session = None
        self.size = self.time = self.approvals = self.base = 0
        self.ids = set()
        self.listings, self.stays = {}, {}
        self.changed = True  # whether a decision or an end came since the last state leaf
        self.seen_feeds = {"domains", "networks"}
        self.feeds = {}  # feed → (serial, digest, lines)
        self.states = {}  # size → leaf's bytes
        self.past = {}  # feed → {serial: (digest, lines)}
        self.counts = {}

    def add(self, entry):
        index, self.size = self.size, self.size + 1
        what = f"leaf {index}"
        try:
            leaf = parse_canonical(entry, what)
            need(isinstance(leaf, dict) and leaf.get("v") == 1, what, "version")
            kind = leaf.get("type")
            need((kind == "genesis") == (index == 0), what, "genesis stands first and only there")
            need(whole(leaf.get("time"), what) >= self.time, what, "time falls")
            self.time = leaf["time"]
            step = {"genesis": self.genesis, "trust": self.new_trust, "decision": self.decision,
                    "expire": self.expire, "state": self.state}.get(kind)
            need(step, what, "unknown type", kind)
            self.changed = self.changed or kind in ("decision", "expire")
            step(leaf, what)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise Bad(f"{what}: {type(error).__name__} {error}") from error
        except Bad as error:
            raise Bad(f"{what}: {error}") from error
        if kind == "genesis":
            self.session = leaf_hash(entry)[:8].hex()
        if kind == "state":
            self.states[self.size] = entry
        self.counts[kind] = self.counts.get(kind, 0) + 1

    def genesis(self, leaf, what):
        fields(leaf, what, "v type time origin trust signatures", "continues")
        need(re.fullmatch(r"[a-z0-9.-]+(/[a-z0-9.-]+)*", leaf["origin"]) and len(leaf["origin"]) <= 128, "origin")
        self.origin = leaf["origin"]
        self.trust.step(self.origin, 1, leaf["trust"], leaf["signatures"])

    def new_trust(self, leaf, what):
        fields(leaf, what, "v type time version sha256 signatures")
        self.trust.step(self.origin, leaf["version"], leaf["sha256"], leaf["signatures"])

    def decision(self, leaf, what):
        fields(leaf, what, "v type time body approvals")
        body, common = leaf["body"], "origin id action submit_by basis reasons "
        action = body["action"]
        if action == "list":
            fields(body, what, common + "category head measures not_after bulk guard parts", "goods method")
            fields(body["guard"], what, "version lists overrides")
            for override in body["guard"]["overrides"]:
                fields(override, what, "code reason")
                self.parts.reason(override["reason"], what)
        elif action == "amend":
            fields(body, what, common + "target not_after")
        elif action == "revoke":
            fields(body, what, common + "targets")
        elif action == "stay":
            fields(body, what, common + "targets until", "appeal")
        else:
            raise Bad(f"unknown action {action!r}")
        fields(body["basis"], what, "authority number date")
        self.parts.reason(body["reasons"], what)
        need(body["origin"] == self.origin, "another log's decision")
        need(re.fullmatch("[A-Za-z0-9-]{1,32}", body["id"]) and body["id"] not in self.ids, "id", body["id"])
        need(leaf["time"] <= body["submit_by"], "past submit_by")
        check_approvals(self.trust.document, leaf, what)
        getattr(self, "do_" + action)(leaf, body)
        self.ids.add(body["id"])
        self.approvals += len(leaf["approvals"])

    def do_list(self, leaf, body):
        lines = self.parts.lines(body["parts"], "parts of " + body["id"])
        need(body["measures"] and len(set(body["measures"])) == len(body["measures"]), "measures")
        need(body["not_after"] > leaf["time"], "already over")
        listing = self.listings[body["id"]] = Listing(body, lines)
        self.seen_feeds.update(feed for feed, _, _ in listing.entries.values())

    def do_amend(self, leaf, body):
        target = self.listings.get(body["target"])
        need(target is not None and target.live(), "amends what is unknown or ended:", body["target"])
        need(body["not_after"] > leaf["time"], "already over")
        target.not_after = body["not_after"]

    def targets(self, body):
        """(decision, lines or None for the whole) of each target."""
        need(isinstance(body["targets"], list) and body["targets"], "no targets")
        for target in body["targets"]:
            fields(target, "target", "decision", "parts")
            lines = self.parts.lines(target["parts"], "target") if "parts" in target else None
            yield target["decision"], lines

    def of_listing(self, decision, lines):
        listing = self.listings.get(decision)
        need(listing is not None and listing.live(), "targets what is unknown or ended:", decision)
        live = listing.live()
        lines = live if lines is None else lines
        need(set(lines) <= set(live), "targets lines that are unknown or ended in", decision)
        return lines

    def do_revoke(self, _leaf, body):
        for decision, lines in self.targets(body):
            if stay := self.stays.get(decision):
                need(not stay.over, "revokes a stay that is over:", decision)
                held = stay.held if lines is None else {(d, l) for d, l in stay.held if l in set(lines)}
                need(held and (lines is None or {l for _, l in held} == set(lines)), "not held by", decision)
                stay.held = stay.held - held
                stay.over = not stay.held
            else:
                ended = self.of_listing(decision, lines)
                self.listings[decision].ended.update(ended)

    def do_stay(self, leaf, body):
        held = {(decision, line) for decision, lines in self.targets(body)
                for line in self.of_listing(decision, lines)}
        need(body["until"] > leaf["time"], "already over")
        self.stays[body["id"]] = Stay(body["until"], held)

    def expire(self, leaf, what):
        fields(leaf, what, "v type time decisions stays")
        need(leaf["decisions"] or leaf["stays"], "expires nothing")
        for decision in leaf["decisions"]:
            listing = self.listings.get(decision)
            need(listing is not None and not listing.expired, "expires what is unknown or ended:", decision)
            need(listing.not_after <= leaf["time"], "expires before its time:", decision)
            listing.expired = True
        for decision in leaf["stays"]:
            stay = self.stays.get(decision)
            need(stay is not None and not stay.over, "expires what is unknown or over:", decision)
            need(stay.until <= leaf["time"], "expires before its time:", decision)
            stay.over = True

    def sets(self):
        """feed → its D and E lines, in the feed's order."""
        stayed = {pair for stay in self.stays.values() if not stay.over for pair in stay.held}
        found = {feed: set() for feed in self.seen_feeds}
        for decision, listing in self.listings.items():
            for line in listing.live():
                if line in listing.entries and (decision, line) not in stayed:
                    feed, measure, entry = listing.entries[line]
                    found[feed].add(f"D {decision} {measure} {listing.not_after}")
                    found[feed].add(entry)
        return {feed: in_order(feed, lines) for feed, lines in found.items()}

    def state(self, leaf, what):
        fields(leaf, what, "v type time feeds base")
        for decision, listing in self.listings.items():
            need(not listing.live() or listing.not_after > leaf["time"], "leaves open what is due:", decision)
        for decision, stay in self.stays.items():
            alive = any(line in self.listings[d].live() for d, line in stay.held) if not stay.over else False
            need(not alive or stay.until > leaf["time"], "leaves open what is due:", decision)
        sets = self.sets() if self.changed else {feed: known[2] for feed, known in self.feeds.items()}
        self.changed = False
        need(set(leaf["feeds"]) == set(sets), "feeds", sorted(leaf["feeds"]), "expected", sorted(sets))
        for feed, lines in sets.items():
            said = leaf["feeds"][feed]
            fields(said, feed, "serial digest entries")
            known = self.feeds.get(feed)
            if known is None or known[2] != lines:
                known = (self.size, state_digest(self.origin, feed, lines).hex(), lines)
                self.feeds[feed] = known
                self.past.setdefault(feed, {})[known[0]] = known[1:]
            entries = sum(line[0] == "E" for line in lines)
            need((said["serial"], said["digest"], said["entries"]) == (known[0], known[1], entries), feed,
                 "says", said, "but the leaves make", known[:2], entries)
        stands = leaf["base"] == self.size or leaf["base"] in self.states
        need(stands and leaf["base"] >= self.base, "base", leaf["base"])
        if leaf["base"] == self.size and self.states:
            need(self.size - 1 in self.states, "compaction is a commit of this leaf alone")
        self.base = leaf["base"]

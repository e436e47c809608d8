"""The lines of a feed: their order and their digest. From the design page alone."""

import ipaddress

from formats import node_hash, sha256

# --- digest ---------------------------------------------------------------------------------------------------------

EMPTY = [sha256(b"\0")]
while len(EMPTY) <= 16:
    EMPTY.append(node_hash(EMPTY[-1], EMPTY[-1]))


def bucket_of(name):
    return int.from_bytes(sha256(b"blockfeed/bucket/v1\0", name.encode())[:2], "big")


def bucket_hash(lines):
    return sha256(b"\0", *(line.encode() + b"\n" for line in sorted(lines, key=str.encode)))


def digest_over(origin, feed, entries, root):
    return sha256(b"blockfeed/state/v1\0", origin.encode(), b"\0", feed.encode(), b"\0",
                  entries.to_bytes(8, "big"), root)


def state_digest(origin, feed, lines):
    buckets = {}
    for line in lines:
        buckets.setdefault(bucket_of(line.split(" ")[1]), []).append(line)
    level = {bucket: bucket_hash(found) for bucket, found in buckets.items()}
    for height in range(16):
        empty = EMPTY[height]
        level = {i: node_hash(level.get(2 * i, empty), level.get(2 * i + 1, empty)) for i in {b // 2 for b in level}}
    entries = sum(line.startswith("E ") for line in lines)
    return digest_over(origin, feed, entries, level.get(0, EMPTY[16]))


# --- order of a feed ------------------------------------------------------------------------------------------------


def feed_order(feed):
    def order(line):
        _, name, scope, decision = line.split(" ")
        if feed == "domains":
            key = tuple(label.encode() for label in reversed(name.split(".")))
        elif feed == "networks":
            network = ipaddress.ip_network(name)
            key = (network.version, network.network_address.packed, network.prefixlen)
        else:
            key = name.encode()
        return key, scope, decision.encode()
    return order


def in_order(feed, lines):
    return (sorted((l for l in lines if l[0] == "D"), key=lambda l: l.split(" ")[1].encode())
            + sorted((l for l in lines if l[0] == "E"), key=feed_order(feed)))

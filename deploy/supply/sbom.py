#!/usr/bin/env python3
"""Prints the software bill of materials of the program: CycloneDX 1.5 JSON, from `cargo metadata`.

    deploy/supply/sbom.py > blockfeed.cdx.json

What is linked into the program stands in it, nothing that only tests use, and the same lock file gives
the same bytes: no time and no random number is in it.
"""

import hashlib
import json
import subprocess
import sys
import tomllib
import uuid
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
COMMAND = ["cargo", "metadata", "--locked", "--format-version", "1", "--filter-platform", "x86_64-unknown-linux-gnu"]


def linked(nodes, root):
    """Ids of whatever the root needs to run or to build, without what its tests need."""
    found, waiting = set(), [root]
    while waiting:
        at = waiting.pop()
        if at in found:
            continue
        found.add(at)
        for dep in nodes[at]["deps"]:
            if any(kind["kind"] != "dev" for kind in dep["dep_kinds"]):
                waiting.append(dep["pkg"])
    return found


def reference(package):
    return f"pkg:cargo/{package['name']}@{package['version']}"


def component(package, sums):
    out = {
        "type": "library",
        "bom-ref": reference(package),
        "name": package["name"],
        "version": package["version"],
        "purl": reference(package),
    }
    if package["description"]:
        out["description"] = " ".join(package["description"].split())
    if package["license"]:
        out["licenses"] = [{"expression": package["license"].replace("/", " OR ")}]
    if sum256 := sums.get((package["name"], package["version"])):
        out["hashes"] = [{"alg": "SHA-256", "content": sum256}]
    if package["repository"]:
        out["externalReferences"] = [{"type": "vcs", "url": package["repository"]}]
    return out


def main():
    meta = json.loads(subprocess.run(COMMAND, cwd=TOP, check=True, stdout=subprocess.PIPE).stdout)
    lock = (TOP / "Cargo.lock").read_bytes()
    sums = {(p["name"], p["version"]): p.get("checksum") for p in tomllib.loads(lock.decode())["package"]}
    packages = {p["id"]: p for p in meta["packages"]}
    nodes = {n["id"]: n for n in meta["resolve"]["nodes"]}
    root = meta["resolve"]["root"]
    ids = linked(nodes, root)
    own = component(packages[root], sums) | {"type": "application"}
    parts = sorted((component(packages[i], sums) for i in ids - {root}), key=lambda c: c["bom-ref"])
    needs = [
        {
            "ref": reference(packages[i]),
            "dependsOn": sorted({reference(packages[d["pkg"]]) for d in nodes[i]["deps"] if d["pkg"] in ids}),
        }
        for i in ids
    ]
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": f"urn:uuid:{uuid.UUID(bytes=hashlib.sha256(lock).digest()[:16], version=4)}",
        "version": 1,
        "metadata": {"component": own},
        "components": parts,
        "dependencies": sorted(needs, key=lambda n: n["ref"]),
    }
    json.dump(document, sys.stdout, indent=1, ensure_ascii=False)
    print()


main()

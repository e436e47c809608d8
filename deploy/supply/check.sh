#!/usr/bin/env bash
# make supply: licences, sources and bans of everything that is linked in, and the bill of materials.
# Advisories are looked up where their database can be reached: ADVISORIES=1.
set -euo pipefail
cd "$(dirname "$0")/../.."
if ! cargo deny --version >/dev/null 2>&1; then
  echo "supply: cargo-deny isn't here: cargo install cargo-deny --locked (some ten minutes)" >&2
  exit 1
fi
checks=(bans licenses sources)
[ "${ADVISORIES:-}" != 1 ] || checks+=(advisories)
cargo deny --locked check "${checks[@]}"
mkdir -p target
python3 deploy/supply/sbom.py >target/blockfeed.cdx.json
python3 - target/blockfeed.cdx.json <<'END'
import json, sys
found = json.load(open(sys.argv[1]))["components"]
bare = [c["name"] for c in found if "licenses" not in c or "hashes" not in c]
print(f"supply: {sys.argv[1]}: {len(found)} crates, {len(bare)} without licence or checksum {bare}")
sys.exit(bool(bare))
END

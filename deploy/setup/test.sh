#!/usr/bin/env bash
# make test: installs what is lacking, then format, lints and tests; all of them, whatever fails.
set -euo pipefail
cd "$(dirname "$0")/../.."
source deploy/setup/needs.sh

need_toolchain
announce
# rustup's minimal profile has neither.
cargo fmt --version >/dev/null 2>&1 || rustup component add rustfmt || true
cargo clippy --version >/dev/null 2>&1 || rustup component add clippy || true
need_libraries
export BLOCKFEED_PEERS=$target/peers BLOCKFEED_SKIPS=$target/skips
deploy/setup/peers.sh "$BLOCKFEED_PEERS"
: >"$BLOCKFEED_SKIPS"

failed=()
cargo fmt --check || failed+=("format: run 'cargo fmt'")
cargo clippy --locked --all-targets -- -D warnings || failed+=("lints")
cargo test --locked --no-fail-fast || failed+=("tests")

sort -u "$BLOCKFEED_SKIPS"
skipped=$(sort -u "$BLOCKFEED_SKIPS" | wc -l)
echo "blockfeed: $skipped skipped"
if [ "${REQUIRE_ALL:-}" = 1 ] && [ "$skipped" != 0 ]; then failed+=("$skipped skipped, with REQUIRE_ALL=1"); fi
if [ "${#failed[@]}" -gt 0 ]; then
  printf 'blockfeed: FAILED: %s\n' "${failed[@]}"
  exit 1
fi
echo "blockfeed: all passed"

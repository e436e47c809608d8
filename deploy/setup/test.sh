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

# Tests kill processes, never the machine, so what they write for a moment needn't reach a disk. Memory serves where there is
# enough of it and programs may be run there, which some tests copy.
free=$(df --output=avail -k /dev/shm 2>/dev/null | tail -n 1) || true
if [ -z "${TMPDIR:-}" ] && [ "${free:-0}" -gt 4000000 ]; then
  memory=$(mktemp -d /dev/shm/blockfeed.XXXXXX)
  trap 'rm -rf "$memory"' EXIT
  if cp "$(type -P true)" "$memory/true" && "$memory/true" 2>/dev/null; then export TMPDIR=$memory; fi
fi

# Builds all test programs, then runs as many at a time as there are cores: many wait for others'
# programs most of the time. Each one's output is shown whole when it ends.
run_tests() {
  local logs=$target/test-logs programs
  mkdir -p "$logs"
  programs=$(CARGO_TERM_COLOR=never cargo test --locked --no-run 2>&1 | tee /dev/stderr |
    sed -n 's/^ *Executable .*(\(.*\))$/\1/p') || return 1
  [ -n "$programs" ] || return 1
  # The longest first, so that none is left running alone at the end.
  local long='interop|tampering|history|crash|rkn|schemathesis|sync_examples|properties|twenty|agent_'
  { grep -E "/($long)" <<<"$programs"; grep -vE "/($long)" <<<"$programs"; } |
    xargs -P "$(nproc)" -I{} deploy/setup/run-one.sh {} "$logs" || return 1
  cargo test --locked --doc
}

failed=()
cargo fmt --check || failed+=("format: run 'cargo fmt'")
cargo clippy --locked --all-targets -- -D warnings || failed+=("lints")
run_tests || failed+=("tests")

sort -u "$BLOCKFEED_SKIPS"
skipped=$(sort -u "$BLOCKFEED_SKIPS" | wc -l)
echo "blockfeed: $skipped skipped"
if [ "${REQUIRE_ALL:-}" = 1 ] && [ "$skipped" != 0 ]; then failed+=("$skipped skipped, with REQUIRE_ALL=1"); fi
if [ "${#failed[@]}" -gt 0 ]; then
  printf 'blockfeed: FAILED: %s\n' "${failed[@]}"
  exit 1
fi
echo "blockfeed: all passed"

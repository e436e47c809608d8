#!/usr/bin/env bash
# make test-browser: the officer's day, and every page, in Debian's Chromium. Uses the program that `make test` has built,
# and builds it only where that is older than its source. Pictures stay under target/browser.
set -euo pipefail
cd "$(dirname "$0")/../.."
source deploy/setup/needs.sh

need_toolchain
need_libraries
# As `make test` builds it, with the same features: `cargo build` alone would compile it a second time.
cargo test --locked --no-run --test desk

# need_program NAME PACKAGE: installs the package where the program isn't there.
need_program() {
  command -v "$1" >/dev/null && return 0
  if have_apt && may_be_root && known "$2" && add "$2"; then return 0; fi
  echo "setup: $1 isn't here and can't be installed (no root here, or it failed): install Debian's $2" >&2
  exit 1
}
need_program chromium chromium
need_program node nodejs
need_program npm npm
if [ "$(node --version | tr -dc '0-9.' | cut -d. -f1)" -lt 20 ]; then
  echo "setup: node $(node --version) is too old: the tests in the browser need 20 or later" >&2
  exit 1
fi

# What npm has, by the lock file; no script of a package runs.
if ! cmp -s tests/browser/package-lock.json tests/browser/node_modules/.complete; then
  echo "setup: unpacking what tests/browser/package-lock.json names"
  (cd tests/browser && npm ci --silent)
  cp tests/browser/package-lock.json tests/browser/node_modules/.complete
fi

export BLOCKFEED=$target/debug/blockfeed ARTEFACTS=$target/browser
CHROMIUM=$(command -v chromium)
export CHROMIUM
node tests/browser/day.mjs
node tests/browser/look.mjs
echo "blockfeed: passed in the browser; pictures in $ARTEFACTS"

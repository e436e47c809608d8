#!/usr/bin/env bash
# make bench: the figures of the README, measured on this machine.
set -euo pipefail
cd "$(dirname "$0")/../.."
source deploy/setup/needs.sh

need_toolchain
announce
need_libraries
export BLOCKFEED_PEERS=$target/peers
deploy/setup/peers.sh "$BLOCKFEED_PEERS"
exec cargo bench --locked

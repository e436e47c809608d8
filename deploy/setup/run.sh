#!/usr/bin/env bash
# make run: installs what the build lacks, builds, shows the main job.
set -euo pipefail
cd "$(dirname "$0")/../.."
source deploy/setup/needs.sh

need_toolchain
announce
need_libraries
cargo build --locked --bin blockfeed

demo=("$target/debug/blockfeed" demo --listen 127.0.0.1:8399 --metrics 127.0.0.1:9399 --dns 127.0.0.1:5399 --data data/demo)
[ "${ONCE:-}" != 1 ] || exec "${demo[@]}" --once

# make dies of the interrupt itself when Ctrl-C reaches it, whatever its child says. With job
# control the demonstration has the terminal to itself: it alone is interrupted, ends with 0, and
# so does make. Without a terminal there is no Ctrl-C, and signals go to the whole group as usual.
[ -t 0 ] || exec "${demo[@]}"
set -m
"${demo[@]}" &
child=$!
# Should this script be ended (make hands SIGTERM on to it), the demonstration follows.
(while kill -0 $$ 2>/dev/null; do sleep 1; done; kill -TERM "$child") &
watcher=$!
disown "$watcher"
status=0
fg %1 >/dev/null || status=$?
kill -TERM -- "-$watcher"
exit "$status"

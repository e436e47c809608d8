#!/usr/bin/env bash
# Runs one test program and shows what it printed when it has ended.
set -uo pipefail
program=$1
log=$2/${program##*/}.log
began=$SECONDS
"$program" >"$log" 2>&1
code=$?
# One write, so that two programs' outputs don't mix.
printf '%s\n' "     Ran ${program##*/} in $((SECONDS - began)) s, exit code $code" "$(cat "$log")"
exit "$code"

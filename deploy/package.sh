#!/usr/bin/env bash
# make deb: the Debian package, in target/debian. PROFILE=dev packages the development build, to try
# the package itself without an hour's build. Wants cargo-deb (cargo install cargo-deb --locked).
set -euo pipefail
cd "$(dirname "$0")/.."
source deploy/setup/needs.sh

need_toolchain
need_libraries
profile=${PROFILE:-release}
case $profile in dev) folder=debug ;; *) folder=$profile ;; esac
cargo deb --version >/dev/null 2>&1 || cargo install cargo-deb --locked
cargo build --locked --profile "$profile" --bin blockfeed
program=$target/$folder/blockfeed

# What the command line says of itself; cargo-deb takes it from here.
rm -rf target/package
mkdir -p target/package/man
"$program" man target/package/man >/dev/null
for shell in bash zsh fish; do "$program" completions "$shell" >"target/package/blockfeed.$shell"; done
cargo deb --no-build --profile "$profile" "$@"

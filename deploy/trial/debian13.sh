#!/usr/bin/env bash
# Tries `make run ONCE=1` from a clone in a fresh Debian 13 root, as root:
#
#   deploy/trial/debian13.sh [FOLDER]
#
# Debian 13 has neither a Rust that is new enough nor RocksDB 7.8: rustup's toolchain and cargo's downloads are this
# machine's, bound into the root, and RocksDB is compiled, which takes most of the time. The root has a network of its
# own without a way out, so whatever the build needs has to be there: run `cargo fetch --locked` before. Debian's mirror
# is the one that this machine's apt uses. FOLDER is kept, so that a run that was cut off goes on; by default it is a
# temporary one that is removed.
set -euo pipefail
self=$(realpath "$0")
cd "$(dirname "$self")/../.."

die() { echo "trial: FAILED: $*" >&2; exit 1; }
[ "$(id -u)" = 0 ] || die "roots are made by root"

if [ "${1:-}" = --inside ]; then
  root=$2
  ip link set lo up
  mount -t proc proc "$root/proc"
  for folder in .cargo .rustup; do
    mkdir -p "$root/root/$folder"
    mount --bind "$HOME/$folder" "$root/root/$folder"
  done
  exec chroot "$root" /usr/bin/env -i HOME=/root LC_ALL=C.UTF-8 CARGO_NET_OFFLINE=true CARGO_BUILD_JOBS="${JOBS:-$(nproc)}" \
    PATH=/root/.cargo/bin:/usr/sbin:/usr/bin:/sbin:/bin /bin/sh -c 'cd /root/blockfeed && make run ONCE=1'
fi

command -v debootstrap >/dev/null || die "debootstrap isn't here: apt-get install debootstrap"
folder=${1:-$(mktemp -d /var/tmp/blockfeed-trial-XXXXXX)}
[ -n "${1:-}" ] || trap 'rm -rf "$folder"' EXIT
mkdir -p "$folder"
folder=$(realpath "$folder")
if [ ! -e "$folder/root/usr/bin/make" ]; then
  from=$(apt-get indextargets --format '$(REPO_URI) $(CODENAME)' 'Created-By: Packages' | awk '$2=="bookworm" {print $1; exit}')
  debootstrap --variant=minbase --include=make,git,ca-certificates,g++,libclang-dev trixie "$folder/root" "$from" \
    >"$folder/debootstrap.log" 2>&1 || die "debootstrap: $(tail -n 3 "$folder/debootstrap.log")"
fi
[ -e "$folder/root/root/blockfeed" ] || git clone -q . "$folder/root/root/blockfeed"
# Whatever is started in there ends with it.
unshare --net --mount --pid --fork --kill-child "$self" --inside "$folder/root"

# What a build needs, for the other scripts to source from the top directory: a toolchain, a C++
# compiler, libclang, RocksDB. Exports the variables that cargo has to see, always the same ones,
# so that no script makes another's build stale.

source deploy/setup/packages.sh

target=${CARGO_TARGET_DIR:-target}
mkdir -p "$target"
target=$(cd "$target" && pwd)

oldest_rust=1.95

need_toolchain() {
  if ! command -v cargo >/dev/null && [ -x "$HOME/.cargo/bin/cargo" ]; then
    PATH="$HOME/.cargo/bin:$PATH"
  fi
  if ! command -v cargo >/dev/null; then
    echo "setup: cargo isn't here. Blockfeed needs Rust $oldest_rust or later: install it by rustup" >&2
    echo "       (Debian 12's own package is too old), then run make again." >&2
    exit 1
  fi
  local found
  found=$(rustc --version | awk '{print $2}')
  if [ "$(printf '%s\n' "$oldest_rust" "${found%%-*}" | sort -V | head -n 1)" != "$oldest_rust" ]; then
    echo "setup: rustc $found is too old: Blockfeed needs $oldest_rust or later." >&2
    echo "       'rustup update stable' (and 'rustup default stable') brings it." >&2
    exit 1
  fi
}

# Debian's RocksDB, if it is the version whose interface the crate was made for.
debian_rocksdb() {
  have_apt && case $(dpkg-query -W -f '${Version}' librocksdb-dev 2>/dev/null) in
    7.8.*) dpkg -L librocksdb-dev | grep '/librocksdb\.so$' | head -n 1 | xargs -r dirname ;;
  esac
}

need_libraries() {
  local missing=() package
  if have_apt; then
    local wanted=(g++ libclang-dev)
    if known librocksdb-dev; then
      case $(candidate librocksdb-dev) in 7.8.*) wanted+=(librocksdb-dev) ;; esac
    fi
    for package in "${wanted[@]}"; do installed "$package" || missing+=("$package"); done
    if [ "${#missing[@]}" -gt 0 ] && may_be_root && add "${missing[@]}"; then missing=(); fi
  elif ! command -v c++ >/dev/null; then
    missing=("a C++ compiler" "libclang with its headers")
  fi
  if [ "${#missing[@]}" -gt 0 ]; then
    echo "setup: missing, and not installed (no root here, or it failed): ${missing[*]}"
    echo "       going on without; if the build fails, install them and run make again"
  fi
  local lib
  lib=$(debian_rocksdb || true)
  if [ -n "$lib" ]; then
    export ROCKSDB_LIB_DIR=$lib
  else
    # GCC 13 and later no longer bring <cstdint> along, which this version relies on.
    export CXXFLAGS="${CXXFLAGS:+$CXXFLAGS }-include cstdint"
    announce_bundled
  fi
}

# Says at once how long a first build takes: measured on two cores, and it scales with them.
announce() {
  [ -e "$target/debug/blockfeed" ] && return 0
  echo "blockfeed: the first build takes about $(minutes 14) minutes on this machine; later ones take seconds."
}

announce_bundled() {
  ls "$target"/debug/build/librocksdb-sys-*/out/librocksdb.a >/dev/null 2>&1 && return 0
  echo "blockfeed: there is no RocksDB 7.8 here, so the copy that its crate brings is compiled too:"
  echo "           about $(minutes 50) minutes more on this machine, once."
}

# minutes CORE_MINUTES: how long that is with the cores of this machine.
minutes() { echo $((1 + $1 / $(nproc 2>/dev/null || echo 1))); }

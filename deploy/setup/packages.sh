# Debian packages, for the other scripts to source: which are there, installing, unpacking.
#
# Nothing here asks a question, starts a service or enables one. A package whose name starts a
# service on installation (bind9, unbound) is unpacked, never installed.

# Whether apt can be asked at all.
have_apt() { command -v apt-get >/dev/null && command -v dpkg-query >/dev/null; }

# installed PACKAGE
installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

# candidate PACKAGE: the version that apt would install, or nothing.
candidate() { LC_ALL=C apt-cache policy "$1" 2>/dev/null | awk '$1=="Candidate:" && $2!="(none)" {print $2}'; }

# as_root COMMAND…: as root, by sudo only where that asks nothing.
as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

may_be_root() { [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; }

# Brings the package lists up to date, once in a run of a script.
refresh_lists() {
  [ -z "${lists_refreshed:-}" ] || return 1
  lists_refreshed=1
  may_be_root || return 1
  echo "setup: updating the package lists (apt-get update)"
  as_root apt-get -qq -o DPkg::Lock::Timeout=120 update
}

# known PACKAGE: whether apt has it; an empty or old list is updated before the answer is no.
known() { [ -n "$(candidate "$1")" ] || { refresh_lists && [ -n "$(candidate "$1")" ]; }; }

# add PACKAGE…: installs them; a failed download is tried again with fresh lists.
add() {
  echo "setup: installing $*"
  local command=(env DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o DPkg::Lock::Timeout=120
    -o Dpkg::Use-Pty=0 --no-install-recommends install "$@")
  as_root "${command[@]}" >/dev/null || { refresh_lists && as_root "${command[@]}" >/dev/null; }
}

# closure PACKAGE: the package and whatever it needs that this machine lacks. Never another C
# library: the loader of this machine wouldn't take it.
closure() {
  LC_ALL=C apt-get -s -o Debug::NoLocking=true --no-install-recommends install "$1" 2>/dev/null |
    awk '$1=="Inst" && $2 !~ /^(libc6|libc-bin|libgcc-s1)$/ {print $2}'
}

# unpack DIRECTORY PACKAGE: unpacks the closure under the directory. Needs no root, runs no
# maintainer script. A run that is cut off is repeated whole: the mark is made last.
unpack() {
  local root=$1 package=$2 downloads mark=$1/.unpacked-$2
  [ ! -e "$mark" ] || return 0
  known "$package" || return 1
  mkdir -p "$root"
  downloads=$(mktemp -d "$root/.download-XXXXXX")
  echo "setup: unpacking $package"
  if fetch_debs "$downloads" "$package" || { refresh_lists && fetch_debs "$downloads" "$package"; }; then
    for deb in "$downloads"/*.deb; do dpkg -x "$deb" "$root" || return 1; done
    touch "$mark"
  fi
  rm -rf "$downloads"
  [ -e "$mark" ]
}

fetch_debs() (
  mapfile -t wanted < <(closure "$2")
  # Installed already and its tool not found all the same: unpack the package itself.
  [ "${#wanted[@]}" -gt 0 ] || wanted=("$2")
  cd "$1" && apt-get -qq -o APT::Sandbox::User=root download "${wanted[@]}" >/dev/null
)

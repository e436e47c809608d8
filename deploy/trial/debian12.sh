#!/usr/bin/env bash
# Tries the package from beginning to end in two fresh Debian 12 roots, as root:
#
#   deploy/trial/debian12.sh target/debian/blockfeed_….deb [FOLDER]
#
# In the first the authority is installed, a log begun, the unit's own command run as the unit's user, a list
# decided; in the second an agent pulls and a mirror follows. Then reload, upgrade, removal, purge, each with what must stay. There is
# no init system in a chroot, so the commands of the units are run by hand, in a network of their own. Debian's
# mirror is the one that this machine's apt uses. Wants debootstrap; leaves nothing but FOLDER (by default a
# temporary one that is removed).
set -euo pipefail

say() { printf '\n== %s\n' "$*"; }
die() { echo "trial: FAILED: $*" >&2; exit 1; }
# must WHAT COMMAND…
must() { local what=$1; shift; "$@" >/dev/null 2>&1 || die "$what ($*)"; echo "   ok  $what"; }
must_not() { local what=$1; shift; ! "$@" >/dev/null 2>&1 || die "$what ($*)"; echo "   ok  $what"; }
in_root() { chroot "$1" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "${@:2}"; }
# With become=exec it takes this process's place, so that signals reach the program itself.
as_user() { local root=$1; shift; ${become:-} chroot --userspec=blockfeed:blockfeed "$root" /usr/bin/env -i PATH=/usr/bin:/bin HOME=/var/lib/blockfeed \
  LC_ALL=C.UTF-8 CREDENTIALS_DIRECTORY=/run/credentials BLOCKFEED_PASSPHRASE="$passphrase" "$@"; }
passphrase='a passphrase of the trial'

# The mirror that this machine's apt has for Debian 12.
mirror() {
  apt-get indextargets --format '$(REPO_URI) $(CODENAME)' 'Created-By: Packages' |
    awk '$2=="bookworm" {print $1; exit}'
}

# What the package wants, by its own word, without alternatives and versions.
wanted() { dpkg-deb -f "$1" Depends | tr ',' '\n' | sed 's/[(|].*//; s/ //g' | grep -v '^$' | paste -sd,; }

prepare() {
  local from
  from=$(mirror)
  [ -n "$from" ] || die "this machine's apt has no Debian 12 (bookworm)"
  say "Debian 12, minimal, with $(wanted "$deb")"
  debootstrap --variant=minbase --include="$(wanted "$deb")" bookworm "$folder/one" "$from" >"$folder/debootstrap.log" 2>&1 ||
    die "debootstrap: $(tail -n 3 "$folder/debootstrap.log")"
  cp -a "$folder/one" "$folder/two"
  cp "$deb" "$folder/one/tmp/new.deb"
  cp "$deb" "$folder/two/tmp/new.deb"
  # The release before, for the upgrade: the same program under a lower version.
  dpkg-deb -R "$deb" "$folder/old"
  sed -i 's/^Version: .*/Version: 0.0.1-1/' "$folder/old/DEBIAN/control"
  dpkg-deb --root-owner-group -Zgzip -z1 -b "$folder/old" "$folder/one/tmp/old.deb" >/dev/null
}

# command UNIT: the ExecStart of an installed unit, by this script's hand.
command_of() { sed -n 's/^ExecStart=//p' "$1/usr/lib/systemd/system/$2.service"; }

# start ROOT UNIT: runs it as the unit's user; its process is in $started.
start() {
  local line
  line=$(command_of "$1" "$2")
  # shellcheck disable=SC2016
  become=exec as_user "$1" /bin/sh -c "umask 027; exec $line" >>"$folder/$2.log" 2>&1 &
  started=$!
}

ready() (
  exec 3<>/dev/tcp/127.0.0.1/8399 || exit 1
  printf 'GET /readyz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n' >&3
  head -n 1 <&3 | grep -q ' 200 '
)

until_ready() {
  for _ in $(seq 600); do
    if ready 2>/dev/null; then return 0; fi
    sleep 0.2
  done
  die "the authority never was ready: $(tail -n 5 "$folder/blockfeed.log")"
}

stop() { kill -TERM "$1"; wait "$1" || die "process $1 ended with $?"; }

officer() {
  local who=$1; shift
  as_user "$folder/one" blockfeed "$@" --server http://127.0.0.1:8399 --officer "$who" --key-file "/var/lib/blockfeed/keys/$who.pem" --json
}

authority() {
  local one=$folder/one
  say "the release before is installed"
  in_root "$one" dpkg -i /tmp/old.deb >"$folder/install.log" 2>&1 || die "dpkg: $(tail -n 5 "$folder/install.log")"
  must "its user is there" in_root "$one" getent passwd blockfeed
  must "the program starts" in_root "$one" blockfeed --version
  must "its library is Debian's RocksDB" in_root "$one" /bin/sh -c 'dpkg -s librocksdb7.8'
  must "settings are root's, for the group to read" test "$(stat -c %a "$one/etc/blockfeed/blockfeed.toml")" = 640
  must "manual pages and completions are there" test -e "$one/usr/share/bash-completion/completions/blockfeed"
  say "a log is begun, and the unit's command runs as the unit's user"
  install -d -m 0755 "$one/run/credentials"
  printf '%s' "$passphrase" >"$one/run/credentials/passphrase"
  chown --reference="$one/var/lib/blockfeed" -R "$one/run/credentials"
  genesis=$(as_user "$one" blockfeed init --origin trial.example/1 --demo-officers --data /var/lib/blockfeed --json |
    sed -n 's/.*"genesis": *"\([0-9a-f]*\)".*/\1/p')
  [ ${#genesis} = 64 ] || die "init gave no genesis hash"
  start "$one" blockfeed; server=$started
  until_ready
  echo "   ok  $(command_of "$one" blockfeed)"
  decide shop-of-the-trial.example.vn
  must "the doctor finds nothing wrong" as_user "$one" blockfeed doctor --config /etc/blockfeed/blockfeed.toml --set registry.offline=true
}

decide() {
  local id body
  officer o-0017 propose "$1" --category counterfeit --head counterfeit --goods cosmetics --method fake_brand_site --not-after +180d \
    --basis-authority moit.e-commerce --basis-number 12/QD-TMDT --reasons trial >"$folder/proposed.json" 2>"$folder/proposed.err" ||
    die "propose: $(cat "$folder/proposed.err")"
  id=$(sed -n 's/.*"id": *"\([^"]*\)".*/\1/p' "$folder/proposed.json" | head -n 1)
  body=$(sed -n 's/.*"body_sha256": *"\([^"]*\)".*/\1/p' "$folder/proposed.json" | head -n 1)
  must "decision $id lists $1" officer o-0042 approve "$id" --yes --expect "$body"
}

agent() {
  local two=$folder/two
  say "an agent in the second root"
  in_root "$two" dpkg -i /tmp/new.deb >>"$folder/install.log" 2>&1 || die "dpkg: $(tail -n 5 "$folder/install.log")"
  sed -i "s/^genesis = .*/genesis = \"$genesis\"/" "$two/etc/blockfeed/agent.toml"
  start "$two" blockfeed-agent; follower=$started
  for _ in $(seq 300); do
    grep -q shop-of-the-trial "$two/var/lib/blockfeed-agent/blockfeed.rpz" 2>/dev/null && break
    sleep 0.2
  done
  must "it has verified and applied the list" grep -q shop-of-the-trial "$two/var/lib/blockfeed-agent/blockfeed.rpz"
}

mirror_follows() {
  local two=$folder/two
  say "a mirror in the second root"
  sed -i "s/^session = .*/session = \"${genesis:0:16}\"/" "$two/etc/blockfeed/mirror.toml"
  start "$two" blockfeed-mirror; copier=$started
  for _ in $(seq 300); do
    [ -e "$two/var/lib/blockfeed-mirror/feeds/domains/manifest" ] && break
    sleep 0.2
  done
  must "what it serves passes the audit" as_user "$two" blockfeed audit http://127.0.0.1:8400
}

upgrade() {
  local one=$folder/one
  say "reload, upgrade"
  kill -HUP "$server"; sleep 1
  must "a reload ends nothing" kill -0 "$server"
  echo '# a line of the operator' >>"$one/etc/blockfeed/blockfeed.toml"
  in_root "$one" dpkg -i /tmp/new.deb >>"$folder/install.log" 2>&1 || die "dpkg: $(tail -n 5 "$folder/install.log")"
  must "the operator's line is still there" grep -q 'a line of the operator' "$one/etc/blockfeed/blockfeed.toml"
  must "what ran goes on until it is restarted" kill -0 "$server"
  stop "$server"
  start "$one" blockfeed; server=$started
  until_ready
  decide another-shop-of-the-trial.example.vn
  for _ in $(seq 300); do
    grep -q another-shop "$folder/two/var/lib/blockfeed-agent/blockfeed.rpz" && break
    sleep 0.2
  done
  must "the agent has followed over the restart" grep -q another-shop "$folder/two/var/lib/blockfeed-agent/blockfeed.rpz"
  must "the audit passes" as_user "$folder/two" blockfeed audit http://127.0.0.1:8399
}

removal() {
  local one=$folder/one two=$folder/two
  say "removal and purge"
  stop "$server"; stop "$follower"; stop "$copier"
  in_root "$one" dpkg -r blockfeed >>"$folder/install.log" 2>&1
  must_not "the program is gone" test -e "$one/usr/bin/blockfeed"
  must "settings stay" test -e "$one/etc/blockfeed/blockfeed.toml"
  must "the log stays" test -d "$one/var/lib/blockfeed/db"
  in_root "$one" dpkg -P blockfeed >>"$folder/install.log" 2>&1
  must_not "purge takes the settings" test -e "$one/etc/blockfeed/blockfeed.toml"
  must "purge leaves the log and its keys" test -e "$one/var/lib/blockfeed/keys/log.pem"
  in_root "$two" dpkg -P blockfeed >>"$folder/install.log" 2>&1
  must_not "purge takes what an agent can have again" test -e "$two/var/lib/blockfeed-agent"
  must_not "and what a mirror can" test -e "$two/var/lib/blockfeed-mirror"
}

if [ "${1:-}" = --inside ]; then
  deb=$2 folder=$3
  ip link set lo up
  mount -t proc proc /proc
  for root in one two; do mount -t proc proc "$folder/$root/proc"; done
  authority
  agent
  mirror_follows
  upgrade
  removal
  say "all as it should be"
  exit 0
fi

deb=$(realpath "${1:?usage: debian12.sh PACKAGE.deb [FOLDER]}")
[ "$(id -u)" = 0 ] || die "roots are made by root"
command -v debootstrap >/dev/null || die "debootstrap isn't here: apt-get install debootstrap"
folder=${2:-$(mktemp -d /var/tmp/blockfeed-trial-XXXXXX)}
mkdir -p "$folder"
[ -n "${2:-}" ] || trap 'rm -rf "$folder"' EXIT
prepare
# Whatever is started in there ends with it.
unshare --net --mount --pid --fork --kill-child "$(realpath "$0")" --inside "$deb" "$folder"

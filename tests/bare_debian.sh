#!/usr/bin/env bash
# From a Debian 12 with nothing on it to a running host, by ./start alone: debootstrap into a temporary folder, a clone of the
# committed tree in it, ./start --exit as root in a chroot of its own mount and process namespaces. Tells both times.
#
#   tests/bare_debian.sh                              ./start --exit
#   tests/bare_debian.sh --exit --listen 127.0.0.9:2203  other options for ./start
#
# Packages come from where this machine's apt takes Debian's. It needs root and debootstrap.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if ((EUID != 0)); then echo "bare_debian: a chroot takes root" >&2; exit 1; fi
if ! command -v debootstrap >/dev/null; then
  echo "bare_debian: debootstrap is missing; tools/install_deps test brings it" >&2
  exit 1
fi
options=("$@")
if (($# == 0)); then options=(--exit); fi

# "URI SUITE" of each of Debian's own archives this machine uses; the plain release first.
archives=$(apt-get indextargets --format '$(REPO_URI) $(CODENAME)' 'Identifier: Packages' 'Origin: Debian' 'Component: main' |
  awk '$2 ~ /^bookworm/ && !seen[$0]++' | sort -k2)
mirror=$(awk '$2 == "bookworm" { print $1; exit }' <<<"$archives")
if [[ -z $mirror ]]; then
  echo "bare_debian: this machine's apt knows no Debian 12 archive; run apt-get update, or see /etc/apt/sources.list" >&2
  exit 1
fi

root=$(mktemp -d "${TMPDIR:-/tmp}/bare-debian.XXXXXX")
trap 'rm -rf --one-file-system "$root"' EXIT

begin=$SECONDS
debootstrap --variant=minbase bookworm "$root" "$mirror" >"$root.log" 2>&1 || { tail -n 20 "$root.log" >&2; exit 1; }
rm -f "$root.log"
echo "bare Debian made in $((SECONDS - begin)) s"

sed 's/^/deb /; s/$/ main/' <<<"$archives" >"$root/etc/apt/sources.list"
apt-config dump | grep -i '^Acquire::.*proxy' >"$root/etc/apt/apt.conf.d/proxy" || true
cp -L /etc/resolv.conf /etc/hosts "$root/etc/"
git clone -q --no-hardlinks . "$root/root/ghostlight"

# When the first process of the namespace ends, so does all it started, and its mounts with it.
begin=$SECONDS
status=0
unshare --mount --pid --fork --kill-child bash -c '
  root=$1; shift
  mount -t proc proc "$root/proc" && mount --rbind /dev "$root/dev" && mount -t tmpfs tmpfs "$root/tmp" &&
  exec chroot "$root" /usr/bin/env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 \
    bash -c "cd /root/ghostlight && exec ./start \"\$@\"" start "$@"
' bash "$root" "${options[@]}" </dev/null || status=$?
echo "./start ${options[*]} ended with $status after $((SECONDS - begin)) s"
exit "$status"

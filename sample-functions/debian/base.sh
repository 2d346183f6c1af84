#!/usr/bin/env bash
# Makes the Debian base images that the tests of the Python, Node and Flask samples build on, where none can be
# pulled: scfcert-test/python:base and so on. The roots are cached, so that a second run takes seconds.
# It needs root and the machine's own Debian package source.
set -euo pipefail
cache=${1:-${XDG_CACHE_HOME:-$HOME/.cache}/scfcert/debian}
suite=bookworm
mkdir -p "$cache"

if ! command -v debootstrap >/dev/null; then
  apt-get update -qq
  apt-get install -y -qq debootstrap >/dev/null
fi

# The package source is whatever this machine uses.
mirror=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' 2>/dev/null | grep -v security | head -n 1)

make_root() { # NAME PACKAGES
  local archive="$cache/$1.tar"
  [ -s "$archive" ] && return
  local root
  root=$(mktemp -d "$cache/root-XXXXXX")
  trap 'rm -rf "$root"' RETURN
  debootstrap --variant=minbase --include="$2" "$suite" "$root" ${mirror:+"$mirror"} >"$cache/$1.log" 2>&1 ||
    { tail -n 20 "$cache/$1.log" >&2; return 1; }
  rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/* "$root"/usr/share/doc/* "$root"/usr/share/locale/* "$root"/usr/share/man/*
  rm -f "$root"/etc/apt/sources.list "$root"/etc/apt/apt.conf.d/*proxy* "$root"/etc/resolv.conf
  tar -C "$root" --numeric-owner -cf "$archive.part" .
  mv "$archive.part" "$archive"
}

make_root python python3
make_root node nodejs
make_root flask python3,python3-flask
for name in python node flask; do
  docker image inspect "scfcert-test/$name:base" >/dev/null 2>&1 ||
    docker import "$cache/$name.tar" "scfcert-test/$name:base" >/dev/null
done

#!/bin/sh
# Makes a fresh clone ready to run. Every npm script begins with it; when nothing is missing it takes a few
# milliseconds and prints nothing.
#
#   sh test/tools.sh          npm packages, with the Node that heald needs among them
#   sh test/tools.sh --test   also the programs that tests use (installed as root on Debian, else only named)
#
# It is plain POSIX sh because on a fresh clone there is nothing else: the Node on the machine may be too old.
set -eu
cd "$(dirname "$0")/.."

say() { printf 'heald: %s\n' "$*" >&2; }

# npm runs on the Node it was started with, not on node_modules/.bin/node, which it may be about to replace.
run_npm() {
  case "${npm_execpath:-}" in
    *npm-cli.js) "${npm_node_execpath:-node}" "$npm_execpath" "$@" ;;
    *) npm "$@" ;;
  esac
}

# npm writes node_modules/.package-lock.json last, so an interrupted installation counts as none.
packages_are_current() {
  [ -e node_modules/.package-lock.json ] && ! [ package-lock.json -nt node_modules/.package-lock.json ]
}

install_packages() {
  packages_are_current && return 0
  # Two commands started at once in a fresh clone must not install over each other.
  if command -v flock >/dev/null 2>&1; then
    exec 9<package-lock.json
    flock 9
    packages_are_current && return 0
  fi
  say 'Installing npm packages (once, about 150 MB; a Node 24 for this folder is among them) …'
  # Dev and optional packages are asked for by name because NODE_ENV or an npmrc may leave them out, and the Node that
  # runs everything is one of them. No package of ours needs an install script.
  if ! run_npm ci --include=dev --include=optional --ignore-scripts --no-audit --no-fund \
    --engine-strict=false --prefer-offline --fetch-retry-mintimeout=1000 --fetch-retry-maxtimeout=5000 \
    --update-notifier=false --loglevel=error </dev/null >&2; then
    say 'npm could not install the packages; its own words are above.'
    say 'This needs the npm registry once. Check the connection (behind a proxy: npm config set proxy URL), then'
    say 'run the same command again.'
    exit 1
  fi
  if ! node_modules/.bin/node --version >/dev/null 2>&1 && ! new_enough node; then
    say "There is no ready-made Node 24 for this machine ($(uname -sm)), and the one here is too old or missing."
    say 'Install Node 24 by other means (https://nodejs.org/en/download), put it first on PATH, then run the same command again.'
    exit 1
  fi
}

new_enough() {
  "$1" -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 22 || (a === 22 && b >= 18) ? 0 : 1)' 2>/dev/null
}

# Prints the Debian packages whose programs are missing, one a line.
missing_programs() {
  for pair in strace:strace python3:python3 gcc:gcc tmux:tmux ps:procps setsid:util-linux unshare:util-linux git:git \
    mkfs.ext4:e2fsprogs nix-env:nix-bin openssl:openssl chromium:chromium \
    systemd-nspawn:systemd-container dbus-daemon:dbus; do
    command -v "${pair%%:*}" >/dev/null 2>&1 || printf '%s\n' "${pair#*:}"
  done | sort -u
  # A compiler without the C library's headers compiles nothing.
  [ -e /usr/include/stdio.h ] || echo libc6-dev
}

install_programs() {
  missing=$(missing_programs | paste -sd ' ' -)
  [ -n "$missing" ] || return 0
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    say "Installing Debian packages for the tests (once): $missing …"
    export DEBIAN_FRONTEND=noninteractive
    # A failure is not the end: what is still missing is named below, and its tests say so.
    { apt-get -q -o DPkg::Lock::Timeout=120 update &&
      # shellcheck disable=SC2086 # a list of words
      apt-get -q -y -o DPkg::Lock::Timeout=120 install --no-install-recommends $missing; } </dev/null >&2 ||
      say 'apt-get failed; its own words are above.'
    missing=$(missing_programs | paste -sd ' ' -)
    [ -n "$missing" ] || return 0
  fi
  say "Not installed: $missing"
  if [ -n "${CI:-}" ]; then
    say 'Tests that need them will fail, since nothing may be skipped with CI set.'
  else
    say 'Tests that need them will be skipped; the end of the run lists each with its reason.'
    say "To run them too: install these (on Debian, as root: apt-get install $missing)."
  fi
}

install_packages
[ "${1:-}" != --test ] || install_programs

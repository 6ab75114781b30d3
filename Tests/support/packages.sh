#!/usr/bin/env bash
# Installs the Debian packages of one purpose, if they are missing: packages.sh build|lint|fuzz|e2e|bench|profile
set -euo pipefail

case "${1:-build}" in
build) wanted=(libsqlite3-dev libcurl4-openssl-dev libyaml-dev pkg-config) ;;
lint) wanted=(python3) ;;
fuzz) wanted=() ;;
e2e) wanted=(python3 python3-venv openssl) ;;
bench) wanted=(nginx-light python3 gcc libc6-dev openssl) ;;
profile) wanted=(python3 gcc libc6-dev binutils valgrind) ;;
*)
    echo "usage: packages.sh build|lint|fuzz|e2e|bench|profile" >&2
    exit 2
    ;;
esac

missing=()
for package in "${wanted[@]}"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

sudo=()
[ "$(id -u)" = 0 ] || sudo=(sudo)
"${sudo[@]}" apt-get update -qq
DEBIAN_FRONTEND=noninteractive "${sudo[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null

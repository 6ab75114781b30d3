#!/bin/sh
# Builds the micro benchmark of PatchbayWire straight from its sources and runs it.
set -eu
root=$(cd "$(dirname "$0")/../../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# shellcheck disable=SC2046 # file names in the repository have no spaces
swiftc -O -wmo -swift-version 6 -package-name patchbay -module-name wirebench -o "$work/wirebench" \
    $(find "$root/Sources/PatchbayWire/JSON" "$root/Sources/PatchbayWire/SSE" -name '*.swift') \
    "$root/Tests/bench/wire/main.swift"
"$work/wirebench" "$@"

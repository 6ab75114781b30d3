#!/bin/sh
# Checks the plugin ABI: every header alone is valid C11, C17, C++17 and C++20 for gcc and clang without a warning, and
# sizes, offsets and constants are those of v1.txt. "check.sh --update" writes v1.txt anew, for a release that adds to the ABI.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
include=../include
checked=0

check() { # compiler language standard
    if ! command -v "$1" >/dev/null 2>&1; then
        echo "skipped: $1 is not installed" >&2
        return
    fi
    for header in "$include"/patchbay/*.h; do
        printf '#include "patchbay/%s"\nint patchbay_header_stands_alone;\n' "${header##*/}" >"$work/alone.c"
        "$1" -x "$2" -std="$3" -Wall -Wextra -pedantic -Werror -I"$include" -fsyntax-only "$work/alone.c"
    done
    "$1" -x "$2" -std="$3" -Wall -Wextra -pedantic -Werror -I"$include" -fsyntax-only use.c
    checked=$((checked + 1))
}

check gcc c c11
check gcc c c17
check g++ c++ c++17
check g++ c++ c++20
check clang c c11
check clang c c17
check clang++ c++ c++17
check clang++ c++ c++20
if [ "$checked" -eq 0 ]; then
    echo "no C compiler found" >&2
    exit 1
fi

if command -v gcc >/dev/null 2>&1; then compiler=gcc; else compiler=clang; fi
"$compiler" -std=c11 -Wall -Wextra -Werror -I"$include" -o "$work/dump" dump.c
"$work/dump" >"$work/now.txt"
if [ "${1:-}" = --update ]; then
    cp "$work/now.txt" v1.txt
    echo "v1.txt written"
    exit 0
fi
if ! diff -u v1.txt "$work/now.txt"; then
    echo "The plugin ABI has changed: v1.txt and the header differ." >&2
    exit 1
fi
echo "plugin ABI: $checked combinations of compiler and standard, $(wc -l <v1.txt) lines of layout, unchanged"

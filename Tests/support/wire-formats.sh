#!/usr/bin/env bash
# Puts the tables that the codecs make into the document: wire-formats.sh PATCHBAY DOCUMENT
set -euo pipefail

patchbay=$1
document=$2
begin='<!-- made by: patchbay plugin conversions -->'
end='<!-- end -->'

tables=$(mktemp)
trap 'rm -f "$tables" "$document.new"' EXIT
"$patchbay" plugin conversions >"$tables"
awk -v begin="$begin" -v end="$end" -v tables="$tables" '
    $0 == end { inside = 0 }
    !inside { print }
    $0 == begin { inside = 1; while ((getline line < tables) > 0) print line }
' "$document" >"$document.new"
cp "$document.new" "$document"

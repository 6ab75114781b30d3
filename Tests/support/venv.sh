#!/usr/bin/env bash
# Makes a Python environment of the end-to-end tests: venv.sh DIRECTORY [REQUIREMENTS [PIP OPTION...]]
set -euo pipefail

directory=$1
requirements=${2:-"$(dirname "$0")/../e2e/requirements.txt"}
stamp="$directory/.requirements"

if [ -f "$stamp" ] && cmp -s "$requirements" "$stamp"; then exit 0; fi
python3 -m venv "$directory" || {
    "$(dirname "$0")/packages.sh" e2e
    python3 -m venv "$directory"
}
"$directory/bin/pip" install --quiet --disable-pip-version-check "${@:3}" -r "$requirements"
cp "$requirements" "$stamp"

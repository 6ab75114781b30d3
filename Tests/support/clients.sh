#!/usr/bin/env bash
# Runs the tests of the clients that do not fit into the environment of the others: clients.sh BUILD-DIRECTORY
#
# They are pinned by complete lists, so nothing is resolved. Where PyPI cannot be reached and they were never installed, it
# says so and skips them; any other failure to install is an error.
set -euo pipefail

build=$1
here=$(dirname "$0")
e2e="$here/../e2e"

# Makes an environment, or fails if that was not for want of a network.
prepared() {
    local directory="$build/venv-$1"
    if "$here/venv.sh" "$directory" "$e2e/requirements-$1.txt" --no-deps; then return 0; fi
    if "$directory/bin/pip" download --quiet --no-deps --dest "$build/reachable" iniconfig==2.3.1 >/dev/null 2>&1; then
        echo "clients: installing requirements-$1.txt failed, and PyPI can be reached" >&2
        exit 1
    fi
    echo "clients: SKIPPED the tests of requirements-$1.txt: PyPI cannot be reached" >&2
    return 1
}

if prepared frameworks; then
    "$build/venv-frameworks/bin/python" -m pytest -q "$e2e/test_frameworks.py"
fi
if prepared previous; then
    "$build/venv-previous/bin/python" -m pytest -q -n "${E2E_WORKERS:-3}" --dist loadfile -m sdk "$e2e/test_pairs.py" "$e2e/test_faults.py" \
        "$e2e/test_clients.py" "$e2e/test_responses.py" "$e2e/test_gemini.py" "$e2e/test_frameworks_previous.py"
fi

#!/usr/bin/env bash
# Where the microseconds of a request go, stage by stage, and the functions that cost most. Options are those of profile.py.
set -euo pipefail
cd "$(dirname "$0")"
exec python3 profile.py "$@"

#!/usr/bin/env bash
# Ratios of the gateway to nginx doing the same proxying in the same run. Options and scenarios are those of bench.py.
set -euo pipefail
cd "$(dirname "$0")"
exec python3 bench.py "$@"

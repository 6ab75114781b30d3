#!/bin/sh
# Fuzzes the parsers of PatchbayWire with libFuzzer and the address sanitizer.
#
#     Tests/fuzz/run.sh [seconds] [target...]
#
# Each target is one main file here. It is compiled with the sources of PatchbayWire, first replays FailCases/<target>,
# then explores for the given seconds (default 20) from corpus/<target>. Seconds 0 only replays. An input that fails
# is written to FailCases/<target>: keep it with the fix.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
here="$root/Tests/fuzz"
build="${FUZZ_BUILD:-$root/.build/fuzz}"
seconds=${1:-20}
[ $# -gt 0 ] && shift
# shellcheck disable=SC2046 # file names in the repository have no spaces
[ $# -gt 0 ] || set -- $(cd "$here" && for main in *.swift; do echo "${main%.swift}"; done)

for target in "$@"; do
    mkdir -p "$build/$target.found" "$here/corpus/$target" "$here/FailCases/$target"
    # -O keeps preconditions and bounds checks.
    # shellcheck disable=SC2046 # file names in the repository have no spaces
    swiftc -O -wmo -sanitize=fuzzer,address -parse-as-library -swift-version 6 -package-name patchbay \
        -module-name "fuzz_$target" -o "$build/$target" \
        $(find "$root/Sources/PatchbayWire" -name '*.swift') "$here/$target.swift" 2>"$build/$target.log" ||
        { cat "$build/$target.log"; exit 1; }

    echo "$target: replaying $(find "$here/FailCases/$target" "$here/corpus/$target" -type f ! -name '.*' | wc -l) inputs"
    find "$here/FailCases/$target" "$here/corpus/$target" -type f ! -name '.*' -exec "$build/$target" {} + \
        >"$build/$target.log" 2>&1 || { tail -40 "$build/$target.log"; exit 1; }
    [ "$seconds" -gt 0 ] || continue

    echo "$target: fuzzing for $seconds s"
    "$build/$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 -max_len=4096 -print_final_stats=1 \
        -artifact_prefix="$here/FailCases/$target/" "$build/$target.found" "$here/corpus/$target" \
        >"$build/$target.log" 2>&1 || { tail -60 "$build/$target.log"; exit 1; }
    grep -E 'DONE|number_of_executed_units|average_exec' "$build/$target.log"
done

#!/usr/bin/env bash
# Budgets of the style guide: file and line length, no force operations in sources, no open ends.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
failures=0

report() {
    echo "lint: $*" >&2
    failures=$((failures + 1))
}

while IFS= read -r file; do
    [ -f "$file" ] || continue
    lines=$(wc -l <"$file")
    limit=600
    case "$file" in Tests/*) limit=800 ;; esac
    [ "$lines" -le "$limit" ] || report "$file has $lines lines; the limit is $limit"
    case "$file" in Tests/* | sdk/template/c/*) continue ;; esac
    while IFS=: read -r line _; do
        report "$file:$line is longer than 120 columns"
    done < <(LC_ALL=C.UTF-8 grep -nE '^.{121,}$' "$file")
done < <(git ls-files -co --exclude-standard '*.swift' '*.c' '*.h')

while IFS= read -r hit; do
    report "$hit"
done < <(grep -rnE '\btry!|\bas!|TODO|FIXME' Sources Plugins sdk/swift --include='*.swift' | grep -v '/// ')

while IFS= read -r hit; do
    file=${hit%%:*}
    line=$(echo "$hit" | cut -d: -f2)
    from=$((line > 5 ? line - 5 : 1))
    sed -n "${from},${line}p" "$file" | grep -qiE '//.*(lock|mutex|immutable|serial|thread|never|once|only|superclass)' ||
        report "$hit needs a comment that names its lock or says why it needs none"
done < <(grep -rn '@unchecked Sendable' Sources Plugins sdk/swift --include='*.swift')

if command -v shellcheck >/dev/null; then
    git ls-files -co --exclude-standard '*.sh' '.ci/run' | xargs -r shellcheck -S warning || failures=$((failures + 1))
fi

[ "$failures" -eq 0 ] || {
    echo "lint: $failures findings" >&2
    exit 1
}
echo "lint: clean"

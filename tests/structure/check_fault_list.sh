#!/usr/bin/env bash
# Every test that tests/README.md names is there: files, and the beginnings of cases' names behind them.
#
#   check_fault_list.sh SOURCE_TREE
set -euo pipefail
tree="$1"
failed=0

complain() {
    echo "tests/README.md: $1"
    failed=1
}

# `file`: `case...`, `case...` in the last column of a table, in the order in which they stand there.
while IFS= read -r row; do
    files=()
    while IFS= read -r word; do
        case "$word" in
            *_test)
                mapfile -t files < <(find "$tree/tests" -name "$word.cpp" -o -name "$word.sh")
                [[ ${#files[@]} -gt 0 ]] || complain "there is no $word"
                ;;
            *_*)
                if [[ ${#files[@]} -eq 0 ]] || ! grep -q "[( ]${word%...}" "${files[@]}"; then
                    complain "no case $word in ${files[*]##*/}"
                fi
                ;;
        esac
    done < <(grep -oP '\x60[a-z0-9_.]+\x60' <<<"${row##*| }" | tr -d '\140')
done < <(grep -E '^\|.*_test' "$tree/tests/README.md" | sed 's/ |$//')
exit "$failed"

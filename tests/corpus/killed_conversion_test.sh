#!/usr/bin/env bash
# hpml_prepare convert killed after each of its files, in both directions: a second start goes on, on
# another number of ranks, and makes the bytes of an undisturbed conversion.
#
#   killed_conversion_test.sh SOURCE_TREE BUILD_FOLDER
set -euo pipefail

golden="$1/tests/golden"
program="$2/bin/hpml_prepare"
scratch="$(mktemp -d)"
failed=0
trap 'rm -rf "$scratch"' EXIT

check() {
    local what="$1"
    shift
    if "$@" >>"$scratch/check.log" 2>&1; then
        echo "ok: $what"
    else
        echo "failed: $what"
        tail -n 20 "$scratch"/*.log
        failed=1
    fi
}

# same NAME SITE FILES OPTIONS...: NAME is the output, FILES the number of fault points.
same_after_kills() {
    local name="$1" site="$2" files="$3"
    shift 3
    check "$name: an undisturbed conversion" "$program" convert "$@" --output "$scratch/$name"
    local step
    for ((step = 0; step < files; step++)); do
        local output="$scratch/$name-$step" code=0
        HPML_FAULT="kill@step=$step,rank=0,site=$site" "$program" convert "$@" --output "$output" \
            >"$scratch/killed.log" 2>&1 || code=$?
        check "$name: killed at file $step" [ "$code" = 137 ]
        check "$name: nothing is published then" [ ! -e "$output/manifest.json" -a ! -e "$output/convert.json" ]
        check "$name: it goes on" mpirun --oversubscribe -np 2 "$program" convert "$@" --output "$output"
        check "$name: from $((step + 1)) files" grep -q "^$((step + 1)) files were written\|of $((step + 1)) of $files files were hashed" \
            "$scratch/check.log"
        check "$name: to the same bytes" diff -r "$scratch/$name" "$output"
    done
}

same_after_kills shards import.file 5 --input "$golden/masked/academic-budget" --vocab "$golden/corpus/vocab.txt"
same_after_kills masked export.file 5 --input "$golden/corpus" --to nvidia --copies 2
exit "$failed"

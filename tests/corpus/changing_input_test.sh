#!/usr/bin/env bash
# hpml_prepare held up in the middle of its work, while a second one comes and its input changes.
#
#   changing_input_test.sh SOURCE_TREE BUILD_FOLDER
set -euo pipefail

source_tree="$1"
build="$2"
scratch="$(mktemp -d)"
failed=0
first=""
trap '[[ -z "$first" ]] || kill -KILL "$first" 2>/dev/null || true; rm -rf "$scratch"' EXIT

prepare() {
    exec "$build/bin/hpml_prepare" --input "$scratch/in.txt" --vocab "$source_tree/data/sample/vocab.txt" \
        --output "$scratch/out"
}

check() {
    local what="$1"
    shift
    if "$@"; then
        echo "ok: $what"
    else
        echo "failed: $what"
        tail -n 20 "$scratch"/*.log
        failed=1
    fi
}

# Whether process $1 is stopped.
# shellcheck disable=SC2317  # called by wait_for
is_stopped() { grep -q '^State:[[:space:]]*T' "/proc/$1/status"; }

# shellcheck disable=SC2317  # called by check
wait_for() {
    local attempt
    for ((attempt = 0; attempt < 300; attempt++)); do
        if "$@" 2>/dev/null; then return 0; fi
        sleep 0.1
    done
    return 1
}

printf 'one river\n\ntwo rivers\n\nthree rivers\n' >"$scratch/in.txt"
(HPML_FAULT=stop@step=0,site=prepare.piece prepare) >"$scratch/first.log" 2>&1 &
first=$!
check "the first stops after its first file" wait_for is_stopped "$first"

code=0
(prepare) >"$scratch/second.log" 2>&1 || code=$?
check "a second one is refused with the code of an output that cannot be made" [ "$code" = 73 ]
check "and the first one's name" grep -q "error: $scratch/out is being prepared by process $first on " \
    "$scratch/second.log"

printf 'one river\n\nsix rivers\n\nthree rivers\n' >"$scratch/in.txt"
kill -CONT "$first"
code=0
wait "$first" || code=$?
first=""
check "the first refuses the input that changed under it" [ "$code" = 65 ]
check "and says so" grep -q 'error: the input has changed while it was prepared' "$scratch/first.log"
check "and publishes no corpus" [ ! -e "$scratch/out/manifest.json" ]

code=0
(prepare) >"$scratch/third.log" 2>&1 || code=$?
check "its pieces are not taken for those of the new text" [ "$code" = 78 ]
rm -r "$scratch/out"
code=0
(prepare) >"$scratch/fourth.log" 2>&1 || code=$?
check "after removing the folder the new text is prepared" [ "$code" = 0 ]
exit "$failed"

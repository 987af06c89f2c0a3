#!/usr/bin/env bash
# hpml_prepare killed at random moments, on one and on two ranks in turn, again and again: it goes on each time, to the
# bytes of an undisturbed run. Killed when 90 % of its pieces or of its shards are there, it makes the others only.
#
#   killed_preparation_test.sh SOURCE_TREE BUILD_FOLDER [KILLS]     (default: 4)
set -euo pipefail

source_tree="$1"
program="$2/bin/hpml_prepare"
kills="${3:-4}"
scratch="$(mktemp -d)"
failed=0
trap 'rm -rf "$scratch"' EXIT
RANDOM=20  # so that a failure can be had again, as far as time allows

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

# 20 files of other words each; 90 % are 18.
mkdir "$scratch/in"
for file in {10..29}; do
    for part in 1 2 3 4; do
        tr 'aeiostnrhl' "$(cut -c "$((file - 9 + part))-$((file + part))" <<<aeiostnrhlaeiostnrhlaeiostnrhlaeiostnrhlaeiostnrhl)" \
            <"$source_tree/data/sample/task/train.tsv" | cut -f 1 | sed '0~4G'
    done >"$scratch/in/$file.txt"
done
options=(--input "$scratch/in" --vocab "$source_tree/data/sample/vocab.txt" --sequence-length 32
    --sequences-per-shard 5000 --shuffle)

# prepare OUTPUT [LAUNCHER...]
prepare() {
    local output="$1"
    shift
    exec "$@" "$program" "${options[@]}" --output "$output"
}

# shellcheck disable=SC2317  # called by check
prepare_here() { (prepare "$@"); }

# Process $1 and what it has started.
kill_all() {
    local child children attempt
    children="$(ps -o pid= --ppid "$1" || true)"
    for child in $children; do kill -KILL "$child" 2>/dev/null || true; done
    kill -KILL "$1" 2>/dev/null || true
    # One that waits for a disk dies later, and holds the lock until then.
    for child in $children; do
        for ((attempt = 0; attempt < 1000; attempt++)); do
            [[ "$(ps -o stat= -p "$child" || true)" =~ ^(Z|$) ]] && break
            sleep 0.02
        done
    done
}

# Kill a preparation at a random moment until it is ready, or until there were enough kills.
killed=0
interrupt() {
    local output="$1" start process milliseconds
    for ((start = 0; killed < kills; start++)); do
        local launcher=()
        ((start % 2 == 0)) || launcher=(mpirun --oversubscribe -np 2)
        (prepare "$output" "${launcher[@]}") >"$scratch/killed.log" 2>&1 &
        process=$!
        milliseconds=$((RANDOM % (longest + longest * ${#launcher[@]} / 4)))
        sleep "$(printf '%d.%03d' $((milliseconds / 1000)) $((milliseconds % 1000)))"
        if kill -0 "$process" 2>/dev/null; then
            kill_all "$process"
            killed=$((killed + 1))
        fi
        wait "$process" 2>/dev/null || true
        [[ ! -e "$output/manifest.json" ]] || return 0
    done
}

began="$(date +%s%N)"
check "an undisturbed preparation" prepare_here "$scratch/whole"
longest=$((($(date +%s%N) - began) / 1000000))

runs=0
while [[ "$killed" -lt "$kills" && "$failed" == 0 ]]; do
    runs=$((runs + 1))
    interrupt "$scratch/out-$runs"
    check "run $runs, after $killed kills: it goes on" prepare_here "$scratch/out-$runs"
    # A kill after the last file leaves its owner in the lock, which the next start knows to be dead.
    check "run $runs: to the same bytes" diff -r -x prepare.lock "$scratch/whole" "$scratch/out-$runs"
    rm -rf "$scratch/out-$runs"
done

# at_90_percent SITE STEP: killed there, and started again.
at_90_percent() {
    local code=0
    (HPML_FAULT="kill@step=$2,rank=0,site=$1" prepare "$scratch/$1") >"$scratch/killed.log" 2>&1 || code=$?
    check "$1: killed at 90 %" [ "$code" = 137 ]
    find "$scratch/$1" -name 'train-*.h5' -printf '%f %i\n' | sort >"$scratch/before"
    (prepare "$scratch/$1") >"$scratch/resumed.log" 2>&1 || true
    find "$scratch/$1" -name 'train-*.h5' -printf '%f %i\n' | sort >"$scratch/after"
    check "$1: to the same bytes" diff -r "$scratch/whole" "$scratch/$1"
}

at_90_percent prepare.piece 17
check "18 of 20 pieces are not made again" grep -q '18 of 20 pieces were tokenized by an earlier' "$scratch/resumed.log"

shards="$(find "$scratch/whole" -name 'train-*.h5' | wc -l)"
at_90_percent prepare.shard $((shards * 9 / 10 - 1))
check "no piece is made again" grep -q '20 of 20 pieces were tokenized by an earlier' "$scratch/resumed.log"
kept="$(comm -12 "$scratch/before" "$scratch/after" | wc -l)"
check "$kept of $shards shards are kept" [ "$kept" -ge $((shards * 8 / 10)) ]
exit "$failed"

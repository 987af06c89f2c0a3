#!/usr/bin/env bash
# The cost model against reality: constants fitted at one bandwidth, predictions for others written down, then measured.
#
#   tests/bench/simulate/run.sh [BUILD] [OUT]
#
#   BUILD  build folder (build/release)
#   OUT    folder for what is measured (a temporary one)
#
# Needs root for network namespaces (tests/support/hosts.sh) and takes about eight minutes. Two hosts with two ranks
# each calibrate over links of FIT Mbit/s. From that cluster file, with the bandwidth alone changed, hpml_bench simulate
# predicts all-reduces of 1 to 64 MiB for RATES x HOSTS, which stand in OUT/predictions.tsv before the first of them is
# run: ring and twoshot with one rank on each host, hierarchical with two. Then whole training steps of a small BERT on
# two hosts, predicted from what a step takes without communication. compare.py prints the errors; the exit code is 1 if
# one is above 15 % or, at 16 MiB and more, a measurement above 1.15 x its prediction. For an idle machine.
#
#   FIT=1000 RATES="500 250" HOSTS="2 3 4"   what is fitted and predicted
#   QUIET=COMMAND                            put before each measurement on hosts
set -euo pipefail

here="$(cd "$(dirname "$0")" && pwd)"
tree="$(cd "$here/../../.." && pwd)"
build="$(cd "${1:-$tree/build/release}" && pwd)"
out="${2:-$(mktemp -d)}"
bench="$build/bin/hpml_bench"
read -ra rates <<<"${RATES:-500 250}"
read -ra hosts <<<"${HOSTS:-2 3 4}"
read -ra quiet <<<"${QUIET:-env}"
fit="${FIT:-1000}"
mkdir -p "$out"

on_hosts() {
    local count="$1" each="$2" mbit="$3"
    shift 3
    "${quiet[@]}" timeout -k 5 300 "$tree/tests/support/hosts.sh" --hosts "$count" --ranks-per-host "$each" \
        --mbit "$mbit" -- "$@"
}

show_log() {
    cat "$out/log.txt"
    exit 1
}

predict() {
    local count="$1" each="$2" mbit="$3"
    local name="$out/$mbit-$count-$each"
    python3 "$here/compare.py" scale "$out/fit.json" "$fit" "$mbit" "$each" >"$name-cluster.json"
    "$bench" simulate --cluster "$name-cluster.json" --ranks $((count * each)) --model base --compute-seconds 1 \
        --json "$name-predicted.json" 2>/dev/null
}

measure() {
    local count="$1" each="$2" mbit="$3"
    shift 3
    on_hosts "$count" "$each" "$mbit" "$bench" allreduce "$@" --compare none --smallest 1048576 --largest-mib 64 \
        --growth 4 --time-per-size 2 --json "$out/$mbit-$count-$each-measured.json" 2>"$out/log.txt" || show_log
}

# Both cores compute, as they will with two hosts.
steps_alone() {
    local rank
    for rank in 1 2; do
        "$bench" step "${step[@]}" --json "$out/alone-$rank.json" 2>"$out/log-$rank.txt" &
    done
    wait
    python3 "$here/compare.py" compute "$out"
}

predict_step() {
    "$bench" simulate --cluster "$out/$1-2-1-cluster.json" --ranks 2 --model small --compute-seconds "$2" \
        --json "$out/$1-step-predicted.json" 2>/dev/null
}

step=(--model small --threads 1 --steps 6)
echo "fit at $fit Mbit/s"
on_hosts 2 2 "$fit" "$bench" calibrate --json "$out/fit.json"
for mbit in "${rates[@]}"; do
    for count in "${hosts[@]}"; do
        predict "$count" 1 "$mbit"
        predict "$count" 2 "$mbit"
    done
done
python3 "$here/compare.py" predictions "$out" >"$out/predictions.tsv"
echo "predictions written to $out/predictions.tsv at $(date -u +%H:%M:%S), sha256 $(sha256sum <"$out/predictions.tsv")"
for mbit in "${rates[@]}"; do
    for count in "${hosts[@]}"; do
        measure "$count" 1 "$mbit" --algorithm ring --algorithm twoshot
        measure "$count" 2 "$mbit" --algorithm hierarchical
        echo "measured $count hosts at $mbit Mbit/s at $(date -u +%H:%M:%S)"
    done
done
result=0
python3 "$here/compare.py" errors "$out" || result=1
compute="$(steps_alone)"
for mbit in "${rates[@]}"; do
    predict_step "$mbit" "$compute"
    on_hosts 2 1 "$mbit" "$bench" step "${step[@]}" --allreduce ring --bucket-mib 8 \
        --json "$out/$mbit-step-measured.json" 2>"$out/log.txt" || show_log
done
python3 "$here/compare.py" steps "$out" || result=1
exit "$result"

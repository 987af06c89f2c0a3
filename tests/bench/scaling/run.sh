#!/usr/bin/env bash
# Weak scaling and the loader's share of real pretraining: two ranks of one core each against two runs of one rank each
# at the same time, in turn, every rank with the same work. Full rows of 128 tokens, micro-batches of 8, accumulation 1.
#
#   tests/bench/scaling/run.sh [--model base] [--pairs 3] [--steps 5] [-- more options of hpml_pretrain]
#
# Of every run the median step counts, without the first; `ratio` is one rank's step over two ranks' (bar: 0.97), and
# `stall` the share of the two ranks' time that rank 0 waited for data (bar: 0.005). The corpus is the sample.
# Needs build/release/bin or $HPML_BIN; `base` takes about two minutes a pair.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."
model=base pairs=3 steps=5
while (($# > 0)); do
    case "$1" in
        --model | --pairs | --steps) declare "${1#--}=${2:?a value for $1}" && shift 2 ;;
        --) shift && break ;;
        *) echo "scaling bench: error: unknown option $1 (see the head of this script)" >&2 && exit 64 ;;
    esac
done
bin="${HPML_BIN:-$PWD/build/release/bin}"
[[ -x "$bin/hpml_pretrain" && -x "$bin/hpml_prepare" ]] || {
    echo "scaling bench: error: $bin/hpml_pretrain is missing; run cmake --preset release && cmake --build --preset release" >&2
    exit 66
}
(($(nproc --all) > 1)) || { echo "scaling bench: skipped: it needs two cores" && exit 0; }
if [[ "$(id -u)" == 0 ]]; then
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
fi
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
sed -n 's/^model name[^:]*: /CPU: /p' /proc/cpuinfo | head -n 1
echo "cores: $(nproc --all), load: $(cut -d' ' -f1-3 /proc/loadavg); model $model, 8 x 128 tokens a rank and step, $steps steps"
"$bin/hpml_prepare" --input data/sample/corpus --vocab data/sample/vocab.txt --sequence-length 128 --pack full \
    --output "$work/data" >"$work/prepare.log" 2>&1 || { cat "$work/prepare.log" >&2 && exit 1; }

# train RUN RANKS CORE [OPTIONS]: rank r keeps to core CORE + r.
train() {
    local run="$1" ranks="$2" core="$3"
    shift 3
    # shellcheck disable=SC2016  # the ranks expand it
    mpirun -np "$ranks" --bind-to none bash -c 'exec taskset -c $(('"$core"' + OMPI_COMM_WORLD_RANK)) "$@"' pinned \
        "$bin/hpml_pretrain" --data "$work/data" --run "$work/$run" --model "$model" --optimizer adamw \
        --global-batch $((8 * ranks)) --micro-batch 8 --steps "$steps" --threads 1 --schedule constant "$@" \
        >"$work/$run.log" 2>&1 || { cat "$work/$run.log" >&2 && return 1; }
}
# median_step RUN: seconds.
median_step() {
    sed -n 's/.*"kind":"train","step":\([0-9]*\),.*"seconds":\([0-9.e-]*\),.*/\1 \2/p' "$work/$1/metrics.jsonl" |
        awk '$1 > 1 { print $2 }' | sort -g | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}
stall() {
    sed -n 's/.*"kind":"train","step":\([0-9]*\),.*"seconds":\([0-9.e-]*\),"data_wait_seconds":\([0-9.e-]*\),.*/\1 \2 \3/p' \
        "$work/$1/metrics.jsonl" | awk '$1 > 1 { all += $2; wait += $3 } END { print wait / all }'
}
median() { sort -g | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

for ((pair = 1; pair <= pairs; ++pair)); do
    train "a$pair" 1 0 "$@" &
    train "b$pair" 1 1 "$@"
    wait $!
    train "two$pair" 2 0 "$@"
    awk -v a="$(median_step "a$pair")" -v b="$(median_step "b$pair")" -v two="$(median_step "two$pair")" \
        -v stall="$(stall "two$pair")" -v pair="$pair" 'BEGIN {
            alone = (a + b) / 2
            printf "pair %d: one rank %.3f s and %.3f s at the same time, two ranks %.3f s: ratio %.3f, stall %.4f\n",
                pair, a, b, two, alone / two, stall }' | tee -a "$work/pairs"
    rm -rf "$work/a$pair" "$work/b$pair" "$work/two$pair"
done
echo "median: ratio $(sed 's/.*ratio \([0-9.]*\),.*/\1/' "$work/pairs" | median) (bar 0.97)," \
    "stall $(sed 's/.*stall //' "$work/pairs" | median) (bar 0.005)"

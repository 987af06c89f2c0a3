#!/usr/bin/env bash
# What hpml_check predicts of a rank's memory against the peak (PSS) of real pretraining steps, over sizes and options.
# Bar: within 10 %.
#
#   tests/bench/step/memory.sh [BUILD-FOLDER]      build/release
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."
bin="${1:-build/release}/bin"
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
if [[ "$(id -u)" == 0 ]]; then
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
fi
prepare=("$bin/hpml_prepare" --input data/sample/corpus --vocab data/sample/vocab.txt --sequence-length 128)
# Rows that are 85 % full, and rows of any length.
"${prepare[@]}" --pack full --output "$folder/full" >/dev/null 2>&1
"${prepare[@]}" --pack sentences --short-sequences 1 --output "$folder/short" >/dev/null 2>&1
rows=full
worst=0
# measure RANKS OPTIONS...
measure() {
    local predicted measured ranks="$1"
    shift
    rm -rf "$folder/run"
    local given=(--data "$folder/$rows" --run "$folder/run" --global-batch 64 --steps 2 --threads 1 "$@")
    predicted="$("$bin/hpml_check" "${given[@]}" --ranks "$ranks" --ranks-per-node "$ranks" |
        awk '$1 == "all" && NF == 2 { print $2 }')"
    measured="$(python3 tests/bench/step/peak_pss.py mpirun -np "$ranks" "$bin/hpml_pretrain" "${given[@]}")"
    awk -v p="$predicted" -v m="$measured" -v what="$ranks: $* ($rows)" 'BEGIN {
        printf "%-80s predicted %7.0f MB, measured %7.0f MB, %+.1f %%\n", what, p, m, (p / m - 1) * 100 }'
    worst="$(awk -v p="$predicted" -v m="$measured" -v w="$worst" 'BEGIN {
        d = p / m - 1; d = d < 0 ? -d : d; print(d > w ? d : w) }')"
}
measure 1 --model mini --micro-batch 32
measure 1 --model mini --micro-batch 64 --dropout 0
measure 1 --model mini --micro-batch 64 --activation-checkpointing selective
measure 1 --model small --micro-batch 32
measure 1 --model small --micro-batch 32 --activation-checkpointing full
measure 1 --model small --micro-batch 32 --encoder-norm pre --optimizer lamb
measure 1 --model medium --micro-batch 16 --precision bf16
measure 1 --model medium --micro-batch 16 --optimizer adafactor
measure 1 --model small --micro-batch 16 --precision fp16
measure 1 --model medium --micro-batch 8 --optimizer adamw --first-moment bf16
measure 2 --model small --micro-batch 16
measure 2 --model medium --micro-batch 8 --optimizer adamw
measure 2 --model medium --micro-batch 8 --optimizer adamw --zero1
measure 2 --model small --micro-batch 16 --precision fp16
measure 1 --model medium --micro-batch 8 --optimizer adamw --reproducible elastic
measure 2 --model small --micro-batch 16 --reproducible elastic
measure 4 --model medium --micro-batch 8 --optimizer lamb --zero1
measure 2 --model base --micro-batch 8 --optimizer adamw
rows=short
measure 1 --model mini --micro-batch 32
measure 1 --model small --micro-batch 32
measure 2 --model medium --micro-batch 16
awk -v w="$worst" 'BEGIN { printf "worst: %.1f %% (bar 10)\n", w * 100; exit w > 0.1 }'

#!/usr/bin/env bash
# Loss curves of fp32 against bf16 on 1, 2 and 4 ranks, with the same rows, first weights and masks.
#
#   jobs/compare_precisions.sh [--NAME VALUE]...
#
# bf16 rounds the factors of matrix products, with the processor's own arithmetic where it has it and by emulation
# elsewhere. Tables: jobs/results/. The same command goes on where it stopped; finished runs are skipped. Sizes, with
# their defaults:
#
#   --precisions "fp32 bf16"  --ranks "1 2 4" (of one thread each)  --seeds "1 2 3"
#   --optimizer adamw         --rates 3e-3
#   --rows 32000              sequences of a run: 1000 steps of --batch 32
#   --sequence-length 128     --model tiny   --weight-decay 0.01
#   --vocabulary-size 0       0: BERT's; else a vocabulary of this size, made from the text
#   --hours 0                 end this piece after so long; 0: when all is done
#
# Cost at 25,000 tokens a second, what a core of an EPYC (Zen 4) does: 18 runs of 4 million tokens, 3 minutes each:
# below an hour on 2 cores where bf16 is the processor's own, and 1 GB of disk.
# Variables: HPML_BIN, HPML_TEST_DATA, HPML_RUN, HPML_RESULTS (jobs/experiment.sh).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=jobs/experiment.sh
source jobs/experiment.sh

size+=([precisions]="fp32 bf16" [ranks]="1 2 4" [optimizer]=adamw [rates]=3e-3 [rows]=32000)
read_sizes "$@"
begin precisions
prepare_shards
groups=()
for precision in ${size[precisions]}; do
    for ranks in ${size[ranks]}; do
        groups+=("$precision-ranks$ranks")
        tune "$precision-ranks$ranks" "$ranks" "${size[rows]}" "${size[batch]}" --precision "$precision" \
            --optimizer "${size[optimizer]}" --weight-decay "${size[weight-decay]}"
    done
done
report "Precisions" "${groups[@]}"
say "$results/$experiment.md"
cat "$results/$experiment.md"

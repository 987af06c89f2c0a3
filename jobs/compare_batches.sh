#!/usr/bin/env bash
# Large batches: AdamW against LAMB at equal tokens, 32 to 512 sequences a step.
#
#   jobs/compare_batches.sh [--NAME VALUE]...
#
# Each optimizer sees the same rows with each batch, at each of --rates, and the best rate with all --seeds. Tables:
# jobs/results/. The same command goes on where it stopped; finished runs are skipped. Sizes, with their defaults:
#
#   --optimizers "adamw lamb"   --batches "32 128 512"   --rates "3e-4 1e-3 3e-3 1e-2 3e-2"   --seeds "1 2 3"
#   --rows 153600             sequences of a run: 300 steps of 512
#   --sequence-length 32      --model tiny   --weight-decay 0.01
#   --vocabulary-size 0       0: BERT's; else a vocabulary of this size, made from the text
#   --ranks 2                 of one thread each
#   --hours 0                 end this piece after so long; 0: when all is done
#
# Cost at 25,000 tokens a second, what a core of an EPYC (Zen 4) does: 42 runs of 4.9 million tokens, 3 to 4 minutes
# each: below 3 hours, and 2.2 GB of disk.
# Recipes for 4,096 to 65,536 sequences: jobs/pretrain_lamb_phase1.cfg, jobs/pretrain_24_hours.cfg.
# Variables: HPML_BIN, HPML_TEST_DATA, HPML_RUN, HPML_RESULTS (jobs/experiment.sh).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=jobs/experiment.sh
source jobs/experiment.sh

size+=([optimizers]="adamw lamb" [batches]="32 128 512" [rates]="3e-4 1e-3 3e-3 1e-2 3e-2" [rows]=153600
    [sequence-length]=32)
read_sizes "$@"
begin batches
prepare_shards
groups=()
for batch in ${size[batches]}; do
    for optimizer in ${size[optimizers]}; do
        groups+=("$optimizer-batch$batch")
        tune "$optimizer-batch$batch" "${size[ranks]}" "${size[rows]}" "$batch" --precision fp32 \
            --optimizer "$optimizer" --weight-decay "${size[weight-decay]}"
    done
done
report "Batches" "${groups[@]}"
say "$results/$experiment.md"
cat "$results/$experiment.md"

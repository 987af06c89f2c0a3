#!/usr/bin/env bash
# Adam, AdamW, LAMB and Adafactor on the same Wikipedia text, then each of their models on four GLUE tasks.
#
#   jobs/compare_optimizers.sh [--NAME VALUE]...
#
# Every optimizer sees the same rows at each of --rates; its best rate is run with all --seeds. These models, and
# random weights, are fine-tuned on CoLA, SST-2, MRPC and STS-B beside the majority baseline. Tables: jobs/results/.
# The same command goes on where it stopped; finished runs are skipped. Sizes, with their defaults:
#
#   --optimizers "adam adamw lamb adafactor"
#   --rates "3e-4 1e-3 3e-3 1e-2 3e-2"   --seeds "1 2 3"
#   --rows 96000              sequences of a pretraining, the same for all optimizers: 3000 steps of --batch 32
#   --weight-decay 0.01       --adam-decay 0 (Adam adds it to the gradient, where it drives rare words to zero)
#   --sequence-length 128     --model tiny
#   --vocabulary-size 0       0: BERT's; else a vocabulary of this size, made from the text
#   --finetune-rate 5e-4      --finetune-epochs 3        --finetune-rows 0 (of a task; 0: all)
#   --finetune-length 0       tokens of an example at most; 0: as many as --sequence-length
#   --ranks 2                 of one thread each
#   --hours 0                 end this piece after so long; 0: when all is done
#
# Cost at 25,000 tokens a second, what a core of an EPYC (Zen 4) does: 28 pretrainings of 12 million tokens, 8 minutes
# each, and 60 fine-tunings, half an hour together: below 5 hours, and 1.7 GB of disk for checkpoints and models.
# Variables: HPML_BIN, HPML_TEST_DATA, HPML_RUN, HPML_RESULTS (jobs/experiment.sh).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=jobs/experiment.sh
source jobs/experiment.sh

size+=([optimizers]="adam adamw lamb adafactor" [rates]="3e-4 1e-3 3e-3 1e-2 3e-2" [rows]=96000 [finetune-rate]=5e-4
    [finetune-epochs]=3 [finetune-rows]=0 [finetune-length]=0 [adam-decay]=0)
declare -A folder_of=([cola]=CoLA [sst2]=SST-2 [mrpc]=MRPC [stsb]=STS-B)

# finetune START SEED INIT-FROM: all tasks, the same recipe for every start.
finetune() {
    local task length="${size[finetune-length]}"
    ((length > 0)) || length="${size[sequence-length]}"
    for task in cola sst2 mrpc stsb; do
        go_on "$run/glue/$1/$task-seed$2" "${size[ranks]}" hpml_finetune --task "$task" \
            --data "$data/glue/${folder_of[$task]}" --init-from "$3" --seed "$2" --batch 32 --warmup 50 \
            --max-sequence-length "$length" --learning-rate "${size[finetune-rate]}" \
            --epochs "${size[finetune-epochs]}" --max-train-samples "${size[finetune-rows]}"
    done
}

report_glue() {
    local glue="$results/${experiment}_glue.tsv"
    collect_glue "$run/glue" >"$glue"
    {
        printf '\n## Fine-tuning, dev split\n\n'
        printf 'Seeds %s: mean (lowest to highest). Learning rate %s, %s epochs, batch 32; ' "${size[seeds]}" \
            "${size[finetune-rate]}" "${size[finetune-epochs]}"
        awk -F '\t' 'NR > 1 { seconds[$1, $2, $3] = $7 }
            END { for (key in seconds) { sum += seconds[key]; ++runs }
                  printf "%d runs, %.0f minutes of training.\n", runs, sum / 60 }' "$glue"
        printf 'Beats the majority: every seed is above it. Beats random weights: the lowest seed is above their '
        printf 'highest (a loss: the highest is below their lowest).\n\n'
        # shellcheck disable=SC2086  # a list of words
        glue_table "$glue" random ${size[optimizers]}
    } >>"$results/$experiment.md"
}

read_sizes "$@"
begin optimizers
prepare_shards
for optimizer in ${size[optimizers]}; do
    decay="${size[weight-decay]}"
    [[ "$optimizer" != adam ]] || decay="${size[adam-decay]}"
    tune "$optimizer" "${size[ranks]}" "${size[rows]}" "${size[batch]}" --precision fp32 --optimizer "$optimizer" \
        --weight-decay "$decay"
done
for seed in ${size[seeds]}; do
    for optimizer in ${size[optimizers]}; do
        best="$(best_of "$optimizer")"
        from="$run/pretrain/$optimizer/lr$best-seed$seed"
        [[ -n "$best" && ! -e "$from/diverged" ]] || continue
        finetune "$optimizer" "$seed" "$from"
        finetune random "$seed" "random:$(echo "$from"/checkpoints/step-*)"
    done
done
# shellcheck disable=SC2086  # a list of words
report "Optimizers" ${size[optimizers]}
report_glue
say "$results/$experiment.md"
cat "$results/$experiment.md"

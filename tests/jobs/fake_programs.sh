#!/usr/bin/env bash
# Stands for hpml_prepare, _pretrain, _finetune and _status (the name it is called by) in experiments_test.sh: writes
# in a moment the files that the comparisons read, with losses and scores that follow from the options. Each start is
# a line of $CALLS. Start number $INTERRUPT of hpml_pretrain stops half way, as at a time limit.
set -euo pipefail

program="$(basename "$0")"
[[ "${1:-}" != --version ]] || { echo "$program test"; exit 0; }
declare -A option=()
for ((i = 1; i < $#; ++i)); do
    j=$((i + 1))
    [[ "${!i}" != --* ]] || option[${!i#--}]="${!j}"
done
folder="${option[run]:-${option[output]:-${option[brief]:-}}}"

# Loss: how far the rate is from 1e-2, times the optimizer's slope, and a little of the seed; bf16 is half a seed above.
losses() {
    awk -v steps="$1" -v all="${option[steps]}" -v every="${option[validate-every]}" -v rate="${option[learning-rate]}" \
        -v seed="${option[seed]}" -v slope="$2" -v half="$([[ "${option[precision]}" != bf16 ]] || echo 0.5)" 'BEGIN {
        off = log(rate * 100) / log(10)
        for (i = 1; i <= steps; ++i) {
            loss = 5 + slope * (off < 0 ? -off : off) + seed * (0.01 + half) + (all - i) / all
            printf "{\"kind\":\"train\",\"step\":%d,\"loss\":%.4f,\"tokens\":500000,\"seconds\":0.5,\"masked_tokens\":%d.0}\n", i, loss, i
            if (i % every == 0 || i == all)
                printf "{\"kind\":\"validation\",\"step\":%d,\"validation_loss\":%.4f,\"masked_tokens\":9.0,\"seconds\":9}\n", i, loss
        } }'
}

pretrain() {
    local steps="${option[steps]}" slope=1
    [[ "${option[optimizer]}" != lamb ]] || slope=0.5
    if [[ "${option[optimizer]}-${option[learning-rate]}" == adam-1e-1 ]]; then
        losses 2 "$slope" >"$folder/metrics.jsonl"
        exit 77
    fi
    echo finished >"$folder/status"
    if [[ "$(wc -l <"$CALLS")" == "${INTERRUPT:-}" ]]; then
        steps=$((steps / 2))
        echo interrupted >"$folder/status"
    fi
    losses "$steps" "$slope" >"$folder/metrics.jsonl"
    echo "validation after step $steps: loss" >"$folder/log.txt"
    mkdir -p "$folder/checkpoints/step-$steps"
}

finetune() {
    local seed="${option[seed]}"
    local start score=0.70$seed f1=0.8$seed loss=0.6$seed
    start="$(basename "$(dirname "$folder")")"
    [[ "$start" != lamb ]] || score=0.80$seed
    [[ "$start" != random ]] || score=0.60$seed
    [[ "$start" != adam ]] || f1=0.7$seed
    [[ "$start" != lamb ]] || loss=0.5$seed
    [[ "${option[task]}" != cola ]] || score=0.0$seed
    {
        printf '{\n  "epoch": 3.0,\n'
        case "${option[task]}" in
            cola) printf '  "eval_matthews_correlation": %s,\n  "baseline_majority_matthews_correlation": 0.0,\n' "$score" ;;
            sst2) printf '  "eval_accuracy": %s,\n  "baseline_majority_accuracy": 0.5,\n' "$score" ;;
            mrpc)
                printf '  "eval_accuracy": %s,\n  "eval_f1": %s,\n' "$score" "$f1"
                printf '  "eval_loss": %s,\n' "$loss"
                printf '  "baseline_majority_accuracy": 0.68,\n  "baseline_majority_f1": 0.815,\n'
                ;;
            stsb) printf '  "eval_pearson": -%s,\n  "baseline_majority_pearson": 0.0,\n' "$score" ;;
        esac
        printf '  "train_runtime": 30.2\n}\n'
    } >"$folder/all_results.json"
    echo finished >"$folder/status"
    : >"$folder/log.txt"
}

case "$program" in
    hpml_status)
        cat "$folder/status" 2>/dev/null || echo none
        exit 0
        ;;
    hpml_prepare)
        mkdir -p "$folder"
        if [[ "$1" == train-vocab ]]; then
            echo '[PAD]' >"$folder/vocab.txt"
        else
            [[ -e "${option[vocab]}" ]]
            printf '{\n  "unigram_entropy_nats": 7.25,\n}\n' >"$folder/manifest.json"
        fi
        exit 0
        ;;
esac
mkdir -p "$folder"
echo "$program $folder" >>"$CALLS"
"${program#hpml_}"

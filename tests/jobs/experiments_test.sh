#!/usr/bin/env bash
# Whether the comparisons in jobs/ run what they say, go on where they stopped and make the right tables. The programs
# are stand-ins (fake_programs.sh), so that it takes seconds.
#
#   experiments_test.sh SOURCE_TREE
set -euo pipefail

tree="$1"
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
failed=0

mkdir -p "$folder/bin" "$folder/data/wikipedia/extracted" "$folder/data/vocab/bert-base-uncased"
for program in prepare pretrain finetune status; do ln -s "$here/fake_programs.sh" "$folder/bin/hpml_$program"; done
export HPML_BIN="$folder/bin" HPML_TEST_DATA="$folder/data" HPML_RESULTS="$folder/results" CALLS="$folder/calls"

# compare NAME OPTIONS...: 20 steps of 32 rows, on one rank (no mpirun).
# shellcheck disable=SC2317  # exit_code calls it
compare() {
    local name="$1"
    shift
    HPML_RUN="$folder/$name" "$tree/jobs/compare_$name.sh" --rows 640 --rates "1e-3 1e-2 1e-1" --ranks 1 "$@" \
        >"$folder/output" 2>&1
}

# is WHAT EXPECTED FOUND
is() {
    [[ "$2" == "$3" ]] || {
        printf 'wrong: %s\nexpected: %s\nfound:    %s\n' "$1" "$2" "$3"
        failed=1
    }
}

# has WHAT FILE LINE
has() {
    grep -qxF -- "$3" "$2" || {
        printf 'missing: %s\n%s\nin\n%s\n' "$1" "$3" "$(cat "$2")"
        failed=1
    }
}

exit_code() {
    local status=0
    "$@" || status=$?
    echo "$status"
}

: >"$CALLS"
optimizers=(compare optimizers --optimizers "adam lamb")
# The sixth start is lamb's first: adam has three rates and two more seeds.
is "an interrupted piece ends well" 0 "$(INTERRUPT=6 exit_code "${optimizers[@]}")"
has "an interrupted piece says so" "$folder/output" "== stopped as planned; the same command goes on from here"
is "it goes on to the end" 0 "$(exit_code "${optimizers[@]}")"
is "every pretraining started once, the interrupted one twice" 11 "$(grep -c hpml_pretrain "$CALLS")"
is "every fine-tuning started once" 36 "$(grep hpml_finetune "$CALLS" | sort -u | wc -l)"
is "and none twice" 36 "$(grep -c hpml_finetune "$CALLS")"
is "a finished comparison shows its tables" 0 "$(exit_code "${optimizers[@]}")"
is "and starts nothing" 47 "$(wc -l <"$CALLS")"
is "other sizes are refused in the same folder" 78 "$(exit_code "${optimizers[@]}" --batch 64)"
is "an unknown option is refused" 64 "$(exit_code "${optimizers[@]}" --steps 3)"

table="$folder/results/optimizers.md"
has "the pretraining of the first optimizer, with a rate that diverges" "$table" \
    "| adam | 20 | 10.00 | 6.0100 | 5.0100 | diverged | 1e-2 | 5.0200 (5.0100 to 5.0300) | 2.230 | - | 10 |"
has "a second one beside it" "$table" \
    "| lamb | 20 | 10.00 | 5.5100 | 5.0100 | 5.5100 | 1e-2 | 5.0200 (5.0100 to 5.0300) | 2.230 | +0.0000 (+0.0000 to +0.0000) | 10 |"
has "the curves" "$table" "| 9.00 | 5.1100 | 5.1100 |"
has "scores below the majority or not above random weights" "$table" \
    "| mrpc, f1 | 0.815 | 0.820 (0.810 to 0.830) | 0.720 (0.710 to 0.730); beats neither | 0.820 (0.810 to 0.830); beats neither |"
has "scores above the majority alone" "$table" \
    "| cola, matthews_correlation | 0.000 | 0.020 (0.010 to 0.030); beats majority | 0.020 (0.010 to 0.030); beats majority | 0.020 (0.010 to 0.030); beats majority |"
has "scores above both" "$table" \
    "| mrpc, accuracy | 0.680 | 0.602 (0.601 to 0.603) | 0.702 (0.701 to 0.703); beats both | 0.802 (0.801 to 0.803); beats both |"
has "losses, of which the lower is the better" "$table" \
    "| mrpc, loss | - | 0.620 (0.610 to 0.630) | 0.620 (0.610 to 0.630); no better | 0.520 (0.510 to 0.530); beats random |"
has "scores below zero" "$table" \
    "| stsb, pearson | 0.000 | -0.602 (-0.603 to -0.601) | -0.702 (-0.703 to -0.701); beats neither | -0.802 (-0.803 to -0.801); beats neither |"
has "the curves as data, with the mean training loss over masked tokens since the last validation" "$folder/results/optimizers_runs.tsv" \
    "$(printf 'lamb\t1e-2\t2\t4\t2000000\t5.84143\t5.82\t2')"
has "the scores as data" "$folder/results/optimizers_glue.tsv" "$(printf 'random\t3\tsst2\taccuracy\t0.603\t0.5\t30')"

# shellcheck source=/dev/null
source "$tree/jobs/experiment_tables.sh"
glue_table <(grep -E '^start|\s1\ssst2|random.*sst2' "$folder/results/optimizers_glue.tsv") random lamb sgd >"$folder/one_seed.md"
has "what one seed gives proves nothing" "$folder/one_seed.md" \
    "| sst2, accuracy | 0.500 | 0.602 (0.601 to 0.603); beats majority | 0.801; one seed | - |"

is "batches" 0 "$(exit_code compare batches --batches "32 64" --optimizers "adamw lamb" --seeds 1 --vocabulary-size 100)"
has "a batch's steps, at equal rows" "$folder/results/batches.md" \
    "| lamb-batch64 | 10 | 5.00 | 5.5100 | 5.0100 | 5.5100 | 1e-2 | 5.0100 | 2.240 | +0.0000 | 5 |"
is "a piece without time left ends well" 0 "$(exit_code compare precisions --rates 1e-1 --seeds "1 2" --hours -1)"
has "a piece without time left says so" "$folder/output" "== stopped as planned; the same command goes on from here"
is "precisions" 0 "$(exit_code compare precisions --rates 1e-1 --seeds "1 2")"
has "a precision" "$folder/results/precisions.md" \
    "| bf16-ranks1 | 20 | 10.00 | 6.5100 | 1e-1 | 6.7650 (6.5100 to 7.0200) | 0.485 | +0.7500 (+0.5000 to +1.0000) | 10 |"
is "--help shows the top of the script" "Large batches: AdamW against LAMB at equal tokens, 32 to 512 sequences a step." \
    "$("$tree/jobs/compare_batches.sh" --help | head -n 1)"

[[ $failed -eq 0 ]] && echo "the comparisons do as they should"
exit "$failed"

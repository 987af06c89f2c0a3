#!/usr/bin/env bash
# The batch scripts under a real Slurm of one node: finish, be interrupted and go on, die, miss the data.
#
#   batch_test.sh SOURCE_TREE BUILD_FOLDER
set -euo pipefail

source_tree="$1"
build="$2"
# shellcheck source=tests/batch/one_node_slurm.sh
source "$source_tree/tests/batch/one_node_slurm.sh"

for program in munged slurmctld slurmd sbatch; do
    PATH="$PATH:/usr/sbin" command -v "$program" >/dev/null || {
        echo "$program is missing; run jobs/bootstrap.sh --tests"
        exit 1
    }
done
export PATH="$PATH:/usr/sbin"

scratch="$(mktemp -d)"
failed=0
trap 'stop_slurm; rm -rf "$scratch"' EXIT
trap 'exit 143' TERM INT

export HPML_ROOT="$build" HPML_DATA="$scratch/data" HPML_CONFIG="$scratch/pretrain.cfg"

write_config() {
    cat >"$HPML_CONFIG" <<CFG
model = tiny
steps = $1
warmup = 2
global-batch = 8
validate-every = 100000
checkpoint-every = 100000
dropout = 0.0
threads = 1
CFG
}

check() {
    local what="$1"
    shift
    if "$@"; then
        echo "ok: $what"
    else
        echo "failed: $what"
        failed=1
    fi
}

# A field of the job as scontrol shows it, e.g. JobState.
job_field() { scontrol show job "$1" | grep -oE "(^| )$2=[^ ]*" | head -n 1 | cut -d = -f 2; }

wait_until() {
    local seconds="$1" attempt
    shift
    for ((attempt = 0; attempt < seconds * 10; attempt++)); do
        if "$@"; then return 0; fi
        sleep 0.1
    done
    return 1
}

# shellcheck disable=SC2317  # called by wait_until
job_has_ended() { [[ "$(job_field "$1" JobState)" =~ ^(COMPLETED|FAILED|CANCELLED|TIMEOUT|NODE_FAIL)$ ]]; }
# shellcheck disable=SC2317  # called by wait_until
has_metrics() { [[ -s "$1/metrics.jsonl" ]]; }
verdict_of() { "$build/bin/hpml_status" --brief "$1"; }

submit() {
    (cd "$scratch" && sbatch --parsable --time=10 --job-name="$1" "$source_tree/slurm/pretrain_bert.sh" "${@:2}")
}

# Wait for the end; a job that does not come to one is a failure, shown with its log.
expect_end() {
    local job="$1" state="$2" log
    wait_until 600 job_has_ended "$job" || true
    check "job $job ends as $state" [ "$(job_field "$job" JobState)" = "$state" ]
    if [[ "$(job_field "$job" JobState)" != "$state" ]]; then
        for log in "$scratch"/*-"$job".log; do
            echo "--- $log"
            tail -n 40 "$log"
        done
        exit 1
    fi
}

a_run_finishes() {
    local job run="$scratch/runs/short"
    write_config 5
    job="$(submit short)"
    expect_end "$job" COMPLETED
    check "its verdict is finished, in the default run folder of its name" [ "$(verdict_of "$run")" = finished ]
    check "two ranks made one world" grep -qE '2 ranks|ranks +2|2 x ' "$scratch/short-$job.log"
    check "it was not requeued" [ "$(job_field "$job" Restarts)" = 0 ]
}

an_interrupted_run_is_requeued_and_finishes() {
    local job log run="$scratch/runs/long"
    write_config 1500
    job="$(submit long)"
    log="$scratch/long-$job.log"
    check "the run starts" wait_until 300 has_metrics "$run"
    scancel --signal=USR1 --batch "$job"
    check "it is put back into the queue" wait_until 60 grep -q 'back into the queue (restart 1)' "$log"
    check "because its verdict was interrupted" grep -q 'is: interrupted' "$log"
    expect_end "$job" COMPLETED
    check "it was restarted once" [ "$(job_field "$job" Restarts)" = 1 ]
    check "its verdict is finished" [ "$(verdict_of "$run")" = finished ]
    check "its log has both parts" [ "$(grep -c 'the run in .* is: ' "$log")" = 2 ]
    check "it went on where it had stopped" has_each_step_once "$run" 1500
}

# Whether the metrics hold each of the steps 1..N once: none is missing and none was done twice.
# shellcheck disable=SC2317  # called by check
has_each_step_once() {
    grep '"kind":"train"' "$1/metrics.jsonl" | grep -oE '"step":[0-9]+' | cut -d : -f 2 | sort -n |
        cmp - <(seq "$2")
}

a_run_that_dies_is_not_requeued() {
    local job run="$scratch/runs/dies"
    write_config 50
    job="$(HPML_FAULT=kill@step=3,rank=1 submit dies)"
    expect_end "$job" FAILED
    check "it was not requeued" [ "$(job_field "$job" Restarts)" = 0 ]
    check "its verdict is not finished" [ "$(verdict_of "$run")" != finished ]
}

missing_data_is_one_message() {
    local job log
    write_config 5
    job="$(HPML_DATA="$scratch/nowhere" submit nodata)"
    expect_end "$job" FAILED
    log="$scratch/nodata-$job.log"
    check "the message says how to make it" grep -q 'hpml_prepare --input' "$log"
    check "there is one error" [ "$(grep -c 'error:' "$log")" = 1 ]
    check "the exit code is that of missing input" [ "$(job_field "$job" ExitCode)" = 66:0 ]
}

# One line of a table per array element, from the model of the first case.
a_table_line_is_fine_tuned() {
    local job log="$scratch/finetune_glue-"
    mkdir -p "$scratch/glue"
    ln -s "$source_tree/data/sample/task" "$scratch/glue/SST-2"
    printf '# task\tlearning rate\tseed\nsst2\t1e-4\t1\nsst2\t1e-4\t7\n' >"$scratch/table.tsv"
    job="$(cd "$scratch" && HPML_TABLE="$scratch/table.tsv" HPML_GLUE="$scratch/glue" HPML_RUN="$scratch/runs/short" \
        sbatch --parsable --time=10 --array=2 "$source_tree/slurm/finetune_glue.sh" --epochs 1 \
        --max-train-samples 32 --max-sequence-length 32)"
    log+="${job}_2.log"
    check "array job $job ends" wait_until 120 job_has_ended "${job}_2"
    check "the second line's run is finished" [ "$(verdict_of "$scratch/runs/glue/sst2-lr1e-4-seed7")" = finished ]
    check "its results are there" [ -s "$scratch/runs/glue/sst2-lr1e-4-seed7/eval_results.json" ]
    [[ $failed == 0 ]] || tail -n 40 "$log"
}

mkdir "$scratch/slurm"
start_slurm "$scratch/slurm"
"$build/bin/hpml_prepare" --input "$source_tree/data/sample/corpus" --vocab "$source_tree/data/sample/vocab.txt" \
    --sequence-length 32 --output "$HPML_DATA" >"$scratch/prepare.log" 2>&1 || {
    cat "$scratch/prepare.log"
    exit 1
}
a_run_finishes
a_table_line_is_fine_tuned
missing_data_is_one_message
an_interrupted_run_is_requeued_and_finishes
a_run_that_dies_is_not_requeued
exit "$failed"

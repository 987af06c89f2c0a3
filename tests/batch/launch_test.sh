#!/usr/bin/env bash
# slurm/launch.sh with an srun, scontrol and hpml_status of the test's own: when a job is put back into the queue,
# and what becomes of the warning signal.
#
#   launch_test.sh SOURCE_TREE
set -euo pipefail

source_tree="$1"
scratch="$(mktemp -d)"
failed=0
trap 'rm -rf "$scratch"' EXIT

# The programs that launch.sh calls. FAKE_EXIT is what srun ends with, FAKE_VERDICT the run's; srun notes the warning
# signal and ends then, or at once where FAKE_WAITS is not set.
make_programs() {
    mkdir "$scratch/bin"
    cat >"$scratch/bin/srun" <<'SRUN'
#!/usr/bin/env bash
trap 'echo warned >>"$FAKE_FOLDER/srun"; exit "$FAKE_EXIT"' USR1
echo started >>"$FAKE_FOLDER/srun"
[[ -z "${FAKE_WAITS:-}" ]] || for ((i = 0; i < 100; i++)); do sleep 0.1; done
exit "$FAKE_EXIT"
SRUN
    cat >"$scratch/bin/scontrol" <<'SCONTROL'
#!/usr/bin/env bash
echo "$*" >>"$FAKE_FOLDER/scontrol"
SCONTROL
    cat >"$scratch/bin/hpml_status" <<'STATUS'
#!/usr/bin/env bash
echo "$FAKE_VERDICT"
STATUS
    chmod +x "$scratch/bin"/*
}

# The job script: what pretrain_bert.sh does around hpml_launch. FAKE_EARLY sends the warning when the trap has been
# set and srun has not been started; FAKE_LOADING before hpml_launch, while a job script still loads its module.
cat >"$scratch/job.sh" <<'JOB'
set -euo pipefail
echo "$$" >"$FAKE_FOLDER/pid"
source "$1/slurm/launch.sh"
trap() {
    builtin trap "$@"
    if [[ -n "${FAKE_EARLY:-}" && "${*: -1}" == USR1 && "$1" != - ]]; then kill -USR1 "$BASHPID"; fi
}
[[ -z "${FAKE_LOADING:-}" ]] || kill -USR1 "$$"
hpml_launch "$FAKE_FOLDER/run" hpml_pretrain
JOB

# launch NAME VARIABLES...: run the job in a folder of its own; its exit code is in $code, its output in $log.
launch() {
    folder="$scratch/$1"
    log="$folder/log"
    code=0
    mkdir "$folder"
    env PATH="$scratch/bin:$PATH" SLURM_JOB_ID=7 SLURM_JOB_NAME=job FAKE_FOLDER="$folder" "${@:2}" \
        timeout -k 5 60 bash "$scratch/job.sh" "$source_tree" >"$log" 2>&1 || code=$?
}

check() {
    local what="$1"
    shift
    if "$@"; then
        echo "ok: $what"
    else
        echo "failed: $what"
        sed 's/^/    /' "$log"
        failed=1
    fi
}
# shellcheck disable=SC2317  # called by check
is_requeued() { [[ "$(cat "$folder/scontrol" 2>/dev/null)" == "requeue 7" ]]; }
# shellcheck disable=SC2317  # called by check
is_not_requeued() { [[ ! -e "$folder/scontrol" ]]; }

make_programs

launch planned FAKE_EXIT=0 FAKE_VERDICT=interrupted
check "an interrupted run that ended well is put back" is_requeued
check "and the job ends well" [ "$code" = 0 ]

launch finished FAKE_EXIT=0 FAKE_VERDICT=finished
check "a finished run is not put back" is_not_requeued

# The verdict is the one of an earlier start: this one failed before it could write its own.
launch stale FAKE_EXIT=78 FAKE_VERDICT=interrupted
check "a failed start of an interrupted run is not put back" is_not_requeued
check "the log says why" grep -q 'not requeued: the program ended with exit code 78' "$log"
check "the job ends with the program's exit code" [ "$code" = 78 ]

launch early FAKE_EXIT=0 FAKE_VERDICT=interrupted FAKE_WAITS=1 FAKE_EARLY=1
check "a warning before srun starts is no error of the script" [ "$code" = 0 ]
check "it reaches srun once it is up" [ "$(tr '\n' ' ' <"$folder/srun")" = "started warned " ]
check "and the job is put back" is_requeued

launch loading FAKE_EXIT=0 FAKE_VERDICT=interrupted FAKE_WAITS=1 FAKE_LOADING=1
check "a warning while the module is loaded reaches srun too" [ "$(tr '\n' ' ' <"$folder/srun")" = "started warned " ]

# The warning while srun runs, and an exit code of srun's own after it.
launch_and_warn() {
    (
        until [[ -s "$scratch/$1/srun" ]]; do sleep 0.1; done
        kill -USR1 "$(<"$scratch/$1/pid")"
    ) &
    launch "$@"
    wait
}
launch_and_warn warned FAKE_EXIT=0 FAKE_VERDICT=interrupted FAKE_WAITS=1
check "a warning is passed on once" [ "$(tr '\n' ' ' <"$folder/srun")" = "started warned " ]
check "and the run that stopped for it is put back" is_requeued
launch_and_warn killed FAKE_EXIT=137 FAKE_VERDICT=interrupted FAKE_WAITS=1
check "a run that dies of the warning is not put back" is_not_requeued
check "the job's exit code is the run's" [ "$code" = 137 ]
exit "$failed"

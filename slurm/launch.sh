# Plumbing of the batch scripts beside this file, which source it: find hpml, start it under srun, pass the
# warning signal on, and put the job back into the queue when, and only when, the run was interrupted.
#
# Variables that a user may set:
#   HPML_ROOT          an installed tree; else the hpml in PATH, `module load hpml`, or the source tree's build
#   HPML_MPI           what srun --mpi= takes; default pmix
#   HPML_REQUEUE       "no" keeps an interrupted job out of the queue
#   HPML_MAX_REQUEUES  after so many restarts the job is not put back; default 100
# shellcheck shell=bash

hpml_scripts="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"

hpml_say() { printf '%s %s: %s\n' "$(date +%FT%T)" "${SLURM_JOB_NAME:-hpml}" "$*"; }

hpml_stop() {
    hpml_say "error: $*" >&2
    exit 66
}

# Put the folder with the executables first in PATH. HPML_HOME is where jobs/ and data/ lie.
hpml_find() {
    local program="$1" above
    above="$(dirname "$hpml_scripts")"
    HPML_HOME="$above"
    if [[ -n "${HPML_ROOT:-}" && -x "$HPML_ROOT/bin/$program" ]]; then
        PATH="$HPML_ROOT/bin:$PATH"
    elif [[ -x "$above/build/release/bin/$program" ]]; then
        PATH="$above/build/release/bin:$PATH"
    elif [[ -x "$above/../../bin/$program" ]]; then
        PATH="$(cd "$above/../../bin" && pwd):$PATH"
    elif ! command -v "$program" >/dev/null; then
        if [[ "$(type -t module)" == function ]]; then
            module load hpml || true
        fi
        command -v "$program" >/dev/null || hpml_stop "$program was not found; build it (cmake --preset release && \
cmake --build --preset release), load its module, or set HPML_ROOT to an installed tree"
    fi
    export PATH HPML_HOME
}

# Decide by the run directory's own verdict, not by an exit code: a planned stop exits 0.
hpml_requeue_if_interrupted() {
    local run="$1" verdict
    verdict="$(hpml_status --brief "$run" || true)"
    hpml_say "the run in $run is: ${verdict:-unknown}"
    [[ "$verdict" == interrupted && -n "${SLURM_JOB_ID:-}" ]] || return 0
    if [[ "${HPML_REQUEUE:-yes}" == no ]]; then
        hpml_say "not requeued (HPML_REQUEUE=no); submit the same command again to go on"
    elif ((${SLURM_RESTART_COUNT:-0} >= ${HPML_MAX_REQUEUES:-100})); then
        hpml_say "not requeued: restarted ${SLURM_RESTART_COUNT} times already (HPML_MAX_REQUEUES)"
    else
        hpml_say "back into the queue (restart $((${SLURM_RESTART_COUNT:-0} + 1)))"
        scontrol requeue "$SLURM_JOB_ID"
    fi
}

# hpml_launch RUN PROGRAM ARGUMENTS...: run the program on the job's tasks until it ends.
hpml_launch() {
    local run="$1" child status=0
    shift
    # The trap stands before srun starts, and srun runs in the background: a shell runs no trap while it waits
    # for a foreground child. srun hands USR1 on to every rank.
    trap 'hpml_say "warning signal: asking the run to stop and save"; kill -USR1 "$child" 2>/dev/null || true' USR1
    # srun does not inherit --cpus-per-task from sbatch in Slurm 22.05 to 23.02. --kill-on-bad-exit: no rank
    # waits for a lost one.
    srun --mpi="${HPML_MPI:-pmix}" --kill-on-bad-exit=1 --cpus-per-task="${SLURM_CPUS_PER_TASK:-1}" "$@" &
    child=$!
    while :; do
        status=0
        wait "$child" || status=$?
        # A trap ends `wait` early with a status above 128; the child is then still there.
        kill -0 "$child" 2>/dev/null || break
    done
    trap - USR1
    hpml_requeue_if_interrupted "$run"
    return "$status"
}

# Plumbing of the batch scripts beside this file, which source it: find hpml, start it under srun, pass the
# warning signal on, and put the job back into the queue when, and only when, the run was interrupted.
#
# Variables that a user may set:
#   HPML_ROOT          an installed tree; else the hpml in PATH, `module load hpml`, or the source tree's build
#   HPML_MPI           what srun --mpi= takes; default pmix
#   HPML_REQUEUE       "no" keeps an interrupted job out of the queue
#   HPML_MAX_REQUEUES  after so many restarts the job is not put back; default 100
# shellcheck shell=bash

hpml_srun_start_seconds=2
hpml_scripts="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"

# A warning that comes before there is a run to warn is kept until there is one.
hpml_warned=no
trap 'hpml_warned=yes' USR1

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

# Decide by the run directory's own verdict: a planned stop exits 0, as a finished run does. After any other exit
# the verdict may be an earlier start's, and a job that fails at every start would be put back for ever.
hpml_requeue_if_interrupted() {
    local run="$1" status="$2" verdict
    verdict="$(hpml_status --brief "$run" || true)"
    hpml_say "the run in $run is: ${verdict:-unknown}"
    if ((status != 0)); then
        hpml_say "not requeued: the program ended with exit code $status; submit the same command again to go on"
        return 0
    fi
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

# hpml_pass_warning SRUN BEGAN: srun hands USR1 on to every rank, but dies of it before it is up.
hpml_pass_warning() {
    local srun="$1" wait=$(($2 + hpml_srun_start_seconds - SECONDS))
    (
        ((wait <= 0)) || sleep "$wait"
        kill -USR1 "$srun" 2>/dev/null || true
    ) &
}

# hpml_launch RUN PROGRAM ARGUMENTS...: run the program on the job's tasks until it ends.
hpml_launch() {
    local run="$1" child="" began="$SECONDS" is_early="$hpml_warned" is_woken=no status=0
    shift
    # The trap stands before srun starts, and srun runs in the background: a shell runs no trap while it waits
    # for a foreground child.
    trap 'is_woken=yes
          hpml_say "warning signal: asking the run to stop and save"
          if [[ -n "$child" ]]; then hpml_pass_warning "$child" "$began"; else is_early=yes; fi' USR1
    # srun does not inherit --cpus-per-task from sbatch in Slurm 22.05 to 23.02. --kill-on-bad-exit: no rank
    # waits for a lost one.
    srun --mpi="${HPML_MPI:-pmix}" --kill-on-bad-exit=1 --cpus-per-task="${SLURM_CPUS_PER_TASK:-1}" "$@" &
    child=$!
    if [[ "$is_early" == yes ]]; then hpml_pass_warning "$child" "$began"; fi
    while :; do
        # The trap ends `wait` early with a status that is not srun's; the shell keeps srun's for the next `wait`.
        is_woken=no
        status=0
        wait "$child" || status=$?
        [[ "$is_woken" == yes ]] || break
    done
    trap '' USR1  # nothing is left to warn
    hpml_requeue_if_interrupted "$run" "$status"
    return "$status"
}

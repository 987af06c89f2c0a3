#!/usr/bin/env bash
# All-reduce: ours beside what the MPI library offers, turn by turn in one process, several runs, and the bars.
#
#   tests/bench/allreduce/run.sh [--runs N] [BUILD-FOLDER] [RANKS...]      (5 runs, build/release, 2)
#
# Writes allreduce-N.txt (the tables of all runs) and allreduce-N-run-K.json into the current folder and prints, for
# each size, the medians over the runs of `vs MPI`, `vs tuned` and `vs pack`: the time of MPI_Allreduce, of the same
# with a malloc that keeps its large blocks, and of packing, MPI_Allreduce and unpacking, divided by ours; each of
# them is a run's median over iterations. Above 1 ours is faster. Then every bar with `met` or `missed`. Every result
# of every iteration is compared with the exact sum. Sizes go from 4 KiB to 256 MiB in factors of 4. Ratios travel
# from machine to machine, microseconds do not. On a machine that does other work the table is worth nothing: the
# load is printed first.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
# shellcheck source=tests/bench/allreduce/machine.sh
source "$here/machine.sh"
parse_runs "$@"
shift "$taken"
describe_machine "$build"
status=0
for ranks in "${@:-2}"; do
    describe_binding "$ranks"
    : >"allreduce-$ranks.txt"
    for ((run = 1; run <= runs; ++run)); do
        mpirun -np "$ranks" "$build/bin/hpml_bench" allreduce --algorithm shm --smallest 4096 --growth 4 \
            --json "allreduce-$ranks-run-$run.json" >>"allreduce-$ranks.txt" 2>&1
    done
    awk -v ranks="$ranks" -v runs="$runs" -f "$here/runs.awk" -f "$here/bars.awk" "allreduce-$ranks.txt" || status=1
done
exit "$status"

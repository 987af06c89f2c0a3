#!/usr/bin/env bash
# The all-reduce without shared memory: our algorithms between nodes beside MPI_Allreduce, both over TCP on this host,
# turn by turn in one process, several runs, and the bars.
#
#   tests/bench/allreduce/tcp.sh [--runs N] [BUILD-FOLDER]      (5 runs, build/release; 2 ranks)
#
# Prints, for each size, the median over the runs of the time of MPI_Allreduce divided by ours, for the algorithm that
# is fastest at that size, as `auto` chooses between nodes by its cost model. Every result is compared with the exact
# sum. On a machine that does other work the table is worth nothing: the load is printed first.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
# shellcheck source=tests/bench/allreduce/machine.sh
source "$here/machine.sh"
parse_runs "$@"
describe_machine "$build"
describe_binding 2
: >allreduce-tcp.txt
for ((run = 1; run <= runs; ++run)); do
    mpirun -np 2 --mca btl self,tcp "$build/bin/hpml_bench" allreduce --algorithm ring \
        --algorithm recursive_doubling --algorithm twoshot --smallest 1024 --growth 4 --largest-mib 64 \
        >>allreduce-tcp.txt 2>&1
done
awk -f "$here/runs.awk" -f "$here/tcp.awk" allreduce-tcp.txt

#!/bin/sh
# All-reduce: ours beside what the MPI library offers, turn by turn in one process.
#
#   tests/bench/allreduce/run.sh [BUILD-FOLDER] [RANKS...]      (build/release, 2)
#
# Prints one table per number of ranks and writes allreduce-N.json into the current folder. Every result of
# every iteration is compared with the exact sum; the column `wrong` must be 0. `vs MPI`, `vs tuned` and
# `vs pack` are medians over iterations of the time of MPI_Allreduce, of the same with a malloc that keeps its
# large blocks, and of packing, MPI_Allreduce and unpacking, divided by this way's: above 1 this one is faster.
# Sizes go from 8 B to 256 MiB in factors of 8. Ratios travel from machine to machine, microseconds do not. On
# a machine that does other work the table is worth nothing: the load is printed first.
set -eu
build="${1:-build/release}"
[ $# -eq 0 ] || shift
[ -x "$build/bin/hpml_bench" ] || {
    echo "$build/bin/hpml_bench is missing; run cmake --preset release && cmake --build --preset release" >&2
    exit 66
}
export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_mpi_yield_when_idle=1
if [ "$(id -u)" = 0 ]; then
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
fi
echo "cores: $(nproc), load: $(cut -d' ' -f1-3 /proc/loadavg)"
for ranks in "${@:-2}"; do
    echo "== $ranks ranks"
    mpirun -np "$ranks" "$build/bin/hpml_bench" allreduce --json "allreduce-$ranks.json"
done

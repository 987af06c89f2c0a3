# shellcheck shell=bash
# For the scripts beside it: what a comparison was measured on, and what mpirun wants.
export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_mpi_yield_when_idle=1 OMP_NUM_THREADS=1
if [[ "$(id -u)" == 0 ]]; then
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
fi

# Machine, processor, load, MPI library, and what the cache folder of a build says about it.
describe_machine() {
    local build="$1"
    echo "machine: $(uname -srm), $(getconf _NPROCESSORS_ONLN) cores, $(awk '/^MemTotal/ { printf "%.0f GiB", $2 / 1048576 }' /proc/meminfo)"
    echo "processor: $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)," \
        "family $(sed -n 's/^cpu family[^:]*: //p' /proc/cpuinfo | head -n 1)" \
        "model $(sed -n 's/^model\t*: //p' /proc/cpuinfo | head -n 1)," \
        "last cache $(cat /sys/devices/system/cpu/cpu0/cache/index3/size 2>/dev/null || echo unknown)"
    echo "load before: $(cut -d' ' -f1-3 /proc/loadavg)"
    echo "MPI: $(mpirun --version | head -n 1)"
    echo "build: $(sed -n 's/^CMAKE_BUILD_TYPE:[A-Z]*=//p' "$build/CMakeCache.txt")," \
        "$(sed -n 's/^CMAKE_CXX_COMPILER:[A-Z]*=//p' "$build/CMakeCache.txt" | xargs -I{} sh -c '{} --version | head -n 1')"
}

# The cores that each of N ranks may use.
describe_binding() {
    # shellcheck disable=SC2016  # the ranks expand it
    echo "binding of $1 ranks: $(mpirun -np "$1" sh -c \
        'echo "$OMPI_COMM_WORLD_RANK: cores $(sed -n "s/^Cpus_allowed_list:\t*//p" /proc/self/status)"' |
        sort -n | paste -sd ';' | sed 's/;/; /g')"
}

# The front of a command line, [--runs N] [BUILD-FOLDER]: sets runs, build and how many words it took.
# shellcheck disable=SC2034  # they are the caller's
parse_runs() {
    runs=5 taken=0
    if [[ "${1:-}" == --runs ]]; then
        runs="${2:?--runs wants a number}"
        taken=2
        shift 2
    fi
    build="${1:-build/release}"
    [[ $# == 0 ]] || taken=$((taken + 1))
    [[ -x "$build/bin/hpml_bench" ]] || {
        echo "$build/bin/hpml_bench is missing; run cmake --preset release && cmake --build --preset release" >&2
        exit 66
    }
}

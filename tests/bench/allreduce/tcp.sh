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
runs=5
if [[ "${1:-}" == --runs ]]; then
    runs="${2:?--runs wants a number}"
    shift 2
fi
build="${1:-build/release}"
[[ -x "$build/bin/hpml_bench" ]] || {
    echo "$build/bin/hpml_bench is missing; run cmake --preset release && cmake --build --preset release" >&2
    exit 66
}
# shellcheck source=tests/bench/allreduce/machine.sh
source "$here/machine.sh"
describe_machine "$build"
describe_binding 2
: >allreduce-tcp.txt
for ((run = 1; run <= runs; ++run)); do
    mpirun -np 2 --mca btl self,tcp "$build/bin/hpml_bench" allreduce --algorithm ring \
        --algorithm recursive_doubling --algorithm twoshot --smallest 1024 --growth 4 --largest-mib 64 \
        >>allreduce-tcp.txt 2>&1
done
awk '
function median(key, count, i, j, held, values) {
    count = seen[key]
    for (i = 1; i <= count; ++i) {
        held = value[key, i]
        for (j = i - 1; j > 0 && values[j] > held; --j) values[j + 1] = values[j]
        values[j + 1] = held
    }
    return count % 2 ? values[(count + 1) / 2] : (values[count / 2] + values[count / 2 + 1]) / 2
}
$2 ~ /^(B|KiB|MiB)$/ && NF == 10 && $3 ~ /^(ring|recursive_doubling|twoshot)$/ {
    size = $1 " " $2
    wrong += $NF
    if (!(size in known)) { known[size] = 1; sizes[++count] = size }
    key = size SUBSEP $3
    seen[key]++
    value[key, seen[key]] = $(NF - 3)
}
END {
    ways = split("ring recursive_doubling twoshot", way, " ")
    for (i = 1; i <= count; ++i) {
        best = 0
        for (j = 1; j <= ways; ++j)
            if (seen[sizes[i], way[j]] && (got = median(sizes[i] SUBSEP way[j])) > best) { best = got; name = way[j] }
        split(sizes[i], part, " ")
        bar = part[2] == "KiB" ? 0.95 : (sizes[i] == "64 MiB" ? 1.3 : 0)
        printf "  %8s  %-20s %5.2f%s\n", sizes[i], name, best,
            bar ? sprintf(", bar %.2f: %s", bar, best >= bar ? "met" : "missed") : ""
    }
    printf "sums that were wrong: %d\n", wrong
    exit wrong > 0
}' allreduce-tcp.txt

#!/usr/bin/env bash
# Does communication hide behind computation between hosts? A step beside its computation and its all-reduce alone.
#
#   tests/bench/overlap/run.sh [MODEL] [MBIT] [TURNS]      default: base 1000 3; micro-batch 8; needs root
#
# Two hosts (network namespaces, tests/support/hosts.sh) with one rank of one thread each, joined at MBIT Mbit/s. Each
# rank keeps to a core of its own, as a host of one core would. In every turn hpml_bench times a whole step, its
# computation alone, and its all-reduce alone; `ratio` is step / max(computation, all-reduce), the median over turns. The
# bar is 1.15. Takes about half a minute a turn for `base`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."
model="${1:-base}" mbit="${2:-1000}" turns="${3:-3}"
bin="${HPML_BIN:-$PWD/build/release/bin}"
[[ -x "$bin/hpml_bench" ]] || {
    echo "overlap bench: error: $bin/hpml_bench is missing; run cmake --preset release && cmake --build --preset release" >&2
    exit 66
}
sed -n 's/^model name[^:]*: /CPU: /p' /proc/cpuinfo | head -n 1
echo "cores: $(nproc --all), load: $(cut -d' ' -f1-3 /proc/loadavg), $(mpirun --version | head -n 1)"
shift $(($# > 3 ? 3 : $#))
# shellcheck disable=SC2016  # the ranks expand it
timeout -k 5 "${HPML_BENCH_LIMIT:-900}" tests/support/hosts.sh --hosts 2 --ranks-per-host 1 --mbit "$mbit" -- \
    bash -c 'exec taskset -c $((OMPI_COMM_WORLD_RANK % $(nproc --all))) "$@"' pinned \
    "$bin/hpml_bench" overlap --model "$model" --micro-batch 8 --steps "$turns" --threads 1 "$@"

#!/usr/bin/env bash
# hpml::comm beside gloo as PyTorch ships it: compare.py's table for each number of ranks, and gloo-N.json.
#
#   tests/bench/allreduce/gloo/run.sh [BUILD-FOLDER] [RANKS...]      (build/release, 2)
#
# Installs the component comm of the build and builds turns.cpp against it, as another program would. Needs the
# peers' Python (jobs/bootstrap.sh --peers). HPML_BENCH_ROUNDS (5) is the number of rounds of each size.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
build="${1:-build/release}"
[[ $# == 0 ]] || shift
peers="${XDG_CACHE_HOME:-$HOME/.cache}/hpml/peers"
python="$peers/python.sh"
[[ -x "$python" ]] || python="$peers/bin/python"
[[ -x "$python" && -e "$build/lib/libhpml_comm.so" ]] || {
    echo "gloo bench: error: needs $build/lib/libhpml_comm.so and the peers' Python (jobs/bootstrap.sh --peers)" >&2
    exit 66
}
# shellcheck source=tests/bench/allreduce/machine.sh
source "$here/../machine.sh"
scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT
trap 'exit 143' TERM INT
{
    cmake --install "$build" --component comm --prefix "$scratch/hpml" &&
        cmake -S "$here" -B "$scratch/turns" -DCMAKE_BUILD_TYPE=Release -DCMAKE_PREFIX_PATH="$scratch/hpml" &&
        cmake --build "$scratch/turns"
} >"$scratch/log" 2>&1 || {
    cat "$scratch/log" >&2
    exit 70
}

describe_machine "$build"
for ranks in "${@:-2}"; do
    describe_binding "$ranks"
    timeout -k 5 1800 "$python" "$here/compare.py" "$scratch/turns/turns" --ranks "$ranks" \
        --rounds "${HPML_BENCH_ROUNDS:-5}" --json "gloo-$ranks.json"
done

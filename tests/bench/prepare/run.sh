#!/usr/bin/env bash
# hpml_prepare from extracted text to shards: each bar, and the figure measured here.
#
#   tests/bench/prepare/run.sh rate|ranks|memory [BUILD-FOLDER] [TEXT] [VOCABULARY] [OPTIONS OF HPML_PREPARE...]
#
#   rate    times faster than peer.py (tokenizers, h5py), one core each, turn by turn        >= 12
#           times faster than peer.py that writes ten masked copies of every row             >= 100
#   ranks   rate of two ranks over that of two one-rank runs at the same time                >= 0.97
#   memory  peak of a rank with 30 MB, 300 MB and 3 GB of text                               <= 300 MB
#
# By default build/release and the tests' data. "rate" counts processor seconds (elapsed times of a shared machine say
# less; both are shown) and needs the peers' environment (jobs/bootstrap.sh --peers). "ranks" wants a quiet machine of
# two cores, and TMPDIR=/dev/shm where the disk is not. "memory" needs 12 GB of disk for a while. In TMPDIR.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
what="${1:-}"
build="${2:-build/release}"
data="${HPML_TEST_DATA:-../shared/data}"
text="${3:-$data/wikipedia/extracted}"
vocabulary="${4:-$data/vocab/bert-base-uncased/vocab.txt}"
more=("${@:5}")
[[ "$what" == rate || "$what" == ranks || "$what" == memory ]] || {
    sed -n '2,14s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
    exit 64
}
[[ -d "$text" && -f "$vocabulary" ]] || {
    echo "NOT RUN: no text in $text, or no $vocabulary" >&2
    exit 0
}
if [[ "$(id -u)" == 0 ]]; then
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
fi
export TOKENIZERS_PARALLELISM=false
scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT
sed -n 's/^model name[^:]*: /CPU: /p' /proc/cpuinfo | head -n 1
echo "cores: $(nproc), load: $(cut -d' ' -f1-3 /proc/loadavg)"

# prepare INPUT OUTPUT [LAUNCHER...]
prepare() {
    local input="$1" output="$2"
    shift 2
    rm -rf "$output"
    "$@" "$build/bin/hpml_prepare" --input "$input" --vocab "$vocabulary" --output "$output" \
        "${more[@]}"
}

# Elapsed and processor seconds of a command on one core.
seconds_of() {
    local TIMEFORMAT='%R %U %S'
    { time "$@" >/dev/null 2>&1; } 2>&1 | awk '{ print $1, $2 + $3 }'
}

# Processor seconds of the first over those of the second.
times() { awk -v a="${1#* }" -v b="${2#* }" 'BEGIN { print a / b }'; }

# The median of numbers, one a line, against a bar: verdict NAME BAR
verdict() {
    sort -n | awk -v name="$1" -v bar="$2" '{ value[NR] = $1 } END {
        median = value[int((NR + 1) / 2)]
        printf "%s: median %.3g (bar %s): %s\n", name, median, bar, (median >= bar ? "reached" : "missed") }'
}

peer_seconds() {
    rm -rf "$scratch/theirs"
    seconds_of taskset -c 0 "$python" "$here/peer.py" "$vocabulary" "$scratch/text" "$scratch/theirs" "$@"
}

measure_rate() {
    local peers="${XDG_CACHE_HOME:-$HOME/.cache}/hpml/peers" python
    python="$peers/python.sh"
    [[ -x "$python" ]] || python="$peers/bin/python"
    [[ -x "$python" ]] || {
        echo "NOT RUN: the peers' Python is missing (jobs/bootstrap.sh --peers)" >&2
        exit 0
    }
    # Half of the files: ten copies of all take minutes.
    mkdir "$scratch/text"
    find "$text" -type f | sort | awk 'NR % 2' | xargs cp --target-directory "$scratch/text" --backup=numbered
    local round ours theirs copied once
    for round in 1 2 3; do
        ours="$(seconds_of prepare "$scratch/text" "$scratch/ours" taskset -c 0)"
        theirs="$(peer_seconds)"
        [[ "$round" != 1 ]] || {
            copied="$(peer_seconds --copies 10)"
            once="$(peer_seconds --copies 10 --once)"
        }
        echo "elapsed and processor seconds: hpml_prepare $ours, peer.py $theirs, ten copies $copied," \
            "tokenized once $once"
        times "$theirs" "$ours" >>"$scratch/plain"
        times "$copied" "$ours" >>"$scratch/copied"
        times "$once" "$ours" >>"$scratch/once"
    done
    verdict "times faster than peer.py" 12 <"$scratch/plain"
    verdict "times faster than peer.py --copies 10" 100 <"$scratch/copied"
    verdict "times faster than peer.py --copies 10 --once" 100 <"$scratch/once"
}

# Both ways start by mpirun, whose own start takes as long as some megabytes.
one_rank() { prepare "$1" "$2" mpirun -np 1 --bind-to none; }
two_ranks() { prepare "$1" "$2" mpirun -np 2 --bind-to none; }
side_by_side() {
    one_rank "$scratch/both/a" "$scratch/out-a" &
    one_rank "$scratch/both/b" "$scratch/out-b"
    wait $!
}

measure_ranks() {
    local half round apart together
    for half in a b; do
        python3 "$here/repeat.py" "$text" "$scratch/both/$half" 300 >/dev/null
    done
    for round in 1 2 3 4 5; do
        apart="$(seconds_of side_by_side)"
        together="$(seconds_of two_ranks "$scratch/both" "$scratch/out")"
        echo "two runs of 300 MB: ${apart% *} s; two ranks, 600 MB: ${together% *} s"
        awk "BEGIN { print ${apart% *} / ${together% *} }" >>"$scratch/ratios"
    done
    verdict "two ranks over two runs" 0.97 <"$scratch/ratios"
}

measure_memory() {
    local free megabytes
    free="$(df --output=avail -B 1000000 "$scratch" | tail -n 1)"
    [[ "$free" -ge 12000 ]] || {
        echo "NOT RUN: $free MB are free in $scratch, 12000 are needed" >&2
        exit 0
    }
    for megabytes in 30 300 3000; do
        python3 "$here/repeat.py" "$text" "$scratch/text" "$megabytes"
        prepare "$scratch/text" "$scratch/out" 2>&1 | grep -E 'peak memory|documents \('
        rm -rf "$scratch/text" "$scratch/out"
    done | tee "$scratch/said"
    sed -n 's/.*peak memory \([0-9]*\) MiB.*/\1/p' "$scratch/said" | awk '{ first = NR == 1 ? $1 : first; last = $1 } END {
        megabytes = last * 1.048576
        printf "peak: %.0f MB, %.2f times that of 30 MB of text (bar 300): %s\n", megabytes, last / first,
            (megabytes <= 300 ? "reached" : "missed") }'
}

"measure_$what"

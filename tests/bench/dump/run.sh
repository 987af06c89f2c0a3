#!/usr/bin/env bash
# A bzip2 dump to shards beside bzip2 -dc of the same file, turn by turn on one core.
#
#   tests/bench/dump/run.sh --build BUILD --dump DUMP.xml.bz2 --vocab VOCAB [--rounds 5] [--megabytes 200]
#
# The pages of the dump are repeated until the XML has the size, and packed again. Prints the processor seconds of both
# and their ratio for each round, and its median: elapsed times of a shared machine say less.
set -euo pipefail

build="" dump="" vocab="" rounds=5 megabytes=200
while [[ $# -gt 0 ]]; do
    case "$1" in
        --build | --dump | --vocab | --rounds | --megabytes)
            printf -v "${1#--}" '%s' "${2:?$1 needs a value}"
            shift 2
            ;;
        -h | --help)
            sed -n '2,7s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
            exit 0
            ;;
        *)
            echo "run: error: unknown option $1; see --help" >&2
            exit 64
            ;;
    esac
done
[[ -n "$build" && -n "$dump" && -n "$vocab" ]] || {
    echo "run: error: --build, --dump and --vocab are needed; see --help" >&2
    exit 64
}

scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT
bzip2 -dc "$dump" >"$scratch/once.xml"
first="$(grep -n -m 1 '<page>' "$scratch/once.xml" | cut -d : -f 1)"
sed "1,$((first - 1))d; /<\/mediawiki>/d" "$scratch/once.xml" >"$scratch/pages"
times=$((megabytes * 1000000 / $(stat -c %s "$scratch/pages") + 1))
{
    head -n "$((first - 1))" "$scratch/once.xml"
    for ((i = 0; i < times; i++)); do cat "$scratch/pages"; done
    echo '</mediawiki>'
} | bzip2 >"$scratch/dump.xml.bz2"

# Processor seconds of a command on one core.
seconds_of() {
    local TIMEFORMAT='%U %S'
    { time taskset -c 0 "$@" >/dev/null 2>&1; } 2>&1 | awk '{ print $1 + $2 }'
}

for ((round = 1; round <= rounds; round++)); do
    unpack="$(seconds_of bzip2 -dc "$scratch/dump.xml.bz2")"
    rm -rf "$scratch/shards"
    prepare="$(seconds_of "$build/bin/hpml_prepare" --input "$scratch/dump.xml.bz2" --vocab "$vocab" \
        --output "$scratch/shards")"
    awk -v u="$unpack" -v p="$prepare" 'BEGIN { printf "bzip2 -dc %.2f s, hpml_prepare %.2f s, ratio %.2f\n", u, p, p / u }'
done | tee "$scratch/rounds"
sort -t ' ' -k 9 -n "$scratch/rounds" | awk '{ ratio[NR] = $9 } END { printf "median ratio %.2f\n", ratio[int((NR + 1) / 2)] }'

#!/usr/bin/env bash
# What the loader gives to one rank, from a corpus of 2,560 shards: each bar and the figure measured here.
#
#   tests/bench/loader/run.sh [BUILD-FOLDER] [TEXT] [VOCABULARY]    (build/release and the tests' data)
#
#   tokens a second, masked, made by one thread              >= 20  M
#   from the opened manifest to the first micro-batch of 32  <= 200 ms
#   bytes a token on the disk                                <= 2.1
#
# The first batch opens and hashes the shards that it needs; all others have been looked at.
set -euo pipefail
build="${1:-build/release}"
text="${2:-../shared/data/wikipedia/extracted}"
vocabulary="${3:-../shared/data/vocab/bert-base-uncased/vocab.txt}"
[[ -d "$text" ]] || {
    echo "NOT RUN: no text in $text" >&2
    exit 0
}
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
if [[ "$(id -u)" == 0 ]]; then
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
fi
sed -n 's/^model name[^:]*: /CPU: /p' /proc/cpuinfo | head -n 1
echo "cores: $(nproc), load: $(cut -d' ' -f1-3 /proc/loadavg)"

"$build/bin/hpml_prepare" --input "$text" --vocab "$vocabulary" --sequences-per-shard 1000000 \
    --validation-fraction 0.01 --output "$folder/one" >/dev/null 2>&1
shards_of() {
    python3 -c '
import json, sys
shards = json.load(open(sys.argv[1] + "/manifest.json"))["train"]
rows = [shard["rows"] for shard in shards]
print(eval(sys.argv[2]))' "$folder/$1" "$2"
}
rows="$(shards_of one 'sum(rows)')"
"$build/bin/hpml_prepare" --input "$text" --vocab "$vocabulary" --validation-fraction 0.01 \
    --sequences-per-shard $(((rows + 2559) / 2560)) --output "$folder/many" >/dev/null 2>&1
echo "$rows rows, $(shards_of many 'len(rows)') shards of $(shards_of many 'min(rows)') to" \
    "$(shards_of many 'max(rows)'); in one shard" \
    "$(shards_of one '"%.3f" % (shards[0]["bytes"] / shards[0]["tokens"])') bytes a token"
for corpus in one many; do
    for _ in 1 2 3; do
        echo -n "$corpus: "
        "$build/bin/hpml_bench" loader --data "$folder/$corpus" --micro-batch 32 --accumulation 1 \
            --micro-batches 6000 2>&1
    done
done

#!/usr/bin/env bash
# How near the optimizers' steps come to the memory's bandwidth: each bar, the figure here, and whether it is met.
#
#   tests/bench/optimizer/run.sh [BUILD-FOLDER] [MODEL] [THREADS] [ROUNDS]      (build/release, base, all cores, 11)
#
#   adam, adamw, lamb, adafactor   >= 75 %  of STREAM's triad (the faster of ordinary and streaming stores), all taken
#                                           in turn by one process; bytes as the passes over memory count them
#   lamb                           <= 1.5   times adamw
#
# On a machine that does other work the figures are worth nothing: the load is printed first.
set -euo pipefail
build="${1:-build/release}" model="${2:-base}" threads="${3:-$(nproc)}" rounds="${4:-11}"
bench="$build/bin/hpml_bench"
[[ -x "$bench" ]] || {
    echo "$bench is missing; run cmake --preset release && cmake --build --preset release" >&2
    exit 66
}
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
sed -n 's/^model name[^:]*: /CPU: /p' /proc/cpuinfo | head -n 1
echo "cores: $(nproc), load: $(cut -d' ' -f1-3 /proc/loadavg)"
"$bench" optimizer --model "$model" --threads "$threads" --steps "$rounds" --json "$folder/result.json"

python3 - "$folder/result.json" <<'PYTHON'
import json
import sys

result = json.load(open(sys.argv[1]))["result"]
missed = 0


def verdict(what, figure, bar, met):
    global missed
    missed += not met
    print(f"{what:<40} {figure:8.3f}  bar {bar:<8} {'met' if met else 'MISSED'}")


for rate in result["rates"]:
    if rate["name"] in ("adam", "adamw", "lamb", "adafactor"):
        share = rate["share_of_triad"]
        verdict(f"{rate['name']}, share of the triad", share, ">= 0.75", share >= 0.75)
ratio = result["lamb_to_adamw"]
verdict("lamb, times adamw", ratio, "<= 1.5", ratio <= 1.5)
sys.exit(1 if missed else 0)
PYTHON

#!/usr/bin/env bash
# Step rate against Hugging Face + torch DDP over gloo: the two in turn, the ratio pair by pair and its median.
#
#   tests/bench/step/run.sh [MODEL] [PAIRS] [STEPS]     default: base 3 5; 2 ranks x 1 thread, micro-batch 8
#
# Needs the peers' environment (jobs/bootstrap.sh --peers) and hpml_bench in build/release/bin or $HPML_BIN.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."
model="${1:-base}" pairs="${2:-3}" steps="${3:-5}"
bin="${HPML_BIN:-$PWD/build/release/bin}"
peers="${XDG_CACHE_HOME:-$HOME/.cache}/hpml/peers"
python="$peers/python.sh"
[[ -x "$python" ]] || python="$peers/bin/python"
[[ -x "$python" && -x "$bin/hpml_bench" ]] || {
    echo "step bench: error: needs $bin/hpml_bench and the peers' Python (jobs/bootstrap.sh --peers)" >&2
    exit 66
}
if [[ "$(id -u)" == 0 ]]; then
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
fi
sed -n 's/^model name[^:]*: /CPU: /p' /proc/cpuinfo | head -n 1
echo "cores: $(nproc); model $model, 2 ranks x 1 thread, 8 sequences of 128 tokens a rank, fp32, AdamW, no dropout"

# A peer that hangs costs its pair and no more; what it said is shown then.
limit="${HPML_BENCH_LIMIT:-900}"
said="$(mktemp)"
trap 'rm -f "$said"' EXIT

ours() {
    timeout -k 5 "$limit" mpirun -np 2 "$bin/hpml_bench" step --model "$model" --micro-batch 8 --steps "$steps" \
        --threads 1 2>&1 |
        sed -n 's/.* \([0-9]*\) tokens\/s.*/\1/p'
}
theirs() {
    local port=$((20000 + RANDOM % 20000)) rank
    for rank in 1 0; do
        RANK=$rank WORLD_SIZE=2 MASTER_ADDR=127.0.0.1 MASTER_PORT=$port OMP_NUM_THREADS=1 \
            timeout -k 5 "$limit" taskset -c "$((rank % $(nproc)))" "$python" tests/bench/step/step_peer.py \
            --model "$model" --micro-batch 8 --steps "$steps" 2>>"$said" &
    done
    wait
}
ratios=()
for ((pair = 1; pair <= pairs; ++pair)); do
    a="$(ours)"
    b="$(theirs | sed -n 's/.*"tokens_per_second": \([0-9.]*\).*/\1/p')"
    if [[ -z "$a" || -z "$b" ]]; then
        echo "pair $pair: no figure (hpml: ${a:-none}, peer: ${b:-none}); the peer said:" >&2
        tail -n 20 "$said" >&2
        continue
    fi
    ratios+=("$(awk -v a="$a" -v b="$b" 'BEGIN { printf "%.3f", a / b }')")
    echo "pair $pair: hpml $a tokens/s, Hugging Face + DDP $b tokens/s, ratio ${ratios[-1]}"
done
((${#ratios[@]} > 0)) || exit 70
printf '%s\n' "${ratios[@]}" | sort -n | awk '{ r[NR] = $1 } END { print "median ratio: " r[int((NR + 1) / 2)] }'

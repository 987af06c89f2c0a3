#!/usr/bin/env bash
# Training steps against Hugging Face + torch DDP over gloo, from the same first weights on the same batches, dropout
# off: the two in turn, the ratio of tokens a second pair by pair and its median, the losses of all steps compared
# (1e-4; bf16 is printed only), the peak memory (PSS) of a rank on both sides, and the share of the machine's fp32
# matrix-product rate. Two ranks of one thread each, micro-batches of 8. The peer's threads are what serves it best in a
# step of each: one on a core of its own, one that may move, or two.
#
#   tests/bench/step/run.sh [--model base] [--pairs 3] [--steps 9] [--accumulation 4] [--precision fp32|bf16]
#                           [--rows full|DATA-FOLDER] [--peer best|pinned|free|two] [--memory]
#
#   --steps    beside one to warm up, so that 9 compare ten losses
#   --rows     full: 128 random tokens a row; or a folder that hpml_prepare made, whose rows keep their length
#              (make_sentences.sh makes one of single sentences)
#   --memory   one more run of both for the memory
#
# Needs the peers' environment (jobs/bootstrap.sh --peers) and hpml_bench in build/release/bin or $HPML_BIN.
# HPML_BENCH_WRAP is put before every measured command, for instance one that stops other work meanwhile.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."
model=base pairs=3 steps=9 accumulation=4 precision=fp32 rows=full peer=best memory=no
while (($# > 0)); do
    case "$1" in
        --memory) memory=yes && shift ;;
        --model | --pairs | --steps | --accumulation | --precision | --rows | --peer)
            declare "${1#--}=${2:?a value for $1}" && shift 2 ;;
        *) echo "step bench: error: unknown option $1 (see the head of this script)" >&2 && exit 64 ;;
    esac
done
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
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
# A peer that hangs costs its pair and no more; what it said is shown then.
limit="${HPML_BENCH_LIMIT:-900}"
read -ra wrap <<<"${HPML_BENCH_WRAP:-}"
given=()
[[ "$rows" == full ]] || given=(--rows "$rows")
sed -n 's/^model name[^:]*: /CPU: /p' /proc/cpuinfo | head -n 1
echo "cores: $(getconf _NPROCESSORS_ONLN); model $model, 2 ranks x 1 thread, $accumulation x 8 sequences a rank, rows $rows, $precision," \
    "AdamW, no dropout"

cat >"$work/ours.sh" <<END
timeout -k 5 $limit mpirun -np 2 "$bin/hpml_bench" step --model "$model" --micro-batch 8 --steps "$steps" \
    --warmup-steps 1 --accumulation "$accumulation" --threads 1 --precision "$precision" ${given[*]} \
    --exchange "$work" --json "$work/ours.json" >"$work/ours.log" 2>&1
END
# theirs.sh PORT STEPS pinned|free|two
cat >"$work/theirs.sh" <<END
rm -f "$work"/theirs-?.json
for rank in 1 0; do
    cores=0-$(($(getconf _NPROCESSORS_ONLN) - 1)) threads=1
    case "\$3" in
        pinned) cores=\$((rank % $(getconf _NPROCESSORS_ONLN))) ;;
        two) threads=2 ;;
    esac
    RANK=\$rank WORLD_SIZE=2 MASTER_ADDR=127.0.0.1 MASTER_PORT=\$1 OMP_NUM_THREADS=\$threads timeout -k 5 $limit \
        taskset -c "\$cores" "$python" tests/bench/step/step_peer.py --exchange "$work" --threads "\$threads" \
        --steps "\$2" --accumulation "$accumulation" --precision "$precision" \
        >"$work/theirs-\$rank.json" 2>>"$work/theirs.log" &
done
wait
END
measured() { "${wrap[@]}" bash "$@"; }
port() { echo "$((20000 + RANDOM % 20000))"; }
# Try all ways of giving the peer its threads. Sets `peer` to the fastest.
choose_peer() {
    local way rate best=0
    for way in pinned free two; do
        measured "$work/theirs.sh" "$(port)" 1 "$way" || true
        rate="$(sed -n 's/.*"tokens_per_second": \([0-9]*\).*/\1/p' "$work/theirs-0.json" | tail -n 1)"
        echo "Hugging Face + DDP, threads $way: ${rate:-no} tokens/s"
        if ((${rate:-0} > best)); then
            best="$rate" peer="$way"
        fi
    done
}

for ((pair = 1; pair <= pairs; ++pair)); do
    rm -f "$work"/ours.json "$work"/theirs-?.json
    if measured "$work/ours.sh"; then
        [[ "$peer" != best ]] || choose_peer
        measured "$work/theirs.sh" "$(port)" "$steps" "$peer" || true
    fi
    if [[ ! -s "$work/ours.json" || ! -s "$work/theirs-0.json" ]]; then
        echo "pair $pair: no figure; what was said:" >&2
        tail -n 20 "$work/ours.log" "$work/theirs.log" >&2 || true
        continue
    fi
    python3 - "$work" "$pair" "$precision" <<'END'
import json, sys
work, pair, precision = sys.argv[1:]
ours = json.load(open(f"{work}/ours.json"))["result"]
theirs = json.loads(open(f"{work}/theirs-0.json").read().strip().splitlines()[-1])
apart = max(abs(a - b) for a, b in zip(ours["losses"], theirs["losses"], strict=True))
ratio = ours["tokens_per_second"] / theirs["tokens_per_second"]
print(f"pair {pair}: hpml {ours['tokens_per_second']:.0f} tokens/s, Hugging Face + DDP "
      f"{theirs['tokens_per_second']:.0f} tokens/s, ratio {ratio:.3f}"
      + (f", padded/real {theirs['padded_over_real']:.3f}" if theirs["padded_over_real"] > 1 else "")
      + f"; {ours['flop_rate'] / ours['product_rate'] * 100:.1f} % of {ours['product_rate'] * 1e-9:.1f} GFLOP/s a rank"
      + f"; {len(ours['losses'])} losses within {apart:.1e}", flush=True)
open(f"{work}/ratios", "a").write(f"{ratio}\n")
if precision == "fp32" and apart > 1e-4:
    sys.exit(f"the losses differ: {ours['losses']} and {theirs['losses']}")
END
done
[[ -s "$work/ratios" ]] || exit 70
sort -n "$work/ratios" | awk '{ r[NR] = $1 } END { printf "median ratio: %.3f\n", r[int((NR + 1) / 2)] }'
if [[ "$memory" == yes ]]; then
    a="$(python3 tests/bench/step/peak_pss.py bash "$work/ours.sh")"
    b="$(python3 tests/bench/step/peak_pss.py bash "$work/theirs.sh" "$(port)" "$steps" "$peer")"
    echo "peak PSS of a rank: hpml $a MB, Hugging Face + DDP $b MB, ratio $(awk "BEGIN { printf \"%.3f\", $a / $b }")"
fi

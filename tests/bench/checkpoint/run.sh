#!/usr/bin/env bash
# What checkpoints cost a training on 2 ranks of one thread, beside the bars:
#
#   the loop stands still for a checkpoint                                    < 1 step
#   steps with one save against as many without (100 of them, see --steps)    >= 97 % of the rate
#   bytes written a second against `dd conv=fsync` of the same bytes there    >= 80 %
#   from the start of the program to the first step's begin, when it goes on  <= 10 s
#   memory (PSS) of a rank between and during checkpoints against the peer's  <= 0.70, 0.85 (--memory)
#
#   tests/bench/checkpoint/run.sh [--model base] [--pairs 2] [--steps 6] [--micro-batch 8] [--accumulation 1]
#                                 [--folder DIR] [--memory]
#
#   --steps    of a block with one save and of a block without. A save costs its time once: what 100 steps would have is
#              worked out from that, and 100 can be given where there is time for 200 steps a pair
#   --folder   on the file system in question (the temporary folder's)
#   --memory   also the memory; needs the peers' environment (jobs/bootstrap.sh --peers)
#
# dd runs before and behind each of hpml_bench's saves. Executables: build/release/bin or $HPML_BIN.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."
model=base pairs=2 steps=6 micro_batch=8 accumulation=1 folder="" memory=no
while (($# > 0)); do
    case "$1" in
        --memory) memory=yes && shift ;;
        --model | --pairs | --steps | --micro-batch | --accumulation | --folder)
            name="${1#--}" && declare "${name//-/_}=${2:?a value for $1}" && shift 2 ;;
        *) echo "checkpoint bench: error: unknown option $1 (see the head of this script)" >&2 && exit 64 ;;
    esac
done
bin="${HPML_BIN:-$PWD/build/release/bin}"
for program in hpml_bench hpml_prepare hpml_pretrain; do
    [[ -x "$bin/$program" ]] || {
        echo "checkpoint bench: error: needs $bin/$program (build it, or set HPML_BIN)" >&2
        exit 66
    }
done
if [[ "$(id -u)" == 0 ]]; then
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
fi
work="$(mktemp -d -p "${folder:-${TMPDIR:-/tmp}}" hpml-checkpoint-bench.XXXXXX)"
trap 'rm -rf "$work"' EXIT
sed -n 's/^model name[^:]*: /CPU: /p' /proc/cpuinfo | head -n 1
echo "cores: $(getconf _NPROCESSORS_ONLN), load: $(cut -d' ' -f1-3 /proc/loadavg); file system of $work:" \
    "$(stat -f -c %T "$work"); model $model, 2 ranks x 1 thread, $accumulation x $micro_batch sequences a rank"


# Going on: the weights of step 0 are saved, and the same command with a step more goes on from there.
"$bin/hpml_prepare" --input data/sample/corpus --vocab data/sample/vocab.txt --sequence-length 128 --pack full \
    --output "$work/data" >"$work/log" 2>&1
# pretrain RUN MODEL STEPS: the command
pretrain() {
    printf '%s\n' mpirun -np 2 "$bin/hpml_pretrain" --data "$work/data" --run "$work/$1" --model "$2" --steps "$3" \
        --global-batch "$((2 * micro_batch))" --micro-batch "$micro_batch" --threads 1 --optimizer adamw \
        --learning-rate 1e-4 --keep-checkpoints 1
}
# resume RUN MODEL STEPS: "seconds-to-the-first-step seconds-of-waiting-for-data" behind a run of so many steps
resume() {
    local -a command
    mapfile -t command < <(pretrain "$1" "$2" "$3")
    "${command[@]}" >"$work/log" 2>&1 || { tail -n 20 "$work/log" >&2 && exit 70; }
    mapfile -t command < <(pretrain "$1" "$2" "$(($3 + 1))")
    python3 tests/bench/checkpoint/first_step.py "$work/$1" "${command[@]}"
}
read -r seconds wait < <(resume long "$model" 0)
echo "going on with $model: the first step begins $seconds s after the start (bar 10), and waits $wait s for data"
read -r few few_wait < <(resume few tiny 2)
read -r many many_wait < <(resume many tiny 200)
echo "going on with tiny behind 2 and 200 steps: $few and $many s; waits for data $few_wait and $many_wait s"

# The same bytes by dd, in turn with the saves of hpml_bench.
reference="$(echo "$work"/long/checkpoints/step-*)"
files=("$reference"/model.safetensors "$reference"/optimizer.safetensors)
bytes="$(stat -c %s "${files[@]}" | awk '{ sum += $1 } END { print sum }')"
seconds_of_dd() {
    local started ended file
    started="$(date +%s.%N)"
    for file in "${files[@]}"; do
        dd if="$file" of="$work/dd-${file##*/}" bs=1M conv=fsync status=none
    done
    ended="$(date +%s.%N)"
    rm -f "$work"/dd-*
    awk "BEGIN { print $ended - $started }"
}
for ((pair = 1; pair <= pairs; ++pair)); do
    cat "${files[@]}" >/dev/null # what dd reads is in memory, as hpml's weights are
    before="$(seconds_of_dd)"
    mpirun -np 2 "$bin/hpml_bench" checkpoint --model "$model" --micro-batch "$micro_batch" \
        --accumulation "$accumulation" --steps "$steps" --rounds 1 --warmup-steps 1 --threads 1 --folder "$work" \
        --json "$work/ours.json" >"$work/log" 2>&1 || { tail -n 20 "$work/log" >&2 && exit 70; }
    python3 - "$work" "$pair" "$bytes" "$before" "$(seconds_of_dd)" <<'END'
import json, sys
work, pair, size, before, after = sys.argv[1:]
ours = json.load(open(f"{work}/ours.json"))["result"]
reference = 2 * int(size) / (float(before) + float(after))
alone, beside = ours["alone_bytes_per_second"], ours["bytes"] / ours["beside_seconds"]
within = all(r["save_is_within_block"] for r in ours["rounds"])
print(f"pair {pair}: a step {ours['step_seconds']:.2f} s; stood still {ours['stopped_seconds']:.3f} s = "
      f"{ours['stopped_steps']:.4f} steps; {ours['block_steps']} steps with a save at "
      f"{ours['rate_with_save'] * 100:.2f} % of the rate without ({ours['lost_seconds']:+.2f} s"
      f"{'' if within else ', the save went on behind them'}), so 100 at "
      f"{ours['rate_of_100_steps_with_save'] * 100:.2f} %; {ours['bytes'] * 1e-6:.0f} MB alone "
      f"{alone * 1e-6:.0f} MB/s, beside the steps {beside * 1e-6:.0f} MB/s, dd {reference * 1e-6:.0f} MB/s: {alone / reference * 100:.0f} and "
      f"{beside / reference * 100:.0f} %", flush=True)
with open(f"{work}/pairs", "a") as file:
    print(ours["stopped_steps"], ours["rate_with_save"], ours["rate_of_100_steps_with_save"], alone / reference,
          beside / reference, file=file)
END
done
python3 - "$work/pairs" "$steps" <<'END'
import statistics, sys
pairs = [list(map(float, line.split())) for line in open(sys.argv[1])]
stopped, rate, rate_of_100, alone, beside = map(statistics.median, zip(*pairs))
print(f"medians: stood still for {stopped:.4f} steps (bar 1); {sys.argv[2]} steps with a save at {rate * 100:.2f} %, "
      f"100 at {rate_of_100 * 100:.2f} % of the rate without (bar 97); {alone * 100:.0f} % of dd's rate alone (bar 80), "
      f"{beside * 100:.0f} % beside the steps")
END
[[ "$memory" == yes ]] || exit 0

peers="${XDG_CACHE_HOME:-$HOME/.cache}/hpml/peers"
python="$peers/python.sh"
[[ -x "$python" ]] || python="$peers/bin/python"
if [[ ! -x "$python" ]]; then
    echo "memory: NOT MEASURED, no peers' environment in $peers (jobs/bootstrap.sh --peers makes it)"
    exit 0
fi
given=(--model "$model" --micro-batch "$micro_batch" --accumulation "$accumulation" --warmup-steps 1 --threads 1)
cat >"$work/theirs.sh" <<END
for rank in 1 0; do
    RANK=\$rank WORLD_SIZE=2 MASTER_ADDR=127.0.0.1 MASTER_PORT=$((20000 + RANDOM % 20000)) OMP_NUM_THREADS=1 \
        "$python" tests/bench/step/step_peer.py --exchange "$work/exchange" --steps 1 --accumulation "$accumulation" >/dev/null &
done
wait
END
mkdir "$work/exchange"
peak() { python3 tests/bench/step/peak_pss.py "$@"; }
between="$(peak mpirun -np 2 "$bin/hpml_bench" step "${given[@]}" --steps 1 --exchange "$work/exchange")"
during="$(peak mpirun -np 2 "$bin/hpml_bench" checkpoint "${given[@]}" --steps 2 --rounds 1 --only-beside \
    --folder "$work")"
theirs="$(peak bash "$work/theirs.sh")"
awk -v a="$between" -v b="$during" -v c="$theirs" 'BEGIN {
    printf "peak PSS of a rank: %d MB between checkpoints, %d MB with one being written, Hugging Face + DDP %d MB: ", a, b, c
    printf "%.3f (bar 0.70) and %.3f (bar 0.85)\n", a / c, b / c }'

#!/usr/bin/env bash
# Encoding rate, ids only, on one core against Hugging Face's tokenizers on one thread: the two in turn on Wikipedia
# text, the ratio pair by pair and its median.
#
#   tests/bench/tokenizer/run.sh [PAIRS] [FILES]     default: 5 pairs, 3 files of 1 MB
#
# Needs the peers' environment (jobs/bootstrap.sh --peers), hpml_bench in build/release/bin or $HPML_BIN, and
# real data in ../shared/data or $HPML_TEST_DATA.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."
pairs="${1:-5}" count="${2:-3}"
bin="${HPML_BIN:-$PWD/build/release/bin}"
data="${HPML_TEST_DATA:-../shared/data}"
peers="${XDG_CACHE_HOME:-$HOME/.cache}/hpml/peers"
python="$peers/python.sh"
[[ -x "$python" ]] || python="$peers/bin/python"
[[ -x "$python" && -x "$bin/hpml_bench" && -d "$data/wikipedia/extracted/AA" ]] || {
    echo "tokenizer bench: error: needs $bin/hpml_bench, the peers' Python (jobs/bootstrap.sh --peers) and $data" >&2
    exit 66
}
export TOKENIZERS_PARALLELISM=false
sed -n 's/^model name[^:]*: /CPU: /p' /proc/cpuinfo | head -n 1
mapfile -t files < <(find "$data/wikipedia/extracted/AA" -type f | sort | head -n "$count")
said="$(mktemp)"
trap 'rm -f "$said"' EXIT

field() { sed -n "s/.*\"$1\": \([0-9.]*\).*/\1/p"; }

# The peer builds the tokenizer from the vocabulary's file (WordPiece) or folder (BPE).
compare() {
    local name="$1" peer_path="$2" letter_case="$3" bar="$4" ratios=() pair ours theirs a b
    for ((pair = 1; pair <= pairs; ++pair)); do
        "$bin/hpml_bench" tokenizer --vocab "$data/vocab/$name" --text "${files[@]}" --json "$said" >/dev/null
        ours="$(cat "$said")"
        theirs="$("$python" tests/bench/tokenizer/rate_peer.py "$data/vocab/$peer_path" "$letter_case" \
            "${files[@]}")"
        a="$(field megabytes_per_second <<<"$ours")" b="$(field megabytes_per_second <<<"$theirs")"
        [[ "$(field tokens <<<"$ours")" == "$(field tokens <<<"$theirs")" ]] || {
            echo "tokenizer bench: error: $name: $(field tokens <<<"$ours") ids against $(field tokens <<<"$theirs")" >&2
            exit 70
        }
        ratios+=("$(awk -v a="$a" -v b="$b" 'BEGIN { printf "%.1f", a / b }')")
        awk -v a="$a" -v b="$b" -v name="$name" -v pair="$pair" -v ratio="${ratios[-1]}" \
            'BEGIN { printf "%s, pair %d: hpml %.1f MB/s, tokenizers %.2f MB/s, ratio %s\n", name, pair, a, b, ratio }'
    done
    printf '%s\n' "${ratios[@]}" | sort -n |
        awk -v name="$name" -v bar="$bar" '{ r[NR] = $1 } END {
            m = r[int((NR + 1) / 2)]
            printf "%s: median ratio %s, bar %s: %s\n", name, m, bar, (m >= bar ? "reached" : "missed") }'
}

compare bert-base-uncased bert-base-uncased/vocab.txt lower 25
compare gpt2 gpt2 auto 10

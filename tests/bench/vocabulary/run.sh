#!/usr/bin/env bash
# hpml_prepare train-vocab beside the trainer of Hugging Face's tokenizers: time and mean tokens per word.
#
#   tests/bench/vocabulary/run.sh [SIZE] [FILES]     default: 30522 tokens from 10 files of 1 MB; 2 others held out
#
# Needs the peers' environment (jobs/bootstrap.sh --peers), hpml_prepare in build/release/bin or $HPML_BIN, and
# real data in ../shared/data or $HPML_TEST_DATA.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."
size="${1:-30522}" count="${2:-10}"
bin="${HPML_BIN:-$PWD/build/release/bin}"
data="${HPML_TEST_DATA:-../shared/data}/wikipedia/extracted/AA"
peers="${XDG_CACHE_HOME:-$HOME/.cache}/hpml/peers"
python="$peers/python.sh"
[[ -x "$python" ]] || python="$peers/bin/python"
[[ -x "$python" && -x "$bin/hpml_prepare" && -d "$data" ]] || {
    echo "vocabulary bench: error: needs $bin/hpml_prepare, the peers' Python (jobs/bootstrap.sh --peers) and $data" >&2
    exit 66
}
if [[ "$(id -u)" == 0 ]]; then
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
fi
sed -n 's/^model name[^:]*: /CPU: /p' /proc/cpuinfo | head -n 1
mapfile -t files < <(find "$data" -type f | sort)
exec "$python" tests/bench/vocabulary/compare.py "$bin/hpml_prepare" "$size" "${files[@]:0:$count}" -- "${files[@]: -2}"

#!/usr/bin/env bash
# Rows of natural length for run.sh --rows: every sentence of some text a row of its own, at most 128 tokens.
#
#   tests/bench/step/make_sentences.sh OUTPUT-FOLDER [TEXT-FILE] [VOCABULARY]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."
output="${1:?a folder for the rows}"
text="${2:-../shared/data/wikitext-2-raw/wiki.valid.raw}"
vocabulary="${3:-../shared/data/vocab/bert-base-uncased/vocab.txt}"
bin="${HPML_BIN:-$PWD/build/release/bin}"
[[ -f "$text" && -f "$vocabulary" ]] || {
    echo "NOT RUN: no text $text or no vocabulary $vocabulary" >&2
    exit 0
}
if [[ "$(id -u)" == 0 ]]; then
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
fi
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
# wikitext puts blanks around its full stops; a heading is a line that begins with "=".
sed -e '/^ *=/d' -e 's/ \. /.\n/g' "$text" | awk 'NF >= 4' | head -n 20000 >"$folder/sentences.txt"
"$bin/hpml_prepare" --input "$folder/sentences.txt" --format lines --vocab "$vocabulary" --sequence-length 128 \
    --validation-fraction 0 --output "$output"

#!/usr/bin/env bash
# From a fresh clone to a fine-tuned model: bootstrap, build, then the main job on the sample in data/sample.
#
#   jobs/quickstart.sh
#
# prepare -> pretrain on two ranks -> fine-tune -> a table of results. Everything goes below runs/quickstart
# ($HPML_RUN names another folder). Each step finds what it did in an earlier call, so a second call is quick.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

run="${HPML_RUN:-$PWD/runs/quickstart}"
bin="$PWD/build/release/bin"
ranks=2

say() { printf '\n== %s\n' "$*"; }

# Containers run as root and may offer fewer cores than ranks; Open MPI refuses both unless told.
mpi() {
    if [[ "$(id -u)" == 0 ]]; then
        export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
    fi
    if (($(nproc) < ranks)); then
        export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_mpi_yield_when_idle=1
    fi
    # Containers without ptrace cannot copy between processes in one go; the plain way is as good here.
    OMPI_MCA_btl_vader_single_copy_mechanism=none mpirun -np "$ranks" "$@"
}

build() {
    say "build"
    cmake --preset release --log-level=WARNING >/dev/null
    cmake --build --preset release --parallel "${HPML_BUILD_JOBS:-$(nproc)}"
}

prepare() {
    say "prepare: articles to shards"
    "$bin/hpml_prepare" --input data/sample/corpus --vocab data/sample/vocab.txt --sequence-length 64 \
        --validation-fraction 0.05 --output "$run/data"
}

pretrain() {
    say "pretrain: BERT-tiny, $ranks ranks"
    mpi "$bin/hpml_pretrain" --config jobs/quickstart_pretrain.cfg --data "$run/data" --run "$run/pretrain"
}

finetune() {
    say "fine-tune: a sentence task, $ranks ranks"
    mpi "$bin/hpml_finetune" --config jobs/quickstart_finetune.cfg --data data/sample/task \
        --init-from "$run/pretrain" --run "$run/finetune"
}

# One number of a flat JSON file; the results are written one key per line.
number_of() { sed -n "s/^ *\"$2\": *\([-+0-9.eE]*\),\{0,1\} *$/\1/p" "$1" | head -n 1; }

last_loss() { sed -n 's/.*"validation_loss": *\([-+0-9.eE]*\).*/\1/p' "$run/pretrain/metrics.jsonl" | tail -n 1; }

results() {
    local file="$run/finetune/eval_results.json"
    say "results"
    printf '%-44s %10s\n' "what" "value"
    printf '%-44s %10.3f\n' "unigram entropy of the training text (nats)" \
        "$(number_of "$run/data/manifest.json" unigram_entropy_nats)"
    printf '%-44s %10.3f\n' "masked-token loss, validation (nats)" "$(last_loss)"
    printf '%-44s %10.3f\n' "sentence task: accuracy" "$(number_of "$file" eval_accuracy)"
    printf '%-44s %10.3f\n' "sentence task: always the majority class" \
        "$(number_of "$file" baseline_majority_accuracy)"
    printf '\nrun directory: %s\n' "$run"
}

jobs/bootstrap.sh
build
prepare
pretrain
finetune
results

# What the comparisons share, which source this file from the repository's root: sizes as options, shards, runs that
# go on where they stopped, results.
#
# Variables that a user may set:
#   HPML_BIN        folder of the executables; default build/release/bin
#   HPML_TEST_DATA  folder with wikipedia/extracted, vocab/bert-base-uncased and glue; default ../shared/data
#   HPML_RUN        where the runs go; default runs/NAME
#   HPML_RESULTS    where the tables go; default jobs/results
# shellcheck shell=bash
# shellcheck source=jobs/experiment_tables.sh
source jobs/experiment_tables.sh

data="${HPML_TEST_DATA:-../shared/data}"
bin="${HPML_BIN:-build/release/bin}"
results="${HPML_RESULTS:-jobs/results}"

# Every script adds its own; "rates" are tried with the first of "seeds", the best one is run with the others.
declare -A size=([model]=tiny [vocabulary-size]=0 [sequence-length]=128 [batch]=32 [seeds]="1 2 3" [ranks]=2
    [weight-decay]=0.01 [hours]=0)

say() { printf '\n== %s\n' "$*"; }

stop() {
    printf '%s: error: %s\n' "$(basename "$0")" "$2" >&2
    exit "$1"
}

# read_sizes --NAME VALUE...: the options that the script knows; --help prints the comment on top of it.
read_sizes() {
    local name
    while (($#)); do
        if [[ "$1" == --help || "$1" == -h ]]; then
            sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//p}' "$0"
            exit 0
        fi
        name="${1#--}"
        [[ "$1" == --* && -n "${size[$name]:-}" ]] ||
            stop 64 "unknown option $1; known: $(printf -- '--%s\n' "${!size[@]}" | sort | tr '\n' ' ')"
        (($# > 1)) || stop 64 "$1 needs a value"
        size[$name]="$2"
        shift 2
    done
}

# The sizes as options, in a fixed order; without the time of this piece, which changes no result.
written_sizes() {
    local name
    for name in "${!size[@]}"; do
        [[ "$name" == hours ]] || printf -- '--%s "%s"\n' "$name" "${size[$name]}"
    done | sort
}

# begin NAME: runs of other sizes are not mixed, because one table would hold both.
begin() {
    experiment="$1"
    run="${HPML_RUN:-runs/$experiment}"
    [[ -x "$bin/hpml_pretrain" ]] || stop 66 "$bin/hpml_pretrain is missing; run cmake --preset release && \
cmake --build --preset release, or set HPML_BIN to the folder of the executables"
    [[ -d "$data/wikipedia/extracted" ]] || stop 66 "$data/wikipedia/extracted, the text, is missing; set HPML_TEST_DATA"
    mkdir -p "$run" "$results"
    if [[ -e "$run/sizes.txt" ]] && ! diff -u "$run/sizes.txt" <(written_sizes) >&2; then
        stop 78 "$run holds runs of other sizes (above, '-'); give the same options, or another folder in HPML_RUN"
    fi
    written_sizes >"$run/sizes.txt"
}

prepare_shards() {
    local vocabulary="$data/vocab/bert-base-uncased"
    say "shards of ${size[sequence-length]} tokens in $run/data"
    if ((size[vocabulary-size] > 0)); then
        vocabulary="$run/vocabulary"
        [[ -e "$vocabulary/vocab.txt" ]] || "$bin/hpml_prepare" train-vocab --input "$data/wikipedia/extracted" \
            --size "${size[vocabulary-size]}" --output "$vocabulary"
    fi
    "$bin/hpml_prepare" --input "$data/wikipedia/extracted" --vocab "$vocabulary" --validation-fraction 0.01 \
        --sequence-length "${size[sequence-length]}" --output "$run/data"
}

unigram_entropy() { sed -n 's/^ *"unigram_entropy_nats": *\([0-9.]*\).*/\1/p' "$run/data/manifest.json"; }

# Containers run as root and may offer fewer cores than ranks; Open MPI refuses both unless told.
mpi() {
    local ranks="$1"
    shift
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_btl_vader_single_copy_mechanism=none
    if ((ranks == 1)); then
        "$@"
    elif (($(nproc) < ranks)); then
        OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_mpi_yield_when_idle=1 mpirun -np "$ranks" "$@"
    else
        mpirun -np "$ranks" "$@"
    fi
}

is_finished() { [[ "$("$bin/hpml_status" --brief "$1" 2>/dev/null || true)" == finished ]]; }

end_piece() {
    say "stopped as planned; the same command goes on from here"
    exit 0
}

# go_on RUN RANKS PROGRAM OPTIONS...: bring a run to its end, in this piece or a later one. What has finished is left
# alone. One that diverges (exit 77) has a result, too.
go_on() {
    local folder="$1" ranks="$2" program="$3" status=0
    local -a limit=()
    shift 3
    if [[ -e "$folder/diverged" ]] || is_finished "$folder"; then return 0; fi
    if [[ "${size[hours]}" != 0 ]]; then
        limit=(--max-hours "$(awk -v h="${size[hours]}" -v s="$SECONDS" 'BEGIN { print h - s / 3600 }')")
        [[ "${limit[1]}" != -* && "${limit[1]}" != 0 ]] || end_piece
    fi
    say "$(date +%T) $folder"
    mpi "$ranks" "$bin/$program" --run "$folder" --threads 1 "${limit[@]}" "$@" >"$run/last.log" 2>&1 || status=$?
    if ((status == 77)); then
        echo "it diverged"
        touch "$folder/diverged"
    elif ((status != 0)); then
        tail -n 5 "$run/last.log" >&2
        stop "$status" "$folder ended with exit code $status; its output is in $run/last.log"
    else
        grep 'validation after' "$folder/log.txt" | tail -n 1 || true
        is_finished "$folder" || end_piece
    fi
}

# pretrain GROUP RATE SEED RANKS ROWS BATCH OPTIONS...: linear decay over ROWS sequences; validated ten times.
pretrain() {
    local folder="$run/pretrain/$1/lr$2-seed$3" rate="$2" seed="$3" ranks="$4" steps=$(($5 / $6)) batch="$6"
    shift 6
    go_on "$folder" "$ranks" hpml_pretrain --data "$run/data" --model "${size[model]}" --encoder-norm pre --dropout 0 \
        --beta2 0.98 --clip-norm 1 --schedule linear --warmup-proportion 0.06 \
        --learning-rate "$rate" --seed "$seed" --global-batch "$batch" --steps "$steps" \
        --validate-every $(((steps + 9) / 10)) --checkpoint-every $(((steps + 4) / 5)) --keep-checkpoints 1 "$@"
}

# tune GROUP RANKS ROWS BATCH OPTIONS...: the first seed at every rate, then the other seeds at the best one.
tune() {
    local group="$1" rate seed best
    local -a seeds
    shift
    read -r -a seeds <<<"${size[seeds]}"
    for rate in ${size[rates]}; do pretrain "$group" "$rate" "${seeds[0]}" "$@"; done
    best="$(best_of "$group")"
    [[ -n "$best" ]] || return 0
    for seed in "${seeds[@]:1}"; do pretrain "$group" "$best" "$seed" "$@"; done
}

best_of() { best_rate <(collect_runs "$run/pretrain") "$1" "${size[seeds]%% *}"; }

# report TITLE GROUP...: the tables of the pretraining runs, as data and to be read.
report() {
    local title="$1" runs="$results/${experiment}_runs.tsv" seed="${size[seeds]%% *}"
    shift
    collect_runs "$run/pretrain" >"$runs"
    {
        printf '# %s\n\n' "$title"
        # shellcheck disable=SC2016  # backquotes for Markdown
        printf 'Made by `%s` with\n`%s`\n\n' "jobs/$(basename "$0")" "$(tr '\n' ' ' <"$run/sizes.txt" | sed 's/ $//')"
        printf -- '- %s\n' "$(machine)" "$("$bin/hpml_pretrain" --version | head -n 1), $(total_time "$runs")" \
            "pre-LN encoder, dropout 0, beta2 0.98, clip norm 1, linear decay after 6 % of warm-up" \
            "losses are of the validation split, nats per masked token; every run has the same masks" \
            "unigram entropy of the training text: $(unigram_entropy) nats"
        printf '\n## Pretraining\n\nColumns with a rate: the loss with seed %s at this rate.\n\n' "$seed"
        runs_table "$runs" "$seed" "$(unigram_entropy)" "$@"
        printf '\n## Loss curves, seed %s at the best rate\n\n' "$seed"
        curves_table "$runs" "$seed" "$@"
    } >"$results/$experiment.md"
}

machine() { printf '%s, %d cores' "$(lscpu | sed -n 's/^Model name: *//p' | head -n 1)" "$(nproc)"; }

# The steps' time of all pretraining runs; each run's last line has its sum.
total_time() {
    awk -F '\t' 'NR > 1 { seconds[$1, $2, $3] = $8 }
        END {
            for (key in seconds) { sum += seconds[key]; ++runs }
            printf "%d pretraining runs, %.0f minutes of steps", runs, sum / 60
        }' "$1"
}

#!/usr/bin/env bash
# hpml_check looks at the job that hpml_pretrain with the same options would run.
#
#   default_recipe_test.sh BUILD_FOLDER
set -euo pipefail

bin="$1/bin"
failed=0

# same_options WHAT OPTIONS...: each option that hpml_pretrain would have is hpml_check's too, and from the same place.
same_options() {
    local what="$1" missing
    shift
    missing="$(comm -23 <("$bin/hpml_pretrain" "$@" --print-config | grep '^[a-z]' | sort) \
        <("$bin/hpml_check" "$@" --print-config | grep '^[a-z]' | sort))"
    if [[ -z "$missing" ]]; then
        echo "ok: $what"
    else
        printf 'failed: %s; only hpml_pretrain has\n%s\n' "$what" "$missing"
        failed=1
    fi
}

same_options "a bare call"
same_options "a call that names a model" --model tiny
same_options "a call that overrides the recipe" --steps 7 --optimizer lamb
# Not grep -q, which would leave before the program has written all.
"$bin/hpml_check" --print-config | grep '^steps = 1000000 .*pretrain_bert_base.cfg' >/dev/null || {
    echo "failed: a bare call has the recipe of BERT-base"
    failed=1
}
exit "$failed"

#!/usr/bin/env bash
# What a centre does: cmake --install, move the tree, `module load hpml`, run. With both module systems.
#
#   install_test.sh BUILD_FOLDER lmod|tcl
set -euo pipefail

build="$1"
system="$2"
cache="${XDG_CACHE_HOME:-$HOME/.cache}/hpml"
scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT
trap 'exit 143' TERM INT

expect() {
    local what="$1"
    shift
    if "$@"; then
        echo "ok: $what"
    else
        echo "failed: $what"
        exit 1
    fi
}

start_lmod() {
    local init="${LMOD_PKG:-/usr/share/lmod/lmod}/init/bash"
    [[ -r "$init" ]] || { echo "Lmod is missing ($init); run jobs/bootstrap.sh --tests" && exit 1; }
    # Lmod's own start-up reads unset variables and keeps its cache in the home folder.
    set +u
    export HOME="$scratch"
    # shellcheck disable=SC1090
    source "$init"
}

# environment-modules is installed or, where Lmod is, unpacked below the cache (they refuse to be installed together).
start_tcl() {
    local command
    for command in "$cache"/environment-modules/usr/lib/*/modulecmd.tcl /usr/lib/*/modulecmd.tcl; do
        [[ -r "$command" ]] && break
    done
    [[ -r "$command" ]] || { echo "environment-modules is missing; run jobs/bootstrap.sh --tests" && exit 1; }
    tcl_command="$command"
    export HOME="$scratch" MODULEPATH=""
    # shellcheck disable=SC2317  # the test calls it
    module() { eval "$(tclsh "$tcl_command" bash "$@")"; }
}

install_and_move() {
    cmake --install "$build" --prefix "$scratch/first" >"$scratch/install.log" || {
        cat "$scratch/install.log"
        exit 1
    }
    mkdir "$scratch/a place"
    mv "$scratch/first" "$scratch/a place/hpml"
    prefix="$scratch/a place/hpml"
}

check_loaded() {
    local program page
    expect "HPML_ROOT is the moved tree" [ "$HPML_ROOT" = "$prefix" ]
    for program in "$prefix"/bin/hpml_*; do
        program="$(basename "$program")"
        expect "$program comes from the moved tree" [ "$(command -v "$program")" = "$prefix/bin/$program" ]
        expect "$program --version runs" grep -q "^$program" <("$program" --version)
        page="$prefix/share/man/man1/$program.1"
        expect "$program has a man page" grep -q '^\.TH' "$page"
    done
    expect "MANPATH has the man pages" grep -qF "$prefix/share/man" <<<"$MANPATH"
    expect "the batch script is there" [ -x "$prefix/share/hpml/slurm/pretrain_bert.sh" ]
    expect "the default configuration is there" [ -r "$prefix/share/hpml/jobs/pretrain_bert_base.cfg" ]
    expect "the sample is there" [ -r "$prefix/share/hpml/data/sample/vocab.txt" ]
    expect "LD_LIBRARY_PATH is left alone" [ "${LD_LIBRARY_PATH:-}" = "${library_path_before:-}" ]
}

install_and_move
library_path_before="${LD_LIBRARY_PATH:-}"
"start_$system"
module use "$prefix/share/modulefiles"
module load hpml
check_loaded
expect "whatis names the version" grep -q 'Version: [0-9]' <(module whatis hpml 2>&1)
expect "help names the first command" grep -q 'First command:' <(module help hpml 2>&1)
module unload hpml
expect "unload takes it away" [ -z "${HPML_ROOT:-}" ]
expect "unload restores PATH" [ -z "$(grep -F "$prefix/bin" <<<"$PATH" || true)" ]

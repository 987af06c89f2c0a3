#!/usr/bin/env bash
# Bootstrap, build, lint and test; CTest's summary comes last.
#
#   jobs/test.sh [--full]
#
#   --full  also the release build without fault points, the sanitizer builds (presets asan and tsan), clang-tidy
#           on every file, and the long tests (CTest label "full"), which are left out otherwise
#
# Real data is read from $HPML_TEST_DATA. Idempotent, and quick when repeated.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

full=no
case "${1:-}" in
    "") ;;
    --full) full=yes ;;
    -h | --help)
        sed -n '2,9s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
        exit 0
        ;;
    *)
        echo "test: error: unknown option $1; known: --full --help" >&2
        exit 64
        ;;
esac

jobs="${HPML_BUILD_JOBS:-$(nproc)}"
export CCACHE_MAXSIZE="${CCACHE_MAXSIZE:-3G}"

say() { printf 'test: %s\n' "$*"; }

# The sources that git knows or would add, so that a new file is checked before it is committed.
sources() { git ls-files --cached --others --exclude-standard -- "$@" | while read -r file; do
    [[ ! -e "$file" ]] || printf '%s\n' "$file"
done; }

build() {
    say "building $1"
    cmake --preset "$1" --log-level=WARNING >/dev/null
    cmake --build --preset "$1" --parallel "$jobs"
}

check_format() {
    say "clang-format"
    sources 'src/*.h' 'src/*.cpp' 'src/*.cu' 'src/*.cuh' 'tests/*.h' 'tests/*.cpp' |
        xargs -r -n 40 clang-format --dry-run -Werror
}

# Layers whose translation units do not pull in LibTorch, and so cost clang-tidy a second each, not twenty.
light_layers=(base manifest mpi device h5 comm text corpus report)

changed_since() {
    local base
    base="$(git merge-base HEAD origin/main 2>/dev/null || git rev-parse HEAD~1 2>/dev/null || true)"
    [[ -z "$base" || "$base" != "$(git rev-parse HEAD)" ]] || base="$(git rev-parse HEAD~1 2>/dev/null || true)"
    [[ -z "$base" ]] || git diff --name-only --diff-filter=d "$base" -- 'src/*.cpp' 'tests/*.cpp'
}

tidy_files() {
    if [[ "$full" == yes ]]; then
        sources 'src/*.cpp' 'tests/*.cpp'
    else
        for layer in "${light_layers[@]}"; do sources "src/$layer/*.cpp"; done
        changed_since
    fi | sort -u
}

# Version 16: Debian's default, 14, does not know std::source_location.
tidy_one() {
    local file stamp
    IFS=$'\t' read -r file stamp <<<"$1"
    clang-tidy-16 --quiet -p build/dev "$file" 2>/dev/null && touch "$stamp"
}
export -f tidy_one

# A file that passed with the same text, headers and settings is not checked again.
check_tidy() {
    local stamps=build/tidy settings file stamp
    say "clang-tidy"
    mkdir -p "$stamps"
    settings="$(sources 'src/*.h' 'tests/*.h' .clang-tidy src/CMakeLists.txt | xargs cat | sha256sum)"
    # shellcheck disable=SC2016  # the inner bash expands it
    while read -r file; do
        grep -qF "/$file\"" build/dev/compile_commands.json || continue
        stamp="$stamps/$(cat "$file" <(printf '%s' "$settings") | sha256sum | cut -c 1-32)"
        [[ -e "$stamp" ]] || printf '%s\t%s\n' "$file" "$stamp"
    done < <(tidy_files) | xargs -r -P "$jobs" -d '\n' -I{} bash -c 'tidy_one "$1"' tidy {}
}

check_scripts() {
    say "shellcheck"
    sources '*.sh' .ci/run | xargs -r shellcheck
}

# What is installed has no fault points: a stray HPML_FAULT in the environment must mean nothing to it.
check_release() {
    local program
    build release
    for program in prepare pretrain finetune check status bench; do
        if ! "build/release/bin/hpml_$program" --version | grep -qx '  fault points  off'; then
            echo "test: error: hpml_$program of the release build has fault points" >&2
            return 1
        fi
    done
}

# Clang compiles the layers that are fuzzed once more: only where it is installed.
run_fuzz() {
    say "fuzzing"
    tests/fuzz/run.sh --seconds "${HPML_FUZZ_SECONDS:-5}"
}

run_tests() {
    local preset="$1"
    shift
    say "running the tests of $preset"
    ctest --preset "$preset" --parallel 2 "$@"
}

jobs/bootstrap.sh --tests
check_format
check_scripts
build dev
check_tidy
run_fuzz
if [[ "$full" == yes ]]; then
    check_release
    for preset in asan tsan; do
        build "$preset"
        run_tests "$preset" --label-exclude full
    done
    run_tests dev
else
    run_tests dev --label-exclude full
fi

#!/usr/bin/env bash
# Build the fuzz targets with AddressSanitizer and UndefinedBehaviorSanitizer, and run each for a while.
#
#   tests/fuzz/run.sh [--seconds N] [TARGET...]
#
#   --seconds N  of every target; default 5
#   TARGET       e.g. cleaner; default: all
#
# What is found beside the seeds of corpus/TARGET stays in build/fuzz/corpus/TARGET; an input that fails is kept in
# build/fuzz/failures, and the target then ends with an error. Needs clang 16 and libclang-rt-16-dev.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

seconds=5
targets=()
while [[ $# -gt 0 ]]; do
    case "$1" in
        --seconds)
            seconds="${2:?--seconds needs a number}"
            shift 2
            ;;
        -h | --help)
            sed -n '2,11s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
            exit 0
            ;;
        -*)
            echo "fuzz: error: unknown option $1; known: --seconds --help" >&2
            exit 64
            ;;
        *)
            targets+=("$1")
            shift
            ;;
    esac
done
if [[ ${#targets[@]} == 0 ]]; then
    for source in tests/fuzz/*_fuzz.cpp; do
        targets+=("$(basename "$source" _fuzz.cpp)")
    done
fi

if ! clang++-16 -fsanitize=fuzzer -x c++ - -o /dev/null 2>/dev/null \
    <<<'extern "C" int LLVMFuzzerTestOneInput(const unsigned char*, unsigned long) { return 0; }'; then
    echo "fuzz: not run, clang 16 with its run time is missing; install it (apt-get install clang-16 libclang-rt-16-dev)"
    exit 0
fi

cmake --preset fuzz --log-level=WARNING >/dev/null
cmake --build build/fuzz --parallel "${HPML_BUILD_JOBS:-$(nproc)}" --target "${targets[@]/%/_fuzz}"
mkdir -p build/fuzz/failures
export ASAN_OPTIONS="detect_leaks=1${ASAN_OPTIONS:+:$ASAN_OPTIONS}"
export UBSAN_OPTIONS="print_stacktrace=1:halt_on_error=1${UBSAN_OPTIONS:+:$UBSAN_OPTIONS}"
status=0
for target in "${targets[@]}"; do
    found="build/fuzz/corpus/$target"
    mkdir -p "$found"
    log="build/fuzz/$target.log"
    if "build/fuzz/tests/${target}_fuzz" -seed=1 -max_total_time="$seconds" -timeout=120 -rss_limit_mb=2048 -max_len=65536 \
        -artifact_prefix="build/fuzz/failures/$target-" "$found" "tests/fuzz/corpus/$target" >"$log" 2>&1; then
        echo "fuzz: $target: $(grep -E '^Done ' "$log" | sed 's/^Done/clean,/')"
    else
        echo "fuzz: error: $target failed; its last lines, the rest is in $log:" >&2
        tail -n 40 "$log" >&2
        status=1
    fi
done
exit "$status"

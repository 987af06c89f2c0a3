#!/usr/bin/env bash
# Whether the engine compiles for 64-bit Arm, with all warnings, and whether its kernels give the right bits there
# (under qemu).
#
#   arm_test.sh SOURCE_TREE BUILD_FOLDER
#
# Exit 77 where the cross compiler is missing; without qemu it compiles, and says so.
set -euo pipefail

source="$1"
build="$2"
compiler="$(command -v aarch64-linux-gnu-g++ || true)"
[[ -n "$compiler" ]] || {
    echo "NOT RUN: aarch64-linux-gnu-g++ is missing; install g++-aarch64-linux-gnu (jobs/bootstrap.sh --tests)"
    exit 77
}
read -ra mpi < <(mpicc --showme:incdirs 2>/dev/null || mpicc -show | grep -oE -e '-I[^ ]+' | cut -c 3- | tr '\n' ' ')
folders="$(IFS=';' && echo "${mpi[*]}")"

cmake -S "$source/tests/arm/project" -B "$build/arm" -G Ninja --log-level=WARNING \
    -DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR=aarch64 -DCMAKE_CXX_COMPILER="$compiler" \
    -DHPML_GENERATED="$build/generated" -DHPML_MPI_HEADERS="$folders" >/dev/null
cmake --build "$build/arm" --parallel 2
emulator="$(command -v qemu-aarch64 || command -v qemu-aarch64-static || true)"
[[ -n "$emulator" ]] || {
    echo "compiled; not run: qemu-aarch64 is missing (package qemu-user)"
    exit 0
}
timeout -k 5 300 "$emulator" "$build/arm/kernels_test"

#!/usr/bin/env bash
# What another program does: install the component comm, move the tree, find_package(hpml), build, run.
#
#   comm_test.sh BUILD_FOLDER
set -euo pipefail

build="$1"
scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT
trap 'exit 143' TERM INT
cc="${CC:-cc}" cxx="${CXX:-c++}"

quietly() {
    "$@" >"$scratch/log" 2>&1 || {
        echo "failed: $*"
        cat "$scratch/log"
        exit 1
    }
}

quietly cmake --install "$build" --component comm --prefix "$scratch/first"
mkdir "$scratch/a place"
mv "$scratch/first" "$scratch/a place/hpml"
prefix="$scratch/a place/hpml"

# Nothing of the build or source tree is named in what a program is configured with.
if grep -rnF -e "$build" -e "$scratch/first" "$prefix/lib/cmake"; then
    echo "failed: the package names the tree that it was built or first installed in"
    exit 1
fi

# Each header alone, with more warnings than we ask of ourselves, and with MPI's folder as the only other one.
read -ra mpi < <(mpicc --showme:compile 2>/dev/null || mpicc -compile_info | cut -d ' ' -f 2-)
for header in "$prefix"/include/hpml/*.h; do
    echo "#include <hpml/$(basename "$header")>" >"$scratch/header.cpp"
    quietly "$cxx" -std=c++20 -fsyntax-only -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror \
        -DOMPI_SKIP_MPICXX -I "$prefix/include" "${mpi[@]/#-I/-isystem}" "$scratch/header.cpp"
done

# What the library shows is what its header promises.
shown="$(nm -DC --defined-only "$prefix"/lib*/libhpml_comm.so | cut -d ' ' -f 3- | grep hpml || true)"
[[ "$shown" == *"AllReducer::submit"* ]] || { echo "failed: no AllReducer in the library" && exit 1; }
if grep -v 'hpml::comm::AllReducer' <<<"$shown"; then
    echo "failed: these names of the layers inside are visible"
    exit 1
fi

cp -r "$prefix/share/hpml/examples/all_reduce" "$scratch/program"
quietly env CC="$cc" CXX="$cxx" cmake -S "$scratch/program" -B "$scratch/program/build" \
    -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_CXX_FLAGS="-Wall -Wextra -Werror"
quietly cmake --build "$scratch/program/build"
for ranks in 1 2 3; do
    said="$(timeout -k 5 30 mpirun -np "$ranks" "$scratch/program/build/all_reduce" | sort)"
    expected="$(for ((rank = 0; rank < ranks; ++rank)); do echo "rank $rank of $ranks: 0 wrong sums"; done)"
    [[ "$said" == "$expected" ]] || { echo "failed on $ranks ranks: $said" && exit 1; }
    echo "ok: $ranks ranks"
done

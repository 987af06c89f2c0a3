#!/usr/bin/env bash
# Whether check_structure.sh finds what it is for: each violation is planted into a small tree, one at a time.
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
tree="$(mktemp -d)"
trap 'rm -rf "$tree"' EXIT
failed=0

new_tree() {
    rm -rf "${tree:?}"/*
    mkdir -p "$tree"/src/{base,mpi,text,model,apps} "$tree/tests"
    cat >"$tree/src/CMakeLists.txt" <<'CMAKE'
hpml_layer(base LINK fmt::fmt
                     Threads::Threads)
hpml_layer(mpi USES base)  # a comment
hpml_layer(text USES base)
if(HPML_TORCH)
    hpml_layer(model USES base text LINK LibTorch::cpu)
endif()
hpml_layer(apps USES base mpi)
hpml_executable(hpml_prepare USES apps text)
CMAKE
    printf '#pragma once\n' >"$tree/src/base/a.h"
    printf '#include <ATen/core/Tensor.h>\n#include "base/a.h"\n#include "text/t.h"\n' >"$tree/src/model/m.cpp"
    printf '#include "mpi/c.h"\n#include "text/t.h"\n' >"$tree/src/apps/hpml_prepare.cpp"
}

expect_found() {
    local what="$1" pattern="$2" output
    if output="$("$here/check_structure.sh" "$tree")"; then
        echo "not found: $what"
        failed=1
    elif ! grep -q "$pattern" <<<"$output"; then
        printf 'found, but not as "%s": %s\n%s\n' "$pattern" "$what" "$output"
        failed=1
    fi
}

plant() {
    new_tree
    printf '%s\n' "$2" >>"$tree/$1"
}

new_tree
"$here/check_structure.sh" "$tree" >/dev/null || {
    echo "a clean tree was refused:"
    "$here/check_structure.sh" "$tree" || true
    failed=1
}

plant src/base/b.cpp '#include "model/m.h"'
expect_found "an upward include" 'src/base/b.cpp:1: base includes model, which stands above it'
plant src/text/b.h '#  include "mpi/c.h"'
expect_found "an include of a lower layer that USES does not name" 'text includes mpi, which its USES does not name'
plant src/apps/hpml_prepare.cpp '#include "model/m.h"'
expect_found "an executable's include of a layer it does not use" 'hpml_prepare.cpp:3: apps includes model'
plant src/CMakeLists.txt 'hpml_layer(h5 USES report)'
expect_found "a declared use that is not below" 'h5 uses report, which is not below it'
plant src/model/m.cpp '#include <torch/torch.h>'
expect_found "torch/torch.h" 'm.cpp:4:.*half a minute'
plant src/text/b.cpp '#include <ATen/ops/add.h>'
expect_found "LibTorch in a layer without it" 'the layer text has no LibTorch'
plant src/base/a.h '#ifdef HPML_SANITIZED'
expect_found "a build flag in a header" 'a.h:2.*a build flag in a header'
new_tree
seq 401 | sed 's/.*/\/\/ &/' >"$tree/src/base/long.cpp"
expect_found "a long file" 'long.cpp: 401 lines'

[[ $failed -eq 0 ]] && echo "every planted violation was found"
exit "$failed"

#!/usr/bin/env bash
# Whether the sources keep to the structure: prints each violation and fails if there is one.
#
#   check_structure.sh SOURCE_TREE
#
# The order of the layers and what each may use are read from src/CMakeLists.txt.
set -euo pipefail

tree="$1"
cd "$tree"
violations=0

report() {
    printf '%s\n' "$*"
    violations=$((violations + 1))
}

declare -A uses=() torch=() position=() program_uses=()

# One line per hpml_layer, hpml_shared or hpml_executable call, without comments: "layer NAME : used... : linked...".
declarations() {
    sed 's/#.*//' src/CMakeLists.txt | tr '\n' ' ' | grep -oE 'hpml_(layer|shared|executable)\([^)]*\)' |
        sed -E 's/^hpml_(layer|shared|executable)\(([^)]*)\)$/\1 \2/' |
        awk '{ used = ""; linked = ""; into = ""
               for (i = 3; i <= NF; i++) {
                   if ($i == "USES" || $i == "LINK" || $i == "SHARES") into = $i
                   else if (into == "USES") used = used " " $i
                   else linked = linked " " $i
               }
               print $1 "|" $2 "|" used "|" linked }'
}

# A layer has LibTorch if it links it or uses a layer that has it; the layers come lowest first.
read_declarations() {
    local kind name used linked layer count=0
    while IFS='|' read -r kind name used linked; do
        if [[ "$kind" != layer ]]; then
            program_uses[$name]="$used"
            continue
        fi
        count=$((count + 1))
        position[$name]=$count
        uses[$name]=" $used "
        [[ "$linked" != *LibTorch* ]] || torch[$name]=yes
        for layer in $used; do
            [[ -n "${position[$layer]:-}" ]] || report "src/CMakeLists.txt: $name uses $layer, which is not below it"
            [[ -z "${torch[$layer]:-}" ]] || torch[$name]=yes
        done
    done < <(declarations)
    [[ $count -gt 0 ]] || report "src/CMakeLists.txt: no hpml_layer was found"
}

# The layers below a list of layers, the list included.
closure() {
    local layer
    for layer in "$@"; do
        printf '%s\n' "$layer"
        # shellcheck disable=SC2086  # a list of words
        closure ${uses[$layer]:-}
    done
}

# What a file may include: its layer and that layer's USES; what an executable is
# made of everything below what it uses.
allowed_for() {
    local file="$1" layer="$2" name
    name="$(basename "$file" | grep -oE '^hpml_[a-z]+' || true)"
    if [[ "$layer" == apps && -n "$name" ]]; then
        # shellcheck disable=SC2086
        closure ${program_uses[$name]:-} apps | sort -u | tr '\n' ' '
    else
        printf '%s %s' "$layer" "${uses[$layer]}"
    fi
}

check_includes() {
    local file layer allowed line included
    for layer in "${!position[@]}"; do
        [[ -d "src/$layer" ]] || continue
        while read -r file; do
            allowed=" $(allowed_for "$file" "$layer") "
            while IFS=: read -r line included; do
                [[ -n "${position[$included]:-}" && "$allowed" != *" $included "* ]] || continue
                if ((position[$included] > position[$layer])); then
                    report "$file:$line: $layer includes $included, which stands above it"
                else
                    report "$file:$line: $layer includes $included, which its USES does not name"
                fi
            done < <(sed -nE '/^[[:space:]]*#[[:space:]]*include[[:space:]]*"[a-z0-9_]+\// {
                                  =; s/.*"([a-z0-9_]+)\/.*/\1/; p }' "$file" | paste -d : - -)
        done < <(find "src/$layer" -type f \( -name '*.h' -o -name '*.cpp' -o -name '*.cu' -o -name '*.cuh' \))
    done
}

# A layer without LibTorch stays without it: its tests build fast, and ThreadSanitizer can watch it.
check_torch() {
    local layer hit
    while read -r hit; do
        report "$hit: torch/torch.h costs half a minute a file; include ATen/ops/NAME.h"
    done < <(grep -rnE '#[[:space:]]*include[[:space:]]*[<"](torch/(torch|all|extension)|ATen/(ATen|Functions))\.h' \
        src tests --include='*.h' --include='*.cpp' --include='*.cu' --include='*.cuh' || true)
    for layer in "${!position[@]}"; do
        [[ -z "${torch[$layer]:-}" && "$layer" != apps && -d "src/$layer" ]] || continue
        while read -r hit; do
            report "$hit: the layer $layer has no LibTorch"
        done < <(grep -rnE '#[[:space:]]*include[[:space:]]*[<"](torch|ATen|c10)/' "src/$layer" --exclude-dir=cuda || true)
    done
}

check_headers() {
    local hit
    while read -r hit; do
        report "$hit: a build flag in a header"
    done < <(grep -rnE '^[[:space:]]*#[[:space:]]*(if|ifdef|ifndef|elif)\b' src --include='*.h' || true)
}

check_lengths() {
    local file lines
    while read -r file; do
        lines="$(wc -l <"$file")"
        ((lines <= 400)) || report "$file: $lines lines; 400 are the limit"
    done < <(find src tests -type f \( -name '*.h' -o -name '*.cpp' -o -name '*.cu' -o -name '*.cuh' \))
}

read_declarations
check_includes
check_torch
check_headers
check_lengths
[[ $violations -eq 0 ]] || {
    echo "$violations violations of the structure"
    exit 1
}
echo "structure: ${#position[@]} layers, no violation"

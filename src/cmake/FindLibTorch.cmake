# LibTorch as a wheel, an unpacked zip or a centre's PyTorch module has it.
#
# LIBTORCH_ROOT (cache or environment) is the folder that holds include/ and lib/ (or torch/include, torch/lib).
# Gives LibTorch::cpu, and LibTorch::cuda where the library has the CUDA operators. The wheel's own
# TorchConfig.cmake is not used: it enables CUDA, runs a test program and takes nine seconds.
set(_hpml_cache "$ENV{XDG_CACHE_HOME}")
if(NOT _hpml_cache)
    set(_hpml_cache "$ENV{HOME}/.cache")
endif()
set(_libtorch_hints "${LIBTORCH_ROOT}" "$ENV{LIBTORCH_ROOT}" "${_hpml_cache}/hpml/libtorch-2.11.0")

find_path(LibTorch_INCLUDE_DIR ATen/core/Tensor.h
    HINTS ${_libtorch_hints} PATH_SUFFIXES include torch/include)
find_library(LibTorch_CPU_LIBRARY torch_cpu HINTS ${_libtorch_hints} PATH_SUFFIXES lib torch/lib)
find_library(LibTorch_C10_LIBRARY c10 HINTS ${_libtorch_hints} PATH_SUFFIXES lib torch/lib)
find_library(LibTorch_CUDA_LIBRARY torch_cuda HINTS ${_libtorch_hints} PATH_SUFFIXES lib torch/lib)
find_library(LibTorch_C10_CUDA_LIBRARY c10_cuda HINTS ${_libtorch_hints} PATH_SUFFIXES lib torch/lib)

if(LibTorch_INCLUDE_DIR)
    foreach(part MAJOR MINOR PATCH)
        foreach(header torch/version.h torch/headeronly/version.h
                torch/csrc/api/include/torch/version.h)
            if(EXISTS "${LibTorch_INCLUDE_DIR}/${header}" AND NOT _libtorch_${part})
                file(STRINGS "${LibTorch_INCLUDE_DIR}/${header}" _line
                     REGEX "#define TORCH_VERSION_${part} [0-9]+")
                string(REGEX MATCH "[0-9]+$" _libtorch_${part} "${_line}")
            endif()
        endforeach()
    endforeach()
    set(LibTorch_VERSION "${_libtorch_MAJOR}.${_libtorch_MINOR}.${_libtorch_PATCH}")
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(LibTorch
    REQUIRED_VARS LibTorch_CPU_LIBRARY LibTorch_C10_LIBRARY LibTorch_INCLUDE_DIR
    VERSION_VAR LibTorch_VERSION
    REASON_FAILURE_MESSAGE "run jobs/bootstrap.sh, or give -DLIBTORCH_ROOT=FOLDER")

if(LibTorch_FOUND AND NOT TARGET LibTorch::cpu)
    add_library(LibTorch::cpu INTERFACE IMPORTED)
    # Behind all other folders: the wheel brings headers of its own fmt, which must not hide those of the fmt
    # that hpml is linked with.
    foreach(folder "${LibTorch_INCLUDE_DIR}" "${LibTorch_INCLUDE_DIR}/torch/csrc/api/include")
        target_compile_options(LibTorch::cpu INTERFACE "$<$<COMPILE_LANGUAGE:CXX>:SHELL:-idirafter ${folder}>")
    endforeach()
    # The CUDA run time and CUPTI come from the wheels beside the library or from a toolkit; libtorch_cpu.so
    # names them, its own rpath finds them, and the linker must not insist on seeing them here.
    target_link_libraries(LibTorch::cpu INTERFACE "${LibTorch_CPU_LIBRARY}" "${LibTorch_C10_LIBRARY}")
    target_link_options(LibTorch::cpu INTERFACE "-Wl,--allow-shlib-undefined")
    if(LibTorch_CUDA_LIBRARY AND LibTorch_C10_CUDA_LIBRARY)
        add_library(LibTorch::cuda INTERFACE IMPORTED)
        # Nothing names a symbol of libtorch_cuda.so; its operators register when it is loaded.
        target_link_libraries(LibTorch::cuda INTERFACE LibTorch::cpu
            "-Wl,--no-as-needed,${LibTorch_CUDA_LIBRARY},${LibTorch_C10_CUDA_LIBRARY},--as-needed")
    endif()
endif()
mark_as_advanced(LibTorch_INCLUDE_DIR LibTorch_CPU_LIBRARY LibTorch_C10_LIBRARY LibTorch_CUDA_LIBRARY
                 LibTorch_C10_CUDA_LIBRARY)

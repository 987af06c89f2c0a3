# libhpml_cuda.so: everything that needs a GPU, opened at run time.
#
# HPML_CUDA=AUTO builds it where nvcc, NCCL and a LibTorch with CUDA operators are; ON insists on them; OFF does
# not look. Only this file enables the CUDA language, so a machine without a toolkit notices nothing.
if(NOT HPML_CUDA)
    return()
endif()

set(_hpml_cuda_roots "$ENV{CUDA_HOME}" "$ENV{CUDA_PATH}" /usr/local/cuda)
find_program(HPML_NVCC nvcc HINTS ${_hpml_cuda_roots} PATH_SUFFIXES bin)
find_path(NCCL_INCLUDE_DIR nccl.h HINTS "$ENV{NCCL_HOME}" ${_hpml_cuda_roots} PATH_SUFFIXES include)
find_library(NCCL_LIBRARY nccl HINTS "$ENV{NCCL_HOME}" ${_hpml_cuda_roots} PATH_SUFFIXES lib64 lib)
mark_as_advanced(HPML_NVCC NCCL_INCLUDE_DIR NCCL_LIBRARY)

set(_hpml_cuda_missing "")
if(NOT HPML_NVCC)
    list(APPEND _hpml_cuda_missing "nvcc (set CUDA_HOME)")
endif()
if(NOT NCCL_INCLUDE_DIR OR NOT NCCL_LIBRARY)
    list(APPEND _hpml_cuda_missing "NCCL (set NCCL_HOME)")
endif()
if(NOT TARGET LibTorch::cuda)
    list(APPEND _hpml_cuda_missing "a LibTorch with CUDA operators (HPML_TORCH=ON, LIBTORCH_ROOT)")
endif()
if(_hpml_cuda_missing)
    list(JOIN _hpml_cuda_missing ", " _hpml_cuda_missing)
    if(HPML_CUDA STREQUAL "AUTO")
        message(STATUS "GPU module: not built, missing ${_hpml_cuda_missing}")
        return()
    endif()
    message(FATAL_ERROR "HPML_CUDA=ON, but missing: ${_hpml_cuda_missing}; or configure with -DHPML_CUDA=OFF")
endif()

if(NOT CMAKE_CUDA_COMPILER)
    set(CMAKE_CUDA_COMPILER "${HPML_NVCC}")
endif()
# Machine code for A100 and H100, and PTX for what is newer. Set before the language is enabled: this CMake's
# own default is an architecture that newer toolkits no longer know.
if(NOT CMAKE_CUDA_ARCHITECTURES)
    set(CMAKE_CUDA_ARCHITECTURES "80-real;90")
endif()
enable_language(CUDA)
find_package(CUDAToolkit REQUIRED)
message(STATUS "GPU module: CUDA ${CUDAToolkit_VERSION}, ${NCCL_LIBRARY}, architectures ${CMAKE_CUDA_ARCHITECTURES}")

file(GLOB _hpml_cuda_sources CONFIGURE_DEPENDS
     "${CMAKE_CURRENT_SOURCE_DIR}/*/cuda/*.cpp" "${CMAKE_CURRENT_SOURCE_DIR}/*/cuda/*.cu")
add_library(hpml_cuda MODULE ${_hpml_cuda_sources})
set_target_properties(hpml_cuda PROPERTIES
    CUDA_STANDARD 17 CUDA_STANDARD_REQUIRED ON CUDA_RUNTIME_LIBRARY Shared
    CXX_VISIBILITY_PRESET hidden CUDA_VISIBILITY_PRESET hidden LINKER_LANGUAGE CXX)
target_include_directories(hpml_cuda PRIVATE "${CMAKE_CURRENT_SOURCE_DIR}")
target_include_directories(hpml_cuda SYSTEM PRIVATE "${NCCL_INCLUDE_DIR}")
target_compile_options(hpml_cuda PRIVATE
    "$<$<COMPILE_LANGUAGE:CXX>:-Wall;-Wextra;-Werror;-ffp-contract=off>"
    "$<$<COMPILE_LANGUAGE:CUDA>:-Xcompiler=-Wall,-Wextra,-Werror;--Werror=all-warnings;-fmad=false>")
target_link_libraries(hpml_cuda PRIVATE CUDA::cudart "${NCCL_LIBRARY}" LibTorch::cuda)
# An RPATH, not a RUNPATH, also serves the libraries that LibTorch's own need (cuBLAS, cuDNN of the toolkit).
target_link_options(hpml_cuda PRIVATE -Wl,--disable-new-dtags)
include(GNUInstallDirs)
install(TARGETS hpml_cuda LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}")

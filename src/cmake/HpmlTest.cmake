# hpml_test(NAME LAYERS layers... SOURCES files... [RANKS counts...] [TIMEOUT seconds] [LABELS labels...])
#
# One Boost.Test executable. Without RANKS it runs as one process without MPI; with RANKS it is linked with the
# MPI main and CTest gets one entry per count, run under mpirun. SOURCES defaults to *_test.cpp beside it.
# An executable that passes but says "NOT RUN" of a case (support/skip.h) ends with 77: CTest shows it as skipped.
find_program(MPIEXEC_FOR_TESTS mpirun REQUIRED)

add_library(hpml_test_main STATIC "${PROJECT_SOURCE_DIR}/tests/support/main.cpp")
target_link_libraries(hpml_test_main PUBLIC hpml_flags hpml_base Boost::unit_test_framework)
target_compile_definitions(hpml_test_main PUBLIC BOOST_TEST_DYN_LINK
    HPML_SOURCE_DIR="${PROJECT_SOURCE_DIR}" HPML_BINARY_DIR="${PROJECT_BINARY_DIR}")
target_include_directories(hpml_test_main PUBLIC "${PROJECT_SOURCE_DIR}/tests")
add_library(hpml_test_mpi_main STATIC "${PROJECT_SOURCE_DIR}/tests/support/mpi_main.cpp")
target_link_libraries(hpml_test_mpi_main PUBLIC hpml_mpi)
target_link_libraries(hpml_test_mpi_main PUBLIC hpml_flags Boost::unit_test_framework)
target_compile_definitions(hpml_test_mpi_main PUBLIC BOOST_TEST_DYN_LINK
    HPML_SOURCE_DIR="${PROJECT_SOURCE_DIR}" HPML_BINARY_DIR="${PROJECT_BINARY_DIR}")
target_include_directories(hpml_test_mpi_main PUBLIC "${PROJECT_SOURCE_DIR}/tests")

set(HPML_TEST_ENVIRONMENT
    OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1
    OMPI_MCA_btl_vader_single_copy_mechanism=none OMPI_MCA_mpi_yield_when_idle=1
    OMP_NUM_THREADS=1)
# Libraries keep memory until exit and are not built for ThreadSanitizer; what is ours is never excused.
set(_support "${PROJECT_SOURCE_DIR}/tests/support")
if(HPML_SANITIZE MATCHES "address")
    list(APPEND HPML_TEST_ENVIRONMENT
         "ASAN_OPTIONS=detect_leaks=1:protect_shadow_gap=0" "UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1"
         "LSAN_OPTIONS=suppressions=${_support}/leaks.supp:print_suppressions=0")
elseif(HPML_SANITIZE MATCHES "thread")
    list(APPEND HPML_TEST_ENVIRONMENT
         "TSAN_OPTIONS=suppressions=${_support}/threads.supp:ignore_noninstrumented_modules=1:halt_on_error=1")
endif()

function(hpml_test name)
    cmake_parse_arguments(PARSE_ARGV 1 test "" "TIMEOUT" "LAYERS;SOURCES;RANKS;LABELS")
    if(NOT test_SOURCES)
        file(GLOB test_SOURCES CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/*_test.cpp")
    endif()
    if(NOT test_TIMEOUT)
        # Far above what a busy machine needs: it tells a hang, not a slow test.
        set(test_TIMEOUT 900)
    endif()
    if(HPML_SANITIZE)
        math(EXPR test_TIMEOUT "${test_TIMEOUT} * 5")
    endif()
    list(TRANSFORM test_LAYERS PREPEND hpml_ OUTPUT_VARIABLE libraries)
    add_executable(${name} ${test_SOURCES})
    if(test_RANKS)
        target_link_libraries(${name} PRIVATE hpml_test_mpi_main ${libraries})
    else()
        target_link_libraries(${name} PRIVATE hpml_test_main ${libraries})
    endif()
    if(HPML_SANITIZE MATCHES "address")
        target_sources(${name} PRIVATE "${PROJECT_SOURCE_DIR}/tests/support/keep_libraries.cpp")
    endif()
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/tests")
    if(NOT test_RANKS)
        add_test(NAME ${name} COMMAND ${name})
        set_tests_properties(${name} PROPERTIES TIMEOUT ${test_TIMEOUT} PROCESSORS 1
            SKIP_RETURN_CODE 77 LABELS "${test_LABELS}"
            ENVIRONMENT "${HPML_TEST_ENVIRONMENT};HPML_TEST_DATA_DEFAULT=${HPML_TEST_DATA}")
        return()
    endif()
    foreach(ranks IN LISTS test_RANKS)
        add_test(NAME ${name}.${ranks}
                 COMMAND timeout -k 5 ${test_TIMEOUT} "${MPIEXEC_FOR_TESTS}" -np ${ranks} $<TARGET_FILE:${name}>)
        set_tests_properties(${name}.${ranks} PROPERTIES PROCESSORS 2
            SKIP_RETURN_CODE 77 LABELS "${test_LABELS}"
            ENVIRONMENT "${HPML_TEST_ENVIRONMENT};HPML_TEST_DATA_DEFAULT=${HPML_TEST_DATA}")
    endforeach()
endfunction()

# find_package(hpml): hpml::comm, the all-reduce as a library for other programs.
#
#   lib/libhpml_comm.so  include/hpml/*.h  lib/cmake/hpml/  share/hpml/examples/all_reduce/
#
# A component of its own, which needs neither LibTorch nor the executables:
#   cmake --install BUILD --component comm --prefix PREFIX
# The package finds its files from where it stands, so the tree may be moved.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
set(_package "${CMAKE_INSTALL_LIBDIR}/cmake/hpml")

target_include_directories(hpml_comm_library INTERFACE "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>")
# The C++ bindings that older MPI headers bring would be one more library to link.
target_compile_definitions(hpml_comm_library INTERFACE OMPI_SKIP_MPICXX MPICH_SKIP_MPICXX)
target_compile_features(hpml_comm_library INTERFACE cxx_std_20)

install(TARGETS hpml_comm_library EXPORT hpml LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT comm
        NAMELINK_COMPONENT comm)
install(DIRECTORY "${PROJECT_SOURCE_DIR}/src/hpml" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" COMPONENT comm
        FILES_MATCHING PATTERN "*.h")
install(EXPORT hpml NAMESPACE hpml:: FILE hpmlTargets.cmake DESTINATION "${_package}" COMPONENT comm)
configure_package_config_file("${PROJECT_SOURCE_DIR}/src/cmake/hpmlConfig.cmake.in"
    "${PROJECT_BINARY_DIR}/generated/hpmlConfig.cmake" INSTALL_DESTINATION "${_package}"
    NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file("${PROJECT_BINARY_DIR}/generated/hpmlConfigVersion.cmake"
    COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/generated/hpmlConfig.cmake"
              "${PROJECT_BINARY_DIR}/generated/hpmlConfigVersion.cmake"
        DESTINATION "${_package}" COMPONENT comm)
install(DIRECTORY "${PROJECT_SOURCE_DIR}/tests/install/all_reduce"
        DESTINATION "${CMAKE_INSTALL_DATADIR}/hpml/examples" COMPONENT comm)

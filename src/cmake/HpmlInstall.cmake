# cmake --install: executables, the GPU module, jobs, batch scripts, modulefiles, man pages and the sample.
#
#   bin/  lib/  share/hpml/{jobs,slurm,data/sample}  share/modulefiles/hpml/  share/man/man1/  share/doc/hpml/
#
# The tree may be moved afterwards: executables look for libraries by $ORIGIN and the modulefiles find themselves.
include(GNUInstallDirs)
set(_data "${CMAKE_INSTALL_DATADIR}/hpml")

install(DIRECTORY "${PROJECT_SOURCE_DIR}/jobs/" DESTINATION "${_data}/jobs"
        FILES_MATCHING PATTERN "*.cfg" PATTERN "*.tsv" PATTERN "*.json" PATTERN results EXCLUDE)
install(DIRECTORY "${PROJECT_SOURCE_DIR}/slurm/" DESTINATION "${_data}/slurm"
        USE_SOURCE_PERMISSIONS FILES_MATCHING PATTERN "*.sh")
install(DIRECTORY "${PROJECT_SOURCE_DIR}/data/sample" DESTINATION "${_data}/data"
        PATTERN "*.py" EXCLUDE)
foreach(document LICENSE README.md CHANGELOG.md CITATION.cff)
    install(FILES "${PROJECT_SOURCE_DIR}/${document}" DESTINATION "${CMAKE_INSTALL_DOCDIR}" OPTIONAL)
endforeach()

# The prefix is known only when installing (--prefix), so the modulefiles are made then.
install(CODE "
    set(PROJECT_VERSION \"${PROJECT_VERSION}\")
    set(PROJECT_DESCRIPTION \"${PROJECT_DESCRIPTION}\")
    set(destination \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_DATADIR}/modulefiles/hpml\")
    configure_file(\"${PROJECT_SOURCE_DIR}/modules/hpml.lua.in\" \"\${destination}/${PROJECT_VERSION}.lua\" @ONLY)
    configure_file(\"${PROJECT_SOURCE_DIR}/modules/hpml.tcl.in\" \"\${destination}/${PROJECT_VERSION}\" @ONLY)
")

# The man pages come from the executables' own option tables.
get_property(_executables DIRECTORY "${PROJECT_SOURCE_DIR}/src" PROPERTY BUILDSYSTEM_TARGETS)
foreach(target IN LISTS _executables)
    get_target_property(type ${target} TYPE)
    if(NOT type STREQUAL "EXECUTABLE")
        continue()
    endif()
    install(CODE "
        set(folder \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_MANDIR}/man1\")
        file(MAKE_DIRECTORY \"\${folder}\")
        execute_process(COMMAND \"$<TARGET_FILE:${target}>\" --print-manual
                        OUTPUT_FILE \"\${folder}/${target}.1\" COMMAND_ERROR_IS_FATAL ANY)
    ")
endforeach()

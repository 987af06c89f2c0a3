# hpml_layer(NAME USES lower... LINK packages...)
#
# One folder of src/ as one static library, hpml_NAME. The layers are added lowest first; a use of a layer
# that has not been added yet, and so is not below, stops the configuration. All *.cpp of the folder and of
# its subfolders belong to the layer, but for the GPU module's cuda/ and the executables' own hpml_*.cpp.
set_property(GLOBAL PROPERTY HPML_LAYERS "")

function(hpml_layer name)
    cmake_parse_arguments(PARSE_ARGV 1 layer "" "" "USES;LINK")
    get_property(below GLOBAL PROPERTY HPML_LAYERS)
    foreach(use IN LISTS layer_USES)
        if(NOT use IN_LIST below)
            message(FATAL_ERROR "layer '${name}' uses '${use}', which is not below it (below: ${below}); "
                                "move the code down or turn the dependency round")
        endif()
        list(APPEND libraries "hpml_${use}")
    endforeach()
    file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/${name}/*.cpp"
         "${CMAKE_CURRENT_SOURCE_DIR}/${name}/*/*.cpp")
    list(FILTER sources EXCLUDE REGEX "/hpml_[a-z_]+\\.cpp$|/cuda/")
    if(sources)
        add_library(hpml_${name} STATIC ${sources})
        target_link_libraries(hpml_${name} PUBLIC hpml_flags ${libraries} ${layer_LINK})
    else()
        add_library(hpml_${name} INTERFACE)
        target_link_libraries(hpml_${name} INTERFACE hpml_flags ${libraries} ${layer_LINK})
    endif()
    set_property(GLOBAL APPEND PROPERTY HPML_LAYERS "${name}")
endfunction()

# hpml_shared(NAME USES layers...): src/apps/NAME.cpp and the files NAME_*.cpp beside it, a library for the
# executables that name it. Not in the layer apps because it uses layers that apps must not.
function(hpml_shared name)
    cmake_parse_arguments(PARSE_ARGV 1 shared "" "" "USES")
    file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/apps/${name}.cpp"
         "${CMAKE_CURRENT_SOURCE_DIR}/apps/${name}_*.cpp")
    list(TRANSFORM shared_USES PREPEND hpml_)
    add_library(${name} STATIC ${sources})
    target_link_libraries(${name} PUBLIC ${shared_USES})
endfunction()

# hpml_executable(NAME USES layers... SHARES libraries...): src/apps/NAME.cpp and the files NAME_*.cpp beside
# it, put in bin/.
function(hpml_executable name)
    cmake_parse_arguments(PARSE_ARGV 1 app "" "" "USES;SHARES")
    file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/apps/${name}.cpp"
         "${CMAKE_CURRENT_SOURCE_DIR}/apps/${name}_*.cpp")
    if(NOT sources)
        return()
    endif()
    list(TRANSFORM app_USES PREPEND hpml_)
    add_executable(${name} ${sources})
    target_link_libraries(${name} PRIVATE ${app_SHARES} ${app_USES})
    if(HPML_SANITIZE MATCHES "address")
        target_sources(${name} PRIVATE "${PROJECT_SOURCE_DIR}/tests/support/keep_libraries.cpp")
    endif()
    install(TARGETS ${name} RUNTIME)
endfunction()

# The ExecuTorch face, libmobilekernels_executorch: the operators as kernels of ExecuTorch's registry.
#
# MOBILEKERNELS_EXECUTORCH_DIR is the folder of an installed `executorch` package >= 1.5 (headers and shared libraries,
# of this machine's architecture or the target's). Not find_package(executorch): its targets bring an rpath that names
# a folder of the builder. An app that builds ExecuTorch itself sets MOBILEKERNELS_EXECUTORCH_LIBRARIES to its targets
# (executorch_core;extension_threadpool), which bring their own headers.
set(MOBILEKERNELS_EXECUTORCH_LIBRARIES "" CACHE STRING "Targets of an ExecuTorch build, instead of a package")

# Libraries of the package by their base names, and what is compiled against them.
add_library(mobilekernels_executorch_api INTERFACE)
if(MOBILEKERNELS_EXECUTORCH_LIBRARIES)
  target_link_libraries(mobilekernels_executorch_api INTERFACE ${MOBILEKERNELS_EXECUTORCH_LIBRARIES})
else()
  if(NOT MOBILEKERNELS_EXECUTORCH_DIR)
    find_package(Python REQUIRED COMPONENTS Interpreter)
    execute_process(
      COMMAND ${Python_EXECUTABLE} -c
              "import importlib.util; s = importlib.util.find_spec('executorch'); print(list(s.submodule_search_locations)[0] if s else '')"
      OUTPUT_VARIABLE MOBILEKERNELS_EXECUTORCH_DIR OUTPUT_STRIP_TRAILING_WHITESPACE)
  endif()
  set(executorch_lib ${MOBILEKERNELS_EXECUTORCH_DIR}/lib)
  if(NOT EXISTS "${executorch_lib}/libexecutorch_threadpool.so")
    message(FATAL_ERROR "MOBILEKERNELS_EXECUTORCH_DIR: given '${MOBILEKERNELS_EXECUTORCH_DIR}', accepted: the folder of "
                        "an installed executorch >= 1.5 (with lib/libexecutorch_threadpool.so)")
  endif()
  target_include_directories(
    mobilekernels_executorch_api SYSTEM
    INTERFACE ${MOBILEKERNELS_EXECUTORCH_DIR}/include
              ${MOBILEKERNELS_EXECUTORCH_DIR}/include/executorch/runtime/core/portable_type/c10)
  # What the package's own CMake files define: its libraries were compiled so.
  target_compile_definitions(mobilekernels_executorch_api INTERFACE C10_USING_CUSTOM_GENERATED_MACROS
                                                                    ET_EVENT_TRACER_ENABLED)
  target_link_libraries(mobilekernels_executorch_api INTERFACE ${executorch_lib}/libexecutorch.so
                                                               ${executorch_lib}/libexecutorch_threadpool.so)
endif()
target_compile_definitions(mobilekernels_executorch_api INTERFACE ET_USE_THREADPOOL)

file(GLOB MOBILEKERNELS_EXECUTORCH_SOURCES CONFIGURE_DEPENDS csrc/bindings/executorch/*.cc)
add_library(mobilekernels_executorch ${MOBILEKERNELS_LIBRARY_TYPE} ${MOBILEKERNELS_EXECUTORCH_SOURCES})
target_link_libraries(mobilekernels_executorch PRIVATE mobilekernels mobilekernels_flags mobilekernels_executorch_api)
target_compile_definitions(mobilekernels_executorch PRIVATE MOBILEKERNELS_VERSION="${PROJECT_VERSION}")
if(NOT APPLE)
  target_link_options(mobilekernels_executorch PRIVATE -Wl,--no-undefined)
endif()
set_target_properties(mobilekernels_executorch PROPERTIES CXX_VISIBILITY_PRESET hidden BUILD_WITH_INSTALL_RPATH ON
                                                          INSTALL_RPATH "$ORIGIN")
include(cmake/manylinux.cmake)
mobilekernels_manylinux(mobilekernels_executorch)

install(TARGETS mobilekernels_executorch LIBRARY DESTINATION . COMPONENT python)

if(NOT MOBILEKERNELS_EXECUTORCH_LIBRARIES AND CMAKE_SYSTEM_NAME STREQUAL Linux)
  add_subdirectory(bench/executorch)
endif()

# The Python face, mobilekernels/_core, and what `cmake --install --component python` puts beside it.
if(CMAKE_CROSSCOMPILING)
  # No interpreter of the target runs here; Python_INCLUDE_DIR and PYTHON_MODULE_EXTENSION are given (setup.py).
  find_package(Python REQUIRED COMPONENTS Development.Module)
else()
  find_package(Python REQUIRED COMPONENTS Interpreter Development.Module)
endif()
if(NOT pybind11_DIR)
  execute_process(COMMAND ${Python_EXECUTABLE} -m pybind11 --cmakedir OUTPUT_VARIABLE pybind11_DIR
                  OUTPUT_STRIP_TRAILING_WHITESPACE)
endif()
find_package(pybind11 CONFIG REQUIRED)

# Why an ISA is missing, for `mobilekernels.kernels()`.
set(not_built_reasons "")
foreach(isa IN ITEMS avx2 avx512vnni neon neon_dotprod neon_i8mm)
  if(NOT isa IN_LIST MOBILEKERNELS_ISAS)
    list(APPEND not_built_reasons "${isa}=it is for another architecture than ${CMAKE_SYSTEM_PROCESSOR}")
  elseif(NOT "MOBILEKERNELS_HAVE_${isa}=1" IN_LIST MOBILEKERNELS_ISA_DEFINITIONS)
    string(REPLACE ";" " " flags "${MOBILEKERNELS_FLAGS_${isa}}")
    list(APPEND not_built_reasons "${isa}=the compiler does not support ${flags}")
  endif()
endforeach()
list(JOIN not_built_reasons "|" not_built_reasons)

file(GLOB MOBILEKERNELS_PYTHON_SOURCES CONFIGURE_DEPENDS csrc/bindings/python/*.cc)
# NO_EXTRAS: no link-time optimization; this face is not on any hot path, and it doubles the build time.
pybind11_add_module(_core MODULE NO_EXTRAS ${MOBILEKERNELS_PYTHON_SOURCES})
target_link_libraries(_core PRIVATE mobilekernels mobilekernels_flags)
set_source_files_properties(csrc/bindings/python/dispatch.cc PROPERTIES COMPILE_DEFINITIONS
                            "MOBILEKERNELS_NOT_BUILT_REASONS=\"${not_built_reasons}\"")
set_target_properties(_core PROPERTIES BUILD_WITH_INSTALL_RPATH ON INSTALL_RPATH "$ORIGIN")
include(cmake/manylinux.cmake)
mobilekernels_manylinux(mobilekernels)
mobilekernels_manylinux(_core)

install(TARGETS mobilekernels _core LIBRARY DESTINATION . COMPONENT python)

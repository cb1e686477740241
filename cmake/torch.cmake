# The torch face, libmobilekernels_torch.so, on PyTorch's stable ABI: one build runs on every torch >= 2.10.
#
# MOBILEKERNELS_TORCH_DIR is the folder of the installed `torch` package. Not find_package(Torch): that of a CUDA
# build asks for the CUDA toolkit, and nothing here needs more than headers and the CPU library.
if(NOT MOBILEKERNELS_TORCH_DIR)
  find_package(Python REQUIRED COMPONENTS Interpreter)
  execute_process(
    COMMAND ${Python_EXECUTABLE} -c
            "import importlib.util; s = importlib.util.find_spec('torch'); print(s.submodule_search_locations[0] if s else '')"
    OUTPUT_VARIABLE MOBILEKERNELS_TORCH_DIR OUTPUT_STRIP_TRAILING_WHITESPACE)
endif()
if(NOT EXISTS "${MOBILEKERNELS_TORCH_DIR}/include/torch/csrc/stable/library.h")
  message(FATAL_ERROR "MOBILEKERNELS_TORCH_DIR: given '${MOBILEKERNELS_TORCH_DIR}', accepted: the folder of an "
                      "installed torch >= 2.10 (with include/torch/csrc/stable)")
endif()

file(GLOB MOBILEKERNELS_TORCH_SOURCES CONFIGURE_DEPENDS csrc/bindings/torch/*.cc)
add_library(mobilekernels_torch SHARED ${MOBILEKERNELS_TORCH_SOURCES})
target_link_libraries(mobilekernels_torch PRIVATE mobilekernels mobilekernels_flags)
# The oldest stable ABI that has what we use: 2.10.
target_compile_definitions(mobilekernels_torch PRIVATE TORCH_TARGET_VERSION=0x020a000000000000ULL)
target_include_directories(mobilekernels_torch SYSTEM PRIVATE ${MOBILEKERNELS_TORCH_DIR}/include)
# torch is in the process before this library is: its own rpath is of no use, and would name a folder of the builder.
if(APPLE)
  target_link_options(mobilekernels_torch PRIVATE -undefined dynamic_lookup)
else()
  # An op that is declared and not written should fail here, not when a user imports the package.
  target_link_options(mobilekernels_torch PRIVATE -Wl,--no-undefined)
  target_link_libraries(mobilekernels_torch PRIVATE ${MOBILEKERNELS_TORCH_DIR}/lib/libtorch_cpu.so)
endif()
set_target_properties(mobilekernels_torch PROPERTIES CXX_VISIBILITY_PRESET hidden BUILD_WITH_INSTALL_RPATH ON INSTALL_RPATH "$ORIGIN")
include(cmake/manylinux.cmake)
mobilekernels_manylinux(mobilekernels_torch)

install(TARGETS mobilekernels_torch LIBRARY DESTINATION . COMPONENT python)

# Kernel files, csrc/kernels/<family>/<isa>.cc, each compiled with the flags of its ISA. An ISA that this
# compiler or architecture cannot build is left out; MOBILEKERNELS_ISA_NOT_BUILT says why.
include(CheckCXXCompilerFlag)

set(MOBILEKERNELS_ISAS scalar)
set(MOBILEKERNELS_FLAGS_scalar "")
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64|amd64")
  list(APPEND MOBILEKERNELS_ISAS avx2 avx512vnni)
  set(MOBILEKERNELS_FLAGS_avx2 -mavx2 -mfma)
  set(MOBILEKERNELS_FLAGS_avx512vnni -mfma -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512vnni
                                     -mprefer-vector-width=512)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64|ARM64")
  list(APPEND MOBILEKERNELS_ISAS neon neon_dotprod neon_i8mm)
  set(MOBILEKERNELS_FLAGS_neon "")
  set(MOBILEKERNELS_FLAGS_neon_dotprod -march=armv8.2-a+dotprod)
  set(MOBILEKERNELS_FLAGS_neon_i8mm -march=armv8.2-a+dotprod+i8mm)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^arm")
  list(APPEND MOBILEKERNELS_ISAS neon)
  set(MOBILEKERNELS_FLAGS_neon -mfpu=neon-vfpv3)
endif()

set(MOBILEKERNELS_ISA_DEFINITIONS "")
add_library(mobilekernels_kernels INTERFACE)
foreach(isa IN LISTS MOBILEKERNELS_ISAS)
  string(REPLACE ";" " " flags "${MOBILEKERNELS_FLAGS_${isa}}")
  if(flags)
    check_cxx_compiler_flag("${flags}" MOBILEKERNELS_COMPILER_HAS_${isa})
    if(NOT MOBILEKERNELS_COMPILER_HAS_${isa})
      message(STATUS "mobilekernels: no ${isa} kernels: the compiler does not take ${flags}")
      continue()
    endif()
  endif()
  file(GLOB sources CONFIGURE_DEPENDS csrc/kernels/*/${isa}.cc)
  add_library(mobilekernels_kernels_${isa} OBJECT ${sources})
  target_link_libraries(mobilekernels_kernels_${isa} PRIVATE mobilekernels_flags)
  target_compile_options(mobilekernels_kernels_${isa} PRIVATE ${MOBILEKERNELS_FLAGS_${isa}})
  if(isa MATCHES neon)
    # Register tiles fill the register file, and scheduling in front of register allocation makes them spill: the order
    # that is written is the order that is meant. What is scheduled after it is for out-of-order cores.
    target_compile_options(
      mobilekernels_kernels_${isa} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-fno-schedule-insns>
                                           "$<$<CXX_COMPILER_ID:Clang,AppleClang>:SHELL:-mllvm -enable-misched=false>")
    if(NOT isa STREQUAL neon)
      target_compile_options(mobilekernels_kernels_${isa} PRIVATE -mtune=cortex-a76)
    endif()
  endif()
  if(isa STREQUAL avx512vnni AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # What the ends of a tile have in common (int32 -> float) is hoisted in front of all of them otherwise, and every
    # accumulator is spilled there.
    target_compile_options(mobilekernels_kernels_${isa} PRIVATE -fno-code-hoisting)
    # gcc 12's own AVX-512 headers start from `__m512i y = y`, and it warns of that (gcc bug 105593).
    target_compile_options(mobilekernels_kernels_${isa} PRIVATE -Wno-uninitialized -Wno-maybe-uninitialized)
  endif()
  target_sources(mobilekernels_kernels INTERFACE $<TARGET_OBJECTS:mobilekernels_kernels_${isa}>)
  list(APPEND MOBILEKERNELS_ISA_DEFINITIONS MOBILEKERNELS_HAVE_${isa}=1)
endforeach()

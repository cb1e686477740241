# Compiles for MOBILEKERNELS_TRIPLE, a system whose SDK is not here: clang and its libc++ headers alone. For Android
# the headers of Debian's cross glibc stand in for those of bionic, so that the whole core compiles; for Apple's
# systems nothing stands in, which is enough for the kernels. Nothing can be linked or run.
#   apt-get install clang-22 libc++-22-dev g++-aarch64-linux-gnu g++-arm-linux-gnueabihf
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES MOBILEKERNELS_TRIPLE)
string(REGEX MATCH "^[a-z0-9]+" CMAKE_SYSTEM_PROCESSOR "${MOBILEKERNELS_TRIPLE}")

find_program(CMAKE_CXX_COMPILER NAMES clang++-22 clang++)
if(NOT CMAKE_CXX_COMPILER)
  message(FATAL_ERROR "clang is missing: apt-get install clang-22 libc++-22-dev")
endif()
set(CMAKE_CXX_COMPILER_TARGET ${MOBILEKERNELS_TRIPLE})
get_filename_component(clang_folder "${CMAKE_CXX_COMPILER}" REALPATH)
get_filename_component(libcxx "${clang_folder}/../../include/c++/v1" ABSOLUTE)
if(NOT EXISTS "${libcxx}/cstddef")
  message(FATAL_ERROR "libc++ of ${CMAKE_CXX_COMPILER} is missing: apt-get install libc++-22-dev")
endif()
set(flags -nostdinc++ -isystem ${libcxx} -nostdlibinc)

if(MOBILEKERNELS_TRIPLE MATCHES "android")
  if(MOBILEKERNELS_TRIPLE MATCHES "^arm")
    set(libc /usr/arm-linux-gnueabihf/include)
    # The calling convention of Android's armeabi-v7a, for which Debian's glibc lacks one generated header.
    list(APPEND flags -mfloat-abi=softfp -isystem ${CMAKE_BINARY_DIR}/stubs)
    file(WRITE ${CMAKE_BINARY_DIR}/stubs/gnu/stubs-soft.h "")
  else()
    set(libc /usr/aarch64-linux-gnu/include)
  endif()
  if(NOT EXISTS "${libc}/features.h")
    message(FATAL_ERROR "${libc} is missing: apt-get install g++-aarch64-linux-gnu g++-arm-linux-gnueabihf")
  endif()
  list(APPEND flags -isystem ${libc})
else()
  # Without it, <utility> brings half of libc++, which needs a libc.
  list(APPEND flags -ffreestanding -D_LIBCPP_REMOVE_TRANSITIVE_INCLUDES)
endif()
list(JOIN flags " " CMAKE_CXX_FLAGS_INIT)

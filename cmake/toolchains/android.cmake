# The NDK's own toolchain file, from the folder that $ANDROID_NDK_HOME or $ANDROID_NDK names.
foreach(name IN ITEMS ANDROID_NDK_HOME ANDROID_NDK ANDROID_NDK_ROOT)
  if(NOT mobilekernels_ndk AND NOT "$ENV{${name}}" STREQUAL "")
    set(mobilekernels_ndk "$ENV{${name}}")
  endif()
endforeach()
if(NOT EXISTS "${mobilekernels_ndk}/build/cmake/android.toolchain.cmake")
  message(FATAL_ERROR "ANDROID_NDK_HOME: given '${mobilekernels_ndk}', accepted: the folder of an Android NDK (with "
                      "build/cmake/android.toolchain.cmake). Without one, `make android-check` compiles the core.")
endif()
include("${mobilekernels_ndk}/build/cmake/android.toolchain.cmake")

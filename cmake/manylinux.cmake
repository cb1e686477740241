# MOBILEKERNELS_MANYLINUX: libraries that ask for no newer glibc and libstdc++ than manylinux_2_28 has, though they are
# built on a newer system. `make wheel-aarch64` checks that they do.
option(MOBILEKERNELS_MANYLINUX "Run on systems with glibc 2.28 (g++ 12)" OFF)

function(mobilekernels_manylinux target)
  if(MOBILEKERNELS_MANYLINUX)
    target_sources(${target} PRIVATE ${CMAKE_SOURCE_DIR}/cmake/manylinux/new_symbols.cc)
    target_link_options(${target} PRIVATE -Wl,--version-script=${CMAKE_SOURCE_DIR}/cmake/manylinux/hidden.map)
  endif()
endfunction()

// Loops that are gone before the compiler looks: gcc keeps an array of accumulators in registers only where every
// index is a constant when its scalar replacement runs, which is before its own unrolling of longer loops.
#pragma once

#include <utility>

namespace mobilekernels {

template <typename Body, int... I>
[[gnu::always_inline]] static inline void unroll_sequence(const Body& body, std::integer_sequence<int, I...>) {
  (body(std::integral_constant<int, I>{}), ...);
}

// body(integral_constant 0), ..., body(integral_constant N - 1). Mark the lambda MOBILEKERNELS_INLINE_LAMBDA.
template <int N, typename Body>
[[gnu::always_inline]] static inline void unroll(const Body& body) {
  unroll_sequence(body, std::make_integer_sequence<int, N>{});
}

}  // namespace mobilekernels

// The standard attribute cannot be put on a lambda's call operator before C++23.
#define MOBILEKERNELS_INLINE_LAMBDA __attribute__((always_inline))

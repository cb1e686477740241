// Four int8 products into each int32 sum, for files compiled with dotprod or better.
#pragma once

#include <arm_neon.h>

namespace mobilekernels::products_neon {

// Every quad of `quads` times quad `Lane` of `by`. Not vdotq_laneq_s32: with 24 accumulators gcc copies them about (it
// is free to choose another register for the result).
template <int Lane>
[[gnu::always_inline]] static inline void sdot_lane(int32x4_t& acc, int8x16_t quads, int8x16_t by) {
  asm("sdot %0.4s, %1.16b, %2.4b[%3]" : "+w"(acc) : "w"(quads), "w"(by), "i"(Lane));
}

}  // namespace mobilekernels::products_neon

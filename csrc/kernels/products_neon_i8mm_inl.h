// Eight int8 products into each int32 sum of a 2 x 2 square, for files compiled with i8mm.
#pragma once

#include <arm_neon.h>

namespace mobilekernels::products_neon {

// sums[2 i + j] += the eight k of row i by those of column j. Not vmmlaq_s32: with 24 accumulators gcc copies them
// about (it is free to choose another register for the result).
[[gnu::always_inline]] static inline void smmla(int32x4_t& sums, int8x16_t rows, int8x16_t columns) {
  asm("smmla %0.4s, %1.16b, %2.16b" : "+w"(sums) : "w"(rows), "w"(columns));
}

}  // namespace mobilekernels::products_neon

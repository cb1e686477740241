// Max pooling along a line, a vector of channels at a time. The last vector of channels begins so that it ends with the
// pixel: it may do some of them again, but none in part.
//
// A vector is a struct, in an anonymous namespace (what is made from it has internal linkage), with
//   static constexpr size_t kLanes;
//   using Register;
//   static Register load(const int8_t*);
//   static Register greater(Register, Register);
//   static void store(int8_t*, Register);
#pragma once

#include "kernels/pool/pool.h"
#include "kernels/unroll.h"

namespace mobilekernels::max_lines {

template <typename V>
[[gnu::always_inline]] static inline typename V::Register greater(typename V::Register a, typename V::Register b,
                                                                  typename V::Register c) {
  return V::greater(V::greater(a, b), c);
}

// Three columns of at most three rows: the maximum of a column that the next windows have, too, stays in a register.
// Where there are fewer rows, one of them counts more than once.
template <typename V, size_t Stride>
static inline void three_columns(const MaxLine& line, size_t first) {
  const size_t step = line.column_step, at = line.offset + first;
  const int8_t* row0 = line.rows[0] + at;
  const int8_t* row1 = line.rows[line.rows_count > 1 ? 1 : 0] + at;
  const int8_t* row2 = line.rows[line.rows_count > 2 ? 2 : 0] + at;
  const auto next_column = [&]() MOBILEKERNELS_INLINE_LAMBDA {
    const auto column = greater<V>(V::load(row0), V::load(row1), V::load(row2));
    row0 += step, row1 += step, row2 += step;
    return column;
  };
  int8_t* out = line.out + first;
  auto left = next_column();
  auto middle = left;
  if (Stride == 1) middle = next_column();
  for (size_t p = 0; p < line.pixels; ++p, out += line.channels) {
    if (Stride == 2) middle = next_column();
    const auto right = next_column();
    V::store(out, greater<V>(left, middle, right));
    left = Stride == 2 ? right : middle;
    if (Stride == 1) middle = right;
  }
}

template <typename V>
static inline void any_window(const MaxLine& line, size_t first) {
  for (size_t p = 0; p < line.pixels; ++p) {
    const size_t at = line.offset + p * line.pixel_step + first;
    auto most = V::load(line.rows[0] + at);
    for (size_t i = 0; i < line.rows_count; ++i) {
      const int8_t* tap = line.rows[i] + at;
      for (size_t j = 0; j < line.columns; ++j, tap += line.column_step) most = V::greater(most, V::load(tap));
    }
    V::store(line.out + p * line.channels + first, most);
  }
}

template <typename V>
static inline void run_channels(const MaxLine& line, size_t first) {
  if (line.columns == 3 && line.rows_count <= 3 && line.pixel_step == 2 * line.column_step) {
    three_columns<V, 2>(line, first);
  } else if (line.columns == 3 && line.rows_count <= 3 && line.pixel_step == line.column_step) {
    three_columns<V, 1>(line, first);
  } else {
    any_window<V>(line, first);
  }
}

// By the first of the vectors, widest first, that a pixel fills.
template <typename V, typename... Narrower>
static inline void run(const MaxLine& line) {
  if constexpr (sizeof...(Narrower) > 0) {
    if (line.channels < V::kLanes) return run<Narrower...>(line);
  }
  size_t first = 0;
  for (; first + V::kLanes <= line.channels; first += V::kLanes) run_channels<V>(line, first);
  if (first < line.channels) run_channels<V>(line, line.channels - V::kLanes);
}

namespace {

struct One {
  static constexpr size_t kLanes = 1;
  using Register = int8_t;
  [[gnu::always_inline]] static Register load(const int8_t* p) { return *p; }
  [[gnu::always_inline]] static Register greater(Register a, Register b) { return a > b ? a : b; }
  [[gnu::always_inline]] static void store(int8_t* p, Register x) { *p = x; }
};

}  // namespace

}  // namespace mobilekernels::max_lines

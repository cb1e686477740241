#include "ops/panels_f32.h"

#include <algorithm>
#include <cstring>

#include "kernels/spgemm_f32/spgemm_f32.h"

namespace mobilekernels {
namespace {

constexpr int64_t kPadding = -1;

// Pixels of a panel side by side whose values at one tap lie `stride_w` apart in a plane, or are padding.
struct Run {
  int64_t at, length;
  int64_t from;  // offset in the plane, or kPadding
};

// The runs of one tap. A pixel is in one of them.
class Runs {
 public:
  Runs(const ImageF32& s, int64_t begin, int64_t end, int64_t kh, int64_t kw) : step_(s.window.stride_w) {
    const Window& w = s.window;
    const int64_t shift = kw * w.dilation_w - w.pad_left;
    // Output columns [first, last) see the image.
    const int64_t first = std::min(shift >= 0 ? 0 : (-shift + step_ - 1) / step_, s.out_w);
    const int64_t room = s.shape.w - 1 - shift;
    const int64_t last = std::max(first, room < 0 ? 0 : std::min(room / step_ + 1, s.out_w));
    for (int64_t pixel = begin; pixel < end;) {
      const int64_t left = pixel % s.out_w, right = std::min(left + end - pixel, s.out_w);
      const int64_t y = pixel / s.out_w * w.stride_h - w.pad_top + kh * w.dilation_h;
      if (y < 0 || y >= s.shape.h) {
        add(right - left, kPadding);
      } else {
        const int64_t from = std::clamp(first, left, right), to = std::clamp(last, left, right);
        add(from - left, kPadding);
        add(to - from, y * s.shape.w + from * step_ + shift);
        add(right - to, kPadding);
      }
      pixel += right - left;
    }
  }

  const Run* begin() const { return runs_; }
  const Run* end() const { return runs_ + count_; }

 private:
  void add(int64_t length, int64_t from) {
    if (length <= 0) return;
    Run* before = count_ == 0 ? nullptr : &runs_[count_ - 1];
    const bool goes_on = before != nullptr &&
                         (from == kPadding ? before->from == kPadding
                                           : before->from != kPadding && from == before->from + before->length * step_);
    if (goes_on) {
      before->length += length;
    } else {
      runs_[count_++] = {done_, length, from};
    }
    done_ += length;
  }

  int64_t step_;
  int64_t done_ = 0;
  size_t count_ = 0;
  Run runs_[kMostPanelPixelsF32];  // a run has a pixel at least
};

// Whole vectors first: a call of memcpy costs more than a run's few values.
void copy(float* to, const float* from, int64_t n) {
  for (; n >= 8; n -= 8, to += 8, from += 8) std::memcpy(to, from, 8 * sizeof(float));
  if ((n & 4) != 0) {
    std::memcpy(to, from, 4 * sizeof(float));
    to += 4;
    from += 4;
  }
  for (int64_t i = 0; i < (n & 3); ++i) to[i] = from[i];
}

}  // namespace

void write_panel(const ImageF32& s, int64_t image, int64_t first_channel, int64_t begin, int64_t end, int64_t stride,
                 float* panel) {
  const Window& w = s.window;
  const int64_t plane = s.shape.h * s.shape.w;
  const float* x = s.x + (image * s.shape.c + first_channel) * plane;
  float* to = panel;
  for (int64_t kh = 0; kh < w.kernel_h; ++kh) {
    for (int64_t kw = 0; kw < w.kernel_w; ++kw, to += s.channels * stride) {
      for (const Run& run : Runs(s, begin, end, kh, kw)) {
        for (int64_t c = 0; c < s.channels; ++c) {
          float* row = to + c * stride + run.at;
          if (run.from == kPadding) {
            std::fill_n(row, run.length, 0.0f);
          } else if (w.stride_w == 1) {
            copy(row, x + c * plane + run.from, run.length);
          } else {
            for (int64_t i = 0; i < run.length; ++i) row[i] = x[c * plane + run.from + i * w.stride_w];
          }
        }
      }
    }
  }
  const int64_t rows = (s.k() + 3) / 4 * 4;
  for (int64_t k = 0; end - begin < stride && k < s.k(); ++k) {
    std::fill(panel + k * stride + (end - begin), panel + (k + 1) * stride, 0.0f);
  }
  std::fill(to, panel + rows * stride, 0.0f);
}

}  // namespace mobilekernels

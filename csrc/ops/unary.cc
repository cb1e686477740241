#include "ops/unary.h"

#include <cstring>

#include "ops/check.h"
#include "runtime/dispatch.h"

namespace mobilekernels {
namespace {

constexpr int64_t kGrain = 32 * 1024;  // values of a task

// Blocks of the transposes between NCHW and NHWC: a tile of pixels x channels that stays in the first cache.
constexpr int64_t kTilePixels = 64;
constexpr int64_t kTileChannels = 64;
// Of an image of three channels: as many bytes, and fewer calls.
constexpr int64_t kWideTilePixels = 1024;

OutputRange full_range(int32_t zero_point) { return {zero_point, -128, 127}; }

float inverse(double scale) { return static_cast<float>(1.0 / scale); }

int64_t elements_of(const Shape4& shape) { return shape.n * shape.h * shape.w * shape.c; }

Status check_flat(const char* op, const void* x, int64_t n, const void* out) {
  MOBILEKERNELS_RETURN_IF_ERROR(check_count(op, "n", n));
  MOBILEKERNELS_RETURN_IF_ERROR(check_data(op, "x", x, n));
  return check_data(op, "out", out, n);
}

Status check_params(const char* op, double scale, int32_t zero_point) {
  MOBILEKERNELS_RETURN_IF_ERROR(check_scale(op, "scale", scale));
  return check_zero_point(op, "zero_point", zero_point);
}

int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

// Floats [n][c][h][w] of any strides seen as rows of pixels; h and w are one row where they lie that way.
struct FloatImage {
  const float* data;
  int64_t n, rows, pixels, channels;
  int64_t stride_n, stride_row, stride_pixel, stride_c;

  const float* at(int64_t row, int64_t pixel, int64_t c) const {
    return data + row / rows * stride_n + row % rows * stride_row + pixel * stride_pixel + c * stride_c;
  }
};

FloatImage view(const float* x, const Shape4& shape, const int64_t strides[4]) {
  FloatImage image{x, shape.n, shape.h, shape.w, shape.c, strides[0], strides[2], strides[3], strides[1]};
  if (image.pixels == 1) {  // the stride of a dimension of one says nothing
    image.pixels = image.rows;
    image.stride_pixel = image.stride_row;
    image.rows = 1;
  } else if (image.rows == 1 || image.stride_row == image.pixels * image.stride_pixel) {
    image.pixels *= image.rows;
    image.rows = 1;
  }
  return image;
}

int64_t tile_pixels(int64_t channels) { return channels == 3 ? kWideTilePixels : kTilePixels; }

void store_4(int8_t* to, uint32_t bytes) { std::memcpy(to, &bytes, sizeof bytes); }

// RGB, which every image is: four pixels are three words (little-endian) of each other's bytes.
void interleave_3(const int8_t* tile, int64_t count, int8_t* __restrict out) {
  const int8_t *red = tile, *green = tile + kWideTilePixels, *blue = green + kWideTilePixels;
  int64_t p = 0;
  for (; p + 4 <= count; p += 4) {
    uint32_t r, g, b;
    std::memcpy(&r, red + p, sizeof r);
    std::memcpy(&g, green + p, sizeof g);
    std::memcpy(&b, blue + p, sizeof b);
    store_4(out + 3 * p, (r & 0xff) | (g & 0xff) << 8 | (b & 0xff) << 16 | (r & 0xff00) << 16);
    store_4(out + 3 * p + 4, (g >> 8 & 0xff) | (b & 0xff00) | (r & 0xff0000) | (g & 0xff0000) << 8);
    store_4(out + 3 * p + 8, (b >> 16 & 0xff) | (r >> 16 & 0xff00) | (g >> 8 & 0xff0000) | (b & 0xff000000));
  }
  for (; p < count; ++p) {
    for (int64_t i = 0; i < 3; ++i) out[3 * p + i] = tile[i * kWideTilePixels + p];
  }
}

// Channels c .. c + channels of `count` pixels from `pixel` on, one channel after the other, then transposed.
void quantize_tile(const ElementwiseKernels& kernels, const FloatImage& image, int64_t row, int64_t pixel,
                   int64_t count, int64_t c, int64_t channels, float inverse_scale, const OutputRange& range,
                   int8_t* out) {
  int8_t tile[kTileChannels * kTilePixels];
  const int64_t tile_row = tile_pixels(image.channels);
  for (int64_t i = 0; i < channels; ++i) {
    const float* source = image.at(row, pixel, c + i);
    float gathered[kWideTilePixels];
    if (image.stride_pixel != 1) {
      for (int64_t p = 0; p < count; ++p) gathered[p] = source[p * image.stride_pixel];
      source = gathered;
    }
    kernels.quantize(static_cast<size_t>(count), source, inverse_scale, range, tile + i * tile_row);
  }
  if (image.channels == 3) return interleave_3(tile, count, out);
  for (int64_t p = 0; p < count; ++p) {
    for (int64_t i = 0; i < channels; ++i) out[p * image.channels + c + i] = tile[i * tile_row + p];
  }
}

}  // namespace

Status lut(const int8_t* x, int64_t n, const int8_t* table, int8_t* out, const Context& context) {
  MOBILEKERNELS_RETURN_IF_ERROR(check_flat("lut", x, n, out));
  MOBILEKERNELS_RETURN_IF_ERROR(check_data("lut", "table", table, 256));
  const ElementwiseKernels& kernels = select_elementwise();
  parallel_for(context, n, kGrain, [&](int, int64_t begin, int64_t end) {
    kernels.lut(static_cast<size_t>(end - begin), x + begin, table, out + begin);
  });
  return {};
}

Status quantize(const float* x, int64_t n, double scale, int32_t zero_point, int8_t* out, const Context& context) {
  MOBILEKERNELS_RETURN_IF_ERROR(check_flat("quantize", x, n, out));
  MOBILEKERNELS_RETURN_IF_ERROR(check_params("quantize", scale, zero_point));
  const ElementwiseKernels& kernels = select_elementwise();
  parallel_for(context, n, kGrain, [&](int, int64_t begin, int64_t end) {
    kernels.quantize(static_cast<size_t>(end - begin), x + begin, inverse(scale), full_range(zero_point), out + begin);
  });
  return {};
}

Status dequantize(const int8_t* x, int64_t n, double scale, int32_t zero_point, float* out, const Context& context) {
  MOBILEKERNELS_RETURN_IF_ERROR(check_flat("dequantize", x, n, out));
  MOBILEKERNELS_RETURN_IF_ERROR(check_params("dequantize", scale, zero_point));
  const ElementwiseKernels& kernels = select_elementwise();
  parallel_for(context, n, kGrain, [&](int, int64_t begin, int64_t end) {
    kernels.dequantize(static_cast<size_t>(end - begin), x + begin, static_cast<float>(scale), zero_point, out + begin);
  });
  return {};
}

Status quantize_nhwc(const float* x, const Shape4& shape, const int64_t strides[4], double scale, int32_t zero_point,
                     int8_t* out, const Context& context) {
  MOBILEKERNELS_RETURN_IF_ERROR(check_shape("quantize_nhwc", "x", shape));
  MOBILEKERNELS_RETURN_IF_ERROR(check_params("quantize_nhwc", scale, zero_point));
  MOBILEKERNELS_RETURN_IF_ERROR(check_data("quantize_nhwc", "x", x, elements_of(shape)));
  MOBILEKERNELS_RETURN_IF_ERROR(check_data("quantize_nhwc", "out", out, elements_of(shape)));
  const ElementwiseKernels& kernels = select_elementwise();
  const FloatImage image = view(x, shape, strides);
  const OutputRange range = full_range(zero_point);
  const float inverse_scale = inverse(scale);
  const int64_t channels = image.channels;
  const bool channels_together = channels == 1 || image.stride_c == 1;
  const bool row_together = channels_together && (image.pixels == 1 || image.stride_pixel == channels);

  // Work is cut into stretches of pixels within a row.
  const int64_t stretch = row_together ? kGrain / channels + 1 : tile_pixels(channels);
  const int64_t stretches = (image.pixels + stretch - 1) / stretch;
  const int64_t grain = kGrain / (stretch * channels) + 1;
  parallel_for(context, image.n * image.rows * stretches, grain, [&](int, int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t row = i / stretches, pixel = i % stretches * stretch;
      const int64_t count = smaller(stretch, image.pixels - pixel);
      int8_t* to = out + (row * image.pixels + pixel) * channels;
      if (row_together) {
        kernels.quantize(static_cast<size_t>(count * channels), image.at(row, pixel, 0), inverse_scale, range, to);
      } else if (channels_together) {
        for (int64_t p = 0; p < count; ++p) {
          kernels.quantize(static_cast<size_t>(channels), image.at(row, pixel + p, 0), inverse_scale, range,
                           to + p * channels);
        }
      } else {
        for (int64_t c = 0; c < channels; c += kTileChannels) {
          quantize_tile(kernels, image, row, pixel, count, c, smaller(kTileChannels, channels - c), inverse_scale,
                        range, to);
        }
      }
    }
  });
  return {};
}

Status dequantize_nchw(const int8_t* x, const Shape4& shape, double scale, int32_t zero_point, float* out,
                       const Context& context) {
  MOBILEKERNELS_RETURN_IF_ERROR(check_shape("dequantize_nchw", "x", shape));
  MOBILEKERNELS_RETURN_IF_ERROR(check_params("dequantize_nchw", scale, zero_point));
  MOBILEKERNELS_RETURN_IF_ERROR(check_data("dequantize_nchw", "x", x, elements_of(shape)));
  MOBILEKERNELS_RETURN_IF_ERROR(check_data("dequantize_nchw", "out", out, elements_of(shape)));
  const int64_t pixels = shape.h * shape.w, channels = shape.c;
  if (pixels == 1 || channels == 1) {  // both layouts are the same
    return dequantize(x, elements_of(shape), scale, zero_point, out, context);
  }
  const ElementwiseKernels& kernels = select_elementwise();
  const int64_t tiles = (pixels + kTilePixels - 1) / kTilePixels;
  const int64_t grain = kGrain / (kTilePixels * channels) + 1;
  parallel_for(context, shape.n * tiles, grain, [&](int, int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t n = i / tiles, pixel = i % tiles * kTilePixels;
      const int64_t count = smaller(kTilePixels, pixels - pixel);
      const int8_t* from = x + (n * pixels + pixel) * channels;
      for (int64_t c = 0; c < channels; ++c) {
        int8_t column[kTilePixels];
        for (int64_t p = 0; p < count; ++p) column[p] = from[p * channels + c];
        kernels.dequantize(static_cast<size_t>(count), column, static_cast<float>(scale), zero_point,
                           out + (n * channels + c) * pixels + pixel);
      }
    }
  });
  return {};
}

}  // namespace mobilekernels

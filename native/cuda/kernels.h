// Launches of the CUDA kernels on plain device pointers, in channels-last order: the boundary between what
// nvcc compiles (no header of LibTorch) and what the C++ compiler does (no CUDA syntax).
#pragma once

#include <cstdint>
#include <cstring>

#include "kernels/arithmetic.h"
#include "kernels/cuda/draw.h"

namespace selfgrad::cuda {

/// A cudaStream_t.
using Stream = void*;

/// The bits of a bfloat16; conversions round to the nearest even number, as LibTorch's.
struct Bfloat16 {
  uint16_t bits;
};
SELFGRAD_BODY float to_float(float x) {
  return x;
}
SELFGRAD_BODY float to_float(Bfloat16 x) {
  const uint32_t bits = static_cast<uint32_t>(x.bits) << 16;
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}
template <class T>
SELFGRAD_BODY T from_float(float x);
template <>
SELFGRAD_BODY float from_float<float>(float x) {
  return x;
}
template <>
SELFGRAD_BODY Bfloat16 from_float<Bfloat16>(float x) {
  if (x != x) return {0x7FC0};
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return {static_cast<uint16_t>((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16)};
}

/// A batch: `pixels` of all images together.
struct Shape {
  int64_t pixels, channels;
};

/// Rows of partial sums that the passes below write, each of 2 * channels float64.
int64_t partial_rows(Shape shape);

/// The mean of a few pixels of the whole batch, of few bits, per channel.
template <class T>
void pivots(Stream stream, Shape shape, const T* x, float* pivot);

/// sums[c] and sums[channels + c] of x - pivot and its square; `partial` is work space of
/// (partial_rows + partial_rows / 32 + 1) rows.
template <class T>
void moments(Stream stream, Shape shape, const T* x, const float* pivot, double* partial, double* sums);
void statistics(Stream stream, Shape shape, const float* pivot, const double* sums, double* mean,
                double* variance);
/// scale = w invstd and shift = b - mean scale.
void affine(Stream stream, Shape shape, const float* weight, const float* bias, const double* mean,
            const double* variance, double eps, float* scale, float* shift);

/// y = act(scale x + shift); `silu` instead of relu.
template <class T>
void forward(Stream stream, Shape shape, bool silu, const T* x, const float* scale, const float* shift, T* y);
/// gz = gy act'(scale x + shift) and its sums, alone and times (x - mean); work space as above.
template <class T>
void backward(Stream stream, Shape shape, bool silu, const T* gy, const T* x, const float* scale,
              const float* shift, const double* mean, T* gz, double* partial, double* sums);
/// The gradients at weight and bias, and the tables of `gradient`.
void slopes(Stream stream, Shape shape, bool training, const float* scale, const double* mean,
            const double* variance, double eps, const double* sums, float* slope, float* offset, float* gw,
            float* gb);
/// gx = scale gz + slope x + offset; may work in place.
template <class T>
void gradient(Stream stream, Shape shape, const T* gz, const T* x, const float* scale, const float* slope,
              const float* offset, T* gx);
/// gx = scale gy act'(scale x + shift).
template <class T>
void backward_constant(Stream stream, Shape shape, bool silu, const T* gy, const T* x, const float* scale,
                       const float* shift, T* gx);

template <class T>
void normalize(Stream stream, Shape shape, const float* x, const float* mean, const float* std, T* y);
template <class T>
void normalize_backward(Stream stream, Shape shape, const T* gy, const float* std, float* gx);

/// `count` numbers in images of `size`, each image with its alpha.
void projected_step(Stream stream, int64_t count, int64_t size, const float* x, const float* origin,
                    const float* gradient, const float* alpha, float eps, float* next);

/// `size` numbers low + range u of the stream of each of `count` examples: u uniform in [0, 1).
void uniform(Stream stream, int64_t count, int64_t size, const kernels::CudaDraw& draw,
             const int64_t* indices, float low, float range, float* out);

/// Images and what is to be seen of them: `count` rows of (C, H, W), each through its dy, dx and flip.
struct View {
  int64_t count, channels, height, width;
  const int64_t* indices;
  const int32_t* transforms;
};
/// out (N, H, W, C) = scale * rows, 0 outside the image; Pixel is uint8 or int8.
template <class Pixel>
void read_through(Stream stream, const View& view, const Pixel* rows, float scale, float* out);
/// The inverse: rows = round(values / scale) where they are seen.
void write_through(Stream stream, const View& view, const float* values, float scale, int8_t* rows);

/// The error of the last launch, or null.
const char* launch_error();

}  // namespace selfgrad::cuda

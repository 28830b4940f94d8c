// What the CPU's convolution kernel computes: a direct convolution, without a matrix of patches. Input
// channels of neighbouring pixels lie side by side in channels-last order, so a row of the kernel is one run
// of numbers.
#pragma once

#include <cstdint>

namespace selfgrad::kernels {

/// `lines` lines of `pixels` pixels of one image: channel c of pixel p of line l is
///   out[l out_line + p out_pixel + c] (+)= bias[c] + sum over t < taps, k < run of
///     in[t][l in_line + p in_pixel + k] w(t, k, c),
/// in float32 whatever the storage type T. Forward, a tap is a row of the kernel; backward to the image, a
/// row of those of its weights that meet one in `stride` pixels. The weights come in blocks of `lanes`
/// channels, the last filled up with zeros: [block][tap][k][lane] in float32, [block][tap][k / 2][lane][2] in
/// bfloat16, where a run is even: one number more may be read, and counts nothing.
/// `columns`: how many pixels of the input a run reads, where pixels that lie `in_pixel` apart share the
/// others.
template <class T>
struct Convolution {
  float* out;
  int64_t out_line, out_pixel;
  const T* const* in;
  int64_t taps, run, columns, in_line, in_pixel;
  int64_t lines, pixels, channels;
  const T* weight;
  const float* bias;  ///< whole blocks; null: zeros
  bool add;           ///< to what `out` holds
};

}  // namespace selfgrad::kernels

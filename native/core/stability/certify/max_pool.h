// What a max-pool does to intervals: two lines over one pixel of each window enclose its largest value.
#pragma once

#include <ATen/core/Tensor.h>

#include "nn/layers.h"
#include "stability/certify/relaxation.h"

namespace selfgrad {

/// Lines over the pixel with the highest lower bound; the upper one is constant unless that pixel is the
/// largest for certain. `chosen` tells where it lies, (N, C, H', W') int64 in 0 … H W - 1.
Relaxation relax_max_pool(const Pooling& pooling, const Interval& x);

/// Coefficients (N, S, C, H', W') of the chosen pixels as coefficients of all pixels, (N, S, C, H, W).
at::Tensor spread_to_pixels(const at::Tensor& coefficients, const at::Tensor& chosen, int64_t height,
                            int64_t width);

}  // namespace selfgrad

// Bodies of the fused BatchNorm and activation, y = act(scale x + shift) with one scale and shift per
// channel: from batch statistics scale = w / sqrt(var + eps) and shift = b - mean scale (Ioffe & Szegedy
// 2015, arXiv 1502.03167, algorithm 1), whose gradient also flows through the statistics.
#pragma once

#include "kernels/arithmetic.h"

namespace selfgrad::kernels {

template <class V>
struct ValueSlope {
  V value, slope;
};

struct Relu {
  template <class V>
  SELFGRAD_BODY static V value(const V& z) {
    return clamped_below(z);
  }
  template <class V>
  SELFGRAD_BODY static V slope(const V& z) {
    return positive(z);
  }
  template <class V>
  SELFGRAD_BODY static ValueSlope<V> both(const V& z) {
    return {value(z), slope(z)};
  }
};

/// z sigmoid(z) (Elfwing et al. 2018, arXiv 1702.03118).
struct Silu {
  template <class V>
  SELFGRAD_BODY static V value(const V& z) {
    return z / (V(1.0F) + exponential(V(0.0F) - z));
  }
  template <class V>
  SELFGRAD_BODY static V slope(const V& z) {
    const V sigmoid = V(1.0F) / (V(1.0F) + exponential(V(0.0F) - z));
    return sigmoid * multiply_add(z, V(1.0F) - sigmoid, V(1.0F));
  }
  /// For one exponential.
  template <class V>
  SELFGRAD_BODY static ValueSlope<V> both(const V& z) {
    const V sigmoid = V(1.0F) / (V(1.0F) + exponential(V(0.0F) - z));
    const V value = z * sigmoid;
    return {value, multiply_add(value, V(1.0F) - sigmoid, sigmoid)};
  }
};

template <class Act, class V>
SELFGRAD_BODY V norm_activation(const V& x, const V& scale, const V& shift) {
  return Act::value(multiply_add(scale, x, shift));
}

/// The gradient at z = scale x + shift from the one at y.
template <class Act, class V>
SELFGRAD_BODY V norm_activation_slope(const V& gy, const V& x, const V& scale, const V& shift) {
  return gy * Act::slope(multiply_add(scale, x, shift));
}

/// The gradient at x from the one at z, where mean and variance depend on x as well: with n pixels a channel,
/// scale (gz - sum gz / n - (x - mean) invstd^2 sum(gz (x - mean)) / n) = scale gz + slope x + offset.
template <class V>
SELFGRAD_BODY V norm_gradient(const V& gz, const V& x, const V& scale, const V& slope, const V& offset) {
  return multiply_add(scale, gz, multiply_add(slope, x, offset));
}

}  // namespace selfgrad::kernels

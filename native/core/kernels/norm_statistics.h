// What a channel's sums mean for BatchNorm and its gradient: the few numbers per channel between the passes
// over the pixels, in float64. The arguments are those of norm_activation.h.
#pragma once

#include <cmath>

#include "kernels/arithmetic.h"

namespace selfgrad::kernels {

struct ChannelStatistics {
  double mean, variance;  ///< the biased one
};

/// From the sums of x - pivot and of their squares over n pixels.
SELFGRAD_BODY ChannelStatistics channel_statistics(double pivot, double sum, double squares, double n) {
  const double shift = sum / n;
  const double variance = squares / n - shift * shift;
  return {pivot + shift, variance > 0.0 ? variance : 0.0};
}

SELFGRAD_BODY double inverse_std(double variance, double eps) {
  return 1.0 / std::sqrt(variance + eps);
}

struct ChannelSlope {
  double slope, offset;
};

/// What `norm_gradient` needs: `sum` of gz and `product`, that of gz (x - mean); `share` is 1 / n, and 0
/// where mean and variance are constants.
SELFGRAD_BODY ChannelSlope channel_slope(float scale, double mean, double invstd, double sum, double product,
                                         double share) {
  const double slope = -scale * invstd * invstd * product * share;
  return {slope, -scale * sum * share - slope * mean};
}

}  // namespace selfgrad::kernels

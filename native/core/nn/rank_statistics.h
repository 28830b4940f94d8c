// Statistics of BatchNorm over the batches of all ranks, with gradients that flow through them.
#pragma once

#include <ATen/core/Tensor.h>

#include "distributed/world.h"

namespace selfgrad {

/// Per channel, (C) float32, with the graph of every rank's x; the variance is the biased one.
struct RankStatistics {
  at::Tensor mean, variance;
  at::Tensor pixels;  ///< of all ranks, a channel; () float64, where x is: on a GPU the host does not wait
};

/// Of x (N, C, H, W), by LibTorch's operations, differentiable as often as these. Each rank must go backward
/// through it as often as the others: its gradient is that of the sum of all ranks' losses.
RankStatistics rank_statistics(const at::Tensor& x, const WorldPtr& world);

/// BatchNorm's formula with them: (N, C, H, W) in the type of x.
at::Tensor normalized(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                      const RankStatistics& statistics);

}  // namespace selfgrad

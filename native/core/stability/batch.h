// What the diagnostics of a stability analysis share: a batch of images with the loss and its gradient there,
// and columns of one value an image.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <string>

#include "attack/attack.h"

namespace selfgrad {

/// One value an image, by the name of the diagnostic: (N) on the CPU, float64; NaN where it is not defined.
using Columns = std::map<std::string, at::Tensor>;

/// What a draw is for: the round of its key.
enum class StabilityDraw : uint32_t {
  kPowerStart = 0,       ///< start of the power iteration
  kNeighbour = 1,        ///< the point of gradient agreement
  kDirection = 2,        ///< the random direction of the loss profile
  kLinearityPoint = 16,  ///< and those above it: points of the linearity error
};

struct StabilityBatch {
  Target& target;  ///< the network; counts passes, looks at the stop flag
  Threat threat;
  at::Tensor images;   ///< (N, C, H, W) float32 in [0, 1]
  at::Tensor labels;   ///< (N) int64
  at::Tensor indices;  ///< (N) int64 on the CPU: places in the data set, the keys of draws
  // Set by gradient_norms.
  at::Tensor logits{};    ///< (N, K)
  at::Tensor loss{};      ///< (N) cross-entropy
  at::Tensor gradient{};  ///< (N, C, H, W): of each image's own loss

  DrawKey key(StabilityDraw draw, uint32_t number = 0) const {
    return {target.seed(), Purpose::kStability, static_cast<uint32_t>(draw) + number};
  }
};

/// Cross-entropy, (N).
at::Tensor cross_entropy(const at::Tensor& logits, const at::Tensor& labels);
/// <a, b> of each image, (N), summed in float64.
at::Tensor inner_product(const at::Tensor& a, const at::Tensor& b);
/// The norm dual to that of the threat model, (N) float64: l1 for linf, l2 for l2.
at::Tensor dual_norm(Norm norm, const at::Tensor& x);
/// A random point of the ball around each image, clipped to [0, 1].
at::Tensor random_neighbour(const StabilityBatch& batch, StabilityDraw draw, uint32_t number = 0);
/// `a / b` where b is above zero, NaN elsewhere.
at::Tensor ratio(const at::Tensor& a, const at::Tensor& b);
/// `values` as a column.
at::Tensor column(const at::Tensor& values);

}  // namespace selfgrad

// A network in evaluation mode, image by image: each image goes through all convolutions, and its gradient
// back, while its maps are in the processor's cache. Nothing is allocated on the way, nothing is kept for
// gradients of weights, and logits do not depend on the batch in any bit.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "data/dataset.h"
#include "nn/frozen_layers.h"
#include "nn/frozen_maps.h"
#include "nn/precision.h"

namespace selfgrad {

/// The network as it was when it was made, on the CPU; later changes of its weights are not seen. Its first
/// layers are computed image by image up to the last that can be (convolutions, BatchNorm, activations,
/// sums); pooling, the mean over pixels and linear layers behind them by LibTorch.
class FrozenNetwork : public std::enable_shared_from_this<FrozenNetwork> {
 public:
  /// Null where nothing is gained: no such layers, or weights that no cache holds.
  static std::shared_ptr<const FrozenNetwork> make(const LayerGraph& graph, const ImageShape& shape);

  /// Whether this processor has the products that the precision takes.
  static bool computes(Precision precision);

  /// (N, C, H, W) float32 in [0, 1] -> (N, K) float32, with a graph back to images that require gradients. In
  /// bfloat16 the numbers that convolutions read are rounded, sums and everything else are float32.
  at::Tensor logits(const at::Tensor& images, Precision precision) const;

  /// (N, C, H, W) channels-last -> the maps (N, C', H', W') of the last layer that is computed image by
  /// image. `slopes` (N, slope_count()) takes what `backward` needs; undefined: nothing.
  at::Tensor forward(const at::Tensor& images, Precision precision, const at::Tensor& slopes) const;
  /// The gradient at the images from the one at these maps.
  at::Tensor backward(const at::Tensor& gradient, Precision precision, const at::Tensor& slopes) const;
  int64_t slope_count() const { return plan_.slope_count; }
  /// The same maps by LibTorch's operations, for gradients of gradients.
  at::Tensor differentiable_maps(const at::Tensor& images) const;

 private:
  FrozenNetwork(std::vector<FrozenLayer> layers, MapPlan plan);
  template <class Work>
  void for_each_image(int64_t count, const Work& work) const;

  std::vector<FrozenLayer> layers_;
  MapPlan plan_;
  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<MapWorkspace>> idle_;
};

}  // namespace selfgrad

// Logits of images that differ from known ones within a small window: every layer is computed only where the
// window reaches and keeps its known values elsewhere. The same numbers as of a whole forward pass, up to the
// order of sums, for a fraction of the work: a square attack asks for thousands of them.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "nn/frozen_layers.h"
#include "nn/frozen_maps.h"
#include "nn/window_patches.h"

namespace selfgrad {

/// The network as it is now, on the CPU in float32; later changes of its weights are not seen.
class WindowForward {
 public:
  explicit WindowForward(const LayerGraph& graph);

  /// (N, C, H, W) in [0, 1] -> (N, K) logits; these images are the known ones from now on.
  at::Tensor start(const at::Tensor& images);

  /// tried (M, C, H, W) -> (M, K) logits. tried[i] is the known image rows[i] outside of its window, (M)
  /// int64.
  at::Tensor logits(const at::Tensor& tried, const at::Tensor& rows, const Area& windows);

  /// Makes those of the images last `tried` that are marked in (M) bool the known ones.
  void accept(const at::Tensor& chosen);

 private:
  Area reached(const FrozenLayer& layer, const Area& read, int64_t place) const;
  at::Tensor values_at(int64_t place, const Area& area) const;
  Patch compute(int64_t place) const;
  at::Tensor convolved(int64_t place, const at::Tensor& read, const Area& made) const;
  at::Tensor whole(int64_t place) const;

  std::vector<FrozenLayer> layers_;
  std::vector<PackedConvolution> packed_;  ///< of the convolutions that can be; else empty
  std::vector<at::Tensor> known_;          ///< (N, C, H, W) channels-last, of each layer with pixels
  std::vector<Patch> patches_;             ///< of the last `logits`
  std::vector<int64_t> rows_;
};

}  // namespace selfgrad

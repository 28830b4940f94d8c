// Sound bounds on every value inside a network while its image moves through a region: interval arithmetic
// forwards (Gowal et al. 2018, arXiv 1810.12715), linear bounds backwards (CROWN, Zhang et al. 2018, arXiv
// 1811.00866; with interval bounds inside it is CROWN-IBP, Zhang et al. 2020, arXiv 1906.06316).
#pragma once

#include <ATen/core/Tensor.h>

#include <atomic>
#include <cstdint>
#include <vector>

#include "attack/threat.h"
#include "nn/layer_graph.h"
#include "stability/certify/relaxation.h"

namespace selfgrad {

/// Where an image may be: within eps of it in the norm, and in [0, 1]. Both bounds use the enclosing box; the
/// linear ones use the l2 ball as well.
struct Region {
  at::Tensor images;  ///< (N, C, H, W) in [0, 1]
  Norm norm = Norm::kLinf;
  at::Tensor eps;  ///< (N) float64, pixel units
};

/// Computed in float64. Every bound is moved outwards by 1e-9 of the largest sum of absolute values that its
/// computation can meet, far more than float64 can err there; the region is widened by what float32 pixels
/// are rounded by. The bounds hold for the network in exact arithmetic with the stored weights.
class Bounds {
 public:
  /// `refine`: values before an activation get linear bounds of their own where the layer has at most this
  /// many; one backward pass through the layers below each, so quadratic in it. @throws Cancelled
  Bounds(const LayerGraph& graph, const Region& region, int64_t refine, const std::atomic<bool>& stop);

  /// Bounds of the value of a layer, (N, *shape).
  const Interval& interval(int64_t layer) const { return intervals_[layer]; }

  /// Lower bounds, (N, S), of <spec, value of the layer>; spec (N, S, *shape) float64. The linear bound is
  /// carried back to the layer at `until`, whose interval ends it: 0 is the image, its own input gives the
  /// interval bound of a spec folded into an affine layer.
  at::Tensor lower_bound(int64_t layer, const at::Tensor& spec, int64_t until = 0) const;

 private:
  void add_input(const Region& region);
  void add_layer(int64_t place);
  void refine(int64_t place);
  at::Tensor end(int64_t place, const at::Tensor& spec) const;

  const std::vector<Layer>& layers_;
  const std::atomic<bool>& stop_;
  int64_t refine_;
  bool behind_activation_ = false;
  Region region_;
  std::vector<Interval> intervals_;
  std::vector<at::Tensor> magnitudes_;   ///< (N): no term of a sum met at this layer exceeds it
  std::vector<Relaxation> relaxations_;  ///< of activations and max-pools; empty elsewhere
};

}  // namespace selfgrad

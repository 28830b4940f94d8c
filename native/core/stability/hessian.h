// Exact products with the Hessian of the loss at each image, by differentiating the gradient once more.
#pragma once

#include <ATen/core/Tensor.h>

#include "stability/batch.h"

namespace selfgrad {

/// The Hessian with respect to the image of each image's cross-entropy. In evaluation mode no image enters
/// another's loss, so one product serves a whole batch: its Hessian is block-diagonal.
class Hessian {
 public:
  /// One forward and one backward pass, whose graph is kept.
  explicit Hessian(StabilityBatch& batch);

  /// H v, (N, C, H, W), about two backward passes. ReLU counts with the Hessian that it has almost
  /// everywhere: its own second derivative is zero.
  at::Tensor times(const at::Tensor& v);

 private:
  Target& target_;
  at::Tensor input_, gradient_;
};

}  // namespace selfgrad

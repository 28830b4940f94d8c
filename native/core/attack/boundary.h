// The nearest of a network's decision boundaries, as FAB and DeepFool see it: each taken for a hyperplane.
#pragma once

#include "attack/attack.h"

namespace selfgrad {

/// The boundary between an image's label y and a wrong class t, z_t - z_y linearised at the image.
struct Boundary {
  at::Tensor lead;      ///< (N): z_t - z_y, above zero beyond the boundary
  at::Tensor normal;    ///< (N, C, H, W): its gradient
  at::Tensor distance;  ///< (N): |lead| / the dual norm of `normal`
  at::Tensor logits;    ///< (N, K), detached

  /// Takes over `other` (M) for the images `rows` (M) int64.
  void put(const at::Tensor& rows, const Boundary& other);
};

/// Of the boundaries towards the classes `aims` (N, T) int64 that whose distance in `norm` is the smallest.
/// One forward and T backwards an image.
Boundary nearest_boundary(Target& target, Norm norm, const at::Tensor& x, const at::Tensor& labels,
                          const at::Tensor& aims);

}  // namespace selfgrad

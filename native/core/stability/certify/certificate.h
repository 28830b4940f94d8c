// Which images no perturbation of the threat model can get misclassified, proved and not attacked.
#pragma once

#include <ATen/core/Tensor.h>

#include <atomic>
#include <cstdint>

#include "stability/certify/bounds.h"

namespace selfgrad {

struct CertifyOptions {
  int64_t count = 0;        ///< the first `count` images; 0 certifies none
  int64_t bisections = 10;  ///< steps of the search for each image's radius
  int64_t refine = 512;     ///< see Bounds
};

/// Lower bounds of z_y - z_j over the region, (N, classes); +inf at j = y. The better one of the interval
/// bound and the linear bound for each j.
at::Tensor margin_bounds(const Bounds& bounds, const LayerGraph& graph, const at::Tensor& labels);

struct Certificates {
  at::Tensor margin;     ///< (N) float64: lower bound of the margin over the region of radius eps
  at::Tensor certified;  ///< (N) bool: that bound clears float32 rounding of the logits
  at::Tensor
      radius;  ///< (N) float64: the largest radius that the search certified, 0: none above eps / 65536
};

/// images (N, C, H, W) in [0, 1], labels (N) int64, logits (N, K) float32 as the network gives them.
/// An image is certified when the bound exceeds 1e-5 of its largest logit (at least 1e-5): what float32 may
/// err in a forward pass. Each radius is the result of a certificate of its own. @throws Cancelled
Certificates certify(const LayerGraph& graph, const at::Tensor& images, const at::Tensor& labels,
                     const at::Tensor& logits, const Threat& threat, const CertifyOptions& options,
                     const std::atomic<bool>& stop);

}  // namespace selfgrad

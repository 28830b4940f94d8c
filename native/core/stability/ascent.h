// PGD from each image, kept whole: other diagnostics look at its points.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "stability/batch.h"

namespace selfgrad {

/// A perturbed copy of every image of a batch, with its logits and cross-entropy.
struct PerturbedPoint {
  at::Tensor images;  ///< (N, C, H, W)
  at::Tensor logits;  ///< (N, K)
  at::Tensor loss;    ///< (N)
};

struct Ascent {
  PerturbedPoint fgsm;                ///< project(x + eps * direction)
  std::vector<PerturbedPoint> steps;  ///< after each step of PGD from the image itself
  PerturbedPoint best;                ///< per image the step of the highest loss
};

/// `steps` >= 1 steps of length `alpha` on the cross-entropy; no image leaves early.
Ascent ascend(StabilityBatch& batch, int64_t steps, double alpha);

/// The logits and loss of perturbed images: one forward pass.
PerturbedPoint measure(StabilityBatch& batch, const at::Tensor& images);

}  // namespace selfgrad

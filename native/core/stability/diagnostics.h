// The diagnostics of a stability analysis, one .cpp each. L is an image's cross-entropy, g its gradient with
// respect to the image, H its Hessian, eps the radius of the threat model. docs/stability.md says how to read
// them and when they deceive, docs/theory.md what is proved.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "stability/ascent.h"
#include "stability/batch.h"

namespace selfgrad {

/// loss; correct (0 or 1); gradient_l1 |g|_1; gradient_l2 |g|_2. Leaves logits, loss and gradient in the
/// batch. One forward and one backward pass.
Columns gradient_norms(StabilityBatch& batch);

/// gradient_curvature: s'Hs / |s|_2^2 along the direction s of steepest ascent (sign g or g). eigenvalue: the
/// Rayleigh quotient v'Hv after `iterations` steps v <- Hv / |Hv|_2 from a random v, an estimate of the
/// eigenvalue of largest magnitude; eigenvalue_residual: |Hv - eigenvalue v|_2, within which H surely has an
/// eigenvalue. 1 forward and 1 + 2 * (iterations + 2) backward passes.
Columns curvature(StabilityBatch& batch, int64_t iterations);

/// linearity_error: the largest |L(x + d) - L(x) - <g, d>| over the points of `ascent` and `random_points`
/// uniform ones, a lower estimate of gamma; linearity_ratio: that over eps |g|_1 (|g|_2 for l2).
Columns linearity(StabilityBatch& batch, const Ascent& ascent, int64_t random_points);

/// With g' the gradient at a random point of the ball: gradient_cosine <g, g'> / (|g|_2 |g'|_2), and
/// gradient_agreement <g', s> / |g'|_*: the share of the first-order gain at g' that the direction s of g
/// keeps. One forward and one backward pass.
Columns agreement(StabilityBatch& batch);

/// adversary_quality: (L(FGSM) - L(x)) / (L(PGD) - L(x)), PGD by the best of its steps; not defined where PGD
/// gains nothing. attacked (0 or 1): correct at every point of `ascent` and at x.
Columns adversary_quality(const StabilityBatch& batch, const Ascent& ascent);

/// gradient_error: how far the gradient of the margin (runner-up minus label) is from what the margin does:
/// |central difference - <gradient, difference>| over the latter along the steepest direction, the least of
/// three step lengths below eps, so that neither rounding nor kinks count. +inf where the gradient is zero.
/// 7 forward passes and one backward pass.
Columns gradient_error(StabilityBatch& batch);

/// margin_radius: min over j of (z_y - z_j) / |grad (z_y - z_j)|_* (l1 for linf, l2 for l2), the distance to
/// the nearest other class were the network affine. An estimate that errs in both directions, never a
/// certificate. 0 for misclassified images, +inf where all gradients vanish. One forward and `classes`
/// backward passes.
Columns margin_radius(StabilityBatch& batch);

/// Means over images along one direction, at multiples of a perturbation of size eps.
struct LossProfile {
  std::string direction;         ///< gradient, pgd, random
  std::vector<double> loss;      ///< sums over images, to be divided by their number
  std::vector<double> accuracy;  ///< likewise
};

/// L and accuracy at clip(x + k d, 0, 1) for each multiple k and d = eps * steepest direction, d = the best
/// step of PGD - x, d = a random sign vector of size eps (l2: a random direction of length eps). Three
/// forward passes a multiple.
std::vector<LossProfile> loss_profile(StabilityBatch& batch, const Ascent& ascent,
                                      const std::vector<double>& multiples);

}  // namespace selfgrad

// The ascent of APGD in L1, apart from whose loss is climbed and who is done (Croce & Hein 2021, "Mind the
// box: l1-APGD for sparse adversarial attacks on image classifiers", https://arxiv.org/abs/2103.01208).
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "attack/threat.h"

namespace selfgrad {

/// M images on their way up. With P the projection onto ball and box, and s the sign of the gradient at its k
/// coordinates of largest size and 0 elsewhere:
///   x_next = P(x + eta * s / |s|_1),
/// eta = eps and k a fifth of the coordinates at first. Every 0.04 N steps (cut to an integer, at least 1) an
/// image sets k to the coordinates in which its best point differs from the image, over 1.5. Where these have
/// become fewer by more than 5 % since the last time it goes on from that point with eta = eps, else it goes
/// on from where it is with eta / 1.5, at least eps / 10.
///
/// These are the settings of the authors' code. The paper's runs from 3 eps and 2 eps down, in which
/// AutoAttack embeds this ascent, are not made.
class ApgdL1Climb {
 public:
  /// origin, start (M, C, H, W): the images and points of their balls; steps: N.
  ApgdL1Climb(const Threat& threat, int64_t steps, const at::Tensor& origin, const at::Tensor& start);

  /// Where loss and gradient are wanted next, (M, C, H, W).
  const at::Tensor& x() const { return x_; }
  /// Moves x() on; loss (M) to be raised and its gradient (M, C, H, W), both at x().
  void step(const at::Tensor& loss, const at::Tensor& gradient);

  /// As ApgdClimb's; here no step writes where the last one did, so each stands for itself.
  static int64_t alike() { return 1; }
  void set_taken(int64_t steps) { taken_ = steps; }

  const at::Tensor& eta() const { return eta_; }    ///< (M), pixel units
  const at::Tensor& kept() const { return kept_; }  ///< (M) float: the share of coordinates that a step moves

  /// Everything with a row per image, for ActiveSet::leave.
  std::vector<at::Tensor*> rows();

 private:
  at::Tensor settle_at_checkpoint();

  Threat threat_;
  int64_t window_, taken_;  ///< steps between checkpoints, steps so far
  at::Tensor origin_, x_, best_x_, best_gradient_;
  at::Tensor eta_, best_loss_, kept_;
  at::Tensor changed_;  ///< (M) float: coordinates of the best point at the last checkpoint that are changed
};

/// The sign of each gradient (N, C, H, W) at its coordinates of largest size, all of equal size to the last
/// of them included, over their number; 0 elsewhere. share (N) of the coordinates, of which at least one is
/// taken.
at::Tensor sparse_direction(const at::Tensor& gradient, const at::Tensor& share);

}  // namespace selfgrad

// The ascent of APGD, apart from whose loss is climbed and who is done (Croce & Hein 2020, "Reliable
// evaluation of adversarial robustness with an ensemble of diverse parameter-free attacks", algorithm 1,
// https://arxiv.org/abs/2003.01690).
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "attack/threat.h"

namespace selfgrad {

/// M images on their way up. With P the projection and d the direction of steepest ascent:
///   z      = P(x + eta * d),  x_next = P(x + a * (z - x) + (1 - a) * (x - x_previous)),
/// a = 1 in the first step, then 0.75; eta starts at 2 eps. At checkpoints, 0.22 N steps after the start,
/// then each window 0.03 N shorter down to 0.06 N (all cut to integers, at least 1), an image halves its eta
/// and goes on from its best point if at most 0.75 of the window's steps raised its loss, or if its best loss
/// has not changed since the last checkpoint, where eta was not halved.
///
/// The checkpoints and "at most" (the paper: fewer than) are those of the authors' code. Two of its quirks
/// are not: it compares the first loss of the first window with zero, here with the loss at the start; and
/// the first loss after a return to the best point with that of the abandoned point, here with the best
/// one's.
class ApgdClimb {
 public:
  /// origin, start (M, C, H, W): the images and points of their balls; steps: N.
  ApgdClimb(const Threat& threat, int64_t steps, const at::Tensor& origin, const at::Tensor& start);

  /// Where loss and gradient are wanted next, (M, C, H, W).
  const at::Tensor& x() const { return x_; }
  /// Moves x() on; loss (M) to be raised and its gradient (M, C, H, W), both at x().
  void step(const at::Tensor& loss, const at::Tensor& gradient);

  /// How many steps from here on are the same work: all but the first and those at checkpoints.
  int64_t alike() const;
  /// What `step` counts, where steps were taken again without it.
  void set_taken(int64_t steps) { taken_ = steps; }

  const at::Tensor& best_x() const { return best_x_; }        ///< (M, C, H, W)
  const at::Tensor& best_loss() const { return best_loss_; }  ///< (M), -inf before the first step
  const at::Tensor& eta() const { return eta_; }              ///< (M), pixel units

  /// Everything with a row per image, for ActiveSet::leave.
  std::vector<at::Tensor*> rows();

 private:
  at::Tensor needs_smaller_steps();

  Threat threat_;
  int64_t shrink_, shortest_;            ///< of the windows
  int64_t window_, checkpoint_, taken_;  ///< length of this window, its end, steps so far
  at::Tensor origin_, x_, previous_x_, best_x_, best_gradient_;
  at::Tensor eta_, previous_loss_, best_loss_, best_at_checkpoint_;
  at::Tensor raised_;  ///< (M) float: steps of this window that raised the loss
  at::Tensor halved_;  ///< (M) bool: eta, at the last checkpoint
};

}  // namespace selfgrad

// Adversarial weight perturbation (Wu, Xia & Wang 2020, arXiv 2004.05884): the loss is minimised at weights
// that were first moved against it.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "distributed/world.h"
#include "nn/network.h"

namespace selfgrad {

/// While it lives, every weight tensor w of more than one dimension stands at w + gamma ‖w‖ g/‖g‖, g the
/// gradient of `loss` with respect to it (equations 8 and 10 there, one step); then all stand where they
/// were, to the bit.
class WeightPerturbation {
 public:
  /// `loss` is a scalar with its graph, which is used up. gamma is relative to the weights' norm, about
  /// 0.005. Of several ranks each brings its part of the loss.
  WeightPerturbation(Network& network, const at::Tensor& loss, double gamma, World& world);
  ~WeightPerturbation() { restore(); }
  WeightPerturbation(const WeightPerturbation&) = delete;
  WeightPerturbation& operator=(const WeightPerturbation&) = delete;

  /// Puts the weights back; further calls do nothing.
  void restore();

 private:
  std::vector<at::Tensor> weights_, originals_;
};

}  // namespace selfgrad

#include "train/weight_perturbation.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/clamp_min.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <torch/csrc/autograd/autograd.h>

namespace selfgrad {

WeightPerturbation::WeightPerturbation(Network& network, const at::Tensor& loss, double gamma, World& world) {
  for (const auto& parameter : network.parameters())
    if (parameter.dim() > 1) weights_.push_back(parameter);
  const auto gradients = torch::autograd::grad({loss}, weights_);
  world.sum(gradients);
  const at::NoGradGuard no_grad;
  for (size_t i = 0; i < weights_.size(); ++i) {
    originals_.push_back(weights_[i].detach().clone());
    const at::Tensor size = at::linalg_vector_norm(gradients[i]).clamp_min(1e-20);
    weights_[i].add_(gradients[i] * (gamma * at::linalg_vector_norm(weights_[i]) / size));
  }
}

void WeightPerturbation::restore() {
  const at::NoGradGuard no_grad;
  for (size_t i = 0; i < originals_.size(); ++i)
    weights_[i].copy_(originals_[i]);
  originals_.clear();
}

}  // namespace selfgrad

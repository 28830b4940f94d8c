#include "train/optimizer.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/_fused_sgd.h>
#include <ATen/ops/zeros_like.h>

#include "nn/model_file.h"

namespace selfgrad {

Sgd::Sgd(const Network& network, double momentum, bool nesterov, double weight_decay)
    : momentum_(momentum), weight_decay_(weight_decay), nesterov_(nesterov && momentum > 0) {
  for (const auto& item : network.named_parameters()) {
    names_.push_back("optimizer.momentum." + item.key());
    parameters_.push_back(item.value());
    velocities_.push_back(at::zeros_like(item.value()));
  }
}

void Sgd::sum_gradients(World& world) {
  std::vector<at::Tensor> gradients;
  gradients.reserve(parameters_.size());
  for (const auto& parameter : parameters_)
    gradients.push_back(parameter.grad());
  world.sum(gradients);
}

void Sgd::step(double lr) {
  const at::NoGradGuard no_grad;
  std::vector<at::Tensor> gradients;
  gradients.reserve(parameters_.size());
  for (const auto& parameter : parameters_) {
    // The fused kernel walks memory: a gradient of another layout than its parameter would be misread.
    const at::Tensor& gradient = parameter.grad();
    gradients.push_back(
        gradient.strides() == parameter.strides() ? gradient : at::zeros_like(parameter).copy_(gradient));
  }
  at::_fused_sgd_(parameters_, gradients, velocities_, weight_decay_, momentum_, lr, /*dampening=*/0.0,
                  nesterov_,
                  /*maximize=*/false, /*is_first_step=*/false);
  // The fused kernel does not count as a change; what was made of the weights must see one.
  for (const auto& parameter : parameters_)
    parameter.unsafeGetTensorImpl()->bump_version();
  zero_grad();
}

void Sgd::zero_grad() {
  for (auto& parameter : parameters_)
    parameter.mutable_grad().reset();
}

NamedTensors Sgd::state() const {
  NamedTensors tensors;
  for (size_t i = 0; i < names_.size(); ++i)
    tensors.emplace_back(names_[i], velocities_[i]);
  return tensors;
}

void Sgd::load(const TensorFile& file) {
  load_tensors(file, state());
}

}  // namespace selfgrad

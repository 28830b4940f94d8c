#include "nn/tap.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/alias.h>
#include <ATen/ops/linalg_vector_norm.h>

#include <utility>

namespace selfgrad {

at::Tensor SelfGradientTap::forward(const at::Tensor& x) {
  if (!is_training() || !at::GradMode::is_enabled()) return x;
  at::Tensor y = x;
  if (direction_.defined()) {
    const std::vector<int64_t> all{1, 2, 3};
    const at::Tensor size = at::linalg_vector_norm(x.detach(), 2, all, /*keepdim=*/true, at::kFloat);
    const at::Tensor length = at::linalg_vector_norm(direction_, 2, all, /*keepdim=*/true, at::kFloat);
    y = y + (direction_ * (rho_ * size / length.clamp_min(1e-20))).to(x.scalar_type());
  }
  if (!capturing_) return y;
  // A leaf would accumulate .grad beside the hook; its alias is an inner node and does not.
  activation_ = y.requires_grad() ? y : at::alias(y.detach().requires_grad_());
  activation_.register_hook([slot = gradient_](const at::Tensor& gradient) { *slot = gradient.detach(); });
  return activation_;
}

void SelfGradientTap::capture(bool on) {
  capturing_ = on;
  activation_.reset();
  gradient_->reset();
}

void SelfGradientTap::perturb(const at::Tensor& direction, double rho) {
  direction_ = direction;
  rho_ = rho;
}

at::Tensor SelfGradientTap::take_gradient() {
  return std::exchange(*gradient_, at::Tensor());
}

}  // namespace selfgrad

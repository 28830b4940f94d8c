#include "nn/tap.h"

#include <ATen/ops/alias.h>

#include <utility>

namespace selfgrad {

at::Tensor SelfGradientTap::forward(const at::Tensor& x) {
  if (!capturing_ || !is_training() || !at::GradMode::is_enabled()) return x;
  // A leaf would accumulate .grad beside the hook; its alias is an inner node and does not.
  activation_ = x.requires_grad() ? x : at::alias(x.detach().requires_grad_());
  activation_.register_hook([slot = gradient_](const at::Tensor& gradient) { *slot = gradient.detach(); });
  return activation_;
}

void SelfGradientTap::capture(bool on) {
  capturing_ = on;
  activation_.reset();
  gradient_->reset();
}

at::Tensor SelfGradientTap::take_gradient() {
  return std::exchange(*gradient_, at::Tensor());
}

}  // namespace selfgrad

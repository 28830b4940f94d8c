// The self-gradient tap: the module through which a network sees its own gradient flow while it trains.
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

namespace selfgrad {

/// Identity in evaluation and whenever it does neither of its two works, which are for training only:
/// it captures (keeps the activation that passes its place, and every backward leaves the gradient of the
/// loss at that place in it), and it perturbs (moves the activation along a given direction). A tap has no
/// parameters: the network that ships is the same with it or without.
class SelfGradientTap : public torch::nn::Module {
 public:
  /// (N, …) -> the same values, perturbed if asked for; requires gradients while capturing.
  at::Tensor forward(const at::Tensor& x);

  /// Turns capturing on or off; what was captured is dropped.
  void capture(bool on);

  /// From now on the activation of each example moves by rho times its own L2 norm along its row of
  /// `direction`, which is scaled to unit norm; a row of zeros leaves its example alone. An undefined
  /// `direction` ends it.
  void perturb(const at::Tensor& direction, double rho);

  /// The activation of the last capturing forward: an input for autograd::grad. Undefined before one.
  const at::Tensor& activation() const { return activation_; }

  /// The gradient that the last backward left here, once; undefined when there was none.
  at::Tensor take_gradient();

 private:
  bool capturing_ = false;
  at::Tensor activation_, direction_;
  double rho_ = 0;
  // Shared with the hook that autograd owns: a backward may outlive this module.
  std::shared_ptr<at::Tensor> gradient_ = std::make_shared<at::Tensor>();
};

}  // namespace selfgrad

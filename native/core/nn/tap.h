// The self-gradient tap: the module through which a network sees its own gradient flow while it trains.
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

namespace selfgrad {

/// Identity in evaluation and whenever it does not capture. While it captures (training only) it keeps the
/// activation that passes its place, and every backward leaves the gradient of the loss at that place in it.
/// A tap has no parameters: the network that ships is the same with it or without.
class SelfGradientTap : public torch::nn::Module {
 public:
  /// (any shape) -> the same values; requires gradients while capturing.
  at::Tensor forward(const at::Tensor& x);

  /// Turns capturing on or off; what was captured is dropped.
  void capture(bool on);

  /// The activation of the last capturing forward: an input for autograd::grad. Undefined before one.
  const at::Tensor& activation() const { return activation_; }

  /// The gradient that the last backward left here, once; undefined when there was none.
  at::Tensor take_gradient();

 private:
  bool capturing_ = false;
  at::Tensor activation_;
  // Shared with the hook that autograd owns: a backward may outlive this module.
  std::shared_ptr<at::Tensor> gradient_ = std::make_shared<at::Tensor>();
};

}  // namespace selfgrad

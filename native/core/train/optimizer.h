// Stochastic gradient descent over all parameters at once.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "distributed/world.h"
#include "io/safetensors.h"
#include "nn/network.h"

namespace selfgrad {

/// SGD as torch.optim.SGD defines it: g += weight_decay * w; v = momentum * v + g; w -= lr * (g + momentum *
/// v) with Nesterov, else w -= lr * v.
class Sgd {
 public:
  Sgd(const Network& network, double momentum, bool nesterov, double weight_decay);

  /// Adds up the parameters' gradients over the ranks, in one message.
  void sum_gradients(World& world);
  /// One step from the parameters' gradients, which are dropped afterwards.
  void step(double lr);
  /// Drops gradients without a step.
  void zero_grad();

  /// Momentum buffers as `optimizer.momentum.<parameter>`, shared.
  NamedTensors state() const;
  /// @throws Error("ERR_CHECKPOINT") when a buffer is missing or of another shape.
  void load(const TensorFile& file);

 private:
  double momentum_, weight_decay_;
  bool nesterov_;
  std::vector<std::string> names_;
  std::vector<at::Tensor> parameters_, velocities_;
};

}  // namespace selfgrad

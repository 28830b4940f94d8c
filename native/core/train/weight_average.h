// A second set of weights that follows the trained one: the network that ships when averaging is on.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "io/safetensors.h"
#include "nn/network.h"

namespace selfgrad {

/// Exponential moving average of parameters and BatchNorm statistics: a += (1 - d)(w - a) after each step,
/// d = min(decay, (t + 1)/(t + 10)) at the t-th step, so that early weights are forgotten.
class WeightAverage {
 public:
  WeightAverage(const Network& network, double decay);

  /// After the optimiser's step number `step`, counted from 0.
  void update(int64_t step);
  /// Puts the averaged values in the network's place and takes its own in exchange; a second call undoes it.
  void swap();
  /// `average.<name>` for every parameter and buffer, shared.
  NamedTensors state() const;

 private:
  double decay_;
  NamedTensors live_, averaged_;
};

/// The averaged values for its lifetime; does nothing for null.
class AverageGuard {
 public:
  explicit AverageGuard(WeightAverage* average) : average_(average) {
    if (average_ != nullptr) average_->swap();
  }
  ~AverageGuard() {
    if (average_ != nullptr) average_->swap();
  }
  AverageGuard(const AverageGuard&) = delete;
  AverageGuard& operator=(const AverageGuard&) = delete;

 private:
  WeightAverage* average_;
};

}  // namespace selfgrad

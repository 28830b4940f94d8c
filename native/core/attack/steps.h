// An attack's steps on any device: one by one on the CPU, where each may end the attack for some images; on a
// GPU several in a row, recorded as a graph, between which the host does not wait.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <memory>

#include "attack/attack.h"
#include "kernels/cuda/table.h"

namespace selfgrad {

/// `to` = `from`; on a GPU in the memory of `to`, where a recorded step looks again.
inline void assign(at::Tensor& to, const at::Tensor& from) {
  if (to.is_cuda()) {
    to.copy_(from);
  } else {
    to = from;
  }
}

/// A tensor that `assign` may write to without changing `tensor`.
inline at::Tensor own(const at::Tensor& tensor) {
  return tensor.is_cuda() ? tensor.clone() : tensor;
}

class Steps {
 public:
  /// Takes steps that ask `target`, on its images' device.
  Steps(Target& target, at::Device device) : target_(target), device_(device) {}

  /// How many steps may be taken before the attack looks who is done.
  int64_t at_once() const { return device_.is_cuda() ? kAtOnce : 1; }

  /// Takes the same step `count` times, at most `at_once`. On a GPU the step keeps its state in tensors that
  /// stay where they are (`assign`), and neither waits for the device nor reads the host's memory; its passes
  /// count as often as it is taken.
  void take(int64_t count, const std::function<void()>& step);

  /// The tensors of the step are others from now on, or the step is.
  void moved() { graph_.reset(); }

 private:
  static constexpr int64_t kAtOnce = 10;

  Target& target_;
  at::Device device_;
  std::unique_ptr<kernels::StepGraph> graph_;  ///< null: not begun
  Passes of_step_;
};

}  // namespace selfgrad

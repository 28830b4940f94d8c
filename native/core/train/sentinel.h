// Watches how well successive gradients of the same examples agree: the free sign of a step that is too long
// and of catastrophic overfitting.
#pragma once

#include <ATen/core/Tensor.h>

#include <optional>

#include "io/safetensors.h"
#include "train/strategy.h"

namespace selfgrad {

/// Agreement of an example is ⟨g', sign v⟩/‖g'‖₁ in -1 … 1, v the direction of the last step and g' the
/// gradient behind it (Proposition 3 of docs/theory.md). The sentinel follows its mean over the batch.
class Sentinel {
 public:
  Sentinel();

  /// Takes in the mean agreement of a step. Returns an alarm when the running mean has fallen below half of
  /// what it was at its best, behind the first 50 steps; then none before `kRemedySteps` have passed.
  std::optional<Alarm> update(double agreement);
  /// True while the remedy of the last alarm lasts.
  bool remedy() const;
  /// A factor for alpha: it grows while gradients agree (the loss still rises behind the step) and shrinks
  /// when they oppose each other, so that the step ends where the loss along it is largest. At most 4 either
  /// way.
  double step_factor() const;

  /// `sentinel`, shared.
  NamedTensors state() const { return {{"sentinel", state_}}; }

  static constexpr int64_t kRemedySteps = 50;

 private:
  at::Tensor state_;  // float64: running mean, best, updates, remedy steps left, log of the step factor
  double* values() const { return state_.mutable_data_ptr<double>(); }
};

}  // namespace selfgrad

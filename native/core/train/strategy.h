// A strategy decides what a network sees in a training step and what it remembers of it; one file each.
#pragma once

#include <ATen/core/Tensor.h>

#include <atomic>
#include <memory>
#include <vector>

#include "io/safetensors.h"
#include "nn/network.h"
#include "train/options.h"

namespace selfgrad {

/// What a strategy may look at and use in one step.
struct StepContext {
  Network& network;
  const TrainOptions& options;
  const at::Tensor& images;   ///< (N, C, H, W) float32 in [0, 1], augmented, channels-last
  const at::Tensor& labels;   ///< (N) int64
  const at::Tensor& indices;  ///< (N) int64: places in the training set
  const std::vector<Transform>& transforms;
  int64_t epoch;
  Passes& passes;
  const std::atomic<bool>& stop;

  /// @throws Cancelled when the run is asked to stop; called between attack steps.
  void check_stop() const;
  /// The key of this step's random start.
  DrawKey start_key() const;
};

struct StepOutput {
  at::Tensor loss;    ///< scalar with its graph: what the optimiser minimises
  at::Tensor logits;  ///< (N, K), detached, of the training forward
};

class Strategy {
 public:
  virtual ~Strategy() = default;
  /// Everything of a step but the backward of its loss. Must not change the strategy's state: a step that is
  /// cancelled is taken again from its start when the run resumes.
  virtual StepOutput step(StepContext& context) = 0;
  /// Called behind the backward and the optimiser's step, to remember what the step found.
  virtual void commit(StepContext& /*context*/) {}
  /// What a checkpoint must hold, shared.
  virtual NamedTensors state() const { return {}; }
};

/// By name. `count` and `shape` are the training set's. @throws Error("ERR_OPTION") for an unknown name.
std::unique_ptr<Strategy> make_strategy(const TrainOptions& options, int64_t count, const ImageShape& shape);

std::unique_ptr<Strategy> make_standard();
std::unique_ptr<Strategy> make_pgd_training();
std::unique_ptr<Strategy> make_fgsm_rs();
std::unique_ptr<Strategy> make_self_gradient(const TrainOptions& options, int64_t count,
                                             const ImageShape& shape);

/// Mean cross-entropy of the training forward at `x` with label smoothing: one forward and, to come, one
/// backward.
StepOutput training_forward(StepContext& context, const at::Tensor& x);

/// The gradient at `x` of the summed cross-entropy with respect to the image; weights get none. One forward
/// and one backward.
at::Tensor input_gradient(StepContext& context, const at::Tensor& x);

/// The images moved to a random point of the threat's ball, (N, C, H, W) in [0, 1]; the same in every run.
at::Tensor random_images(const StepContext& context);

/// One ascent step: `x` moved by alpha along the steepest direction of `gradient`, back into the threat's
/// ball around the clean images and into [0, 1].
at::Tensor ascend(const StepContext& context, const at::Tensor& x, const at::Tensor& gradient, double alpha);

/// While it lives, BatchNorm uses running statistics if the strategy attacks in evaluation mode.
class AttackModeGuard {
 public:
  explicit AttackModeGuard(StepContext& context);
  ~AttackModeGuard();
  AttackModeGuard(const AttackModeGuard&) = delete;
  AttackModeGuard& operator=(const AttackModeGuard&) = delete;

 private:
  StepContext& context_;
};

}  // namespace selfgrad

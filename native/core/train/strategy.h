// A strategy decides what a network sees in a training step and what it remembers of it; one file each.
#pragma once

#include <ATen/core/Tensor.h>

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "io/safetensors.h"
#include "nn/network.h"
#include "train/options.h"
#include "train/training_losses.h"

namespace selfgrad {

/// What a strategy may look at and use in one step.
struct StepContext {
  Network& network;
  const TrainOptions& options;
  const at::Tensor& images;   ///< (N, C, H, W) float32 in [0, 1], augmented, channels-last; this rank's
  const at::Tensor& labels;   ///< (N) int64
  const at::Tensor& indices;  ///< (N) int64: places in the training set
  const std::vector<Transform>& transforms;
  int64_t total;     ///< images of the step on all ranks
  BatchShare share;  ///< of this rank's N images in these
  int64_t epoch;
  Passes& passes;
  const std::atomic<bool>& stop;

  /// @throws Cancelled when the run is asked to stop; called between attack steps.
  void check_stop() const;
  /// The key of this step's random start.
  DrawKey start_key() const;
};

struct StepOutput {
  at::Tensor loss;    ///< scalar with its graph: this rank's part of what the optimiser minimises
  at::Tensor logits;  ///< (N, K), detached, of the perturbed images in the training forward
  at::Tensor labels;  ///< (N) of these logits
};

/// A sign of catastrophic overfitting that a strategy has noticed, and what it does about it.
struct Alarm {
  double agreement = 0;      ///< of successive gradients now, -1 … 1
  double usual = 0;          ///< what it was at its best
  int64_t remedy_steps = 0;  ///< steps for which the strategy spends further passes
};

/// Tensors of which each rank has its rows of `count`, shared.
struct SharedRows {
  int64_t count;
  NamedTensors tensors;
};

class Strategy {
 public:
  virtual ~Strategy() = default;
  /// The attack's passes: finds what the step trains on. Must not change what `state` holds: a step that is
  /// cancelled is taken again from its start when the run resumes.
  virtual void prepare(StepContext& /*context*/) {}
  /// The training forward on what `prepare` found. Called twice in a step when the weights are perturbed.
  virtual StepOutput loss(StepContext& context) = 0;
  /// Called behind the backward and the optimiser's step, to remember what the step found.
  virtual void commit(StepContext& /*context*/) {}
  /// What a checkpoint must hold, shared; the same on every rank.
  virtual NamedTensors state() const { return {}; }
  /// What it must hold of which each rank has its rows.
  virtual std::vector<SharedRows> rows() const { return {}; }
  /// These images of the training set are the next step's; called while a step is under way.
  virtual void will_need(const at::Tensor& /*indices*/) const {}
  /// How many images of the training set a step takes: fewer than it trains on when others are carried over.
  virtual int64_t images_per_step(int64_t batch_size) const { return batch_size; }
  /// Steps in a row that are taken on the same images.
  virtual int64_t replays() const { return 1; }
  /// An alarm raised by the last step.
  virtual std::optional<Alarm> alarm() const { return std::nullopt; }
};

/// By name. `count`, `shape` and `classes` are the training set's. @throws Error("ERR_OPTION") for an unknown
/// name.
std::unique_ptr<Strategy> make_strategy(const TrainOptions& options, int64_t count, const ImageShape& shape,
                                        int64_t classes);

std::unique_ptr<Strategy> make_standard();
std::unique_ptr<Strategy> make_pgd_training();
std::unique_ptr<Strategy> make_fgsm_rs();
std::unique_ptr<Strategy> make_n_fgsm();
std::unique_ptr<Strategy> make_free(const TrainOptions& options, const ImageShape& shape);
std::unique_ptr<Strategy> make_gradalign();
std::unique_ptr<Strategy> make_atta(const TrainOptions& options, int64_t count, const ImageShape& shape);
std::unique_ptr<Strategy> make_trades();
std::unique_ptr<Strategy> make_mart();
std::unique_ptr<Strategy> make_self_gradient(const TrainOptions& options, int64_t count,
                                             const ImageShape& shape, int64_t classes);

/// Where a strategy keeps what it remembers of each image, if in a file: beside the checkpoint, else the
/// system's folder for temporary files. '': in memory.
std::string memory_folder(const TrainOptions& options);

/// Logits (N, K) float32 of a forward, counted; where gradients are on, with the one backward it will have.
at::Tensor counted_forward(StepContext& context, const at::Tensor& x);
/// The same for an attack: no gradient reaches the weights, no tap sees it.
at::Tensor attacked_logits(StepContext& context, const at::Tensor& x);

/// Mean cross-entropy of the training forward at `x` with label smoothing and class weights: one forward and,
/// to come, one backward.
StepOutput training_forward(StepContext& context, const at::Tensor& x);

/// The training forwards at the images and then at `x`, under a loss of both predictions with the strategy's
/// beta and label smoothing: two forwards and, to come, two backwards.
StepOutput paired_forward(StepContext& context, const at::Tensor& x, PairedLoss* loss);

/// A scalar of the logits (N, K).
using AttackedLoss = std::function<at::Tensor(const at::Tensor& logits)>;

/// The gradient at `x` of a loss with respect to the image; weights get none. One forward and one backward.
/// `loss` defaults to the summed cross-entropy.
at::Tensor input_gradient(StepContext& context, const at::Tensor& x, const AttackedLoss& loss = {});

/// Noise for the start of an attack: a random point of the ball of `share` of the threat's eps, around zero.
/// (N, C, H, W) on the images' device; the same in every run.
at::Tensor start_noise(const StepContext& context, double share = 1.0);

/// The images moved to a random point of the threat's ball, (N, C, H, W) in [0, 1]; the same in every run.
at::Tensor random_images(const StepContext& context);

/// The images moved by 0.001 of a standard normal draw, and into the threat: away from the point where a
/// divergence from the image has no gradient. The same in every run.
at::Tensor near_images(const StepContext& context);

/// One ascent step: `x` moved by alpha along the steepest direction of `gradient`, back into the threat's
/// ball around the clean images and into [0, 1].
at::Tensor ascend(const StepContext& context, const at::Tensor& x, const at::Tensor& gradient, double alpha);

/// The strategy's attack from `start`: `steps` steps of `ascend` by alpha, each along the gradient of `loss`
/// (as for input_gradient) at the point that it leaves. `steps` forwards and backwards.
at::Tensor attacked_images(StepContext& context, const at::Tensor& start, const AttackedLoss& loss = {});

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
